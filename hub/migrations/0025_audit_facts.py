import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import hub.models.audit


def text(length, **more):
    return models.CharField(blank=True, default='', max_length=length, **more)


class Migration(migrations.Migration):
    """An event holds names as they were and numbers without a constraint: nothing it tells of can alter it."""

    dependencies = [
        ('hub', '0024_edits_and_findings'),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditevent',
            name='actor',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        # Events there are keep no number: a default would give all of them the same.
        migrations.AddField('auditevent', 'uid', models.UUIDField(editable=False, null=True)),
        migrations.AlterField('auditevent', 'uid', models.UUIDField(default=hub.models.audit.new_uid, editable=False, null=True)),
        migrations.AddField('auditevent', 'on_behalf', text(150, help_text='For whom, when for somebody else.')),
        migrations.AddField('auditevent', 'outcome', models.CharField(choices=[('done', 'done'), ('denied', 'denied'), ('failed', 'failed')], default='done', max_length=6)),
        migrations.AddField('auditevent', 'before', models.JSONField(blank=True, default=dict, help_text='Values as they were; secrets as fingerprints.')),
        migrations.AddField('auditevent', 'after', models.JSONField(blank=True, default=dict, help_text='Values as they became; secrets as fingerprints.')),
        migrations.AddField('auditevent', 'ticket', text(60)),
        migrations.AddField('auditevent', 'run_id', models.BigIntegerField(null=True, verbose_name='run')),
        migrations.AddField('auditevent', 'mapping_version_id', models.BigIntegerField(null=True, verbose_name='mapping version')),
        migrations.AddField('auditevent', 'approval_id', models.BigIntegerField(null=True, verbose_name='approval')),
        migrations.AddField('auditevent', 'method', text(12, help_text='How the person was known.')),
        migrations.AddField('auditevent', 'request', text(36)),
        migrations.AddField('auditevent', 'address', text(45)),
        migrations.AddField('auditevent', 'session', text(16, help_text='A fingerprint of the session.')),
    ]
