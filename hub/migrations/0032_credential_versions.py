"""Kinds, versions, envelopes and uses of credentials. What was sealed before stays readable as it is."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KINDS = [
    ("other", "other"),
    ("basic", "user and password"),
    ("bearer", "bearer token"),
    ("api_key", "API key"),
    ("oauth_client", "OAuth 2 client credentials"),
    ("oauth_code", "OAuth 2 authorization code"),
    ("certificate", "client certificate"),
    ("ssh_key", "SSH key"),
    ("password", "database password"),
    ("webhook", "signing secret of a webhook"),
]
DETAILS = "What belongs to the secret and is none, such as the address for tokens."


def tell_versions(apps, schema_editor):
    """Each sealed secret there is becomes the version in use; each signing secret gets its kind."""
    Credential, Secret, Version, Webhook = (
        apps.get_model("hub", name) for name in ("Credential", "CredentialSecret", "CredentialVersion", "Webhook")
    )
    rows = {row.pk: row for row in Credential.objects.all()}
    Version.objects.bulk_create(
        Version(
            credential_id=secret.credential_id, number=secret.number, state="active",
            fields=rows[secret.credential_id].fields, made_at=rows[secret.credential_id].set_at,
            activated_at=rows[secret.credential_id].set_at, expires_at=rows[secret.credential_id].expires_at,
        )
        for secret in Secret.objects.only("credential_id", "number").order_by("credential_id", "number")
        if rows[secret.credential_id].number == secret.number
    )
    signing = Webhook.objects.filter(credential__isnull=False).values("credential_id")
    used = apps.get_model("hub", "Connection").objects.filter(credential__isnull=False).values("credential_id")
    Credential.objects.filter(pk__in=signing).exclude(pk__in=used).update(kind="webhook")


def refuse_to_forget_keys(apps, schema_editor):
    """Without their data keys the values would be lost."""
    if apps.get_model("hub", "CredentialSecret").objects.exclude(scheme="").exists():
        raise RuntimeError("Secrets are sealed with data keys, which the version before cannot open. Restore a backup.")


class Migration(migrations.Migration):

    dependencies = [("hub", "0031_shared_cache")]

    operations = [
        *[
            migrations.AddField(name, "kind", models.CharField(choices=KINDS, default="other", max_length=20))
            for name in ("credential", "historicalcredential")
        ],
        *[
            migrations.AddField(name, "details", models.JSONField(blank=True, default=dict, help_text=DETAILS))
            for name in ("credential", "historicalcredential")
        ],
        *[
            migrations.AlterField(
                name, "number",
                models.PositiveIntegerField(default=0, editable=False, help_text="Number of the version in use."),
            )
            for name in ("credential", "historicalcredential")
        ],
        *[
            migrations.AlterField(
                name, "expires_at",
                models.DateTimeField(blank=True, help_text="When the values in use end.", null=True),
            )
            for name in ("credential", "historicalcredential")
        ],
        migrations.AddField(
            "credentialsecret", "scheme", models.CharField(blank=True, default="", max_length=10)
        ),
        migrations.AddField("credentialsecret", "wrapped", models.BinaryField(null=True)),
        migrations.AlterField("credentialsecret", "key_id", models.CharField(max_length=120)),
        migrations.AddField(
            "connectioncheck", "number",
            models.PositiveIntegerField(
                null=True, help_text="The version of its credential that is tried. Empty: the one in use."
            ),
        ),
        migrations.CreateModel(
            name="CredentialVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("staged", "staged"),
                            ("active", "in use"),
                            ("retiring", "retiring"),
                            ("revoked", "revoked"),
                        ],
                        max_length=10,
                    ),
                ),
                ("fields", models.JSONField(blank=True, default=list, help_text="Names of the values it holds.")),
                ("made_at", models.DateTimeField(null=True)),
                (
                    "tested_at",
                    models.DateTimeField(null=True, help_text="When a worker last found it to work everywhere."),
                ),
                ("activated_at", models.DateTimeField(null=True)),
                ("retires_at", models.DateTimeField(null=True, help_text="When its values are removed.")),
                ("revoked_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "credential",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="hub.credential"
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-number"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("credential", "number"), name="one_row_a_version"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "active")), fields=("credential",), name="one_active_version"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "staged")), fields=("credential",), name="one_staged_version"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CredentialUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("used_by", models.CharField(help_text="Name of the connection or webhook.", max_length=80)),
                ("purpose", models.CharField(max_length=20)),
                ("origin", models.CharField(blank=True, help_text="Empty: it was sent nowhere.", max_length=255)),
                ("run_id", models.BigIntegerField(help_text="The last run that used it.", null=True)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("count", models.PositiveIntegerField(default=1, help_text="In how many minutes.")),
                (
                    "credential",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="uses", to="hub.credential"
                    ),
                ),
            ],
            options={
                "ordering": ["-last_at"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("credential", "number", "used_by", "purpose", "origin"), name="one_row_a_use"
                    ),
                ],
            },
        ),
        migrations.RunPython(tell_versions, refuse_to_forget_keys),
    ]
