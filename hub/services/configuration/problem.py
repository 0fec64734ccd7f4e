"""What is wrong with a configuration file: where, what, and the cure; all of it at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: file, line (from 1) and the path of keys to it."""

    file: str
    line: int
    path: Path = ()

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}"
        return f"{where}: {shown(self.path)}" if self.path else where


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, in a sentence that ends in its cure."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class ConfigurationError(Exception):
    """The files cannot be applied; the text lists every problem, one a line."""

    def __init__(self, problems: Iterable["Problem"]) -> None:
        self.problems = sorted(problems, key=lambda problem: (problem.place.file, problem.place.line))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(slots=True)
class Problems:
    """Collects what is found wrong, so that a person corrects it in one go."""

    found: list[Problem] = field(default_factory=list)

    def add(self, place: Place, text: str) -> None:
        """Note one problem."""
        self.found.append(Problem(place, text))

    def stop_if_any(self) -> None:
        """Raise ConfigurationError with everything noted so far."""
        if self.found:
            raise ConfigurationError(self.found)


def shown(path: Path) -> str:
    """A path for people: integrations.customers.mappings.parties.fields[2].to."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def not_known(name: str, known: Iterable[str]) -> str:
    """“Not known” with the nearest known name, or with all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    hint = f"Did you mean “{near[0]}”?" if near else f"Known: {', '.join(names) or 'none'}."
    return f"“{name}” is not known here. {hint}"
