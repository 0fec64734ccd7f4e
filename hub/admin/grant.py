"""Who has access: the rights of groups on single integrations and credentials, given and taken with a reason."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from hub.admin.base import Deed, FactAdmin, HubAdmin, ReasonForm
from hub.admin.deed import Row
from hub.admin.keyset import moment
from hub.admin.lines import LinesField
from hub.models import CredentialGrant, Grant, IntegrationGrant
from hub.services import grant as grants


class GiveForm(ReasonForm):
    """Asks which group, and what its members may do."""

    field_order = ("group", "right", "scopes", "reason")
    group = forms.ModelChoiceField(
        Group.objects.order_by("name"), widget=UnfoldAdminSelectWidget,
        help_text="All its members get the right, as far as their roles go. Make a group for a team under “Roles”.",
    )  # fmt: skip
    right = forms.ChoiceField(widget=UnfoldAdminSelectWidget, label="They may")

    def __init__(self, data: Any, subject: grants.Subject) -> None:
        super().__init__(data)
        choices = [(right.codename, right.label) for right in grants.rights_of(subject).values()]
        self.fields["right"].choices = choices  # type: ignore[attr-defined]
        if fields := grants.scope_fields(subject):
            self.fields["scopes"] = LinesField(
                required=False,
                label=f"Only where {' or '.join(fields)} is",
                widget=UnfoldAdminTextareaWidget({"rows": 2}),
                help_text="One value a line, written as the destination has it. The members then reach only exceptions "
                "of such records. Empty: all of them. Only for rights to see and to settle.",
            )
            self.order_fields(self.field_order)


GIVE = Deed(
    "give_access", "Give access", "grant", icon="group_add", proof=True,
    text="A right reaches as far as the roles of a member go: who is only a Viewer sees, whatever the right says.",
)  # fmt: skip


class AccessDeeds(HubAdmin[Row]):
    """For the pages of what rights are given on: who has access, and giving it."""

    def deed_form(self, deed: Deed, row: Any, data: Any) -> forms.Form:
        """Asks for the group and the right."""
        return GiveForm(data, row) if deed.name == GIVE.name else super().deed_form(deed, row, data)

    def give_access(self, request: HttpRequest, row: Any, form: GiveForm) -> str:
        """Give the right."""
        given = form.cleaned_data
        made = grants.give(
            subject=row, group=given["group"], right=given["right"], by=self.person(request), reason=given["reason"],
            scopes=given.get("scopes", ()),
        )  # fmt: skip
        return f"“{made.group}” may now {grants.said(made)}."

    def holders(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """For the page: everybody who reaches the row, and where a grant is taken away."""
        may_take = self.may(request, "grant", row)
        shown = [(one, _address(one.grant) if one.grant and may_take else "") for one in grants.holders(row)]
        return {"holders": shown}


class GrantAdmin(FactAdmin[Any]):
    """The rights of groups on single objects."""

    list_display = ("subject", "who", "allowed", "given", "given_by", "reason")
    list_display_links = ("subject",)
    list_select_related = ("group", "permission", "content_object")
    list_filter = ("group",)
    page_fields = ("content_object", "group", "permission", "given_at", "given_by", "reason")
    ordering = ("content_object", "group__name")
    deeds = (
        Deed(
            "take", "Take away", "grant", icon="group_remove", tone="danger", form_class=ReasonForm, bulk=True,
            proof=True,
            text="The members of the group lose this right at once. What they did stays in the audit trail.",
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("group", "permission", "content_object")

    @display(description="on")
    def subject(self, row: Grant) -> str:
        """What the right is about."""
        return str(row.content_object)

    @display(description="group")
    def who(self, row: Grant) -> str:
        """The group whose members have it."""
        return row.group.name

    @display(description="may")
    def allowed(self, row: Grant) -> str:
        """What they may do."""
        return grants.said(row)

    @display(description="since")
    def given(self, row: Grant) -> SafeString:
        """When it was given."""
        return moment(row.given_at)

    def take(self, request: HttpRequest, row: Grant, form: ReasonForm) -> HttpResponse:
        """Take the right away, and go to what it was about."""
        subject = row.content_object
        grants.take(grant=row, by=self.person(request), reason=form.cleaned_data["reason"])
        messages.success(request, f"“{row.group}” may no longer {grants.said(row)}.")
        return HttpResponseRedirect(reverse(f"admin:hub_{subject._meta.model_name}_change", args=[subject.pk]))


@admin.register(IntegrationGrant)
class IntegrationGrantAdmin(GrantAdmin):
    """Rights on integrations."""


@admin.register(CredentialGrant)
class CredentialGrantAdmin(GrantAdmin):
    """Rights on credentials."""


def _address(grant: Grant) -> str:
    """Where a grant is taken away."""
    return reverse(f"admin:hub_{grant._meta.model_name}_do", args=[grant.pk, "take"])
