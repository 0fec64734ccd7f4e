"""Follows a run on a terminal: records, pages, records a second."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from hub.models import SyncRun


class RateColumn(ProgressColumn):
    """Records a second since the start."""

    def render(self, task: Task) -> Text:
        """“812/s”."""
        seconds = task.elapsed or 0
        return Text(f"{task.completed / seconds:,.0f}/s" if seconds else "", style="cyan")


class RunBar:
    """A bar on the error output, so that what is printed stays clean; silent when that is no terminal."""

    def __init__(self, *, silent: bool = False) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[told]}"),
            RateColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=silent or not console.is_terminal,
        )
        self._tasks: dict[int, TaskID] = {}

    def __enter__(self) -> "RunBar":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, run: SyncRun) -> None:
        """Show how far the run is."""
        if run.pk not in self._tasks:
            self._tasks[run.pk] = self._progress.add_task(run.mapping.path, total=None, told="")
        expected = run.expected if run.expected and run.is_full else None
        self._progress.update(
            self._tasks[run.pk],
            completed=run.received,
            total=max(expected, run.received) if expected else None,
            told=_told(run, expected),
        )


def _told(run: SyncRun, expected: int | None) -> str:
    if run.due_at:
        return f"waits until {run.due_at:%H:%M:%S} UTC: {run.reason}"
    of = f" of about {expected:,}" if expected else ""
    return f"{run.received:,}{of} records, {run.pages} pages"
