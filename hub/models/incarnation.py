"""The incarnation of the database: a number that only grows, kept also outside, so that a restored backup shows."""

from django.db import models


class Incarnation(models.Model):
    """The one row (number 1) that says how far this database has come, and in which body it lives."""

    number = models.PositiveBigIntegerField(default=0)
    body = models.CharField(max_length=120, blank=True, help_text="Of the server and the tables it stands in.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"incarnation {self.number}"
