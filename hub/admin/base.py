"""What every page of the desk obeys: one policy, cheap lists, actions that ask first, pages made to be read."""

from typing import Any, ClassVar, Generic

from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.forms import ModelChoiceField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin

from hub.admin import trail, written
from hub.admin.deed import Deed, DeedPages, Offer, ReasonForm, Row
from hub.admin.history import HistoryPage
from hub.admin.listing import CappedPaginator, ScopedFilter
from hub.admin.meanwhile import Watchful, held
from hub.models import User
from hub.services import access, audit

VALUES = "_values_for_evidence"
__all__ = ["Deed", "FactAdmin", "HubAdmin", "Offer", "ReasonForm", "ScopedFilter"]


class HubAdmin(DeedPages[Row], HistoryPage, ModelAdmin, Generic[Row]):
    """The base of every admin class. Declare columns, filters, `deeds` and, for a page to read, `page_template`.

    With `page_template` the address of a row shows that page (its context comes from `page`) and the form stands
    at …/edit/. `history_fields` are the fields whose history may be read.
    """

    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = CappedPaginator
    sortable_by: ClassVar[Any] = ()
    view_on_site = False
    list_fullwidth = True
    warn_unsaved_form = True
    change_form_before_template = "admin/hub/shown.html"

    page_template = ""

    # --- permissions: services.access decides ---------------------------------------------------------

    def may(self, request: HttpRequest, action: str, row: Any = None) -> bool:
        """Whether the person may do `action` to this row, given as a row or its id; without one, to any."""
        if isinstance(row, str | int):
            row = self.get_queryset(request).filter(pk=row).first()
            if row is None:
                return False
        return access.can(request.user, action, self.model if row is None else row).allowed

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "view")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "view", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "delete", obj)

    # --- queries: only what may be seen ---------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        """The rows this person may see."""
        rows: QuerySet[Row] = access.visible(request.user, "view", self.model)
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Row:
        """The row of this id. Out of sight and absent answer alike: 404."""
        found: Row | None = super().get_object(request, object_id)
        if found is None:
            raise Http404(f"There is no such {self.opts.verbose_name}, or you may not see it.")
        return found

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the filters of the list offer may be asked."""
        named = [entry[0] if isinstance(entry, tuple | list) else entry for entry in self.list_filter]
        return any(lookup == name or lookup.startswith(f"{name}__") for name in named if isinstance(name, str))

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Never: there are no pop-ups."""
        return False

    # --- forms: relations offer what may be chosen ----------------------------------------------------

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs.setdefault("queryset", access.visible(request.user, "use", db_field.remote_field.model))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, ModelChoiceField) and hasattr(field.widget, "widget"):
            field.widget = field.widget.widget  # without the buttons that open pop-ups
        return field

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  Django's
        """A form that changes a row also watches what others do to it."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (Watchful, form), {}) if change else form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Save, and take it back when the row as saved is beyond this person's rights."""
        super().save_model(request, obj, form, change)
        if not access.visible(request.user, "change", self.model).filter(pk=obj.pk).exists():
            raise PermissionDenied("As saved, this row would be beyond your rights. Nothing was saved.")

    def construct_change_message(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        add: bool = False,  # noqa: FBT001, FBT002  Django's
    ) -> Any:
        """Django's, and the values themselves for the audit trail."""
        setattr(request, VALUES, written.values(form))
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, "add", obj)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, "change", obj, {"fields": written.fields(message)})

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            self._record(request, "delete", row)

    def _record(self, request: HttpRequest, deed: str, row: Any, detail: dict[str, Any] | None = None) -> None:
        before, after = getattr(request, VALUES, ({}, {}))
        audit.record(
            actor=self.person(request), action=f"{row._meta.model_name}.{deed}", subject=row,
            detail=detail, before=before if deed == "change" else {}, after=after if deed != "delete" else {},
        )  # fmt: skip

    @staticmethod
    def person(request: HttpRequest) -> User:
        """The signed-in person."""
        if not isinstance(request.user, User):
            raise PermissionDenied
        return request.user

    # --- addresses ------------------------------------------------------------------------------------

    def address(self, page: str, row: models.Model | None = None) -> str:
        """The address of a page of this admin: changelist, add, change, edit, history or delete."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=[row.pk] if row is not None else None)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/do/<slug:deed>/", wrap(self.deed_view), name=f"{name}_do"),
            path("<int:pk>/edit/", wrap(self.edit_view), name=f"{name}_edit"),
            *super().get_urls(),
        ]

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        return self._after_saving(obj)

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        return self._after_saving(obj)

    def _after_saving(self, row: models.Model) -> HttpResponseRedirect:
        """On to the page of the row, when it has one; else back to the list."""
        to = self.address("change", row) if self.page_template else self.address("changelist")
        return HttpResponseRedirect(to)

    # --- the page of a row ----------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page to read, when there is one; the form otherwise."""
        row = self.get_object(request, unquote(object_id))
        if not self.page_template:
            with held(request, row):
                form: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
                return form
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        context = {**self.page_context(request, row), **self.page(request, row), **(extra_context or {})}
        return TemplateResponse(request, self.page_template, context)

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form of a row, which nobody else writes while it is saved."""
        with held(request, self.held_for(self.get_object(request, str(pk)))):
            row = self.get_object(request, str(pk))
            if not self._has_form(request, row):
                raise PermissionDenied
            return self.edit_form(request, row)

    def held_for(self, row: Row) -> models.Model:
        """What is locked while the form of this row is saved: whatever the services lock that change it."""
        return row

    def edit_form(self, request: HttpRequest, row: Row) -> HttpResponse:
        """The form itself: Django's, unless a subclass has its own."""
        form: HttpResponse = self.changeform_view(request, str(row.pk))
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """A form has one way to be saved."""
        one_way = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**one_way, **(extra_context or {})})

    def page(self, request: HttpRequest, row: Row) -> dict[str, Any]:
        """What the page of a row shows beyond the frame; for subclasses."""
        return {}

    def page_context(self, request: HttpRequest, row: Row, title: str = "") -> dict[str, Any]:
        """What every page about a row needs: frame, title, buttons, and where form and history are."""
        return {
            **self.admin_site.each_context(request),
            "title": title or str(row),
            "has_own_title": True,
            "opts": self.opts,
            "original": row,
            "row": row,
            "offers": self.offers(request, row),
            "page_url": self.address("change", row),
            "edit_url": self.address("edit", row) if self._has_form(request, row) else "",
            "timeline_url": trail.link(request, row),
            "history_url": self.address("history", row) if self.history_fields else "",
            "delete_url": self.address("delete", row) if self.has_delete_permission(request, row) else "",
        }

    def _has_form(self, request: HttpRequest, row: Row) -> bool:
        return bool(self.page_template) and self.has_change_permission(request, row)


class FactAdmin(HubAdmin[Row]):
    """The base for what only the hub writes: nothing is added, changed or deleted by hand.

    `page_template` is the page of a row, by default a plain table of `page_fields`.
    """

    page_template = "admin/hub/fact.html"
    page_fields: tuple[str, ...] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def page(self, request: HttpRequest, row: Row) -> dict[str, Any]:
        """Each of `page_fields` with its name and value."""
        return {"facts": [self._fact(row, name) for name in self.page_fields]}

    def _fact(self, row: Row, name: str) -> tuple[str, Any]:
        field = self.opts.get_field(name)
        shown = getattr(row, f"get_{name}_display", None)
        label = str(getattr(field, "verbose_name", name))
        return label[:1].upper() + label[1:], shown() if shown else getattr(row, name)
