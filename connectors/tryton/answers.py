"""Understands what Tryton's JSON-RPC says: a result, a refusal in words, or a crash."""

from collections.abc import Mapping
from typing import Any

from hub.http import Response, WireAnswer
from hub.sdk import (
    AuthError,
    ConfigError,
    Exchange,
    FatalError,
    HubError,
    RecordError,
    SignalClass,
    SilenceError,
    TransientError,
)

# Answers of the database that end with nothing written. Tryton has tried again by itself before it says so.
_TURNED_BACK = ("database is locked", "could not serialize", "deadlock detected", "too many connections")
_TOO_LARGE = 413
_NOTHING_DONE = frozenset({SignalClass.BUSY, SignalClass.THROTTLED, SignalClass.NOT_APPLIED})


class NoModelError(ConfigError):
    """This Tryton has no such model."""


class CrashError(SilenceError):
    """Tryton itself answered a write with an error of its own: the call is over, its effect not stated."""

    def __init__(self, message: str, exchange: Exchange) -> None:
        super().__init__(message)
        self.exchange = exchange


class RefusalError(RecordError):
    """Tryton refused a call for what it asked; nothing of it was done. `code` says why as far as it is known."""

    def __init__(self, message: str, code: str, exchange: Exchange | None = None) -> None:
        super().__init__(message, code)
        self.exchange = exchange


def result_of(response: Response, method: str) -> Any:
    """The result of a call.

    Raises RefusalError when Tryton refused it, ConfigError for a method, model or database that is not there,
    CrashError or SilenceError (FatalError or TransientError for a read) when it is not said what became of it.
    """
    if not response.ok:
        raise _of_status(response, method)
    said = response.json()
    if not isinstance(said, Mapping) or not ({"result", "error"} & said.keys()):
        raise _lost(response, f"{method} was answered with something else than a result or an error.")
    if "error" not in said:
        return said.get("result")
    raise _of_error(response, method, said["error"])


def _of_error(response: Response, method: str, error: Any) -> HubError:
    """What an error array means: its first word names the kind, everything else is prose."""
    kind, detail = _parts(error)
    texts = (
        [str(part) for part in detail if isinstance(part, str) and part] if isinstance(detail, list) else [str(detail)]
    )
    if kind == "UserError":
        return RefusalError(" ".join(texts), _code(texts), response.exchange)
    if kind == "UserWarning":
        return RefusalError(" ".join(texts[1:]), "warning", response.exchange)
    if kind == "ConcurrencyException":
        return RefusalError(" ".join(texts), "conflict", response.exchange)
    if kind == "LoginException":
        return AuthError(f"Tryton asks for another proof of identity: {' '.join(texts)}.")
    if kind == repr(_model_of(method)):
        return NoModelError(f"Tryton has no model {_model_of(method)}. Is its module activated?")
    message = f"Tryton failed at {method}: {kind or 'no reason given'}."
    return FatalError(message) if response.safe else CrashError(message, response.exchange)


def _parts(error: Any) -> tuple[str, Any]:
    if not isinstance(error, list) or not error:
        return "", []
    return str(error[0]), error[1] if len(error) > 1 else []


def _code(texts: list[str]) -> str:
    """Tryton gives no codes, only prose in the language of the connection."""
    return "unique" if "unique" in " ".join(texts).lower() else "validation"


def _of_status(response: Response, method: str) -> HubError:
    """What an answer by status alone means; its body is a page for people."""
    if response.status == 403:
        return ConfigError(f"Tryton does not offer {method} to this user.")
    if response.status == 404:
        return ConfigError("Tryton has no such database, or this is not Tryton. Correct the address and the database.")
    if response.kind in _NOTHING_DONE:
        return TransientError(f"Tryton was too busy for {method}; nothing was done.")
    if response.status == _TOO_LARGE:
        return RefusalError(f"{method} was too large for Tryton.", "too-large", response.exchange)
    if response.refused:
        return RefusalError(f"Tryton refused {method} with {response.status}.", "request", response.exchange)
    message = f"{method} was answered with {response.status}."
    return TransientError(message) if response.safe else _lost(response, message)


def override(answer: WireAnswer) -> SignalClass | None:
    """What an answer means in Tryton alone: it says in words that its database turned a call back."""
    turned_back = answer.status == 503 and any(mark.encode() in answer.body for mark in _TURNED_BACK)
    return SignalClass.BUSY if turned_back else None


def _lost(response: Response, message: str) -> HubError:
    """The call ended badly: a read is broken, a write may have taken effect."""
    return FatalError(message) if response.safe else SilenceError(f"{message} It may have taken effect.")


def _model_of(method: str) -> str:
    return method.removeprefix("model.").rpartition(".")[0]
