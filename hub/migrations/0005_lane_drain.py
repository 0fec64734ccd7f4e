"""Lanes drained by many workers: epochs that name their lane, since when it is held, and what a run has left to do."""

from typing import Any

from django.db import migrations, models
from django.db.models import F


def name_lanes(apps: Any, schema_editor: Any) -> None:
    """Let each epoch be its lane's number modulo 64, and higher than before."""
    apps.get_model("hub", "Lane").objects.update(epoch=F("epoch") * 64 + F("slice"))


class Migration(migrations.Migration):
    dependencies = [("hub", "0004_pause")]

    operations = [
        migrations.RemoveField("lane", "slices"),
        migrations.AddField("lane", "held_since", models.DateTimeField(blank=True, null=True)),
        migrations.RunPython(name_lanes, migrations.RunPython.noop),
        migrations.AddField(
            "syncrun",
            "is_draining",
            models.BooleanField(
                default=False, help_text="Everything is read and planned; its lanes are being drained."
            ),
        ),
        migrations.AddField(
            "syncrun",
            "accounted_to",
            models.PositiveBigIntegerField(
                default=0, help_text="Changes up to this one are of pages that are committed as a whole."
            ),
        ),
    ]
