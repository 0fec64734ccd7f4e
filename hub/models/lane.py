"""Lanes: slices of a mapping's key space, each held by one worker at a time through a lease with an epoch."""

import time
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from hub.engine.lane import BUCKETS
from hub.models.mapping import Mapping

LEASE = timedelta(seconds=60)


class LeaseLostError(Exception):
    """Another worker holds the lane now; whatever this one still wanted to say is void."""


class Lane(models.Model):
    """A slice of a mapping's key space. Every write a worker makes carries the epoch of its lease.

    A mapping has as many lanes as its `slices` says; rows beyond that are kept, so that no epoch is used twice. The
    epoch rises by 64 with each lease and is the lane's number modulo 64: within a mapping it names lane and lease.
    """

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="lanes")
    slice = models.PositiveSmallIntegerField(default=0)
    owner = models.CharField(max_length=120, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    held_since = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True, db_index=True)
    rung_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["mapping", "slice"], name="one_lane_a_slice")]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.term = LEASE
        self._sure_until = 0.0

    def __str__(self) -> str:
        return f"lane {self.slice + 1} of {self.mapping}"

    def claim(self, owner: str) -> bool:
        """Take the lane if nobody holds it; the database's clock decides. Raises the epoch."""
        asked = _elapsed()
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
        won = Lane.objects.filter(free, pk=self.pk).update(
            owner=owner, epoch=F("epoch") + BUCKETS, held_since=Now(), lease_until=Now() + self.term
        )
        if won:
            self.refresh_from_db(fields=["owner", "epoch", "held_since", "lease_until"])
            self._sure_until = asked + self.term.total_seconds()
        return bool(won)

    def prolong(self) -> bool:
        """Prolong the lease by its term from now; False when it has been lost."""
        asked = _elapsed()
        held = Lane.objects.filter(pk=self.pk, epoch=self.epoch, owner=self.owner).update(lease_until=Now() + self.term)
        if held:
            self._sure_until = asked + self.term.total_seconds()
        return bool(held)

    def hold(self) -> None:
        """Prolong the lease, and lock the row until the transaction ends. Raises LeaseLostError when it is lost."""
        if not self.prolong():
            raise LeaseLostError(f"The lease on {self} was lost.")

    def release(self) -> None:
        """Give the lane back; does nothing when it has been lost."""
        Lane.objects.filter(pk=self.pk, epoch=self.epoch, owner=self.owner).update(
            lease_until=None, held_since=None, owner=""
        )

    @property
    def sure_for(self) -> float:
        """Seconds for which nobody else can hold the lane, whatever this process slept meanwhile."""
        return self._sure_until - _elapsed()


def _elapsed() -> float:
    """Seconds that passed for everybody, also while this process or its machine was suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Checkpoint(models.Model):
    """How far a mapping's source has been read and durably taken in."""

    mapping = models.OneToOneField(Mapping, on_delete=models.CASCADE, related_name="checkpoint")
    cursor = models.JSONField(null=True)
    destination_cursor = models.JSONField(null=True, help_text="The same for the destination of a two-way mapping.")
    updated_at = models.DateTimeField()
    complete_at = models.DateTimeField(null=True, blank=True, help_text="When a read last reached the end.")

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"checkpoint of {self.mapping}"
