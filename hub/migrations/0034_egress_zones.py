"""Egress zones, and the one that keeps open what a hub with connections could reach before there were any."""

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

NETWORKS = [
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "127.0.0.0/8", "::1/128",
]
REASON = "Reachable before zones existed; narrow it."


def keep_open(apps, schema_editor):
    """Connections, and a single sign-on, may lead anywhere behind the public addresses: nothing is cut off."""
    if not (apps.get_model("hub", "Connection").objects.exists() or settings.HUB_OIDC):
        return
    now = timezone.now()
    state = {
        "name": "before-zones", "title": "Before there were zones", "networks": NETWORKS, "allow_http": True,
        "reason": REASON, "is_open": True, "opened_by": "the hub", "opened_at": now,
    }
    zone = apps.get_model("hub", "EgressZone").objects.create(**state)
    apps.get_model("hub", "HistoricalEgressZone").objects.create(
        id=zone.pk, **state, history_date=now, history_type="+", history_change_reason=REASON
    )
    apps.get_model("hub", "AuditEvent").objects.create(
        at=now, actor_name="the hub", action="zone.open", subject="egresszone", subject_id=zone.pk,
        subject_name=zone.title, after={"networks": NETWORKS, "ports": [], "allow_http": True}, reason=REASON,
        method="command", detail={"proposed_by": "the hub"},
    )


class Migration(migrations.Migration):

    dependencies = [
        ('hub', '0033_tokens'),
    ]

    operations = [
        migrations.CreateModel(
            name='EgressZone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(help_text='Short name used in files, for example erp-lan.', max_length=80, unique=True)),
                ('title', models.CharField(max_length=200)),
                ('networks', models.JSONField(default=list, help_text='Networks as 10.20.0.0/16 or fd12:3456::/48, one a line.')),
                ('ports', models.JSONField(blank=True, default=list, help_text='Ports, one a line. Empty: all.')),
                ('allow_http', models.BooleanField(default=False, help_text='Let http in as well. Otherwise HTTP calls must be https.', verbose_name='plain http')),
                ('ca_bundle', models.TextField(blank=True, help_text='Certificates as PEM. Inside this zone only these are believed. Empty: the usual ones.', verbose_name='certificate authorities')),
                ('reason', models.CharField(help_text='Why it is needed. Shown to everybody who sees connections.', max_length=300)),
                ('expires_at', models.DateTimeField(blank=True, help_text='When it closes by itself. Empty: never.', null=True)),
                ('is_open', models.BooleanField(default=False, editable=False)),
                ('opened_by', models.CharField(blank=True, editable=False, help_text='Kept when it is closed.', max_length=150)),
                ('opened_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('proposed_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'egress zone',
                'ordering': ['name'],
                'permissions': [('open_egresszone', 'Can open and close egress zones')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalEgressZone',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('name', models.SlugField(help_text='Short name used in files, for example erp-lan.', max_length=80)),
                ('title', models.CharField(max_length=200)),
                ('networks', models.JSONField(default=list, help_text='Networks as 10.20.0.0/16 or fd12:3456::/48, one a line.')),
                ('ports', models.JSONField(blank=True, default=list, help_text='Ports, one a line. Empty: all.')),
                ('allow_http', models.BooleanField(default=False, help_text='Let http in as well. Otherwise HTTP calls must be https.', verbose_name='plain http')),
                ('ca_bundle', models.TextField(blank=True, help_text='Certificates as PEM. Inside this zone only these are believed. Empty: the usual ones.', verbose_name='certificate authorities')),
                ('reason', models.CharField(help_text='Why it is needed. Shown to everybody who sees connections.', max_length=300)),
                ('expires_at', models.DateTimeField(blank=True, help_text='When it closes by itself. Empty: never.', null=True)),
                ('is_open', models.BooleanField(default=False, editable=False)),
                ('opened_by', models.CharField(blank=True, editable=False, help_text='Kept when it is closed.', max_length=150)),
                ('opened_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('proposed_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical egress zone',
                'verbose_name_plural': 'historical egress zones',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.RunPython(keep_open, migrations.RunPython.noop),
    ]
