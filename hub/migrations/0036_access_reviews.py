
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Reviews of access: who has which right, each kept or revoked."""

    dependencies = [
        ('hub', '0035_evidence_for_auditors'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('member', 'is in the group'), ('grant', 'was given, as a group,'), ('owner', 'owns or deputises'), ('superuser', 'may do everything')], max_length=9)),
                ('person_id', models.BigIntegerField(null=True)),
                ('person_name', models.CharField(blank=True, max_length=150, verbose_name='person')),
                ('group_id', models.BigIntegerField(null=True)),
                ('group_name', models.CharField(blank=True, max_length=150, verbose_name='group')),
                ('source_id', models.BigIntegerField(help_text='Of the membership, grant, integration or person.')),
                ('subject', models.CharField(blank=True, max_length=20)),
                ('subject_name', models.CharField(blank=True, max_length=255, verbose_name='on')),
                ('allowed', models.CharField(max_length=300, verbose_name='may')),
                ('members', models.JSONField(default=list, help_text='Numbers of the people whom the line is about.')),
                ('given_by', models.CharField(blank=True, max_length=150)),
                ('given_at', models.DateTimeField(null=True)),
                ('given_why', models.CharField(blank=True, max_length=300)),
                ('last_used', models.DateTimeField(null=True)),
                ('verdict', models.CharField(choices=[('open', 'to decide'), ('keep', 'kept'), ('revoke', 'to be revoked'), ('revoked', 'revoked')], default='open', max_length=7)),
                ('decided_by', models.CharField(blank=True, max_length=150)),
                ('decided_at', models.DateTimeField(null=True)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('carried_by', models.CharField(blank=True, max_length=150)),
                ('carried_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'line of a review of access',
                'verbose_name_plural': 'lines of reviews of access',
                'ordering': ['-id'],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='AccessReview',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('everything', 'everything'), ('integration', 'one integration'), ('role', 'one role or group')], max_length=11)),
                ('scope_id', models.BigIntegerField(blank=True, null=True)),
                ('scope_name', models.CharField(max_length=255, verbose_name='about')),
                ('reason', models.CharField(max_length=300)),
                ('started_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(verbose_name='due')),
                ('completed_at', models.DateTimeField(blank=True, null=True)),
                ('statement', models.CharField(blank=True, max_length=300)),
                ('digest', models.CharField(blank=True, max_length=64, verbose_name='SHA-256 of its lines')),
            ],
            options={
                'verbose_name': 'review of access',
                'verbose_name_plural': 'reviews of access',
                'ordering': ['-id'],
                'permissions': [('decide_accessreview', 'Can start reviews of access, decide their lines and complete them')],
                'default_permissions': ('view',),
            },
        ),
        migrations.AddField(
            model_name='accessreview',
            name='completed_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='accessreview',
            name='started_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='accessline',
            name='review',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='hub.accessreview'),
        ),
        migrations.AddIndex(
            model_name='accessline',
            index=models.Index(fields=['review', 'verdict', '-id'], name='line_by_verdict'),
        ),
    ]
