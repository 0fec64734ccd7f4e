"""Lanes: slices of a mapping's key space, each held by one worker at a time through a lease with an epoch."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from hub.models.mapping import Mapping

LEASE = timedelta(seconds=60)


class LeaseLostError(Exception):
    """Another worker holds the lane now; whatever this one still wanted to say is void."""


class Lane(models.Model):
    """A slice of a mapping's key space. Every write a worker makes carries the epoch of its lease."""

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="lanes")
    slice = models.PositiveSmallIntegerField(default=0)
    slices = models.PositiveSmallIntegerField(default=1)
    owner = models.CharField(max_length=120, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True, db_index=True)
    rung_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["mapping", "slice"], name="one_lane_a_slice")]

    def __str__(self) -> str:
        return f"lane {self.slice + 1} of {self.slices}, {self.mapping}"

    def claim(self, owner: str) -> bool:
        """Take the lane if nobody holds it; the database's clock decides. Raises the epoch."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
        won = Lane.objects.filter(free, pk=self.pk).update(owner=owner, epoch=F("epoch") + 1, lease_until=Now() + LEASE)
        if won:
            self.refresh_from_db()
        return bool(won)

    def hold(self) -> None:
        """Prolong the lease, and lock the row until the transaction ends. Raises LeaseLostError when it is lost."""
        held = Lane.objects.filter(pk=self.pk, epoch=self.epoch, owner=self.owner).update(lease_until=Now() + LEASE)
        if not held:
            raise LeaseLostError(f"The lease on {self} was lost.")

    def release(self) -> None:
        """Give the lane back; does nothing when it has been lost."""
        Lane.objects.filter(pk=self.pk, epoch=self.epoch, owner=self.owner).update(lease_until=None, owner="")


class Checkpoint(models.Model):
    """How far a mapping's source has been read and durably taken in."""

    mapping = models.OneToOneField(Mapping, on_delete=models.CASCADE, related_name="checkpoint")
    cursor = models.JSONField(null=True)
    updated_at = models.DateTimeField()
    complete_at = models.DateTimeField(null=True, blank=True, help_text="When a read last reached the end.")

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"checkpoint of {self.mapping}"
