"""Credentials: what is known about a secret, and, in a table of its own, the sealed secret."""

from django.db import models
from simple_history.models import HistoricalRecords


class Credential(models.Model):
    """A sealed secret and the origins it may be sent to. The values stand in CredentialSecret only."""

    name = models.SlugField(max_length=80, unique=True, help_text="Short name used in files, for example crm-api.")
    title = models.CharField(max_length=200, blank=True)
    origins = models.JSONField(
        default=list, blank=True, help_text="Where the secret may be sent, as scheme://host:port."
    )
    fields = models.JSONField(default=list, blank=True, editable=False, help_text="Names of the values it holds.")
    number = models.PositiveIntegerField(default=0, editable=False, help_text="How often it has been set.")
    set_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
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
        return "\n".join(["hub-credential", str(self.pk), str(number), environment, *sorted(self.origins)])


class CredentialSecret(models.Model):
    """One sealed version of a credential's values. No admin, no history, no API, ever."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    key_id = models.CharField(max_length=40)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["credential", "number"], name="one_secret_a_version"),
        ]

    def __str__(self) -> str:
        return f"secret {self.number} of credential {self.credential_id}"
