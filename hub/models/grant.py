"""Grants: what the members of a group may do with one integration or one credential, each with its origin."""

from typing import TYPE_CHECKING

from django.contrib.auth.models import Group, Permission
from django.db import models
from guardian.models import GroupObjectPermissionBase

from hub.models.credential import Credential
from hub.models.integration import Integration


class Grant(GroupObjectPermissionBase):
    """A right on one object, given to a group; it goes when its object goes. Given and taken by services.grant."""

    given_at = models.DateTimeField(auto_now_add=True)
    given_by = models.CharField(max_length=150, blank=True, help_text="Kept when the person is removed.")
    reason = models.CharField(max_length=300, blank=True)

    if TYPE_CHECKING:
        content_object: Integration | Credential
        content_object_id: int
        group: models.ForeignKey[Group, Group]
        permission: models.ForeignKey[Permission, Permission]

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = True
        default_permissions = ()


class IntegrationGrant(Grant):
    """A right on one integration, and through it on its mappings, runs, changes and exceptions.

    With `scopes` it reaches only exceptions of records whose scope field has one of these values.
    """

    content_object = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="grants")
    scopes = models.JSONField("only where it is", default=list, blank=True)

    class Meta(Grant.Meta):
        abstract = False


class CredentialGrant(Grant):
    """A right on one credential, and through it on the connections that use it."""

    content_object = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="grants")

    class Meta(Grant.Meta):
        abstract = False
