"""Lists of facts: newest first, paged by key so that the millionth row opens as fast as the first, never counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

from django.contrib.admin.views.main import PAGE_VAR
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.views import ChangeList

from hub.models import Mapping
from hub.services import access

HIGHEST = "\U0010ffff"
MOST_CHOICES = 500
MOST_FOUND = 1000


@dataclass(frozen=True, slots=True)
class Chip:
    """One button above a list that narrows it: to rows whose field has one of these values. No values: all."""

    name: str
    label: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chips:
    """The buttons above a list. `field` is the column asked; the first chip is chosen when none is named."""

    field: str
    choices: tuple[Chip, ...]
    title: str = "State"

    def chosen(self, name: str | None) -> Chip:
        """The chip of this name, or the first."""
        return next((chip for chip in self.choices if chip.name == name), self.choices[0])


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, and where its neighbours begin (`older` and `newer` as values of the page parameter)."""

    rows: Sequence[Any]
    newer: str = ""
    older: str = ""


class Pager:
    """Stands where Django expects a paginator: names the template that links to the neighbours."""

    template_name = "admin/hub/story/pager.html"

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = len(page.rows)


def page_of(rows: QuerySet[Any], place: str, size: int, *, ascending: bool = False) -> Page:
    """The page that begins at `place`: “after-12” or “before-12”, in the order shown; anything else is the first.

    Rows are ordered by their key, falling unless `ascending`.
    """
    side, _, key = place.partition("-")
    key = key if key.isdecimal() and len(key) < 19 else ""
    if side == "before" and key:
        return _before(rows, int(key), size, ascending=ascending)
    beyond = {"pk__gt" if ascending else "pk__lt": int(key)} if side == "after" and key else {}
    found = list(rows.filter(**beyond).order_by("pk" if ascending else "-pk")[: size + 1])
    shown = found[:size]
    return Page(
        rows=shown,
        newer=f"before-{shown[0].pk}" if beyond and shown else "",
        older=f"after-{shown[-1].pk}" if len(found) > size else "",
    )


def _before(rows: QuerySet[Any], key: int, size: int, *, ascending: bool) -> Page:
    nearer = {"pk__lt" if ascending else "pk__gt": key}
    found = list(rows.filter(**nearer).order_by("-pk" if ascending else "pk")[: size + 1])
    shown = found[:size][::-1]
    if not shown:
        return page_of(rows, "", size, ascending=ascending)
    return Page(
        rows=shown,
        newer=f"before-{shown[0].pk}" if len(found) > size else "",
        older=f"after-{shown[-1].pk}",
    )


class KeysetList(ChangeList):
    """Django's list of rows, paged by key. The admin class may declare `chips` and `pins` (parameter to column)."""

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        self.title = str(self.opts.verbose_name_plural).capitalize()

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        return ["-pk"]

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        for name in ("state", *self.model_admin.pins):
            found.pop(name, None)
        return found

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        rows = rows.filter(**self._pinned())
        chips: Chips | None = self.model_admin.chips
        chosen = chips.chosen(self.params.get("state")) if chips else None
        if chips and chosen and chosen.values:
            rows = rows.filter(**{f"{chips.field}__in": chosen.values})
        return rows

    def get_results(self, request: HttpRequest) -> None:
        place, _, stamp = request.GET.get(PAGE_VAR, "").partition(".")
        page = page_of(self.queryset, place if stamp == self._stamp() else "", self.list_per_page)
        self.model_admin.prepare(request, page.rows)
        self.paginator = Pager(page)
        self.result_list = page.rows
        self.result_count = len(page.rows)
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = bool(page.rows)
        self.can_show_all = False
        self.multi_page = False  # no numbered pages: the pager has its own template

    def chip_links(self) -> list[dict[str, Any]]:
        """The chips as links; the first one's address carries no parameter."""
        chips: Chips | None = self.model_admin.chips
        if chips is None:
            return []
        chosen = chips.chosen(self.params.get("state"))
        default = chips.choices[0]
        return [
            {
                "label": chip.label,
                "url": self.get_query_string({"state": None if chip is default else chip.name}),
                "is_chosen": chip is chosen,
            }
            for chip in chips.choices
        ]

    def pin_links(self) -> list[dict[str, str]]:
        """What the list is narrowed to by a link from elsewhere, each with the address without it."""
        return [
            {"label": f"{name} {self.params[name]}", "url": self.get_query_string({name: None})}
            for name in self.model_admin.pins
            if name in self.params
        ]

    def newer_url(self) -> str:
        """The address of the page above, or nothing."""
        return self._place_url(self.paginator.page.newer)

    def older_url(self) -> str:
        """The address of the page below, or nothing."""
        return self._place_url(self.paginator.page.older)

    def _place_url(self, place: str) -> str:
        return self.get_query_string({PAGE_VAR: f"{place}.{self._stamp()}"}) if place else ""

    def _stamp(self) -> str:
        """What the list is narrowed to, in short: a place belongs to one list and begins no other."""
        return f"{crc32(self.get_query_string().encode()):x}"

    def _pinned(self) -> dict[str, int]:
        """The conditions of links from elsewhere; a value that is no id matches nothing."""
        given = {column: self.params[name] for name, column in self.model_admin.pins.items() if name in self.params}
        return {column: int(value) if value.isdecimal() and len(value) < 19 else 0 for column, value in given.items()}


class KeysetMixin:
    """For admin classes whose list is paged by key."""

    chips: Chips | None = None
    pins: dict[str, str] = {}
    list_before_template = "admin/hub/story/chips.html"
    list_filter_submit = True

    class Media:
        css = {"all": ["hub/run.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetList]:
        return KeysetList

    def prepare(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Add to the rows of a page what its columns show beyond them; for subclasses."""

    def by_keys(self, request: HttpRequest, rows: QuerySet[Any], text: str, columns: Sequence[str]) -> QuerySet[Any]:
        """The rows of which one of these key columns begins with `text`; at most a thousand, all found by index.

        Keys are indexed within their mapping, so every mapping in sight is asked by its id.
        """
        if not text:
            return rows
        mappings = list(access.visible(request.user, "view", Mapping).values_list("pk", flat=True))
        condition = Q()
        for column in columns:
            condition |= begins_with(column, text)
        found = rows.model._default_manager.filter(condition, mapping__in=mappings)
        return rows.filter(pk__in=list(found.order_by().values_list("pk", flat=True)[:MOST_FOUND]))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what chips, pins and filters of the list offer may be asked."""
        filters = self.list_filter  # type: ignore[attr-defined]
        named = [entry[0] if isinstance(entry, tuple | list) else entry for entry in filters]
        own = [getattr(entry, "parameter_name", "") for entry in named if isinstance(entry, type)]
        fields = [f"{entry}__" for entry in named if isinstance(entry, str)]
        return lookup in own or lookup.startswith(tuple(fields))


def moment(at: datetime | None) -> SafeString:
    """A moment as the lists show it, in the hub's time zone; a dash for none."""
    if at is None:
        return SafeString("—")
    shown = date_format(localtime(at), "j M Y, H:i:s")
    return format_html('<time class="st-fixed" datetime="{}">{}</time>', at.isoformat(), shown)


def number(value: int) -> SafeString:
    """A count with thousands set apart; zero is shown quietly."""
    return format_html('<span class="st-fixed{}">{}</span>', "" if value else " st-zero", f"{value:,}")


def badge(word: str, tone: str) -> SafeString:
    """A coloured word: `tone` is ok, warn, bad, live or idle."""
    return format_html('<span class="hub-badge hub-tone-{}">{}</span>', tone, word)


class ScopedDropdown(RelatedDropdownFilter):
    """A filter by integration or mapping that offers only those the person may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The rows to choose from."""
        mappings = _mappings(request)
        if field.remote_field.model is Mapping:
            return [(str(row.pk), f"{row.integration} / {row}") for row in mappings]
        integrations = {row.integration_id: row.integration for row in mappings}
        return [(str(pk), str(row)) for pk, row in integrations.items()]


def _mappings(request: HttpRequest) -> list[Mapping]:
    """The mappings in sight with their integrations: read once, though two filters of a list offer them."""
    if not hasattr(request, "hub_mappings"):
        rows = access.visible(request.user, "view", Mapping).select_related("integration")
        found = list(rows.order_by("integration__title", "position", "name")[:MOST_CHOICES])
        request.hub_mappings = found  # type: ignore[attr-defined]
    return request.hub_mappings  # type: ignore[attr-defined,no-any-return]


def begins_with(column: str, text: str) -> Q:
    """The condition that `column` begins with `text`, in the form that this database's index can answer."""
    if connection.vendor == "sqlite":
        return Q(**{f"{column}__gte": text, f"{column}__lt": text + HIGHEST})
    return Q(**{f"{column}__startswith": text})
