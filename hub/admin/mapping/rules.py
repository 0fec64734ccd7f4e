"""The rules of a mapping as people read and write them: sentences, and JSON text with what is wrong with it."""

import json
from dataclasses import dataclass
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from hub.admin.meanwhile import Watchful
from hub.engine.mapping import MappingError, describe, describe_back, describe_filter
from hub.models import MappingVersion

LINE = 96  # characters
EMPTY = {"fields": {"name": {"steps": [{"path": "name"}], "required": True}}}


@dataclass(frozen=True, slots=True)
class Told:
    """The rules in plain words, or what is wrong with them."""

    fields: tuple[tuple[str, str], ...] = ()
    filter: str = ""
    back: tuple[tuple[str, str], ...] = ()
    findings: tuple[str, ...] = ()


def told(body: Any) -> Told:
    """What a body says. A wrong one comes with its findings instead."""
    try:
        fields = tuple((name, _after_arrow(sentence)) for name, sentence in describe(body))
        back = tuple((name, _after_arrow(sentence)) for name, sentence in describe_back(body))
        return Told(fields, describe_filter(body), back)
    except MappingError as error:
        return Told(findings=error.findings)


def as_text(value: Any, margin: str = "") -> str:
    """JSON as people edit it: what fits on a line stays on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(margin) + len(line) <= LINE:
        return line
    inner = margin + "  "
    if isinstance(value, list):
        parts, ends = [as_text(item, inner) for item in value], "[]"
    else:
        named = [(json.dumps(name, ensure_ascii=False), item) for name, item in value.items()]
        parts, ends = [f"{name}: {as_text(item, inner)}" for name, item in named], "{}"
    return f"{ends[0]}\n{inner}" + f",\n{inner}".join(parts) + f"\n{margin}{ends[1]}"


class BodyForm(Watchful, forms.Form):
    """Asks for the rules as JSON, and for a note of what changed and why."""

    body = forms.CharField(
        label="Rules",
        widget=UnfoldAdminTextareaWidget({"rows": 28, "class": "hub-code-input", "spellcheck": "false"}),
        help_text="fields: for each destination field how it is filled. filter: which records are meant. "
        "value_maps: code lists. match: destination fields that identify a record. “personal”: true beside the steps "
        "of a field hides its values from who has no right to personal data.",
    )
    note = forms.CharField(
        max_length=300, required=False, widget=UnfoldAdminTextInputWidget(), help_text="What changed and why."
    )

    def __init__(self, data: Any, *, version: MappingVersion) -> None:
        super().__init__(data, initial={"body": as_text(version.body), "note": version.note})
        self.version = version

    @property
    def row(self) -> MappingVersion:
        """The draft."""
        return self.version

    def clean_body(self) -> Any:
        """The rules as data; a slip of the pen is shown with its line and column."""
        try:
            return json.loads(self.cleaned_data["body"])
        except json.JSONDecodeError as error:
            raise forms.ValidationError(
                f"This is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
            ) from None


def _after_arrow(sentence: str) -> str:
    """The rule without the name of its field, which stands beside it."""
    return sentence.partition(" ← ")[2] or sentence
