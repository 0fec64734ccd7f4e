"""Reviews of access: nobody reviews themselves or what they gave, and nobody takes what they may not take."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission

from hub.clock import now
from hub.models import AccessLine, AccessReview, AuditEvent, CapturedRow, IntegrationGrant, LineKind, User, Verdict
from hub.sdk import FatalError
from hub.services import access
from hub.services import grant as grants
from hub.services import review as reviews
from tests import factories as make
from tests.hub.reviews import AccessReviewFactory

pytestmark = pytest.mark.django_db
WHY = "The review of this quarter."


@pytest.fixture
def security() -> User:
    """A Security admin."""
    person: User = make.UserFactory(username="sara", groups=["Security admin"])
    return person


@pytest.fixture
def member() -> User:
    """A Viewer in the team North."""
    Group.objects.create(name="North")
    person: User = make.UserFactory(username="vera", groups=["Viewer", "North"])
    return person


@pytest.fixture
def grant(member: User, administrator: User) -> IntegrationGrant:
    """A right of the team, given by ada."""
    made = grants.give(
        subject=make.IntegrationFactory(title="Orders"), group=Group.objects.get(name="North"),
        right="operate_integration", by=administrator, reason="Asked for by the owner.",
    )  # fmt: skip
    assert isinstance(made, IntegrationGrant)
    return made


def begin(by: User, subject: Group | None = None) -> AccessReview:
    return reviews.start(subject=subject, due_at=now() + timedelta(days=7), by=by, reason=WHY)


def line(review: AccessReview, kind: LineKind, **more: str) -> AccessLine:
    found: AccessLine = review.lines.get(kind=kind, **more)
    return found


def roles(person: User) -> set[str]:
    return set(person.groups.values_list("name", flat=True))


class TestTheList:
    def test_says_who_has_what_given_by_whom_and_last_used_when(
        self, auditor: User, member: User, grant: IntegrationGrant
    ) -> None:
        make.AuditEventFactory(actor=member, at=now())

        review = begin(auditor)

        told = line(review, LineKind.GRANT)
        assert (told.group_name, told.subject_name, told.given_by) == ("North", "Orders", "ada")
        assert (told.given_why, told.members) == ("Asked for by the owner.", [member.pk])
        viewer = line(review, LineKind.MEMBER, person_name="vera", group_name="Viewer")
        assert viewer.last_used is not None
        assert {one.group_name for one in review.lines.filter(kind=LineKind.OWNER)} == {"owner", "deputy"}

    def test_tells_who_put_somebody_into_a_group_and_why(self, auditor: User, member: User) -> None:
        membership = User.groups.through.objects.get(user=member, group__name="North")
        CapturedRow.objects.create(
            uid="0" * 32, at=now(), table_name="hub_user_groups", key=str(membership.pk), operation="insert",
            actor_name="ada", request="r-1",
        )  # fmt: skip
        make.AuditEventFactory(subject="user", request="r-1", reason="New in the team.")

        told = line(begin(auditor), LineKind.MEMBER, person_name="vera", group_name="North")

        assert (told.given_by, told.given_why, told.given_at is not None) == ("ada", "New in the team.", True)

    def test_is_frozen(self, auditor: User, member: User) -> None:
        review = begin(auditor, Group.objects.get(name="North"))
        make.UserFactory(groups=["North"])

        assert review.lines.count() == 1

    def test_of_a_role_holds_only_its_members_and_what_it_was_given(
        self, auditor: User, member: User, grant: IntegrationGrant
    ) -> None:
        review = begin(auditor, Group.objects.get(name="North"))

        assert sorted(review.lines.values_list("kind", flat=True)) == ["grant", "member"]

    def test_is_begun_by_those_who_may(self, operator: User) -> None:
        with pytest.raises(FatalError):
            begin(operator)


class TestALine:
    def test_revoked_by_an_auditor_waits_for_a_security_admin(
        self, auditor: User, security: User, member: User
    ) -> None:
        told = line(begin(auditor), LineKind.MEMBER, person_name="vera", group_name="Viewer")

        marked = reviews.revoke(line=told, by=auditor, reason="She has left the team.")
        assert (marked.verdict, roles(member)) == (Verdict.REVOKE, {"Viewer", "North"})
        with pytest.raises(FatalError, match="Security admin"):
            reviews.carry(line=told, by=auditor)

        done = reviews.carry(line=told, by=security)
        assert (done.verdict, done.decided_by, done.carried_by) == (Verdict.REVOKED, "abel", "sara")
        assert roles(member) == {"North"}
        assert AuditEvent.objects.get(action="person.take").reason == "She has left the team."

    def test_revoked_by_a_security_admin_goes_at_once(
        self, security: User, member: User, grant: IntegrationGrant
    ) -> None:
        told = line(begin(security), LineKind.GRANT)

        assert reviews.revoke(line=told, by=security, reason="No longer needed.").verdict == Verdict.REVOKED
        assert not IntegrationGrant.objects.exists()
        assert AuditEvent.objects.filter(action="grant.take", actor=security).exists()

    def test_is_not_decided_by_whom_it_is_about(self, auditor: User, security: User) -> None:
        review = begin(auditor)
        for person, name in ((auditor, "abel"), (security, "sara")):
            told = review.lines.filter(kind=LineKind.MEMBER, person_name=name).first()
            assert told is not None
            for decide in (reviews.keep, reviews.revoke):
                with pytest.raises(FatalError, match="about you"):
                    decide(line=told, by=person, reason="It is mine.")

    def test_of_a_group_is_not_decided_by_its_members(self, auditor: User, grant: IntegrationGrant) -> None:
        auditor.groups.add(Group.objects.get(name="North"))
        told = line(begin(auditor), LineKind.GRANT)

        with pytest.raises(FatalError, match="about you"):
            reviews.keep(line=told, by=auditor, reason="It is ours.")

    def test_is_not_decided_by_who_gave_it(self, administrator: User, auditor: User, grant: IntegrationGrant) -> None:
        told = line(begin(auditor), LineKind.GRANT)

        with pytest.raises(FatalError, match="You gave this"):
            reviews.keep(line=told, by=administrator, reason="I know why.")

    def test_is_not_decided_by_those_who_decide_nothing(self, auditor: User, operator: User, member: User) -> None:
        told = line(begin(auditor), LineKind.MEMBER, person_name="vera", group_name="Viewer")

        with pytest.raises(FatalError):
            reviews.keep(line=told, by=operator, reason="It is needed.")

    def test_about_an_owner_waits_until_another_is_named(self, auditor: User, security: User) -> None:
        integration = make.IntegrationFactory(title="Orders")
        told = line(begin(auditor), LineKind.OWNER, group_name="owner")
        reviews.revoke(line=told, by=security, reason="Has moved to another task.")

        with pytest.raises(FatalError, match="needs another owner"):
            reviews.carry(line=told, by=security)
        integration.owner = make.UserFactory()
        integration.save()
        assert reviews.carry(line=told, by=security).verdict == Verdict.REVOKED

    def test_about_a_superuser_is_carried_out_by_another_one(self, auditor: User, security: User) -> None:
        mighty = make.UserFactory(is_superuser=True)
        told = line(begin(auditor), LineKind.SUPERUSER)
        reviews.revoke(line=told, by=security, reason="Roles are enough.")

        with pytest.raises(FatalError):
            reviews.carry(line=told, by=security)
        with pytest.raises(FatalError):
            reviews.carry(line=told, by=mighty)
        reviews.carry(line=told, by=make.UserFactory(is_superuser=True))
        mighty.refresh_from_db()
        assert not mighty.is_superuser

    def test_can_be_kept_after_all_as_long_as_it_was_not_carried_out(
        self, auditor: User, security: User, member: User
    ) -> None:
        told = line(begin(auditor), LineKind.MEMBER, person_name="vera", group_name="Viewer")
        reviews.revoke(line=told, by=auditor, reason="She has left the team.")

        assert reviews.keep(line=told, by=security, reason="She is back.").verdict == Verdict.KEEP
        with pytest.raises(FatalError, match="Nobody decided"):
            reviews.carry(line=told, by=security)


class TestTheEnd:
    def test_wants_every_line_decided_and_is_signed(self, auditor: User, security: User, member: User) -> None:
        review = begin(auditor, Group.objects.get(name="North"))
        with pytest.raises(FatalError, match="1 lines are still"):
            reviews.complete(review=review, by=auditor, statement="I looked at all of it.")
        told = line(review, LineKind.MEMBER)
        reviews.keep(line=told, by=security, reason="She is in the team.")

        done = reviews.complete(review=review, by=auditor, statement="I looked at all of it.")

        event = AuditEvent.objects.get(action="review.complete")
        assert event.detail == {"sha256": done.digest, "keep": 1, "revoked": 0}
        with pytest.raises(FatalError, match="complete"):
            reviews.revoke(line=told, by=security, reason="Too late.")
        AccessLine.objects.update(verdict=Verdict.REVOKED)
        assert reviews.decide.digest(done) != done.digest

    def test_that_does_not_come_is_said(self, auditor: User) -> None:
        late, early, done = AccessReviewFactory(), AccessReviewFactory(), AccessReviewFactory()
        AccessReview.objects.filter(pk__in=[late.pk, done.pk]).update(due_at=now() - timedelta(days=1))
        AccessReview.objects.filter(pk=done.pk).update(completed_at=now())

        assert reviews.overdue() == [late]
        assert early.due_at > now()

    def test_is_taken_along_as_a_table(self, auditor: User, grant: IntegrationGrant) -> None:
        text = "".join(reviews.rows(begin(auditor)))

        assert "North" in text
        assert text.splitlines()[0].startswith("kind,person_name,group_name")


def test_taking_somebody_out_of_a_group_is_for_security_admins(operator: User, member: User) -> None:
    from hub.services import person as people

    with pytest.raises(FatalError):
        people.take(person=member, group=Group.objects.get(name="North"), by=operator, reason="No.")
    assert Permission.objects.filter(codename="decide_accessreview").exists()
    assert access.can(member, "view", AccessReview).allowed is False
