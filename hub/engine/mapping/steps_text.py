"""Steps for text. They also take numbers and dates, which are written out plainly first."""

from collections.abc import Callable
from typing import Any

from hub.engine.mapping.step import LISTS, NUMERIC, TEXTUAL, Options, Part, StepKind
from hub.engine.mapping.values import (
    MAX_ITEMS,
    MAX_TEXT,
    Kind,
    Refusal,
    as_key,
    as_text,
    bounded,
    bounded_list,
    shown,
)


def _text(options: Options) -> Part:
    return Part(lambda _data, value: value if type(value) is str else as_text(value), "as text", Kind.TEXT)


def _plain(change: Callable[[str], str], says: str) -> Part:
    """A step that turns one text into another of about the same length."""
    return Part(
        lambda _data, value: change(value if type(value) is str else as_text(value)),
        says,
        Kind.TEXT,
    )


def _trim(options: Options) -> Part:
    side = options.choice("side", ("both", "left", "right"), "both")
    change = {"both": str.strip, "left": str.lstrip, "right": str.rstrip}[side]
    return _plain(change, "trimmed" if side == "both" else f"trimmed on the {side}")


def _case(options: Options) -> Part:
    to = options.choice("to", ("upper", "lower", "title", "sentence"))
    change = {"upper": str.upper, "lower": str.lower, "title": str.title, "sentence": str.capitalize}[to]
    return _plain(change, f"in {to} case")


def _replace(options: Options) -> Part:
    find, put = options.text("find", least=1), options.text("with", "")
    growth = max(len(put) - len(find), 0)

    def change(text: str) -> str:
        if growth and len(text) + text.count(find) * growth > MAX_TEXT:
            raise Refusal(f"replacing {shown(find)} would make the text longer than {MAX_TEXT} characters")
        return text.replace(find, put)

    return _plain(change, f"with {shown(find)} replaced by {shown(put)}" if put else f"without {shown(find)}")


def _substring(options: Options) -> Part:
    start = options.integer("from", 0, -MAX_TEXT, MAX_TEXT)
    length = options.integer("length", MAX_TEXT, 0, MAX_TEXT)

    def change(text: str) -> str:
        first = max(len(text) + start, 0) if start < 0 else start
        return text[first : first + length]

    begin = f"character {start + 1}" if start >= 0 else f"the {-start}th character from the end"
    return _plain(change, f"{length} characters from {begin}" if options.has("length") else f"from {begin} on")


def _pad(options: Options) -> Part:
    length = options.integer("length", None, 1, 1_000)
    fill = options.text("with", " ", least=1)
    side = options.choice("side", ("left", "right"), "left")
    if len(fill) != 1:
        options.wrong(f"“with” must be one character; {shown(fill)} is {len(fill)}")
        fill = " "
    change = str.rjust if side == "left" else str.ljust
    says = f"filled up to {length} characters with {shown(fill)} on the {side}"
    return _plain(lambda text: change(text, length, fill), says)


def _max_length(options: Options) -> Part:
    length = options.integer("length", None, 1, MAX_TEXT)
    if options.choice("when_longer", ("cut", "refuse"), "cut") == "cut":
        return _plain(lambda text: text[:length], f"at most {length} characters")

    def check(text: str) -> str:
        if len(text) > length:
            raise Refusal(f"{shown(text)} has {len(text)} characters; at most {length} are accepted")
        return text

    return _plain(check, f"refused when longer than {length} characters")


_KEPT: dict[str, Callable[[str], bool]] = {
    "digits": lambda sign: sign.isascii() and sign.isdigit(),
    "letters": str.isalpha,
    "letters_and_digits": str.isalnum,
}


def _keep(options: Options) -> Part:
    what = options.choice("only", tuple(_KEPT))
    kept = _KEPT[what]
    return _plain(lambda text: "".join(filter(kept, text)), f"only its {what.replace('_', ' ')}")


def _split(options: Options) -> Part:
    by = options.text("by", least=1)

    def run(_data: Any, value: Any) -> Any:
        text = as_text(value)
        if text.count(by) >= MAX_ITEMS:
            raise Refusal(f"{shown(text)} falls into more than {MAX_ITEMS} parts")
        return text.split(by)

    return Part(run, f"split at {shown(by)}", Kind.LIST)


def _join(options: Options) -> Part:
    between = options.text("with", "")

    def run(_data: Any, value: Any) -> Any:
        texts = [as_key(item) for item in bounded_list(value) if item is not None]
        length = sum(map(len, texts)) + len(between) * len(texts)
        return bounded(between.join(texts)) if length > MAX_TEXT else between.join(texts)

    return Part(run, f"joined with {shown(between)}" if between else "joined", Kind.TEXT)


def _boolean(options: Options) -> Part:
    """true and false as they are; anything else only by a declared text."""
    yes, no = options.texts("true", ("true", "1")), options.texts("false", ("false", "0"))
    known = {text.casefold(): True for text in yes} | {text.casefold(): False for text in no}
    if len(known) < len({*yes}) + len({*no}) and {t.casefold() for t in yes} & {t.casefold() for t in no}:
        options.wrong("a text cannot mean both true and false")
    accepted = f"true, false or one of {', '.join((*yes, *no))}"

    def run(_data: Any, value: Any) -> Any:
        if isinstance(value, bool):
            return value
        answer = known.get(as_text(value).strip().casefold())
        if answer is None:
            raise Refusal(f"{shown(value)} is neither true nor false; {accepted} is accepted")
        return answer

    return Part(run, f"as true ({', '.join(yes)}) or false ({', '.join(no)})", Kind.BOOLEAN)


TEXT_STEPS = (
    StepKind("text", _text, TEXTUAL, bare=True),
    StepKind("trim", _trim, TEXTUAL, main="side", bare=True),
    StepKind("case", _case, TEXTUAL, main="to"),
    StepKind("replace", _replace, TEXTUAL, options=("find", "with")),
    StepKind("substring", _substring, TEXTUAL, options=("from", "length")),
    StepKind("pad", _pad, TEXTUAL, main="length", options=("with", "side")),
    StepKind("max_length", _max_length, TEXTUAL, main="length", options=("when_longer",)),
    StepKind("keep", _keep, TEXTUAL, main="only"),
    StepKind("split", _split, TEXTUAL, main="by"),
    StepKind("join", _join, LISTS, main="with", bare=True),
    StepKind("boolean", _boolean, NUMERIC | {Kind.BOOLEAN}, options=("true", "false"), bare=True),
)
