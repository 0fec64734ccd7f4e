"""What a browser makes of a form of the desk: what it would send if nobody touched anything."""

from html.parser import HTMLParser
from typing import Any

Given = dict[str, Any]


def untouched(page: str) -> Given:
    """What the form of this page sends as it was opened; of several values a list."""
    reader = _Reader()
    reader.feed(page)
    found: Given = {}
    for name, value in reader.sent:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


class _Reader(HTMLParser):
    """Collects the inputs of the forms of a page that are sent by POST."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str]] = []
        self.is_inside, self.select, self.area = False, "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        name, value = about.get("name") or "", about.get("value")
        if tag == "form":
            self.is_inside = about.get("method") == "post" and "action" not in about
        elif not self.is_inside or "disabled" in about:
            return
        elif tag == "select":
            self.select = name
        elif tag == "textarea":
            self.area = name
            self.sent.append((name, ""))
        elif tag == "option" and "selected" in about:
            self.sent.append((self.select, value or ""))
        elif tag == "input" and name and (about.get("type") not in {"checkbox", "radio"} or "checked" in about):
            self.sent.append((name, "on" if value is None and about.get("type") == "checkbox" else value or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.area = ""
        elif tag == "form":
            self.is_inside = False

    def handle_data(self, data: str) -> None:
        if self.area:
            name, kept = self.sent[-1]
            self.sent[-1] = (name, (kept + data).removeprefix("\n"))
