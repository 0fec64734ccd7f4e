"""Tells the demo's story: first load, nothing to do, a working day's edits; and makes further working days."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

import yaml
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import QuerySet

from hub.management import report, systems
from hub.models import LIVE, EgressZone, Integration, RunState, SyncRun, Trigger
from hub.services import demo, health
from hub.services.run import LiveRunError, RequestError, request_integration

POLL_SECONDS = 0.3
CHAPTERS = 3
COUNTS = {
    "unchanged": "unchanged",
    "created": "created",
    "updated": "updated",
    "deleted": "deleted",
    "held": "held",
    "excluded": "left out by the mapping",
    "excepted": "in exception",
    "in_flight": "in flight",
}


class Command(BaseCommand):
    """`manage.py demo` and `manage.py demo --edit`."""

    help = "Set the demo up and tell its story once; with --edit, make another working day's edits and sync them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Options."""
        parser.add_argument("--edit", action="store_true", help="Make another working day's edits, and sync them.")

    def handle(self, *args: Any, **options: Any) -> None:
        """What was asked for; a request that is refused is told in its own words."""
        try:
            if options["edit"]:
                self._refuse_unless_running()
                self._work_a_day(Trigger.SHELL)
            else:
                self._set_up()
                self._tell()
                self._show_around()
        except (RequestError, systems.SystemsMissingError) as error:
            raise CommandError(str(error)) from None

    def _set_up(self) -> None:
        """Wait for hub and systems, then make people, connections and integrations as the files say."""
        while health.missing() or not systems.addresses().exists():
            time.sleep(POLL_SECONDS)
        call_command("people", demo=True, stdout=StringIO())
        self._open_zone()
        files = systems.files()
        call_command("apply", *files, yes=True, stdout=StringIO())
        self.stdout.write(f"Set up from {', '.join(file.name for file in files)} (in deploy/demo).")

    def _open_zone(self) -> None:
        """Nothing on this machine is reached but through a zone. One that somebody has closed since stays closed."""
        demos = EgressZone.objects.filter(name="demo")
        if not demos.exists():
            call_command("apply", systems.zones(), yes=True, by=demo.OPENS_ZONES, stdout=StringIO())
        zone = demos.get()
        now = f"opened by {zone.opened_by}" if zone.is_open else "closed, so that nothing there is reached"
        self.stdout.write(f"Egress zone “{zone}” ({', '.join(zone.networks)}): {now}. {zone.reason}")

    def _tell(self) -> None:
        """The chapters that were not told yet; one that was interrupted is waited for."""
        self._follow(_own_runs().filter(state__in=LIVE))
        told = _told()
        if told == 0:
            self.stdout.write("\n1. First load: everything is new.")
            self._run(Trigger.HUB)
        if told <= 1:
            self.stdout.write("\n2. The same again, everything read anew: nothing may change.")
            self._run(Trigger.HUB, full=True)
        if told <= 2:
            self.stdout.write("\n3. A working day: some edits, some deletions, and values the other side refuses.")
            self._work_a_day(Trigger.HUB, "--round", "1")

    def _work_a_day(self, trigger: Trigger, *options: str) -> None:
        """Edit records in the systems, then sync."""
        edited = subprocess.run(  # noqa: S603  our own command line
            systems.command("edit", *options), capture_output=True, text=True, check=False
        )
        if edited.returncode:
            raise CommandError(f"The edits could not be made: {edited.stderr.strip()}")
        for line in edited.stdout.splitlines():
            self.stdout.write(f"  {line}")
        self._run(trigger)

    def _run(self, trigger: Trigger, *, full: bool = False) -> None:
        """Ask for a run of everything and tell what each came to."""
        self._follow(SyncRun.objects.filter(pk__in=_ask(trigger, full=full)))

    def _follow(self, runs: QuerySet[SyncRun]) -> None:
        """Tell of each run when it has ended; the workers do them."""
        waiting = list(runs.order_by("pk").values_list("pk", flat=True))
        while waiting:
            for run in SyncRun.objects.filter(pk__in=waiting).select_related("mapping__integration").order_by("pk"):
                if not run.is_live:
                    waiting.remove(run.pk)
                    for line in _lines(run):
                        self.stdout.write(f"  {line}")
            time.sleep(POLL_SECONDS)

    def _show_around(self) -> None:
        """Where to look, who to be, what to try."""
        self.stdout.write(f"\nOpen http://127.0.0.1:{settings.HUB_PORT}/ and sign in as one of these:\n")
        call_command("people", show=True, stdout=self.stdout)
        self.stdout.write(
            "\nTry next:\n"
            "  as olivia    run “Customers to ERP”, look at a run and its changes, before and after\n"
            "  as rashid    open the exceptions and read why a record was refused\n"
            "  make demo-edit    (in another terminal) another working day's edits, and their runs\n"
            "Ctrl-C stops everything; `make demo` goes on where it was."
        )

    def _refuse_unless_running(self) -> None:
        missing = health.missing()
        if missing or not systems.addresses().exists():
            raise CommandError(f"The demo is not running ({'; '.join(missing) or 'no systems'}). Start `make demo`.")


def _lines(run: SyncRun) -> Iterator[str]:
    """The balance without what is nought, then what a person has to look at."""
    parts = [f"{getattr(run, name):,} {word}" for name, word in COUNTS.items() if getattr(run, name)]
    yield f"{run.mapping.path}: {run.received:,} records received = {' + '.join(parts) or 'nothing'}"
    first, _, *rest = report.lines(run, None)
    if run.state != RunState.SUCCEEDED:
        yield f"  {first.removeprefix(run.mapping.path).lstrip(': ')}"
        yield from (f"  {line}" for line in rest)


def _own_runs() -> QuerySet[SyncRun]:
    """Runs that the story asked for."""
    return SyncRun.objects.filter(integration__in=_integrations(), trigger=Trigger.HUB, is_preview=False)


def _told() -> int:
    """How many chapters every integration has been through."""
    ended = _own_runs().exclude(state__in=LIVE)
    counts = [ended.filter(mapping=integration.mappings.last()).count() for integration in _integrations()]
    return min([*counts, CHAPTERS])


def _integrations() -> Sequence[Integration]:
    """The integrations that the demo's files describe."""
    names = [name for file in systems.files() for name in yaml.safe_load(file.read_text())["integrations"]]
    return list(Integration.objects.filter(name__in=names).order_by("pk"))


def _ask(trigger: Trigger, *, full: bool) -> list[int]:
    """Ask for a run of every mapping, all or none; runs that are on already are waited for."""
    while True:
        try:
            with transaction.atomic():
                asked = [request_integration(integration=one, trigger=trigger, full=full) for one in _integrations()]
            return [run.pk for runs in asked for run in runs]
        except LiveRunError:
            time.sleep(POLL_SECONDS)
