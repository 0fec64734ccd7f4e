"""A mapping with a value and a personal value in every place where the hub keeps one, each naming its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import NoReverseMatch, reverse

from hub.clock import now
from hub.engine import verbatim
from hub.engine.intent import State
from hub.models import Change, Finding, Mapping, Recovery, Replay, Review, User, VersionState
from hub.sdk import Record
from tests import factories as make
from tests.hub.webhooks import DeliveryFactory, WebhookFactory, WebhookRouteFactory

PLAIN, PERSONAL = "Quittengelee", "Wolkenstein"
BODY: dict[str, dict[str, Any]] = {
    "fields": {
        "city": {"steps": [{"path": "town"}]},
        "person": {"steps": [{"path": "full_name"}], "personal": True},
    }
}


def here(place: str) -> dict[str, str]:
    """The fields of the source."""
    return {"town": f"{PLAIN}-{place}.", "full_name": f"{PERSONAL}-{place}."}


def there(place: str) -> dict[str, str]:
    """The mapped fields."""
    return {"city": f"{PLAIN}-{place}.", "person": f"{PERSONAL}-{place}."}


def text(place: str) -> str:
    """Words of another system, which quote both."""
    return f"Refused: {PLAIN}-{place}. of {PERSONAL}-{place}."


def plant() -> Mapping:
    """Plant everything there is."""
    mapping: Mapping = make.MappingFactory()
    mapping.active_version = make.MappingVersionFactory(
        mapping=mapping, body=BODY, state=VersionState.ACTIVE, activated_at=now()
    )
    mapping.save()
    run = make.SyncRunFactory(mapping=mapping, excepted=5)
    refused = _refused(run)
    _source_side(run)
    _kept(run)
    make.LaneFactory(mapping=mapping)
    make.ChangeFactory(
        run=make.SyncRunFactory(mapping=mapping, is_preview=True, planned=1), state=State.PLANNED,
        before=there("planned_before"), fields=there("planned"), image=there("planned_image"),
    )  # fmt: skip
    _link(refused)
    _deliver(mapping)
    _find(mapping)
    Replay.objects.create(
        mapping=mapping, integration=mapping.integration, states=["refused"], total=1, created_at=now(), reason="Again."
    )
    return mapping


def _refused(run: Any) -> Change:
    """A change that was refused, its attempts, and what it led to."""
    change: Change = make.ChangeFactory(
        run=run, source_key="K-1", state=State.REJECTED, code="refused", message=text("message"),
        before=there("before"), fields=there("fields"), image=there("image"), after=there("after"),
        decisions={"person": {"rule": "the source changed it", "value": f"{PERSONAL}-decision."}},
    )  # fmt: skip
    make.AttemptFactory(change=change, request=text("request"), response=text("response"), answer="refused")
    of_record = {"mapping": run.mapping, "source_key": "K-1", "last_run": run, "change_id": change.pk}
    evidence = {
        "sent": there("sent"), "agreed": there("agreed"), "destination": there("destination"),
        "candidates": [{"key": "9", "image": there("candidate")}],
    }  # fmt: skip
    make.ReconciliationExceptionFactory(**of_record, kind="refused", reason=text("refusal"), evidence=evidence)
    make.ReconciliationExceptionFactory(
        mapping=run.mapping, source_key="K-3", last_run=run, kind="unmapped", field="city",
        reason=f"city: “{PLAIN}-problem.” is not in the value map “towns”", evidence={"source": here("read")},
    )  # fmt: skip
    make.ReconciliationExceptionFactory(
        mapping=run.mapping, source_key="K-4", last_run=run, kind="invalid", field="person",
        reason=f"person: “{PERSONAL}-wrong.” is not a name\ncity: “{PLAIN}-wrong.” is not a town",
        evidence={"sent": there("proposed"), "destination": there("present")},
    )  # fmt: skip
    return change


def _find(mapping: Mapping) -> None:
    """What a review after a restored backup found, and an edit that showed in an answer."""
    recovery = Recovery.objects.create(started_at=now(), why="A restored backup.", is_open=False)
    review = Review.objects.create(recovery=recovery, mapping=mapping)
    Finding.objects.create(
        review=review, kind="differing", source_key="K-8", wanted=there("wanted"), present=there("found")
    )
    make.ReconciliationExceptionFactory(
        mapping=mapping, source_key="K-9", kind="edited", field="city", reason=text("edited"),
        evidence={"sent": there("edit_sent"), "destination": there("edit_there")},
    )  # fmt: skip


def _source_side(run: Any) -> None:
    """A write to the source, which names its fields as the source does."""
    make.ChangeFactory(
        run=run, source_key="K-5", side="source", state=State.APPLIED, before=here("back_before"), fields=here("back")
    )


def _kept(run: Any) -> None:
    """A step that cannot be mapped."""
    step = make.ChangeFactory(
        run=run, source_key="K-2", state=State.REJECTED, code="unmapped", fields={}, image={},
        message=f"city: “{PLAIN}-unmapped.” is not in the value map “towns”",
        kept=verbatim.written(Record("K-2", here("kept"))),
    )  # fmt: skip
    make.ReconciliationExceptionFactory(
        mapping=run.mapping, source_key="K-2", change_id=step.pk, last_run=run, kind="unmapped", field="city",
        reason=f"city: “{PLAIN}-unmapped.” is not in the value map “towns”", evidence={"source": here("step")},
    )  # fmt: skip


def _link(change: Change) -> None:
    link = make.LinkFactory(mapping=change.mapping, source_key=change.source_key)
    images = {"sent": there("image_sent"), "source": there("image_source"), "destination": there("image_destination")}
    make.LinkImageFactory(link=link, **images)
    Change.objects.filter(pk=change.pk).update(link=link)


def _deliver(mapping: Mapping) -> None:
    hook = WebhookFactory(connection=mapping.source)
    WebhookRouteFactory(webhook=hook, mapping=mapping)
    DeliveryFactory(webhook=hook, body=text("body").encode())


# --- who finds what ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """The places whose values somebody found on some page, and how each page answered."""

    plain: set[str]
    personal: set[str]
    codes: dict[str, int]


def looked_through(client: Client, mapping: Mapping) -> Found:
    """Every page of the desk that shows anything of these rows, its forms, histories and questions; and a trial."""
    pages = {address: client.get(address) for address in addresses()}
    trial = reverse("admin:hub_mappingversion_do", args=[mapping.active_version_id, "try_out"])
    pages["trial"] = client.post(trial, {"limit": "5"})
    shown = [re.sub(r"</?mark>", "", answer.content.decode()) for answer in pages.values()]
    plain, personal = (
        {place for page in shown for place in re.findall(rf"{word}-(\w+)\.", page)} for word in (PLAIN, PERSONAL)
    )
    return Found(plain, personal, {address: answer.status_code for address, answer in pages.items()})


def addresses() -> Iterator[str]:
    """The address of every list, narrowed to nothing, of every page of every row, and of the deeds of some.

    People and groups are left out: they are many, and hold no records.
    """
    for model, desk in admin.site._registry.items():
        if model in (User, Group):
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield f"{reverse(f'{name}_changelist')}?state=all"
        for place, row in enumerate(model._default_manager.order_by("pk")):
            for page in ("change", "edit", "history", "live"):
                yield from _address(f"{name}_{page}", row.pk)
            for deed in getattr(desk, "deeds", ()) if place < 2 else ():
                yield from _address(f"{name}_do", row.pk, deed.name)


def _address(name: str, *args: object) -> Iterator[str]:
    try:
        yield reverse(name, args=args)
    except NoReverseMatch:
        return
