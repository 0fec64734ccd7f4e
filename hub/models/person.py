"""The people who work with the hub."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person who signs in. Our own table from the first day, so that it can grow."""

    class Meta(AbstractUser.Meta):
        verbose_name = "person"
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.get_full_name() or self.username
