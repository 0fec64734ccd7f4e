"""The part of a run that replays records: it reads them by key at the source and decides about each like any other."""

from django.db import transaction

from hub import failpoint
from hub.sdk import ConfigError, Fault, Record
from hub.services.run import apply, commit, page
from hub.services.run.flow import Flow


def follow(flow: Flow) -> None:
    """Read the records this run is about, in pages; after a crash it goes on with the page that was not committed."""
    run = flow.run
    if not run.keys:
        return
    if not flow.source_offers.fetch_by_key:
        raise ConfigError(
            f"“{flow.mapping.source}” cannot read single records, so none can be replayed. Run the mapping in full."
        )
    keys, size = list(run.keys), flow.mapping.page_size
    while chunk := keys[run.pages * size : (run.pages + 1) * size]:
        _take(flow, chunk)


def _take(flow: Flow, keys: list[str]) -> None:
    found, broken = flow.fetch_each(keys)
    failpoint.reach("replay.read")
    records = [found.get(key) or Record(key, {}, deleted=True) for key in keys if key not in broken]
    faults = [Fault(key, "It cannot be read at the source now.", key) for key in keys if key in broken]
    sorted_ = page.sort(flow, records, faults)
    apply.apply(flow, sorted_)
    with transaction.atomic():
        flow.lane.hold()
        commit.account(flow, sorted_)
        flow.run.pages += 1
        flow.run.save(update_fields=["pages"])
        failpoint.reach("replay.before_commit")
    failpoint.reach("replay.committed")
