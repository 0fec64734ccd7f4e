"""Whether a value that goes to the other side and back comes back as it left; what gets lost must be declared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.engine.merge.decide import equivalent
from hub.sdk import Fields
from hub.sdk.record import Json


@dataclass(frozen=True, slots=True)
class Loss:
    """One value of one sampled record that came back as another. `side` is where it started from."""

    side: str
    key: str
    field: str
    value: Json
    came_back: Json


def reads(rule: Json) -> set[str]:
    """The fields a written rule takes its value from, as far as its steps name them."""
    found: set[str] = set()
    if isinstance(rule, Mapping):
        path = rule.get("path")
        if isinstance(path, str):
            found.add(path.partition(".")[0].partition("[")[0])
        elif isinstance(path, list) and path:
            found.add(str(path[0]))
        for value in rule.values():
            found |= reads(value)
    elif isinstance(rule, list | tuple):
        for value in rule:
            found |= reads(value)
    return found


def declared(rules: Mapping[str, Any], others: Mapping[str, Any]) -> set[str]:
    """The fields of `rules` whose loss is declared: by their own rule, or by one of the other way that they read."""
    lossy = {name for name, rule in others.items() if "round_trip" in rule}
    return {name for name, rule in rules.items() if "round_trip" in rule or reads(rule) & lossy}


def returning(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a mapping that the way back alone can fill again, and that the destination may change."""
    back = set(body.get("back", {}))
    default = body.get("authority", "source")
    return {
        name: rule
        for name, rule in body["fields"].items()
        if rule.get("authority", default) != "source"
        and "reference" not in rule
        and reads(rule)
        and reads(rule) <= back
    }


def losses(side: str, key: str, left: Fields, returned: Fields, names: Sequence[str]) -> list[Loss]:
    """The fields among `names` that came back otherwise. A field that was not there may come back empty."""
    return [
        Loss(side, key, name, left.get(name), returned.get(name))
        for name in names
        if not equivalent(left.get(name), returned.get(name))
    ]
