"""Recovery mode from the shell: begin it after a restore, read both sides, leave it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.management import actor
from hub.models import Recovery, Review
from hub.services import access, incarnation, recovery

KINDS = ("received", "agreeing", "relinked", "differing", "missing", "new", "unknown", "withdrawn")


class Command(BaseCommand):
    """`manage.py recovery status|start|review|leave`."""

    help = "After a restored backup: start recovery mode, read both sides of every mapping, leave it with a reason."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do."""
        parser.add_argument("what", choices=("status", "start", "review", "leave"))
        parser.add_argument("--reason", default="", help="Why it is started or left.")
        parser.add_argument("--unread", action="store_true", help="Leave although not every mapping was read.")
        actor.add_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do one of them."""
        incarnation.watch(at_once=True)
        by = actor.named(options["by"])
        if by and options["what"] != "status" and not access.can(by, "leave", Recovery):
            raise CommandError(access.can(by, "leave", Recovery).reason)
        if options["what"] == "start":
            incarnation.begin(by=by, why=options["reason"] or "Started from the shell.")
        elif options["what"] == "review":
            self._review(_open())
        elif options["what"] == "leave":
            if by is None:
                raise CommandError("Say with --by who answers for it: recovery mode is left by a named person.")
            try:
                recovery.leave(recovery=_open(), by=by, reason=options["reason"], unread=options["unread"])
            except recovery.RecoveryError as error:
                raise CommandError(str(error)) from None
        self._show()

    def _review(self, found: Recovery) -> None:
        """Read here what is left, one mapping after the other."""
        recovery.ask_reviews(recovery=found, by=None)
        for review_id in found.reviews.exclude(state="done").values_list("pk", flat=True):
            recovery.review(review_id=review_id)

    def _show(self) -> None:
        found = recovery.present()
        if found is None:
            self.stdout.write("Not in recovery mode.")
            return
        self.stdout.write(f"In recovery mode since {found.started_at:%Y-%m-%d %H:%M} UTC. {found.why}")
        for review in found.reviews.select_related("mapping__integration"):
            self.stdout.write(f"  {review.mapping.path}: {review.get_state_display()} {_told(review)}")
        for mapping in recovery.left_to_review(found):
            self.stdout.write(f"  {mapping.path}: left to read")


def _open() -> Recovery:
    found = recovery.present()
    if found is None:
        raise CommandError("The hub is not in recovery mode.")
    return found


def _told(review: Review) -> str:
    counts = ", ".join(f"{getattr(review, kind):,} {kind}" for kind in KINDS if getattr(review, kind))
    return f"{counts} {review.message}".strip()
