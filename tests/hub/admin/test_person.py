"""The desk's pages about people: nobody gives, or takes over, a right they do not have."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from hub.models import AuditEvent, User
from hub.services import person as people
from tests.conftest import ClientOf
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def form_of(person: User, **changed: Any) -> dict[str, Any]:
    """What a browser would send for this person's form."""
    sent: dict[str, Any] = {
        "username": person.username,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "is_active": "on",
        "is_staff": "on",
        "groups": [group.pk for group in person.groups.all()],
    }
    return {**sent, **changed}


def page(person: User) -> str:
    """The address of a person's form."""
    return reverse("admin:hub_user_change", args=[person.pk])


class TestPeople:
    """The forms of people."""

    def test_are_changed_by_an_administrator_and_written_down(self, administrator: User, client_of: ClientOf) -> None:
        person = UserFactory()
        auditor = Group.objects.get(name="Auditor")

        answer = client_of(administrator).post(page(person), form_of(person, groups=[auditor.pk], last_name="New"))
        person.refresh_from_db()

        assert answer.status_code == 302
        assert person.last_name == "New"
        assert list(person.groups.all()) == [auditor]
        assert AuditEvent.objects.filter(subject="user", detail={"groups": [[], ["Auditor"]]}).exists()

    def test_are_never_made_superusers_by_an_administrator(self, administrator: User, client_of: ClientOf) -> None:
        person = UserFactory()

        client_of(administrator).post(page(person), form_of(person, is_superuser="on"))
        person.refresh_from_db()

        assert not person.is_superuser

    def test_are_not_given_a_group_with_rights_beyond_the_givers(self, client_of: ClientOf) -> None:
        person, beyond, of_people = UserFactory(), Group.objects.create(name="beyond"), Group.objects.create(name="hr")
        beyond.permissions.add(Permission.objects.get(codename="change_group"))
        of_people.permissions.add(*Permission.objects.filter(codename__in=["view_user", "change_user"]))
        giver = UserFactory(groups=["hr"])

        answer = client_of(giver).post(page(person), form_of(person, groups=[beyond.pk]))

        assert answer.status_code == 200
        assert not person.groups.exists()

    def test_get_any_role_from_a_security_admin(self, client_of: ClientOf) -> None:
        person = UserFactory()
        roles = Group.objects.filter(name__in=["Operator", "Developer"])

        client_of(UserFactory(groups=["Security admin"])).post(
            page(person), form_of(person, groups=[*roles.values_list("pk", flat=True)])
        )

        assert set(person.groups.all()) == set(roles)

    def test_get_no_two_roles_that_exclude_each_other(self, client_of: ClientOf) -> None:
        person = UserFactory()
        roles = Group.objects.filter(name__in=["Operator", "Auditor"]).values_list("pk", flat=True)

        answer = client_of(UserFactory(groups=["Security admin"])).post(page(person), form_of(person, groups=[*roles]))

        assert "exclude each other" in answer.content.decode()
        assert not person.groups.exists()

    def test_keep_their_passwords_from_a_security_admin_with_fewer_rights(self, client_of: ClientOf) -> None:
        person = UserFactory(groups=["Operator"])
        sent = {"password1": "a-new-long-secret-1", "password2": "a-new-long-secret-1", "usable_password": "true"}

        answer = client_of(UserFactory(groups=["Security admin"])).post(f"/admin/hub/user/{person.pk}/password/", sent)

        assert answer.status_code == 403
        assert not User.objects.get(pk=person.pk).check_password("a-new-long-secret-1")

    def test_with_more_rights_are_not_taken_over_through_their_password(
        self, administrator: User, client_of: ClientOf
    ) -> None:
        mighty = UserFactory()
        mighty.user_permissions.add(Permission.objects.get(codename="add_session"))
        superuser = UserFactory(is_superuser=True)
        client = client_of(administrator)
        sent = {"password1": "a-new-long-secret-1", "password2": "a-new-long-secret-1", "usable_password": "true"}

        for person in (mighty, superuser):
            before = person.password
            assert client.post(f"/admin/hub/user/{person.pk}/password/", sent).status_code == 403
            person.refresh_from_db()
            assert person.password == before

    def test_get_a_new_password_without_it_being_written_down(self, administrator: User, client_of: ClientOf) -> None:
        person = UserFactory()
        sent = {"password1": "a-new-long-secret-1", "password2": "a-new-long-secret-1", "usable_password": "true"}

        client_of(administrator).post(f"/admin/hub/user/{person.pk}/password/", sent)
        person.refresh_from_db()

        event = AuditEvent.objects.get(subject="user", subject_id=person.pk)
        assert person.check_password("a-new-long-secret-1")
        assert "a-new-long-secret-1" not in str(event.detail)

    def test_do_not_change_their_own_rights(self, administrator: User, client_of: ClientOf) -> None:
        auditor = Group.objects.get(name="Auditor")

        before = list(administrator.groups.values_list("name", flat=True))

        client_of(administrator).post(page(administrator), form_of(administrator, groups=[auditor.pk]))

        assert list(administrator.groups.values_list("name", flat=True)) == before

    def test_are_never_deleted(self, client_of: ClientOf) -> None:
        person = UserFactory()

        client_of(UserFactory(is_superuser=True)).post(f"/admin/hub/user/{person.pk}/delete/", {"post": "yes"})

        assert User.objects.filter(pk=person.pk).exists()

    def test_are_added_with_a_password(self, administrator: User, client_of: ClientOf) -> None:
        sent = {"username": "nina", "password1": "a-new-long-secret-1", "password2": "a-new-long-secret-1"}

        client_of(administrator).post("/admin/hub/user/add/", {**sent, "is_staff": "on"})

        assert User.objects.get(username="nina").check_password("a-new-long-secret-1")
        assert AuditEvent.objects.filter(subject="user", action="user.add").exists()

    def test_are_not_for_everybody(self, owner: User, resolver: User, client_of: ClientOf) -> None:
        for person in (owner, resolver):
            assert client_of(person).get("/admin/hub/user/").status_code == 403

    def test_cannot_be_searched_by_their_password(self, administrator: User, client_of: ClientOf) -> None:
        answer = client_of(administrator).get("/admin/hub/user/", {"password__startswith": "pbkdf2"})

        assert answer.status_code in {302, 400}


class TestGroups:
    """The forms of groups."""

    def test_built_in_roles_are_only_looked_at(self, client_of: ClientOf) -> None:
        role = Group.objects.get(name="Resolver")
        client = client_of(UserFactory(is_superuser=True))

        client.post(f"/admin/auth/group/{role.pk}/change/", {"name": "renamed", "permissions": []})
        client.post(f"/admin/auth/group/{role.pk}/delete/", {"post": "yes"})
        role.refresh_from_db()

        assert role.name == "Resolver"
        assert role.permissions.exists()

    def test_own_groups_are_made_by_a_superuser(self, client_of: ClientOf) -> None:
        right = Permission.objects.get(codename="view_syncrun")

        client_of(UserFactory(is_superuser=True)).post(
            "/admin/auth/group/add/", {"name": "night shift", "permissions": [right.pk]}
        )

        assert list(Group.objects.get(name="night shift").permissions.all()) == [right]

    def test_offer_only_rights_that_the_policy_asks_for(self) -> None:
        offered = set(people.grantable_rights(UserFactory(is_superuser=True)).values_list("codename", flat=True))

        assert {"view_syncrun", "run_integration", "change_user"} <= offered
        assert not any("historical" in codename for codename in offered)


class TestMayManage:
    """Who may change whom."""

    def test_needs_every_right_of_the_other(self, administrator: User, resolver: User, owner: User) -> None:
        assert people.may_manage(administrator, resolver)
        assert not people.may_manage(resolver, administrator)
        assert people.may_manage(UserFactory(is_superuser=True), administrator)
        assert not people.may_manage(administrator, UserFactory(is_superuser=True))
        assert people.may_manage(owner, UserFactory())

    def test_own_groups_get_any_right_from_a_security_admin_who_is_not_in_them(self, client_of: ClientOf) -> None:
        theirs, other = Group.objects.create(name="theirs"), Group.objects.create(name="other")
        kept, new = (Permission.objects.get(codename=name) for name in ("view_syncrun", "run_integration"))
        other.permissions.add(kept)
        client = client_of(UserFactory(groups=["Security admin", "theirs"]))

        for group in (theirs, other):
            sent = {"name": group.name, "permissions": [kept.pk, new.pk]}
            client.post(f"/admin/auth/group/{group.pk}/change/", sent)

        assert set(other.permissions.all()) == {kept, new}
        assert not theirs.permissions.exists()
