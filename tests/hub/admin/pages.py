"""The addresses of the desk's pages, and a page as a browser shows it."""

from typing import Any

from django.db.models import Model
from django.test import Client
from django.urls import reverse

RULES: dict[str, Any] = {"fields": {"title": {"steps": [{"path": "name"}], "required": True}}}


def page(row: Model, name: str = "change") -> str:
    """The address of one of the pages of a row."""
    return reverse(f"admin:hub_{row._meta.model_name}_{name}", args=[row.pk])


def deed(row: Model, name: str) -> str:
    """The address of one of its deeds."""
    return reverse(f"admin:hub_{row._meta.model_name}_do", args=[row.pk, name])


def html(client: Client, url: str) -> str:
    """The page, with white space as a browser shows it."""
    return text(client.get(url))


def text(answer: Any) -> str:
    """The page of an answer, with white space as a browser shows it."""
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())
