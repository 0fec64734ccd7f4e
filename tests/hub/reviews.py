"""Reviews of access, for the tests that need one."""

from datetime import timedelta

import factory
from factory.django import DjangoModelFactory

from hub import models
from hub.clock import now


class AccessReviewFactory(DjangoModelFactory[models.AccessReview]):
    """A review of everything, due tomorrow, without lines."""

    class Meta:
        model = models.AccessReview

    scope = models.ReviewScope.EVERYTHING
    scope_name = "everything"
    reason = "The review of this quarter."
    started_at = factory.LazyFunction(now)
    due_at = factory.LazyFunction(lambda: now() + timedelta(days=1))


class AccessLineFactory(DjangoModelFactory[models.AccessLine]):
    """A line about a membership that is gone already."""

    class Meta:
        model = models.AccessLine

    review = factory.SubFactory(AccessReviewFactory)
    kind = models.LineKind.MEMBER
    person_name = "somebody"
    group_name = "Viewer"
    source_id = 0
    allowed = "look at integrations"
