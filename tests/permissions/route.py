"""Every address of the hub, found from the resolver and the registry of the admin; nothing is listed by hand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from hub.admin.base import HubAdmin

OF_A_ROW = ("change", "edit", "history", "delete")


@dataclass(frozen=True, slots=True)
class Route:
    """An address: its name in the table, and how it is made for a row."""

    name: str
    url_name: str
    model: type[Model] | None = None
    more: tuple[str, ...] = ()
    is_of_row: bool = False

    def address(self, pk: Any = None) -> str:
        return reverse(f"admin:{self.url_name}", args=[*([pk] if self.is_of_row else []), *self.more])


def all_names() -> set[str]:
    """The names of all patterns of the resolver."""
    return set(_names(get_resolver().url_patterns))


def routes() -> list[Route]:
    """The addresses of all admin classes, each deed an address of its own."""
    return [route for model, one in sorted(_registered(), key=_named) for route in _of(model, one)]


def _named(entry: tuple[type[Model], Any]) -> str:
    return entry[0].__name__


def _registered() -> list[tuple[type[Model], HubAdmin[Any]]]:
    return list(admin.site._registry.items())  # type: ignore[arg-type]


def _of(model: type[Model], one: HubAdmin[Any]) -> Iterator[Route]:
    stem = f"{model._meta.app_label}_{model._meta.model_name}"
    for pattern in one.get_urls():
        name = pattern.name or ""
        if not name or name == f"{stem}_do":
            continue
        is_of_row = (
            "object_id" in str(pattern.pattern) or "pk" in str(pattern.pattern) or "<id>" in str(pattern.pattern)
        )
        short = name.removeprefix(f"{stem}_").removeprefix("auth_user_").removeprefix("hub_integration_")
        yield Route(f"{model.__name__} {short}", name, model, (), is_of_row)
    for deed in one.deeds:
        yield Route(f"{model.__name__} do {deed.name}", f"{stem}_do", model, (deed.name,), is_of_row=True)


def _names(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _names(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else prefix)
        else:
            yield f"{prefix}{pattern.name or pattern.pattern}"
