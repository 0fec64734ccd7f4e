"""Turns a manifest's JSON into its types, and refuses one that would lose or repeat records."""

from collections.abc import Mapping
from typing import Any

from connectors.rest.manifest import (
    SUCCESS,
    BatchPlan,
    Deleted,
    Incremental,
    Item,
    Listing,
    Manifest,
    Many,
    Override,
    Pagination,
    Precondition,
    Quota,
    Reference,
    Search,
    StreamPlan,
    Version,
    Write,
)
from connectors.rest.shape import Node
from connectors.rest.template import Pointer, path_of
from hub.sdk import ConfigError, CursorKind, Key, SignalClass, StreamField

MESSAGES = ("message", "error.message", "error_description", "detail", "title", "error", "errors")
KINDS = ("none", "page", "offset", "cursor", "link", "keyset")
FIELD_KINDS = ("string", "integer", "number", "decimal", "boolean", "date", "datetime", "object", "array")
OVERLAP = 300  # seconds; for timestamps whose granularity and lateness nobody stated


def parse(raw: Any) -> Manifest:
    """The manifest as types. Raises ConfigError that names every wrong place, what stands there and the cure."""
    problems: list[str] = []
    holder = Node({"manifest": raw}, "", problems)
    manifest = holder.part("manifest", _manifest)
    if problems or manifest is None:
        raise ConfigError("The manifest cannot be used. " + " ".join(problems))
    return manifest


def _manifest(node: Node) -> Manifest:
    streams = node.parts("streams", _stream)
    if not streams and "streams" in node:
        node.problem("streams", 'is empty. Describe at least one stream: {"customers": {…}}.')
    messages = node.texts("messages", ["error.message"], MESSAGES)
    return Manifest(
        check=node.text("check", "/me", ""),
        headers=_headers(node),
        messages=tuple(path_of(text) for text in messages),
        parallel=max(1, min(32, node.whole("parallel", 8, 1))),
        batch=node.part("batch", lambda part: BatchPlan(part.text("path", "/batch"), part.whole("max_items", 25, 25))),
        streams=streams,
        classes=tuple(node.parts("classes", _override).values()) if "classes" in node else (),
        quota=node.part("quota", _quota),
    )


def _override(node: Node, name: str) -> Override:
    override = Override(
        code=name[:40],
        statuses=node.statuses("status"),
        at=path_of(node.text("at", "error.code", "")),
        equals=node.texts("equals", ["RATE_LIMITED"], ()),
        means=SignalClass(node.choice("means", [kind.value for kind in SignalClass])),
    )
    if not override.statuses:
        node.problem("status", "names no status. Write for example [403].")
    return override


def _quota(node: Node) -> Quota:
    return Quota(
        node.text("remaining", "X-RateLimit-Remaining"),
        node.text("reset", "X-RateLimit-Reset", ""),
    )


def _stream(node: Node, name: str) -> StreamPlan:
    key = node.texts("key", "id", "id")
    plan = StreamPlan(
        name=name,
        label=node.text("label", "Customers", name),
        key=key,
        version=node.part("version", _version) or Version(),
        deleted=node.part("deleted", _deleted),
        listing=node.part("list", lambda part: _listing(part, key)),
        item=node.part("item", _item),
        create=node.part("create", lambda part: _write(part, "POST", {})),
        update=node.part("update", lambda part: _write(part, "PATCH", {"missing": (404, 410)})),
        delete=node.part("delete", lambda part: _write(part, "DELETE", {"missing": (404, 410)})),
        reference=node.part("external_id", _reference),
        landing=node.whole("landing", 60, None),
        fields=tuple(node.parts("fields", _field).values()) if "fields" in node else (),
    )
    _check_stream(node, plan)
    return plan


def _check_stream(node: Node, plan: StreamPlan) -> None:
    """Refuse what would fail for every record."""
    if not any((plan.listing, plan.create, plan.update, plan.delete)):
        node.problem("list", "is missing, and so is every write. Describe what this stream can do.")
    versioned = bool(plan.version.field or plan.version.header)
    for name, write in (("update", plan.update), ("delete", plan.delete)):
        if write and write.if_match and not versioned:
            node.problem(f"{name}.if_match", "needs a version. Say where it stands, as in “version”: {“field”: …}.")
        if write and not any(f"{{{hole}}}" in write.path for hole in ("key", *plan.key)):
            node.problem(f"{name}.path", "does not name the record. Put {key} where its key belongs.")
    if plan.listing and plan.listing.incremental is None and plan.deleted and plan.listing.pagination.kind == "keyset":
        node.problem("deleted", "needs an incremental list: tombstones come only with changes. Add “incremental”.")


def _field(node: Node, name: str) -> StreamField:
    kind = node.choice("kind", FIELD_KINDS, "string")
    return StreamField(name, kind, node.flag("required"), node.text("help", "What it means.", ""))


def _version(node: Node) -> Version:
    if "header" in node:
        return Version(header=node.text("header", "ETag"))
    return Version(field=node.text("field", "updated_at"))


def _deleted(node: Node) -> Deleted:
    return Deleted(node.text("field", "deleted"), node.anything("value", default=True))


def _listing(node: Node, key: tuple[str, ...]) -> Listing:
    listing = Listing(
        path=node.text("path", "/customers"),
        records=path_of(node.text("records", "data", "")),
        params=node.table("params", {"sort": "id"}),
        pagination=node.part("pagination", _pagination) or Pagination(),
        incremental=node.part("incremental", _incremental),
    )
    _check_listing(node, listing, key)
    return listing


def _check_listing(node: Node, listing: Listing, key: tuple[str, ...]) -> None:
    """Refuse ways of paging that lose records whenever two of them share a value."""
    pages, changes = listing.pagination, listing.incremental
    sequence = changes.field if changes and changes.kind is CursorKind.SEQUENCE else ""
    if pages.kind == "keyset" and pages.field not in {*key, sequence}:
        cure = "Use the key, or the field of an incremental list of kind sequence; a time has ties."
        node.problem("pagination.field", f"must be unique, {pages.field} may not be. {cure}")
    if sequence and (pages.kind != "keyset" or pages.field != sequence):
        cure = f'Use "pagination": {{"kind": "keyset", "param": …, "field": "{sequence}"}}.'
        node.problem("pagination", f"must follow the sequence, or changes during a read are lost. {cure}")


def _pagination(node: Node) -> Pagination:
    kind = node.choice("kind", KINDS)
    by_number = kind in {"page", "offset"}
    usual = {"page": "page", "offset": "offset", "none": "", "link": ""}
    return Pagination(
        kind=kind,
        param=node.text("param", "after", usual[kind]) if kind in usual else node.text("param", "after"),
        start=node.whole("start", 1, 1 if kind == "page" else 0),
        size_param=node.text("size_param", "limit", ""),
        size_max=max(1, node.whole("size_max", 100, 1000)),
        next=_next(node, kind),
        more=Pointer(node.text("more", "has_more")) if "more" in node else None,
        field=node.text("field", "id") if kind == "keyset" else "",
        stop=node.choice("stop", ("short", "empty"), "empty"),
        stable=node.flag("stable", default=not by_number and kind != "link"),
    )


def _next(node: Node, kind: str) -> Pointer | None:
    if kind == "link":
        return Pointer(node.text("next", "links.next", "link:next"))
    return Pointer(node.text("next", "meta.next_cursor")) if kind == "cursor" else None


def _incremental(node: Node) -> Incremental:
    kind = CursorKind(node.choice("kind", ("sequence", "timestamp")))
    timed = kind is CursorKind.TIMESTAMP
    return Incremental(
        kind=kind,
        param=node.text("param", "updated_since"),
        field=node.text("field", "updated_at"),
        overlap=node.whole("overlap", OVERLAP, OVERLAP) if timed else 0,
        unit=node.choice("unit", ("seconds", "milliseconds", "iso"), "iso") if timed else "",
        params=node.table("params", {"sort": "updated_at"}),
        watermark=Pointer(node.text("watermark", "meta.latest_date_covered")) if "watermark" in node else None,
    )


def _item(node: Node) -> Item:
    path = node.text("path", "/customers/{key}")
    return Item(path, path_of(node.text("record", "data", "")), node.part("many", _many))


def _many(node: Node) -> Many:
    return Many(node.text("param", "ids"), node.text("separator", ",", ","), max(1, node.whole("max", 100, 100)))


def _write(node: Node, method: str, usual: Mapping[str, tuple[int, ...]]) -> Write:
    method = node.choice("method", ("PUT", "PATCH", "DELETE", "POST"), method)
    return Write(
        method=method,
        path=node.text("path", "/customers/{key}"),
        body=node.anything("body", default=None if method == "DELETE" else "$record"),
        record=path_of(node.text("record", "data", "")),
        current=path_of(node.text("current", "details.existing", "")),
        headers=_headers(node),
        key_from=Pointer(node.text("key_from", "header:Location")) if "key_from" in node else None,
        if_match=node.part("if_match", _precondition),
        if_none_match=node.flag("if_none_match"),
        idempotency=node.part("idempotency", _idempotency),
        success=node.statuses("success", tuple(SUCCESS)),
        accepted=node.statuses("accepted", (202,)),
        exists=node.statuses("exists", (409,) if method != "DELETE" and not usual else ()),
        conflict=node.statuses("conflict", (412, 428)),
        missing=node.statuses("missing", usual.get("missing", ())),
        refused=node.statuses("refused"),
        retry=node.statuses("retry", (423,)),
        errors=path_of(node.text("errors", "errors", "")),
    )


def _headers(node: Node) -> dict[str, str]:
    return {name: str(value) for name, value in node.table("headers", {"X-Version": "2"}).items()}


def _precondition(node: Node) -> Precondition:
    if "field" in node:
        return Precondition(field=node.text("field", "lock_version"))
    return Precondition(node.text("header", "If-Match", "If-Match"), node.text("format", '"{version}"', "{version}"))


def _idempotency(node: Node) -> Key:
    return Key(
        header=node.text("header", "Idempotency-Key", "Idempotency-Key"),
        ttl=node.whole("ttl", 86_400, 86_400),
        stores_errors=node.flag("stores_errors"),
        max_length=node.whole("max_length", 255, 255),
    )


def _reference(node: Node) -> Reference:
    search = node.part("search", _search)
    return Reference(node.text("field", "hub_reference"), node.flag("unique", default=False), search)


def _search(node: Node) -> Search:
    search = Search(
        path=node.text("path", "/customers"),
        params=node.table("params", {"reference": "{external_id}"}),
        records=path_of(node.text("records", "data", "")),
        exact=node.flag("exact", default=True),
        lag=node.whole("lag", 0, 0),
    )
    if "{external_id}" not in f"{search.path}{search.params}":
        node.problem("params", 'does not say what to search. Write for example {"reference": "{external_id}"}.')
    return search
