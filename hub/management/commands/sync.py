"""Runs an integration or one of its mappings now, in the foreground."""

import json
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub import clock
from hub.management import actor, garbage, report, terminal
from hub.management.progress import RunBar
from hub.models import LIVE, Integration, Mapping, RunState, SyncRun, Trigger, User
from hub.services import run as runs

POLL_SECONDS = 0.5
INTERRUPTED = 130  # what shells expect after Ctrl-C


class Command(BaseCommand):
    """`manage.py sync INTEGRATION[/MAPPING] [--preview] [--full] [--json]`."""

    help = (
        "Run an integration, or one mapping of it, now and here. Prints the balance and every exception. "
        "Exit code: 0 succeeded, 1 failed, 2 partial or waiting."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What to run, and how."""
        parser.add_argument("name", metavar="INTEGRATION[/MAPPING]")
        parser.add_argument("--preview", action="store_true", help="Plan everything, write nothing.")
        parser.add_argument("--full", action="store_true", help="Read everything, not only what changed.")
        parser.add_argument("--resume", action="store_true", help="Go on with runs that wait or were interrupted.")
        parser.add_argument("--json", action="store_true", help="Print one JSON document instead of lines.")
        actor.add_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask for the runs, do them, tell what they came to."""
        try:
            by = actor.named(options["by"])
            asked = _asked(options, by)
        except CommandError as error:
            if options["json"]:
                self.stdout.write(json.dumps(report.failure(str(error)), ensure_ascii=False))
            raise
        garbage.settle()
        with RunBar(silent=options["json"]) as bar, _interruptible() as interruption:
            for run in asked:
                _Foreground(run, bar, interruption, by).work()
        self._tell(asked, by, as_json=options["json"])
        code = INTERRUPTED if interruption.ended(asked) else report.exit_code(asked)
        if code:
            sys.exit(code)

    def _tell(self, done: Sequence[SyncRun], by: User | None, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report.as_json(done, by), indent=2, ensure_ascii=False))
            return
        console = terminal.console(self.stdout)
        for run in done:
            for line in report.lines(run, by):
                console.print(line)


class _Interruption:
    """Counts Ctrl-C: the first asks to stop after the page, the second leaves at once."""

    count = 0

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
        sys.stderr.write("\nStopping after this page. Press Ctrl-C again to leave at once.\n")

    def ended(self, asked: Sequence[SyncRun]) -> bool:
        """Whether it ended one of these runs, which may have been done already."""
        return self.count > 0 and any(run.state == RunState.CANCELLED for run in asked)


class _Foreground:
    """Does one run in this process, or follows the worker that has it already."""

    def __init__(self, run: SyncRun, bar: RunBar, interruption: _Interruption, by: User | None) -> None:
        self.run, self.bar, self.interruption, self.by = run, bar, interruption, by

    def work(self) -> None:
        """Until the run has ended, or this process is told to leave."""
        self.run.refresh_from_db()
        while self.run.is_live:
            self._cancel_if_asked(self.run)
            if not self._is_early():
                runs.execute_here(run=self.run, on_page=self._on_page)
            self.run.refresh_from_db()
            self.bar.show(self.run)
            if self.run.is_live:  # a worker has it, or a passing failure is waited for
                time.sleep(POLL_SECONDS)

    def _is_early(self) -> bool:
        """Whether a passing failure is waited for; asking again earlier would only ask."""
        return self.run.due_at is not None and self.run.due_at > clock.now()

    def _on_page(self, run: SyncRun) -> None:
        if run.pk == self.run.pk:
            self.bar.show(run)
            self._cancel_if_asked(run)

    def _cancel_if_asked(self, run: SyncRun) -> None:
        """Between pages nothing is half done: what was committed stays, and the next run goes on from there."""
        if self.interruption.count and run.is_live and not run.cancel_asked:
            runs.cancel(run=run, by=self.by, reason="stopped in the shell")
            run.cancel_asked = True


@contextmanager
def _interruptible() -> Iterator[_Interruption]:
    """Turn Ctrl-C and SIGTERM into a wish to stop, as long as runs are under way."""
    interruption = _Interruption()
    before = {number: signal.signal(number, interruption) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _asked(options: dict[str, Any], by: User | None) -> list[SyncRun]:
    """The runs that the options ask for. Raises CommandError."""
    integration, mapping = _named(options["name"])
    if options["resume"]:
        return _waiting(integration, mapping)
    return _ask(integration, mapping, by=by, preview=options["preview"], full=options["full"])


def _ask(integration: Integration, mapping: Mapping | None, **how: Any) -> list[SyncRun]:
    """New runs, in order. Raises CommandError when they cannot be had now."""
    try:
        if mapping is None:
            return runs.request_integration(integration=integration, trigger=Trigger.SHELL, **how)
        return [runs.request(mapping=mapping, trigger=Trigger.SHELL, **how)]
    except runs.LiveRunError as error:
        raise CommandError(f"{error} With --resume this command goes on with it here.") from None
    except runs.RequestError as error:
        raise CommandError(str(error)) from None


def _waiting(integration: Integration, mapping: Mapping | None) -> list[SyncRun]:
    """The runs that have not ended, oldest first. Raises CommandError when there is none."""
    found = SyncRun.objects.filter(integration=integration, state__in=LIVE).select_related("mapping__integration")
    if mapping is not None:
        found = found.filter(mapping=mapping)
    if not found:
        raise CommandError("Nothing waits or was interrupted. Leave out --resume to run now.")
    return list(found.order_by("pk"))


def _named(name: str) -> tuple[Integration, Mapping | None]:
    """What INTEGRATION or INTEGRATION/MAPPING means. Raises CommandError with the known names."""
    integration_name, _, mapping_name = name.partition("/")
    integration = Integration.objects.filter(name=integration_name).first()
    if integration is None:
        raise CommandError(
            _unknown("integration", integration_name, Integration.objects.values_list("name", flat=True))
        )
    if not mapping_name:
        return integration, None
    mappings = integration.mappings.select_related("integration", "source", "destination", "active_version")
    mapping = mappings.filter(name=mapping_name).first()
    if mapping is None:
        raise CommandError(_unknown("mapping", mapping_name, integration.mappings.values_list("name", flat=True)))
    return integration, mapping


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = ", ".join(sorted(known)) or "none yet; make some with `manage.py apply FILE`"
    return f"There is no {kind} “{name}”. Known: {names}."
