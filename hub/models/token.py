"""Tokens of OAuth2 credentials: sealed, renewed by one worker at a time, and whether consent is needed again."""

from django.db import models

from hub.models.credential import Credential


class TokenState(models.TextChoices):
    """How a token stands."""

    FRESH = "fresh", "renewed by itself"
    REFRESHING = "refreshing", "being renewed"
    EXHAUSTED = "exhausted", "cannot be renewed for now"
    NEEDS_CONSENT = "needs_consent", "needs consent"


class OAuthToken(models.Model):
    """The access token of a credential, and what renews it. The values are sealed; no admin, no history, no API, ever.

    Whoever renews it raises `epoch`, and writes only while the epoch is still theirs.
    """

    credential = models.OneToOneField(Credential, on_delete=models.CASCADE, related_name="token")
    number = models.PositiveIntegerField(default=0, help_text="The version of the credential that it was got with.")
    made_for = models.CharField(max_length=64, blank=True, help_text="Digest of whom it was asked for, and for what.")
    state = models.CharField(max_length=20, choices=TokenState.choices, default=TokenState.FRESH)
    epoch = models.PositiveBigIntegerField(default=0)
    scheme = models.CharField(max_length=10, blank=True, default="")
    key_id = models.CharField(max_length=120, blank=True, default="")
    wrapped = models.BinaryField(null=True)
    sealed = models.BinaryField(null=True)
    bound_epoch = models.PositiveBigIntegerField(default=0, help_text="The epoch in which it was sealed.")
    obtained_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    renew_at = models.DateTimeField(null=True)
    refreshing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    is_refused = models.BooleanField(default=False, help_text="The provider answered that it will not.")
    next_try_at = models.DateTimeField(null=True)
    message = models.CharField(max_length=500, blank=True, help_text="Why it could not be renewed.")
    renewals = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"token of {self.credential_id}: {self.state}"

    def binding(self, credential: Credential, epoch: int, environment: str) -> str:
        """What the sealed values are bound to: elsewhere, or with other addresses allowed, they cannot be opened."""
        place = [str(credential.pk), credential.kind, str(epoch), environment, *sorted(credential.origins)]
        return "\n".join(["hub-oauth-token", *place])
