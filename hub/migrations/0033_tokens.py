"""Tokens of OAuth2 credentials, and the consents by which people give them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('hub', '0032_credential_versions'),
    ]

    operations = [
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('asked_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('asked', 'not given yet'), ('returned', 'being completed'), ('done', 'connected'), ('failed', 'failed')], default='asked', max_length=20)),
                ('message', models.CharField(blank=True, max_length=500)),
                ('done_at', models.DateTimeField(null=True)),
                ('mark', models.CharField(help_text='Digest of the state that comes back.', max_length=64, unique=True)),
                ('session', models.CharField(help_text='Digest of the session in which it was asked for.', max_length=64)),
                ('challenge', models.CharField(max_length=64)),
                ('redirect_uri', models.CharField(max_length=500)),
                ('proof', models.JSONField(help_text='Sealed: the verifier, and the code once it is there.', null=True)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('credential', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='consents', to='hub.credential')),
            ],
            options={
                'ordering': ['-id'],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='OAuthToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(default=0, help_text='The version of the credential that it was got with.')),
                ('made_for', models.CharField(blank=True, help_text='Digest of whom it was asked for, and for what.', max_length=64)),
                ('state', models.CharField(choices=[('fresh', 'renewed by itself'), ('refreshing', 'being renewed'), ('exhausted', 'cannot be renewed for now'), ('needs_consent', 'needs consent')], default='fresh', max_length=20)),
                ('epoch', models.PositiveBigIntegerField(default=0)),
                ('scheme', models.CharField(blank=True, default='', max_length=10)),
                ('key_id', models.CharField(blank=True, default='', max_length=120)),
                ('wrapped', models.BinaryField(null=True)),
                ('sealed', models.BinaryField(null=True)),
                ('bound_epoch', models.PositiveBigIntegerField(default=0, help_text='The epoch in which it was sealed.')),
                ('obtained_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('renew_at', models.DateTimeField(null=True)),
                ('refreshing_since', models.DateTimeField(null=True)),
                ('failures', models.PositiveIntegerField(default=0, help_text='In a row.')),
                ('is_refused', models.BooleanField(default=False, help_text='The provider answered that it will not.')),
                ('next_try_at', models.DateTimeField(null=True)),
                ('message', models.CharField(blank=True, help_text='Why it could not be renewed.', max_length=500)),
                ('renewals', models.PositiveIntegerField(default=0)),
                ('credential', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='token', to='hub.credential')),
            ],
            options={
                'default_permissions': (),
            },
        ),
    ]
