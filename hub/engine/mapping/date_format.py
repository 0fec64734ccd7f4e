"""Dates in a declared written form. By hand, because the machine's own functions ask its language and are slow."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

Moment = date | datetime

DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_TIMES = frozenset("HMSf")
_DIGITS = {"Y": (4, 4), "y": (2, 2), "m": (1, 2), "d": (1, 2), "H": (1, 2), "M": (1, 2), "S": (1, 2)} | {
    "f": (1, 6),
    "j": (1, 3),
}
_ZONE = r"(?P<z>Z|[+-]\d{2}:?\d{2})"


def reader(written: str) -> Callable[[str], Moment]:
    """A function that reads text of this form: a datetime when the form has a time, else a date.

    It raises ValueError for any other text. A time without %z comes out without zone. Two-digit years
    are 1969 to 2068. Raises ValueError with a sentence when the form itself is of no use.
    """
    used = DIRECTIVE.findall(written)
    _check(used, written, {*_DIGITS, "z", "%"})
    days = set(used)
    if not (days & {"Y", "y"} and (days >= {"m", "d"} or "j" in days)):
        raise ValueError(f"“{written}” does not name a day: it needs %Y, %m and %d (or %Y and %j)")
    if len([sign for sign in used if sign != "%"]) != len(days - {"%"}):
        raise ValueError(f"“{written}” names a part twice")
    pattern = re.compile(_pattern(written), re.ASCII)
    has_time = bool(days & _TIMES)

    def read(text: str) -> Moment:
        found = pattern.fullmatch(text)
        if found is None:
            raise ValueError(text)
        return _moment(found.groupdict(), has_time=has_time)

    return read


def writer(written: str) -> Callable[[datetime], str]:
    """A function that writes a datetime in this form. Raises ValueError when the form is of no use."""
    _check(DIRECTIVE.findall(written), written, {*_WRITTEN})
    return lambda moment: DIRECTIVE.sub(lambda found: _WRITTEN[found[1]](moment), written)


def _check(used: list[str], written: str, known: set[str]) -> None:
    for sign in used:
        if sign not in known:
            listed = " ".join(f"%{name}" for name in sorted(known))
            raise ValueError(f"“%{sign}” in “{written}” is not offered; offered: {listed}")


def _pattern(written: str) -> str:
    """The form as a pattern. Parts that touch each other have all their digits; others may lack a zero."""
    pieces = DIRECTIVE.split(written)  # text, sign, text, sign, …, text
    pattern = re.escape(pieces[0])
    for at in range(1, len(pieces), 2):
        sign, text = pieces[at], pieces[at + 1]
        touches = not text and at + 2 < len(pieces)
        pattern += _part(sign, touches=touches) + re.escape(text)
    return pattern


def _part(sign: str, *, touches: bool) -> str:
    if sign == "%":
        return "%"
    if sign == "z":
        return _ZONE
    least, most = _DIGITS[sign]
    return rf"(?P<{sign}>\d{{{most if touches else least},{most}}})"


def _moment(parts: dict[str, Any], *, has_time: bool) -> Moment:
    """The day and time that the parts name. Raises ValueError for the 31st of June."""
    year = int(parts["Y"]) if "Y" in parts else _full_year(int(parts["y"]))
    if "j" in parts:
        day = date(year, 1, 1) + timedelta(days=int(parts["j"]) - 1)
        if day.year != year:
            raise ValueError(parts["j"])
    else:
        day = date(year, int(parts["m"]), int(parts["d"]))
    if not has_time:
        return day
    hour, minute, second = (int(parts.get(sign, 0)) for sign in "HMS")
    fraction = int(parts.get("f", "0").ljust(6, "0"))
    return datetime(day.year, day.month, day.day, hour, minute, second, fraction, _zone(parts.get("z")))


def _full_year(short: int) -> int:
    return short + (1900 if short >= 69 else 2000)


def _zone(text: str | None) -> timezone | None:
    """The offset that was written, if any."""
    if text is None or text == "Z":
        return UTC if text else None
    size = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-size if text[0] == "-" else size)


_WRITTEN: dict[str, Callable[[datetime], str]] = {
    "Y": lambda moment: f"{moment.year:04}",
    "y": lambda moment: f"{moment.year % 100:02}",
    "m": lambda moment: f"{moment.month:02}",
    "d": lambda moment: f"{moment.day:02}",
    "H": lambda moment: f"{moment.hour:02}",
    "M": lambda moment: f"{moment.minute:02}",
    "S": lambda moment: f"{moment.second:02}",
    "f": lambda moment: f"{moment.microsecond:06}",
    "j": lambda moment: f"{moment.timetuple().tm_yday:03}",
    "%": lambda _moment: "%",
}
