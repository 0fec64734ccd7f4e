"""What is wrong with a mapping's body: every finding with its place and its cure, reported together."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from hub.engine.mapping.values import shown
from hub.sdk import ConfigError
from hub.sdk.record import Json


class MappingError(ConfigError):
    """The body of a mapping is wrong; `findings` holds one sentence for each place."""

    code = "mapping"

    def __init__(self, findings: Iterable[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(self.findings))


class Findings:
    """Collects what is wrong, so that a person corrects everything in one go."""

    __slots__ = ("_sentences",)

    def __init__(self) -> None:
        self._sentences: list[str] = []

    def add(self, where: str, what: str) -> None:
        """Note one finding: `where` is a path like fields.name.steps[1], `what` says problem and cure."""
        self._sentences.append(f"{where}: {what}" if where else what)

    def unknown(self, where: str, names: Iterable[str], known: Iterable[str]) -> None:
        """Note every one of `names` that is not `known`, with the nearest known one."""
        offered = sorted(known)
        for name in names:
            if name not in offered:
                near = get_close_matches(str(name), offered, n=1)
                hint = f"did you mean “{near[0]}”?" if near else f"known: {', '.join(offered) or 'none'}"
                self.add(where, f"there is no “{name}” here; {hint}")

    def mapping(self, where: str, value: Json) -> Mapping[str, Json]:
        """`value` when it is an object, else an empty one and a finding."""
        if isinstance(value, Mapping):
            return value
        self.add(where, f"{shown(value)} is not an object")
        return {}

    def raise_any(self) -> None:
        """Raise MappingError when anything was found."""
        if self._sentences:
            raise MappingError(self._sentences)
