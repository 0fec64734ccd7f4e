"""The pages of mappings: from which stream to which, by which rules, in which versions."""

from typing import Any

from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from hub.admin.balance import segments
from hub.admin.base import Deed, HubAdmin, ScopedFilter
from hub.admin.integration import TOLD_AGAIN, RunForm
from hub.admin.mapping.rules import EMPTY, told
from hub.models import Mapping, Semantics, SyncRun, Trigger, VersionState
from hub.services import access
from hub.services import mapping as mappings
from hub.services import run as runs

VERSIONS_SHOWN = 20


class MappingForm(ModelForm[Mapping]):
    """Everything about a mapping but its rules."""

    class Meta:
        model = Mapping
        fields = (
            "integration", "title", "name", "position", "source", "source_stream", "destination",
            "destination_stream", "direction", "semantics", "read_mode", "delete_policy", "archive_fields",
            "back_delete_policy", "back_archive_fields", "page_size", "slices", "verify_after", "max_deletions",
            "max_deletion_share", "scope_field",
        )  # fmt: skip
        widgets = {
            "archive_fields": UnfoldAdminTextareaWidget({"rows": 3, "class": "hub-code-input"}),
            "back_archive_fields": UnfoldAdminTextareaWidget({"rows": 3, "class": "hub-code-input"}),
            "source_stream": UnfoldAdminTextInputWidget(),
            "destination_stream": UnfoldAdminTextInputWidget(),
        }
        help_texts = {
            "source_stream": "As the connection names it; its page lists what there is.",
            "destination_stream": "As the connection names it; its page lists what there is.",
            "page_size": "Records read at a time.",
        }


def _warning(mapping: Mapping) -> str:
    return TOLD_AGAIN if mapping.semantics == Semantics.TRANSITION else ""


@admin.register(Mapping)
class MappingAdmin(HubAdmin[Mapping]):
    """Mappings are configured here; their rules live in versions."""

    list_display = ("label", "integration", "source_end", "destination_end", "version")
    list_display_links = ("label",)
    list_select_related = ("integration", "source", "destination", "active_version")
    list_filter = (("integration", ScopedFilter),)
    search_fields = ("title", "name", "source_stream", "destination_stream")
    search_help_text = "Part of the title, name or stream"
    ordering = ("integration__title", "position", "name")

    form = MappingForm
    fieldsets = (
        (None, {"fields": ("integration", ("title", "name"), "position")}),
        ("From", {"fields": (("source", "source_stream"), "read_mode")}),
        ("To", {"fields": (("destination", "destination_stream"), "semantics")}),
        ("When a record is deleted at the source", {"fields": ("delete_policy", "archive_fields")}),
        (
            "Both ways",
            {
                "fields": ("direction", "back_delete_policy", "back_archive_fields"),
                "description": "A mapping that goes both ways needs “back” rules in its active version.",
            },
        ),
        ("Limits", {"fields": (("max_deletions", "max_deletion_share"), "page_size")}),
        ("Writing", {"fields": (("slices", "verify_after"),)}),
        ("Access", {"fields": ("scope_field",)}),
    )
    history_fields = (*MappingForm.Meta.fields, "active_version")
    page_template = "admin/hub/mapping/page.html"

    deeds = (
        Deed(
            "run_now", "Run now", "run", icon="play_arrow", tone="primary", form_class=RunForm, warning=_warning,
            text="This mapping alone runs once. Records that are already right are not written again.",
            shown=lambda row: row.active_version_id is not None,
        ),
        Deed(
            "preview", "Preview", "preview", icon="visibility", form_class=RunForm,
            text="Reads, maps and compares as a run does, and stops before anything is written.",
            shown=lambda row: row.active_version_id is not None,
        ),
        Deed("draft", "New version", "draft", icon="edit_note", asks=False),
    )  # fmt: skip

    # --- displays -------------------------------------------------------------------------------------

    @display(description="Mapping")
    def label(self, row: Mapping) -> str:
        """Its title."""
        return str(row)

    @display(description="From")
    def source_end(self, row: Mapping) -> str:
        """Where it reads."""
        return f"{row.source} / {row.source_stream}"

    @display(description="To")
    def destination_end(self, row: Mapping) -> str:
        """Where it writes."""
        return f"{row.destination} / {row.destination_stream}"

    @display(description="Version", label={"none active": "warning"})
    def version(self, row: Mapping) -> str:
        """Which version runs."""
        return f"v{row.active_version.number}" if row.active_version else "none active"

    # --- form -----------------------------------------------------------------------------------------

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A mapping is put into an integration that the person may change."""
        if db_field.name == "integration":
            kwargs["queryset"] = access.visible(request.user, "change", db_field.remote_field.model)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    # --- deeds ----------------------------------------------------------------------------------------

    def run_now(self, request: HttpRequest, row: Mapping, form: RunForm) -> HttpResponse:
        """Ask for a run and go to it."""
        return self._request(request, row, form, preview=False)

    def preview(self, request: HttpRequest, row: Mapping, form: RunForm) -> HttpResponse:
        """Ask for a preview and go to it."""
        return self._request(request, row, form, preview=True)

    def draft(self, request: HttpRequest, row: Mapping, form: Any) -> HttpResponse:
        """Open the draft; without one, begin it with the rules of the newest version."""
        version = row.versions.filter(state=VersionState.DRAFT).order_by("-number").first()
        if version is None:
            latest = row.active_version or row.versions.order_by("-number").first()
            body = latest.body if latest else EMPTY
            version = mappings.save_draft(mapping=row, body=body, by=self.person(request))
        return HttpResponseRedirect(reverse("admin:hub_mappingversion_edit", args=[version.pk]))

    def _request(self, request: HttpRequest, row: Mapping, form: RunForm, *, preview: bool) -> HttpResponse:
        run = runs.request(
            mapping=row, trigger=Trigger.PERSON, by=self.person(request), preview=preview, full=form.is_full
        )
        messages.success(request, "Asked for. It starts as soon as a worker is free.")
        return HttpResponseRedirect(reverse("admin:hub_syncrun_change", args=[run.pk]))

    # --- pages ----------------------------------------------------------------------------------------

    def page(self, request: HttpRequest, row: Mapping) -> dict[str, Any]:
        """Ends, rules in plain words, versions, and how the last run went."""
        latest = SyncRun.objects.filter(mapping=row).select_related("mapping").order_by("-id").first()
        return {
            "told": told(row.active_version.body) if row.active_version else None,
            "versions": row.versions.select_related("created_by", "activated_by").order_by("-number")[:VERSIONS_SHOWN],
            "deletion_percent": f"{float(row.max_deletion_share) * 100:g}",
            "latest": latest,
            "segments": segments(latest.balance) if latest else [],
        }
