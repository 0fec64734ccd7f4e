"""Credentials: what is known about a secret and its versions, and, in a table of its own, each sealed secret."""

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords


class CredentialKind(models.TextChoices):
    """What its values are, which decides what is asked for and how it is used. services.credential.kind says more."""

    OTHER = "other", "other"
    BASIC = "basic", "user and password"
    BEARER = "bearer", "bearer token"
    API_KEY = "api_key", "API key"
    OAUTH_CLIENT = "oauth_client", "OAuth 2 client credentials"
    OAUTH_CODE = "oauth_code", "OAuth 2 authorization code"
    CERTIFICATE = "certificate", "client certificate"
    SSH_KEY = "ssh_key", "SSH key"
    PASSWORD = "password", "database password"
    WEBHOOK = "webhook", "signing secret of a webhook"


class Credential(models.Model):
    """A sealed secret and the origins it may be sent to. The values stand in CredentialSecret only."""

    name = models.SlugField(max_length=80, unique=True, help_text="Short name used in files, for example crm-api.")
    title = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=20, choices=CredentialKind.choices, default=CredentialKind.OTHER)
    origins = models.JSONField(
        default=list, blank=True, help_text="Where the secret may be sent, as scheme://host:port."
    )
    details = models.JSONField(
        default=dict, blank=True, help_text="What belongs to the secret and is none, such as the address for tokens."
    )
    fields = models.JSONField(default=list, blank=True, editable=False, help_text="Names of the values it holds.")
    number = models.PositiveIntegerField(default=0, editable=False, help_text="Number of the version in use.")
    set_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When the values in use end.")
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    history = HistoricalRecords(excluded_fields=["last_used_at"])

    class Meta:
        ordering = ["name"]
        permissions = [
            ("use_credential", "Can choose a credential for a connection"),
            ("manage_credential", "Can change a credential and set its secret"),
            ("grant_credential", "Can give groups rights on a credential"),
        ]

    def __str__(self) -> str:
        return self.title or self.name

    def binding(self, number: int, environment: str) -> str:
        """What the ciphertext of version `number` is bound to: moved or edited elsewhere, it cannot be opened."""
        place = [str(self.pk), str(number), self.kind, environment, *sorted(self.origins)]
        return "\n".join(["hub-credential-2", *place])

    def direct_binding(self, number: int, environment: str) -> str:
        """The same, of what was sealed before there were kinds and data keys."""
        return "\n".join(["hub-credential", str(self.pk), str(number), environment, *sorted(self.origins)])


class CredentialState(models.TextChoices):
    """Where a version stands in its life."""

    STAGED = "staged", "staged"
    ACTIVE = "active", "in use"
    RETIRING = "retiring", "retiring"
    REVOKED = "revoked", "revoked"


class CredentialVersion(models.Model):
    """What is known of one version of a credential's values. It stays when the values themselves are removed."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=CredentialState.choices)
    fields = models.JSONField(default=list, blank=True, help_text="Names of the values it holds.")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(null=True)
    tested_at = models.DateTimeField(null=True, help_text="When a worker last found it to work everywhere.")
    activated_at = models.DateTimeField(null=True)
    retires_at = models.DateTimeField(null=True, help_text="When its values are removed.")
    revoked_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-number"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["credential", "number"], name="one_row_a_version"),
            models.UniqueConstraint(
                fields=["credential"], condition=models.Q(state=CredentialState.ACTIVE), name="one_active_version"
            ),
            models.UniqueConstraint(
                fields=["credential"], condition=models.Q(state=CredentialState.STAGED), name="one_staged_version"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class CredentialSecret(models.Model):
    """One sealed version of a credential's values. No admin, no history, no API, ever.

    `wrapped` is the key of this ciphertext, wrapped by key `key_id` of the provider `scheme`; both are empty in what
    was sealed before there were data keys.
    """

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    scheme = models.CharField(max_length=10, blank=True, default="")
    key_id = models.CharField(max_length=120)
    wrapped = models.BinaryField(null=True)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["credential", "number"], name="one_secret_a_version"),
        ]

    def __str__(self) -> str:
        return f"secret {self.number} of credential {self.credential_id}"


class CredentialUse(models.Model):
    """Who used which version for what and where it was sent: one row each, written at most once a minute."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="uses")
    number = models.PositiveIntegerField()
    used_by = models.CharField(max_length=80, help_text="Name of the connection or webhook.")
    purpose = models.CharField(max_length=20)
    origin = models.CharField(max_length=255, blank=True, help_text="Empty: it was sent nowhere.")
    run_id = models.BigIntegerField(null=True, help_text="The last run that used it.")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1, help_text="In how many minutes.")

    class Meta:
        ordering = ["-last_at"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["credential", "number", "used_by", "purpose", "origin"], name="one_row_a_use"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.used_by} to {self.origin}"
