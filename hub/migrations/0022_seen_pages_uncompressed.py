from django.db import migrations


def store(how):
    """How PostgreSQL keeps the links of a page that was read; SQLite knows one way only."""

    def alter(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"alter table hub_seenpage alter column links set storage {how}")

    return alter


class Migration(migrations.Migration):
    """A page lives for one run. Compressing it took PostgreSQL longer than looking up the links in it."""

    dependencies = [
        ('hub', '0021_tombstones'),
    ]

    operations = [
        migrations.RunPython(store("external"), store("extended")),
    ]
