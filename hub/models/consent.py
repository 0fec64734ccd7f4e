"""Consents: a person is sent to a provider to agree that the hub may act, and comes back with a code."""

from django.conf import settings
from django.db import models

from hub.models.credential import Credential


class ConsentState(models.TextChoices):
    """How far a consent is."""

    ASKED = "asked", "not given yet"
    RETURNED = "returned", "being completed"
    DONE = "done", "connected"
    FAILED = "failed", "failed"


class Consent(models.Model):
    """One try to get consent, by one person in one session, for ten minutes and one use.

    What proves it (the code, and the verifier of PKCE) is sealed, and removed once it was used.
    """

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="consents")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=ConsentState.choices, default=ConsentState.ASKED)
    message = models.CharField(max_length=500, blank=True)
    done_at = models.DateTimeField(null=True)
    mark = models.CharField(max_length=64, unique=True, help_text="Digest of the state that comes back.")
    session = models.CharField(max_length=64, help_text="Digest of the session in which it was asked for.")
    challenge = models.CharField(max_length=64)
    redirect_uri = models.CharField(max_length=500)
    proof = models.JSONField(null=True, help_text="Sealed: the verifier, and the code once it is there.")

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"Consent for {self.credential}"

    def binding(self, what: str, environment: str) -> str:
        """What a sealed part is bound to."""
        return "\n".join(["hub-consent", what, str(self.credential_id), self.mark, environment])
