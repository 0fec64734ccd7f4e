"""The pages of mapping versions: read, draft, try on real records, activate."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from hub.admin.base import Deed, HubAdmin, ScopedFilter
from hub.admin.mapping.rules import BodyForm, as_text, told
from hub.admin.mapping.trial import shown, summary
from hub.engine.mapping import MappingError
from hub.models import Mapping, MappingVersion, Semantics, VersionState
from hub.sdk import HubError
from hub.services import errand, payload, trial
from hub.services import mapping as mappings

SAMPLES = ("5", "10", "25", "50")


class SampleForm(forms.Form):
    """How many records to try."""

    limit = forms.TypedChoiceField(
        label="Records", choices=[(number, number) for number in SAMPLES], initial="10", coerce=int
    )


NEXT_RUN = {
    Semantics.STATE: "The next run reads every record.",
    Semantics.FACT: "The next run reads every record; what was appended stays as it is.",
    Semantics.TRANSITION: "It holds for the steps that come; those taken already are not told again. To have every "
    "record read again all the same, run the mapping with “Everything”; its page says what that does.",
}


def _activation(version: MappingVersion) -> str:
    active = version.mapping.active_version
    instead = f" instead of version {active.number}" if active else ""
    return f"From now on runs use version {version.number}{instead}. {NEXT_RUN[Semantics(version.mapping.semantics)]}"


@admin.register(MappingVersion)
class MappingVersionAdmin(HubAdmin[MappingVersion]):
    """Versions are begun on the mapping's page. A draft may change; a version that was in use may not."""

    list_display = ("__str__", "state", "note", "created_by", "created_at")
    list_select_related = ("mapping", "created_by")
    list_filter = (("mapping", ScopedFilter), "state")
    page_template = "admin/hub/mappingversion/page.html"
    history_fields = ("number", "state", "note", "digest", "activated_at", "activated_by")
    deeds = (
        Deed("try_out", "Try on real records", "preview", icon="science", asks=False),
        Deed(
            "activate", "Activate", "activate", icon="rocket_launch", tone="primary", text=_activation,
            shown=lambda row: row.state != VersionState.ACTIVE,
        ),
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A version is begun on its mapping's page, with the rules of the one before."""
        return False

    # --- deeds ----------------------------------------------------------------------------------------

    def deed_form(self, deed: Deed, row: MappingVersion, data: Any) -> forms.Form:
        """To try out, a number of records may be given."""
        if deed.name != "try_out":
            return super().deed_form(deed, row, data)
        return SampleForm(data if data is None or "limit" in data else {"limit": "10"})

    def try_out(self, request: HttpRequest, row: MappingVersion, form: SampleForm) -> HttpResponse:
        """Read samples from the source, now, and show what the rules make of them. Nothing is written."""
        context = self.page_context(request, row, f"{row} on real records")
        try:
            trials = trial.on_samples(version=row, limit=form.cleaned_data["limit"])
            lens = payload.lens_on_draft(request.user, row)
            payload.seen(by=self.person(request), row=row, right=lens.right if trials else "")
            context |= {"trials": [shown(one, lens) for one in trials], "summary": summary(trials)}
            context["hidden"] = lens.notice
        except HubError as error:
            context["problem"] = str(error)
        context["sample_form"], context["deed_url"] = form, request.path
        return TemplateResponse(request, "admin/hub/mappingversion/trial.html", context)

    def activate(self, request: HttpRequest, row: MappingVersion, form: Any) -> HttpResponse:
        """Let runs use it."""
        errand.activate(version=row, by=self.person(request))
        messages.success(request, f"Version {row.number} is active. Preview or run the mapping to see what it changes.")
        return HttpResponseRedirect(self.mapping_url(row))

    # --- pages ----------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("mapping__integration", "mapping__source")

    @staticmethod
    def mapping_url(row: MappingVersion) -> str:
        """The page of the mapping."""
        return reverse("admin:hub_mapping_change", args=[row.mapping_id])

    def page(self, request: HttpRequest, row: MappingVersion) -> dict[str, Any]:
        """The rules in plain words and as they are written."""
        return {"told": told(row.body), "text": as_text(row.body), "mapping_url": self.mapping_url(row)}

    def held_for(self, row: MappingVersion) -> Mapping:
        """Its mapping: whoever drafts or activates a version locks that first."""
        return row.mapping

    def edit_form(self, request: HttpRequest, row: MappingVersion) -> HttpResponse:
        """The rules of a draft as text: checked without being saved, or saved."""
        newest = row.mapping.versions.filter(state=VersionState.DRAFT).order_by("-number").first()
        if newest != row:
            return HttpResponseRedirect(self.address("edit", newest))
        given = request.POST if request.method == "POST" else None
        form = BodyForm(given, version=row)
        if form.is_valid() and "save" in request.POST and self._saved(request, row, form):
            return HttpResponseRedirect(self.address("change", row))
        context = {
            **self.page_context(request, row, f"Edit {row}"),
            "offers": [],
            "edit_url": "",
            "form": form,
            "told": told(form.cleaned_data["body"] if form.is_bound and form.is_valid() else row.body),
            "is_checked": form.is_bound and form.is_valid(),
        }
        return TemplateResponse(request, "admin/hub/mappingversion/edit.html", context)

    def _saved(self, request: HttpRequest, row: MappingVersion, form: BodyForm) -> bool:
        """Whether the draft could be saved; otherwise its findings are shown."""
        given = form.cleaned_data
        try:
            mappings.save_draft(mapping=row.mapping, body=given["body"], by=self.person(request), note=given["note"])
        except MappingError:
            return False
        messages.success(request, "The draft is saved. Try it on real records before you activate it.")
        return True
