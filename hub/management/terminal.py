"""What commands print: coloured on a terminal, plain in a file."""

import json
from typing import IO, Any, cast

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.text import Text

LONGEST = 160
STYLES = {"+": "green", "-": "red", "~": "yellow"}


def console(stream: OutputWrapper) -> Console:
    """A console that writes to a command's own output."""
    return Console(file=cast(IO[str], stream), soft_wrap=True, highlight=False, markup=False)


def shown(value: Any) -> str:
    """A value on one line, as it would stand in a file."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def difference(sign: str, path: str, old: Any, new: Any) -> Text:
    """One line of a difference: `~ page_size: 500 → 200`."""
    values = {"+": shown(new), "-": shown(old), "~": f"{shown(old)} → {shown(new)}"}
    return Text(f"  {sign} {path}: {values[sign]}", style=STYLES[sign])
