"""What the first time a page was taken has made changes for already, when it comes again after a crash."""

from hub.engine import canonical
from hub.models import Change
from hub.sdk import Record
from hub.services.run.flow import Flow


def not_yet(flow: Flow, records: dict[str, Record]) -> dict[str, Record]:
    """Those of these that no change of the interrupted page was made for."""
    if not flow.is_resumed or not records:
        return records
    made = Change.objects.filter(run=flow.run, pk__gt=flow.run.accounted_to)
    if not flow.compiled.natural_key:
        made = made.filter(source_key__in=list(records))
    counted = set(made.values_list("source_key", "source_digest"))
    if not counted:
        return records
    return {key: record for key, record in records.items() if not _is_counted(flow, record, counted)}


def _is_counted(flow: Flow, record: Record, counted: set[tuple[str, str]]) -> bool:
    """Whether a change was made for this very state of the record, or for its removal."""
    if record.deleted:
        return (record.key, "") in counted
    digest = canonical.raw_digest(record.data, flow.salt)
    if flow.compiled.natural_key:  # the change bears another key than the record
        return any(digest == made for _, made in counted)
    return (record.key, digest) in counted
