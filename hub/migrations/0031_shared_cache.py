"""The table of what all web processes must agree on: failed sign-ins, codes that were used."""

from django.db import migrations, models

TABLE = "hub_shared"


def make(apps, schema_editor):
    moment = models.DateTimeField().db_type(schema_editor.connection)
    schema_editor.execute(
        f'CREATE TABLE "{TABLE}" ("cache_key" varchar(255) NOT NULL PRIMARY KEY, "value" text NOT NULL, '
        f'"expires" {moment} NOT NULL)'
    )
    schema_editor.execute(f'CREATE INDEX "{TABLE}_expires" ON "{TABLE}" ("expires")')


def drop(apps, schema_editor):
    schema_editor.execute(f'DROP TABLE "{TABLE}"')


class Migration(migrations.Migration):
    dependencies = [("hub", "0030_personal")]

    operations = [migrations.RunPython(make, drop)]
