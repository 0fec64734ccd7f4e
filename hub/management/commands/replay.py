"""Replays from the shell: prepare, look, start, stop."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime

from hub.management import actor
from hub.models import Mapping, Replay, ReplayVersion
from hub.services import access, replay


class Command(BaseCommand):
    """`manage.py replay INTEGRATION/MAPPING --reason … [filter] [--start]`, `manage.py replay --show N`."""

    help = "Read records again at the source and decide anew: those whose changes were refused, in conflict, written …"

    def add_arguments(self, parser: CommandParser) -> None:
        """What to replay, or which replay to stop."""
        parser.add_argument("mapping", nargs="?", metavar="INTEGRATION/MAPPING")
        parser.add_argument("--state", action="append", default=[], choices=sorted(replay.KINDS))
        parser.add_argument("--code", default="", help="Only changes with this error code.")
        parser.add_argument("--key", action="append", default=[], help="Only this record; may be given again.")
        parser.add_argument("--run", type=int, help="Only changes of this run.")
        parser.add_argument("--since", type=_moment, help="Of runs asked for from then on, with a zone.")
        parser.add_argument("--until", type=_moment, help="Of runs asked for until then, with a zone.")
        parser.add_argument("--original", action="store_true", help="By the version of each change.")
        parser.add_argument("--per-minute", type=int, default=600)
        parser.add_argument("--reason", default="", help="Why; kept in the audit trail.")
        parser.add_argument("--start", action="store_true", help="Start it; otherwise it is only counted and kept.")
        for name in ("show", "pause", "resume", "cancel"):
            parser.add_argument(f"--{name}", type=int, metavar="N", help=f"{name.capitalize()} this replay.")
        actor.add_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and tell how the replay stands."""
        try:
            found = self._found(options) or self._drafted(options)
        except replay.ReplayError as error:
            raise CommandError(str(error)) from None
        state = found.get_state_display()
        self.stdout.write(f"Replay {found.pk}: {state}, {found.taken:,} of {found.total:,} records.")
        if found.note:
            self.stdout.write(found.note)
        counts = {name: number for name, number in replay.summary(found).items() if number}
        if counts:
            self.stdout.write(", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items()))

    def _found(self, options: dict[str, Any]) -> Replay | None:
        """The replay that --show, --pause, --resume or --cancel names, when it is done to."""
        deed = next((name for name in ("show", "pause", "resume", "cancel") if options[name]), "")
        if not deed:
            return None
        found = Replay.objects.filter(pk=options[deed]).select_related("mapping__integration").first()
        if found is None:
            raise CommandError(f"There is no replay {options[deed]}.")
        by, reason = actor.named(options["by"]), options["reason"] or "from the shell"
        if deed == "resume":
            replay.start(replay=found, by=by)
        elif deed != "show":
            {"pause": replay.pause, "cancel": replay.cancel}[deed](replay=found, by=by, reason=reason)
        found.refresh_from_db()
        return found

    def _drafted(self, options: dict[str, Any]) -> Replay:
        """A new replay, started when asked to."""
        if not options["mapping"] or not options["reason"]:
            raise CommandError("Name the mapping as INTEGRATION/MAPPING, and say why with --reason.")
        by, mapping = actor.named(options["by"]), _mapping(options["mapping"])
        if by and not access.can(by, "run", mapping):
            raise CommandError(access.can(by, "run", mapping).reason)
        uses = ReplayVersion.ORIGINAL if options["original"] else ReplayVersion.CURRENT
        made = Replay(
            mapping=mapping, states=options["state"], code=options["code"], keys=options["key"], run_id=options["run"],
            since=options["since"], until=options["until"], uses=uses, per_minute=max(1, options["per_minute"]),
            reason=options["reason"],
        )  # fmt: skip
        replay.draft(replay=made, by=by)
        if options["start"]:
            replay.start(replay=made, by=by)
        return made


def _mapping(name: str) -> Mapping:
    integration, _, own = name.partition("/")
    found = Mapping.objects.select_related("integration").filter(integration__name=integration, name=own).first()
    if found is None:
        known = ", ".join(one.path for one in Mapping.objects.select_related("integration")[:50]) or "none yet"
        raise CommandError(f"There is no mapping “{name}”. Known: {known}.")
    return found


def _moment(text: str) -> Any:
    found = parse_datetime(text)
    if found is None or found.tzinfo is None:
        raise ValueError("a moment with a zone, for example 2026-11-25T06:00:00+01:00")
    return found
