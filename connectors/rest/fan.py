"""Sends several changes at once, each over a connection of its own, and gives each outcome as soon as it is there."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import SimpleQueue
from threading import Lock, Thread

from hub.sdk import Change, Outcome

Task = Callable[[Change], Outcome]


def fan_out(task: Task, changes: Sequence[Change], width: int) -> Iterator[Outcome]:
    """The outcome of `task` for each change, in the order in which they come; `width` of them are under way at once.

    Changes of one record follow one another. When the reader stops, nothing more is begun, and what is under way
    ends before this does.
    """
    queues = _by_record(changes)
    if width <= 1 or len(queues) <= 1:
        yield from map(task, changes)
        return
    fan = _Fan(task, queues)
    threads = [
        Thread(target=fan.work, name=f"write-{number}", daemon=True) for number in range(min(width, len(queues)))
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in changes:
            found = fan.done.get()
            if isinstance(found, BaseException):
                raise found
            yield found
    finally:
        fan.stop()
        for thread in threads:
            thread.join()


def _by_record(changes: Iterable[Change]) -> list[list[Change]]:
    """The changes of each record, in their order."""
    found: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        name = ("key", change.key) if change.key is not None else ("reference", change.external_id)
        found.setdefault(name, []).append(change)
    return list(found.values())


class _Fan:
    """What the threads share: the records that nobody has taken yet, and what is done."""

    def __init__(self, task: Task, queues: Iterable[list[Change]]) -> None:
        self.done: SimpleQueue[Outcome | BaseException] = SimpleQueue()
        self._task = task
        self._waiting = iter(queues)
        self._turn = Lock()
        self._is_stopped = False

    def stop(self) -> None:
        """Begin nothing more."""
        self._is_stopped = True

    def work(self) -> None:
        """Take records until none is left."""
        try:
            while changes := self._next():
                for change in changes:
                    if self._is_stopped:
                        return
                    self.done.put(self._task(change))
        except BaseException as error:  # noqa: BLE001  raised again where the outcomes are read
            self.done.put(error)

    def _next(self) -> list[Change]:
        with self._turn:
            return [] if self._is_stopped else next(self._waiting, [])
