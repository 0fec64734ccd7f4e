"""People and groups: who may sign in, and with which rights. Nobody gives a right they do not have."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from hub.admin import trail
from hub.admin.base import Deed, HubAdmin, ReasonForm
from hub.admin.meanwhile import held
from hub.admin.session import proof
from hub.models import User
from hub.services import access, audit, session
from hub.services import person as people

RIGHTS = ("is_active", "is_staff", "is_superuser", "groups")


class PersonForm(UserChangeForm):
    """A person, whose roles must not exclude each other."""

    def clean(self) -> dict[str, Any] | None:
        """Refuse roles of which one checks the other."""
        given: dict[str, Any] | None = super().clean()
        refused = people.exclusive([group.name for group in (given or {}).get("groups", ())])
        if refused:
            self.add_error("groups", refused)
        return given


@admin.register(User)
class PersonAdmin(proof.ProvenForms, HubAdmin[User], DjangoUserAdmin):  # type: ignore[type-arg]  # generic in its stubs only
    """People. Rights come from groups; rights of one person alone are not given here."""

    list_display = ("username", "full_name", "email", "roles", "is_active", "last_login")
    list_filter = ("is_active", "is_staff", "groups")
    search_fields = ("username__istartswith", "first_name__istartswith", "last_name__istartswith")
    search_help_text = "Name, from its beginning"
    ordering = ("username",)
    form = PersonForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        (
            "Rights",
            {
                "fields": RIGHTS,
                "description": "A person who has left is made inactive, never deleted: the audit trail names them.",
            },
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    change_form_outer_before_template = "admin/hub/user/deeds.html"
    deeds = (
        Deed(
            "end_sessions", "Sign out everywhere", "change", icon="logout", form_class=ReasonForm, proof=True,
            text="All sessions of this person end at once. They can sign in again as long as they are active.",
        ),
        Deed(
            "remove_factors", "Remove second factors", "change", icon="phonelink_erase", tone="danger", proof=True,
            form_class=ReasonForm, shown=session.has_factor,
            text="For somebody who lost them: the password alone lets them in again, until they set up new ones. "
            "Make sure that it is them who ask. All their sessions end.",
        ),
    )  # fmt: skip
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2", "is_staff")}),)

    # --- permissions ------------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Also, whoever changes a person gives others their roles, or has every right which that person has."""
        if not super().has_change_permission(request, obj):
            return False
        may_manage = not isinstance(obj, User) or people.may_manage(request.user, obj)
        return may_manage or (people.may_give_any_role(request.user) and not obj.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: people are made inactive."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Nobody changes their own rights, and only superusers make superusers."""
        fixed = tuple(super().get_readonly_fields(request, obj))
        if obj is not None and obj.pk == request.user.pk:
            return (*fixed, *RIGHTS)
        return fixed if request.user.is_superuser else (*fixed, "is_superuser")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the filters offer."""
        return HubAdmin.lookup_allowed(self, lookup, value, request)

    # --- forms --------------------------------------------------------------------------------------------

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only groups with no right beyond one's own are offered."""
        if db_field.name == "groups":
            kwargs["queryset"] = people.grantable_groups(request.user).order_by("name")
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """Save the groups and write down which were given and taken."""
        before = _names(form.instance)
        super().save_related(request, form, formsets, change)
        after = _names(form.instance)
        if before != after:
            audit.record(
                actor=self.person(request),
                action="user.change",
                subject=form.instance,
                detail={"groups": [before, after]},
            )

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """The form, without a link to a history that is not kept: the audit trail has it."""
        row = self.get_object(request, unquote(object_id)) if object_id else None
        context = {
            **(extra_context or {}),
            "show_history": False,
            "offers": self.offers(request, row) if row else [],
            "timeline_url": trail.link(request, row) if row else "",
        }
        return super().changeform_view(request, object_id, form_url, context)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Django's page, with the audit event in the same transaction. A password gives all the rights of its owner."""
        person = self.get_object(request, id)
        if not people.may_manage(request.user, person):
            raise PermissionDenied
        proof.ask(request)
        if missing := proof.missing(request):
            messages.error(request, missing)
            return HttpResponseRedirect(request.get_full_path())
        with held(request, person), transaction.atomic():
            answer: HttpResponse = super().user_change_password(request, id, form_url)
        return answer

    # --- deeds --------------------------------------------------------------------------------------------

    def end_sessions(self, request: HttpRequest, row: User, form: ReasonForm) -> str:
        """Sign the person out."""
        ended = session.end_all(person=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return f"Signed out of {ended} sessions."

    def remove_factors(self, request: HttpRequest, row: User, form: ReasonForm) -> str:
        """Take the second factors of somebody who lost them."""
        session.remove_factors(person=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return "Removed. Their next sign-in takes the password alone."

    # --- displays -------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.prefetch_related("groups")

    @display(description="name")
    def full_name(self, person: User) -> str:
        """First and last name."""
        return person.get_full_name() or "—"

    @display(description="roles")
    def roles(self, person: User) -> str:
        """The groups, and whether a superuser."""
        names = ["superuser"] if person.is_superuser else []
        return ", ".join([*names, *(group.name for group in person.groups.all())]) or "—"


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(proof.ProvenForms, HubAdmin[Group]):
    """Groups, which carry the rights. The built-in roles are remade at every migrate, so they are only looked at."""

    list_display = ("name", "origin", "size")
    ordering = ("name",)
    fields = ("name", "permissions")

    # --- permissions ------------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Also, whoever changes a group has every right that it carries."""
        return super().has_change_permission(request, obj) and self._is_theirs(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for changing."""
        return super().has_delete_permission(request, obj) and self._is_theirs(request, obj)

    def _is_theirs(self, request: HttpRequest, obj: Any) -> bool:
        if not isinstance(obj, Group):
            return True
        return obj.name not in access.ROLES and people.may_manage_group(request.user, obj)

    # --- forms ------------------------------------------------------------------------------------------

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only rights one has oneself are offered, and only those that mean something here."""
        kwargs["queryset"] = people.grantable_rights(request.user)
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if isinstance(field, ModelMultipleChoiceField):
            setattr(field, "label_from_instance", _said)  # noqa: B010  Django reads it from the instance
        return field

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """The form, without a link to a history that is not kept: the audit trail has it."""
        context = {**(extra_context or {}), "show_history": False}
        return super().changeform_view(request, object_id, form_url, context)

    # --- displays ---------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        rows: QuerySet[Group] = super().get_queryset(request)
        return rows.prefetch_related("permissions")

    @display(description="kind")
    def origin(self, group: Group) -> str:
        """Whether it came with the hub."""
        return "built-in role" if group.name in access.ROLES else "own group"

    @display(description="rights")
    def size(self, group: Group) -> int:
        """How many permissions it carries."""
        return len(group.permissions.all())


def _names(person: User) -> list[str]:
    return sorted(person.groups.values_list("name", flat=True))


def _said(permission: Permission) -> str:
    return permission.name
