"""The form of a connection: one input for each thing its connector asks for. Secrets go in and never come back."""

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.text import slugify
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from hub.admin import wording
from hub.admin.meanwhile import Watchful
from hub.clock import now
from hub.models import Connection, Credential, User
from hub.models.connection import MAX_IN_FLIGHT
from hub.sdk import ConfigError, ConfigField, Connector, FieldKind, check_config
from hub.services import access

CONFIG, SECRET = "config-", "secret-"
PACE = ("per_second", "per_minute", "per_day", "burst", "catch_up_rate")
LIMITS = ("timeout_seconds", "landing_seconds", "max_in_flight", *PACE)


class Indented(json.JSONEncoder):
    """JSON as people read it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "indent": 2})


class JsonField(forms.JSONField):
    """JSON, laid out to be read; nothing is shown as nothing."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


def _limit(label: str, help_text: str) -> forms.IntegerField:
    """A limit that may be left out."""
    return forms.IntegerField(
        label=label, required=False, min_value=1, max_value=1_000_000_000,
        widget=UnfoldAdminIntegerFieldWidget(), help_text=help_text,
    )  # fmt: skip


class ConnectionForm(Watchful, forms.Form):
    """Asks for name, settings, secrets and limits of one connection."""

    title = forms.CharField(
        max_length=200, widget=UnfoldAdminTextInputWidget(), help_text="What people call the system, such as “ERP”."
    )
    name = forms.SlugField(
        max_length=80,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Short name used in files. It cannot be changed later.",
    )
    owner = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        empty_label="Nobody yet",
        widget=UnfoldAdminSelectWidget(),
        help_text="Whom to ask about this system.",
    )
    timeout_seconds = forms.IntegerField(
        label="Deadline", min_value=1, max_value=3600, initial=30, widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Seconds one request may take.",
    )  # fmt: skip
    landing_seconds = forms.IntegerField(
        label="Landing time", min_value=0, max_value=604_800, initial=900, widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Seconds a request may still take effect there after the hub gave up on it.",
    )  # fmt: skip

    max_in_flight = forms.IntegerField(
        label="Requests in flight", required=False, min_value=1, max_value=1000, initial=MAX_IN_FLIGHT,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="At most, of all workers together. The hub goes below that while the system is slow.",
    )  # fmt: skip
    per_second = _limit("Requests a second", "At most, of all workers together. Empty: no limit.")
    per_minute = _limit("Requests a minute", "At most, of all workers together. Empty: no limit.")
    per_day = _limit("Requests a day", "At most, of all workers together. Empty: no limit.")
    burst = _limit("Burst", "Requests that may go at once after a rest. Empty: a tenth of the limit.")
    catch_up_rate = _limit(
        "Catch-up rate", "Records a minute that are written of what an outage left waiting. Empty: no limit."
    )

    def __init__(self, data: Any, *, connector: Connector, connection: Connection, user: User) -> None:
        super().__init__(data, initial=_initial(connection))
        self.connector, self.connection = connector, connection
        self.fields["owner"].queryset = access.visible(user, "use", User)  # type: ignore[attr-defined]
        if connection.pk:
            self.fields["name"].disabled = True
        for asked in connector.fields:
            if not asked.is_secret:
                self.fields[CONFIG + asked.name] = _input(asked, connection.config.get(asked.name, asked.default))
        if any(asked.is_secret for asked in connector.fields):
            self._ask_for_secrets(user)

    def _ask_for_secrets(self, user: User) -> None:
        """Which credential, and, for who may set it, its values."""
        self.fields["credential"] = forms.ModelChoiceField(
            access.visible(user, "use", Credential), required=False, initial=self.connection.credential_id,
            empty_label="One of its own", widget=UnfoldAdminSelectWidget(),
            help_text="Choose one that another connection uses too, or leave this and type the secrets below.",
        )  # fmt: skip
        kept = self.connection.credential
        if not access.can(user, "set_secret", kept or Credential):
            return
        for asked in self.connector.fields:
            if asked.is_secret:
                self.fields[SECRET + asked.name] = _secret_input(asked, kept)

    @property
    def row(self) -> Connection:
        """The connection."""
        return self.connection

    @property
    def about(self) -> list[forms.BoundField]:
        """What it is called and who knows it."""
        return [self["title"], self["name"], self["owner"]]

    @property
    def settings(self) -> list[forms.BoundField]:
        """What the connector asks for, without secrets."""
        return [self[name] for name in self.fields if name.startswith(CONFIG)]

    @property
    def secrets(self) -> list[forms.BoundField]:
        """The credential and its values."""
        return [self[name] for name in self.fields if name == "credential" or name.startswith(SECRET)]

    @property
    def limits(self) -> list[forms.BoundField]:
        """Limits of time and of how much the system is asked."""
        return [self[name] for name in LIMITS]

    def clean(self) -> dict[str, Any]:
        """Each setting is what the connector can use; what is left empty is left out."""
        given = super().clean() or {}
        config = {asked.name: self._value(asked) for asked in self.connector.fields if not asked.is_secret}
        given["config"] = {name: value for name, value in config.items() if value not in (None, "")}
        given["secrets"] = {
            name.removeprefix(SECRET): value for name, value in given.items() if name.startswith(SECRET) and value
        }
        if not self.connection.pk and Connection.objects.filter(name=given.get("name", "")).exists():
            self.add_error("name", "There is a connection of this name already. Choose another name.")
        return given

    def _value(self, asked: ConfigField) -> Any:
        """One setting as given; what is wrong with it stands at its input."""
        name = CONFIG + asked.name
        value = self.cleaned_data.get(name)
        value = int(value) if isinstance(value, float) and value.is_integer() else value
        if name not in self.errors:
            try:
                check_config((asked,), {} if value in (None, "") else {asked.name: value})
            except ConfigError as error:
                self.add_error(name, str(error).removeprefix(f"{asked.name}: ").removesuffix(asked.help).strip())
        return value

    def filled(self) -> Connection:
        """The connection with what was given. Only after `is_valid`."""
        given, connection = self.cleaned_data, self.connection
        connection.title, connection.owner = given["title"], given["owner"]
        connection.name = connection.name or slugify(given["name"])
        connection.timeout_seconds = given["timeout_seconds"]
        connection.landing_seconds = given["landing_seconds"]
        connection.max_in_flight = given["max_in_flight"] or MAX_IN_FLIGHT
        for name in PACE:
            setattr(connection, name, given[name])
        connection.config = given["config"]
        if "credential" in self.fields:
            connection.credential = given["credential"]
        return connection


def _initial(connection: Connection) -> dict[str, Any]:
    names = ("title", "name", *LIMITS)
    return {**{name: getattr(connection, name) for name in names}, "owner": connection.owner_id}


def _input(asked: ConfigField, value: Any) -> forms.Field:
    """The input of one setting."""
    common = {"label": asked.label, "help_text": asked.help, "initial": value, "required": asked.required}
    make = INPUTS.get(asked.kind, _text)
    return make(asked, common)


def _text(asked: ConfigField, common: dict[str, Any]) -> forms.Field:
    return forms.CharField(**common, widget=UnfoldAdminTextInputWidget())


def _address(asked: ConfigField, common: dict[str, Any]) -> forms.Field:
    return forms.CharField(**common, widget=UnfoldAdminTextInputWidget({"inputmode": "url", "spellcheck": "false"}))


def _number(asked: ConfigField, common: dict[str, Any]) -> forms.Field:
    return forms.FloatField(**common, widget=UnfoldAdminTextInputWidget({"inputmode": "decimal"}))


def _flag(asked: ConfigField, common: dict[str, Any]) -> forms.Field:
    return forms.BooleanField(**{**common, "required": False}, widget=UnfoldBooleanSwitchWidget())


def _choice(asked: ConfigField, common: dict[str, Any]) -> forms.Field:
    choices = [(choice, choice) for choice in asked.choices]
    empty = [] if asked.required else [("", "—")]
    return forms.ChoiceField(**common, choices=[*empty, *choices], widget=UnfoldAdminSelectWidget())


def _json(asked: ConfigField, common: dict[str, Any]) -> forms.Field:
    widget = UnfoldAdminTextareaWidget({"rows": 14, "class": "hub-code-input", "spellcheck": "false"})
    return JsonField(**common, encoder=Indented, widget=widget)


INPUTS: dict[FieldKind, Callable[[ConfigField, dict[str, Any]], forms.Field]] = {
    FieldKind.URL: _address,
    FieldKind.NUMBER: _number,
    FieldKind.FLAG: _flag,
    FieldKind.CHOICE: _choice,
    FieldKind.JSON: _json,
}


def _secret_input(asked: ConfigField, kept: Credential | None) -> forms.Field:
    return secret_field(asked.label, asked.help, kept if kept and asked.name in kept.fields else None)


def secret_field(label: str, help_text: str, kept: Credential | None) -> forms.Field:
    """A password input that is never filled in; with a credential that holds the value, empty keeps it."""
    is_set = kept is not None
    when = f"Set {wording.ago(kept.set_at, now())}; leave empty to keep it." if kept else "Not set yet."
    return forms.CharField(
        label=label,
        help_text=f"{help_text} {when}".strip() if help_text or is_set else "",
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(
            {"autocomplete": "new-password", "placeholder": "••••••••" if is_set else ""}, render_value=False
        ),
    )
