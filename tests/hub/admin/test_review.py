"""Reviews of access on the desk: begun, decided one by one and many at once, completed, taken along."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from hub.clock import now
from hub.models import AccessLine, AccessReview, AuditEvent, User, Verdict
from tests.conftest import ClientOf
from tests.factories import UserFactory
from tests.hub.reviews import AccessLineFactory, AccessReviewFactory

pytestmark = pytest.mark.django_db
WHY = "The review of this quarter."
LINES = "/admin/hub/accessline/"


def begun(client_of: ClientOf, by: User) -> AccessReview:
    group = Group.objects.get(name="Viewer")
    sent = {"about": f"group.{group.pk}", "due": "2999-01-01T00:00", "reason": WHY}
    answer = client_of(by).post("/admin/hub/accessreview/start/", sent)
    assert answer.status_code == 302, answer.content.decode()
    return AccessReview.objects.get()


class TestAReview:
    def test_is_begun_decided_and_completed(self, auditor: User, client_of: ClientOf) -> None:
        people = [UserFactory(groups=["Viewer"]) for _ in range(3)]
        review = begun(client_of, auditor)
        lines = list(review.lines.order_by("pk"))
        client = client_of(auditor)

        client.post(reverse("admin:hub_accessline_do", args=[lines[0].pk, "revoke"]), {"reason": "Has left."})
        chosen = {"action": "keep", "_selected_action": [one.pk for one in lines[1:]]}
        client.post(f"{LINES}?review={review.pk}", {**chosen, "confirmed": "1", "reason": "Still needed."})

        assert sorted(review.lines.values_list("verdict", flat=True)) == ["keep", "keep", "revoke"]
        client_of(UserFactory(groups=["Security admin"])).post(
            reverse("admin:hub_accessline_do", args=[lines[0].pk, "carry"])
        )
        assert not people[0].groups.exists()
        client.post(
            reverse("admin:hub_accessreview_do", args=[review.pk, "complete"]),
            {"statement": "All was looked at."},
        )
        review.refresh_from_db()
        assert review.completed_by == auditor
        text = client.get(reverse("admin:hub_accessreview_change", args=[review.pk])).content.decode()
        assert review.digest in text

    def test_tells_how_far_it_is(self, auditor: User, client_of: ClientOf) -> None:
        review = AccessReviewFactory()
        for verdict in (Verdict.OPEN, Verdict.KEEP, Verdict.REVOKED, Verdict.REVOKE):
            AccessLineFactory(review=review, verdict=verdict)

        text = client_of(auditor).get(reverse("admin:hub_accessreview_change", args=[review.pk])).content.decode()

        assert "2 of 4 lines done" in text

    def test_that_is_overdue_is_said_on_the_home_page(self, auditor: User, operator: User, client_of: ClientOf) -> None:
        AccessReviewFactory(due_at=now() - timedelta(days=1))

        assert "is overdue since" in client_of(auditor).get("/admin/").content.decode()
        assert "is overdue since" not in client_of(operator).get("/admin/").content.decode()

    def test_is_taken_along_as_csv_and_that_is_noted(self, auditor: User, client_of: ClientOf) -> None:
        line: AccessLine = AccessLineFactory(person_name="=cmd")

        answer = client_of(auditor).get(reverse("admin:hub_accessreview_csv", args=[line.review_id]))

        assert b"'=cmd" in b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        assert AuditEvent.objects.filter(action="review.export").exists()

    def test_with_a_date_that_has_passed_is_refused_in_words(self, auditor: User, client_of: ClientOf) -> None:
        sent = {"about": "everything", "due": "2020-01-01T00:00", "reason": WHY}

        text = client_of(auditor).post("/admin/hub/accessreview/start/", sent).content.decode()

        assert "must be due later" in text

    def test_list_is_narrowed_to_one_review(self, auditor: User, client_of: ClientOf) -> None:
        wanted, _ = AccessLineFactory(), AccessLineFactory()

        answer = client_of(auditor).get(LINES, {"review": wanted.review_id, "state": "open"})

        assert list(answer.context["cl"].result_list) == [wanted]
