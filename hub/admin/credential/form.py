"""The forms of credentials: one input for each value of its kind. Secrets go in and never come back."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from hub.admin import wording
from hub.admin.connection.form import secret_field
from hub.admin.deed import ReasonForm
from hub.clock import now
from hub.models import Credential, CredentialKind
from hub.sdk import HubError
from hub.services import credential as credentials
from hub.services.credential import Value

VALUE, DETAIL = "value-", "detail-"
ORIGINS_HELP = "Where the secret may be sent, one address a line, such as https://crm.example:443. Nowhere else, ever."


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = value if isinstance(value, list) else str(value or "").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(list(initial or []) != self.to_python(data))


class BlindTextarea(UnfoldAdminTextareaWidget):
    """Takes several lines and never gives them back."""

    def format_value(self, value: Any) -> str:
        return ""


class CredentialForm(forms.ModelForm[Credential]):
    """What a credential is called and where it may be sent. The addresses are changed with the values only."""

    kind = forms.ChoiceField(
        choices=credentials.choices,
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="Which values it is made of. Other: whatever the connections that use it ask for.",
    )
    origins = LinesField(required=False, widget=UnfoldAdminTextareaWidget({"rows": 3}), help_text=ORIGINS_HELP)

    class Meta:
        model = Credential
        fields = ("title", "name", "kind", "origins", "expires_at")

    def clean_kind(self) -> str:
        """The kind that was chosen; without a choice, other."""
        return self.cleaned_data["kind"] or CredentialKind.OTHER

    def clean_origins(self) -> list[str]:
        """The addresses in the form in which they are compared."""
        try:
            return credentials.normal_origins(self.cleaned_data["origins"])
        except HubError as error:
            raise ValidationError(str(error)) from None


class _Values(forms.Form):
    """Inputs for the values of a kind; what is left empty is kept."""

    expires = forms.DateField(
        label="Expires", required=False, widget=UnfoldAdminSingleDateWidget(),
        help_text="The day on which the other system stops accepting them. Empty: no date.",
    )  # fmt: skip

    def _ask(self, credential: Credential, asked: Iterable[Value], *, may_keep: bool) -> None:
        """One input for each value."""
        for value in asked:
            kept = credential if may_keep and value.name in credential.fields else None
            field = secret_field(value.label, value.help, kept)
            if value.is_multiline:
                field.widget = BlindTextarea({"rows": 6, "class": "hub-code-input", "spellcheck": "false"})
            self.fields[VALUE + value.name] = field

    @property
    def values(self) -> dict[str, str]:
        """The values given, by name."""
        given = self.cleaned_data
        return {name.removeprefix(VALUE): value for name, value in given.items() if name.startswith(VALUE) and value}

    @property
    def expires_at(self) -> datetime | None:
        """When they end."""
        day: date | None = self.cleaned_data.get("expires")
        return datetime.combine(day, time(), UTC) if day else None


class ValuesForm(_Values):
    """New values of a credential, at once. What is left empty is kept, unless the addresses or the kind change."""

    def __init__(self, data: Any, *, credential: Credential, asked: Mapping[str, Value]) -> None:
        super().__init__(data, initial={"expires": credential.expires_at and credential.expires_at.date()})
        self.credential = credential
        self.fields["kind"] = forms.ChoiceField(
            choices=_kinds(credential), initial=credential.kind, required=False, widget=UnfoldAdminSelectWidget(),
            help_text="Choose another one and press the button to be asked for its values.",
        )  # fmt: skip
        self._kind = (data or {}).get("kind") or credential.kind
        kind = credentials.kind_of(self._kind if self._kind in CredentialKind.values else credential.kind)
        may_keep = self._kind == credential.kind and credentials.may_open(credential.kind)
        self._ask(credential, [*kind.values, *(asked.values() if kind.is_open else ())], may_keep=may_keep)
        for detail in kind.details:
            self.fields[DETAIL + detail.name] = forms.CharField(
                label=detail.label, help_text=detail.help, required=detail.is_required,
                initial=credential.details.get(detail.name, ""), widget=UnfoldAdminTextInputWidget(),
            )  # fmt: skip
        if kind.is_open:
            self._ask_for_another()
        self.fields["origins"] = LinesField(
            initial=credential.origins, widget=UnfoldAdminTextareaWidget({"rows": 3}), label="May be sent to",
            help_text=f"{ORIGINS_HELP} Whoever changes this must give every value again.",
        )  # fmt: skip
        self.order_fields(["kind", *(name for name in self.fields if name not in {"kind", "expires"}), "expires"])

    def _ask_for_another(self) -> None:
        self.fields["other_name"] = forms.SlugField(
            label="Another value: its name", required=False, widget=UnfoldAdminTextInputWidget(),
            help_text="For a value that no connection asks for yet, such as password or token.",
        )  # fmt: skip
        self.fields["other_value"] = secret_field("Another value", "", None)

    def clean(self) -> dict[str, Any]:
        """A value has a name, and there is something to set."""
        given = super().clean() or {}
        if bool(given.get("other_name")) != bool(given.get("other_value")):
            self.add_error("other_name", "Give both, the name and the value.")
        if not self.values and "origins" not in self.changed_data:
            raise ValidationError("Nothing was given, so nothing was set.")
        return given

    @property
    def values(self) -> dict[str, str]:
        """The values given, by name."""
        given = self.cleaned_data
        return super().values | ({given["other_name"]: given["other_value"]} if given.get("other_value") else {})

    @property
    def more(self) -> dict[str, Any]:
        """What else was changed."""
        found: dict[str, Any] = {}
        if self._kind != self.credential.kind:
            found |= {"kind": self._kind, "details": self._details}
        elif self._details:
            found["details"] = {**self.credential.details, **self._details}
        if "expires" in self.changed_data:
            found["expires_at"] = self.expires_at
        return found

    @property
    def _details(self) -> dict[str, str]:
        given = self.cleaned_data.items()
        return {name.removeprefix(DETAIL): value for name, value in given if name.startswith(DETAIL) and value}


class StageForm(_Values):
    """New values that wait beside those in use."""

    def __init__(self, data: Any, *, credential: Credential, asked: Mapping[str, Value]) -> None:
        super().__init__(data)
        kind = credentials.kind_of(credential.kind)
        wanted = [*kind.values, *(value for value in asked.values() if kind.is_open)]
        self._ask(credential, wanted, may_keep=credentials.may_open(credential.kind))
        self.order_fields([*(name for name in self.fields if name != "expires"), "expires"])

    def clean(self) -> dict[str, Any]:
        """There is something to stage."""
        given = super().clean() or {}
        if not self.values:
            raise ValidationError("Nothing was given, so nothing was staged.")
        return given


class OverlapForm(forms.Form):
    """How long the values before stay, and, without a test, why."""

    overlap = forms.ChoiceField(
        label="The values before",
        choices=[("1", "stay for an hour"), ("24", "stay for a day"), ("168", "stay for a week"), ("0", "go at once")],
        initial="24",
        widget=UnfoldAdminSelectWidget(),
        help_text="What is under way ends with the values it began with. While they stay you can go back to them.",
    )
    reason = forms.CharField(
        required=False, max_length=300, widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text="Needed where no test has found the new values to work. Kept in the audit trail.",
    )  # fmt: skip

    @property
    def span(self) -> timedelta:
        """How long the values before stay."""
        return timedelta(hours=int(self.cleaned_data["overlap"]))


class GoBackForm(ReasonForm):
    """Why the new values are given up."""


def kept_note(credential: Credential) -> str:
    """When its values were set, for people."""
    return wording.ago(credential.set_at, now())


def _kinds(credential: Credential) -> list[tuple[str, str]]:
    known = credentials.choices()
    own = (credential.kind, credential.get_kind_display())
    return known if own[0] in dict(known) else [own]
