"""Facts under their natural keys. A fact keeps the key it was first met under, whatever a later version makes of it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from hub.engine import canonical
from hub.engine import fact as engine
from hub.engine.mapping import Compiled, Excluded, Mapped, MappingError, Rejected, compile_mapping
from hub.models import Change, ExceptionKind, KnownLink, Link, LinkState, MappingVersion, VersionState
from hub.sdk import Record
from hub.sdk.record import Json
from hub.services.run import fact, waiting
from hub.services.run.flow import Flow
from hub.services.run.piles import OpenChanges, Sorted
from hub.services.run.raised import Raised

Result = Mapped | Excluded | Rejected | None
Facts = list[tuple[Record, Result]]


def facts(
    flow: Flow, mapped: Sequence[tuple[Record, Result]], links: dict[str, KnownLink], into: tuple[Sorted, OpenChanges]
) -> tuple[Facts, dict[str, KnownLink], OpenChanges]:
    """Records, links and open changes under the keys of facts; notes which of them read as when they were appended."""
    found, open_changes = into
    named = _named(flow, mapped, found)
    if found.origins:
        links, open_changes = _known(flow, named, found)
    if first_met := _first_met(flow, named, links, found):
        named = [(replace(record, key=first_met.get(record.key, record.key)), result) for record, result in named]
        links, open_changes = _known(flow, named, found)
    found.facts |= fact.queued(open_changes)
    found.appended |= {record.key for record, _ in named if _reads_as_appended(flow, record, links.get(record.key))}
    return named, links, open_changes


def _named(flow: Flow, mapped: Sequence[tuple[Record, Result]], found: Sorted) -> Facts:
    """These under their natural keys, when the mapping names fields for one; else under the record's own key."""
    if not flow.compiled.natural_key:
        return list(mapped)
    kept: Facts = []
    for record, result in mapped:
        if not isinstance(result, Mapped):
            kept.append((record, result))
            continue
        try:
            key = engine.natural_key(result.image, flow.compiled.natural_key)
        except engine.KeyMissingError as error:
            found.raised.append(Raised(ExceptionKind.INVALID, record.key, str(error), error.field, "natural-key"))
            continue
        found.origins[key] = record.key
        kept.append((replace(record, key=key), result))
    return kept


def _known(flow: Flow, named: Facts, found: Sorted) -> tuple[dict[str, KnownLink], OpenChanges]:
    keys = [record.key for record, _ in named]
    open_changes = waiting.open_changes(flow, keys)
    links = Link.objects.for_page(flow.mapping.pk, keys)
    found.seen += [link.id for link in links.values()]
    return links, open_changes


def _first_met(flow: Flow, named: Facts, links: dict[str, KnownLink], found: Sorted) -> dict[str, str]:
    """The keys under which facts were met by earlier versions, by those they would have now.

    Only of those that read as they did then: what was a part of one fact may be meant as a fact of its own now.
    """
    new = [record for record, result in named if isinstance(result, Mapped) and record.key not in links]
    before: dict[str, list[str]] = {}
    for record in new:
        origin = replace(record, key=found.origins.get(record.key, record.key))
        before[record.key] = [key for key in _keys_before(flow, origin) if key != record.key]
    former = Link.objects.for_page(flow.mapping.pk, [key for keys in before.values() for key in keys])
    told = _told(flow, former)
    first_met: dict[str, str] = {}
    for record in new:
        digests = _digests(flow, record) if former else frozenset()
        for key in before[record.key]:
            if told.get(key) in digests:
                first_met[record.key] = key
                found.origins[key] = found.origins.get(record.key, record.key)
                break
    return first_met


def _keys_before(flow: Flow, record: Record) -> Iterator[str]:
    """The keys that earlier versions gave this fact, by rules for keys that are others now."""
    for compiled, has_other_keys in _former(flow):
        if not has_other_keys:
            continue
        if not compiled.natural_key:
            yield record.key
        elif isinstance(result := compiled.map_record(record), Mapped):
            with suppress(engine.KeyMissingError):
                yield engine.natural_key(result.image, compiled.natural_key)


def _told(flow: Flow, links: dict[str, KnownLink]) -> dict[str, str]:
    """What the source said of these facts when they were appended, or when it was last tried."""
    pending = [key for key, link in links.items() if link.state != LinkState.LINKED]
    changes = Change.objects.filter(mapping=flow.mapping, source_key__in=pending).order_by("id") if pending else ()
    tried = dict(changes.values_list("source_key", "source_digest")) if changes else {}
    return {key: link.source_digest for key, link in links.items()} | tried


def _reads_as_appended(flow: Flow, record: Record, link: KnownLink | None) -> bool:
    """Whether the source says of an appended fact what it said then, whatever version appended it."""
    if link is None or link.state != LinkState.LINKED or not _former(flow):
        return False
    return link.source_digest in _digests(flow, record)


def _digests(flow: Flow, record: Record) -> frozenset[str]:
    """The digests of what the source says, as every version has it."""
    salts = (flow.salt, *(compiled.digest.encode() for compiled, _ in _former(flow)))
    return frozenset(canonical.raw_digest(record.data, salt) for salt in salts)


def _former(flow: Flow) -> list[tuple[Compiled, bool]]:
    """The rules of every version that was in use before, and whether it made other keys."""
    if flow.former is None:
        flow.former = []
        others = MappingVersion.objects.filter(mapping=flow.mapping).exclude(state=VersionState.DRAFT)
        recipes = [_recipe(flow.run.version.body) if flow.run.version else None]
        for version in others.order_by("-number"):
            if version.pk == flow.run.version_id:
                continue
            recipe = _recipe(version.body)
            with suppress(MappingError):  # of rules that were fine once and are none any more nothing can be known
                flow.former.append((compile_mapping(version.body), recipe not in recipes))
                recipes.append(recipe)
    return flow.former


def _recipe(body: Json) -> Json:
    """All that a natural key depends on; None where the record's own key is used."""
    names = body.get("natural_key")
    if not names:
        return None
    fields = {name: body["fields"].get(name) for name in names}
    return {"names": names, "fields": fields, "value_maps": body.get("value_maps")}
