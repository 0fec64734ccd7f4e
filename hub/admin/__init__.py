"""The door for people: Django's admin, one module per noun, in the order of the desk."""

from django.contrib import admin

from hub.admin import (
    audit,
    change,
    connection,
    consent,
    credential,
    delivery,
    exception,
    export,
    finding,
    grant,
    integration,
    lane,
    link,
    mapping,
    pause,
    person,
    recovery,
    replay,
    review,
    run,
    schedule,
    session,
    webhook,
    zone,
)

__all__ = [
    "audit",
    "change",
    "connection",
    "consent",
    "credential",
    "delivery",
    "exception",
    "export",
    "finding",
    "grant",
    "integration",
    "lane",
    "link",
    "mapping",
    "pause",
    "person",
    "recovery",
    "replay",
    "review",
    "run",
    "schedule",
    "session",
    "webhook",
    "zone",
]

# Deleting whatever was ticked is never what was meant; each admin class offers its own deeds instead.
admin.site.disable_action("delete_selected")
