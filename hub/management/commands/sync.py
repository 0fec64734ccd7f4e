"""Runs an integration or one of its mappings now, in the foreground."""

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.management import actor, report, terminal
from hub.management.progress import RunBar
from hub.models import Integration, Mapping, RunState, SyncRun, Trigger, User
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
        parser.add_argument("--json", action="store_true", help="Print one JSON document instead of lines.")
        actor.add_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask for the runs, do them, tell what they came to."""
        by = actor.named(options["by"])
        how = {"trigger": Trigger.SHELL, "by": by, "preview": options["preview"], "full": options["full"]}
        try:
            asked = _ask(options["name"], how)
        except runs.RequestError as error:
            raise CommandError(str(error)) from None
        with RunBar(silent=options["json"]) as bar, _interruptible() as interruption:
            for run in asked:
                _Foreground(run, bar, interruption, by).work()
        self._tell(asked, as_json=options["json"])
        code = INTERRUPTED if interruption.count else report.exit_code(asked)
        if code:
            sys.exit(code)

    def _tell(self, done: Sequence[SyncRun], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report.as_json(done), indent=2, ensure_ascii=False))
            return
        console = terminal.console(self.stdout)
        for run in done:
            for line in report.lines(run):
                console.print(line)


class _Interruption:
    """Counts Ctrl-C: the first asks to stop after the page, the second leaves at once."""

    count = 0

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
        sys.stderr.write("\nStopping after this page. Press Ctrl-C again to leave at once.\n")


class _Foreground:
    """Does one run in this process, or follows the worker that has it already."""

    def __init__(self, run: SyncRun, bar: RunBar, interruption: _Interruption, by: User | None) -> None:
        self.run, self.bar, self.interruption, self.by = run, bar, interruption, by

    def work(self) -> None:
        """Until the run has ended, or this process is told to leave."""
        self.run.refresh_from_db()
        while self.run.is_live:
            self._cancel_if_asked(self.run)
            is_ours = not self._is_early() and runs.execute_here(run=self.run, on_page=self._on_page)
            self.run.refresh_from_db()
            self.bar.show(self.run)
            if self.run.is_live and not (is_ours and self.run.state == RunState.RUNNING):
                time.sleep(POLL_SECONDS)

    def _is_early(self) -> bool:
        """Whether a passing failure is waited for; asking again earlier would only ask."""
        return self.run.due_at is not None and self.run.due_at.timestamp() > time.time()

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
    before: dict[int, Callable[..., Any] | int | None] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, interruption)
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ask(name: str, how: dict[str, Any]) -> list[SyncRun]:
    """The runs of INTEGRATION or INTEGRATION/MAPPING. Raises CommandError with the known names, and RequestError."""
    integration_name, _, mapping_name = name.partition("/")
    integration = Integration.objects.filter(name=integration_name).first()
    if integration is None:
        raise CommandError(
            _unknown("integration", integration_name, Integration.objects.values_list("name", flat=True))
        )
    if not mapping_name:
        return runs.request_integration(integration=integration, **how)
    mapping = Mapping.objects.select_related("integration", "source", "destination", "active_version")
    found = mapping.filter(integration=integration, name=mapping_name).first()
    if found is None:
        raise CommandError(_unknown("mapping", mapping_name, integration.mappings.values_list("name", flat=True)))
    return [runs.request(mapping=found, **how)]


def _unknown(kind: str, name: str, known: Sequence[str]) -> str:
    names = ", ".join(sorted(known)) or "none yet; make some with `manage.py apply FILE`"
    return f"There is no {kind} “{name}”. Known: {names}."
