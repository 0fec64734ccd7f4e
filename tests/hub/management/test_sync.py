"""`manage.py sync`: runs here and now, tells what came of it, and ends with a code that scripts can trust."""

import io
import json
import os
import signal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hub import registry
from hub.models import Integration, Lane, Mapping, RunState, SyncRun, Trigger
from hub.sdk import ConfigError, Page
from hub.services import mapping as mappings
from hub.services import run as runs
from tests import simulator
from tests.factories import ConnectionFactory, IntegrationFactory, MappingFactory, UserFactory
from tests.simulator import ThirdParty

BODY: dict[str, Any] = {"fields": {"name": {"steps": [{"path": "name"}], "required": True}}}


@pytest.fixture
def shop(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> ThirdParty:
    """A shop with four records, and an integration “goods” that brings them to the books."""
    shop, books = ThirdParty(), ThirdParty()
    plates = {"shop": simulator.connector("shop", shop), "books": simulator.connector("books", books)}
    monkeypatch.setattr(registry, "get", plates.__getitem__)
    monkeypatch.setattr("hub.queue._enqueue", lambda job, **ids: None)
    integration = IntegrationFactory(name="goods")
    ends = {
        "source": ConnectionFactory(name="shop", title="Shop", connector="shop"),
        "destination": ConnectionFactory(name="books", title="Books", connector="books"),
    }
    for position, name in enumerate(("things", "more"), start=1):
        mapping = MappingFactory(
            integration=integration, name=name, title=name, position=position, page_size=2,
            source_stream="things", destination_stream="things", delete_policy="ignore", **ends,
        )  # fmt: skip
        mappings.activate(version=mappings.add_version(mapping=mapping, body=BODY, by=None), by=None)
    for number in range(4):
        shop.put(f"K{number}", name=f"thing {number}")
    return shop


def sync(*arguments: str) -> tuple[int, str]:
    """The exit code, and what was printed."""
    out = io.StringIO()
    try:
        call_command("sync", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


class TestOneMapping:
    @pytest.mark.parametrize("form", [(), ("--json",)])
    def test_tells_values_only_to_who_may_see_them(self, form: tuple[str, ...], shop: ThirdParty) -> None:
        body = {"fields": {"name": {"steps": [{"path": "name"}, {"integer": True}]}}}
        mapping = Mapping.objects.get(name="things")
        mappings.activate(version=mappings.add_version(mapping=mapping, body=body, by=None), by=None)
        UserFactory(username="otto", groups=["Operator", "Whole hub"])

        _, told_otto = sync("goods/things", "--by", "otto", *form)
        _, told_host = sync("goods/things", "--full", *form)

        assert "thing 0" not in told_otto
        assert "name: hidden" in told_otto
        assert "thing 0" in told_host

    def test_is_run_to_its_end_with_a_balance(self, shop: ThirdParty) -> None:
        code, told = sync("goods/things")

        assert code == 0
        assert told.splitlines()[0].startswith("goods/things: succeeded after ")
        assert told.splitlines()[1] == (
            "  received 4 = unchanged 0 + applied 4 (4 created, 0 updated, 0 deleted) + planned 0 + held 0 "
            "+ excluded 0 + in exception 0 + in flight 0"
        )
        assert SyncRun.objects.get().trigger == Trigger.SHELL

    def test_changes_nothing_the_second_time(self, shop: ThirdParty) -> None:
        sync("goods/things")

        code, told = sync("goods/things", "--full")

        assert code == 0
        assert "received 4 = unchanged 4 + applied 0" in told

    def test_writes_nothing_in_a_preview_and_tells_what_it_would_write(self, shop: ThirdParty) -> None:
        code, told = sync("goods/things", "--preview")

        assert code == 0
        assert "  would create K0" in told.splitlines()
        assert SyncRun.objects.get().planned == 4
        assert SyncRun.objects.get().applied == 0

    def test_records_who_asked(self, shop: ThirdParty) -> None:
        UserFactory(username="olivia")

        sync("goods/things", "--by", "olivia")

        assert SyncRun.objects.get().requested_by.username == "olivia"  # type: ignore[union-attr]


class TestAnIntegration:
    def test_runs_its_mappings_in_order(self, shop: ThirdParty) -> None:
        code, told = sync("goods")

        heads = [line.partition(":")[0] for line in told.splitlines() if line.startswith("goods/")]
        assert heads == ["goods/things", "goods/more"]
        assert code == 0


class TestExitCode:
    def test_is_2_when_a_person_must_look_and_says_why(self, shop: ThirdParty) -> None:
        shop.put("K9", nickname="nameless")

        code, told = sync("goods/things")

        assert code == 2
        assert "goods/things: partial" in told
        assert any(line.startswith("  K9 (name): ") and "is missing" in line for line in told.splitlines())

    def test_is_1_when_the_run_fails(self, shop: ThirdParty, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(self: ThirdParty, stream: str, cursor: Any, limit: int) -> Page:
            raise ConfigError("The shop has no such shelf.")

        monkeypatch.setattr(ThirdParty, "read", refuse)

        code, told = sync("goods/things")

        assert code == 1
        assert "The shop has no such shelf." in told

    def test_is_1_for_an_integration_when_a_mapping_fails(
        self, shop: ThirdParty, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Mapping.objects.filter(name="more").update(source_stream="nowhere")

        assert sync("goods")[0] == 1


class TestJson:
    def test_is_one_document_with_balance_and_exceptions(self, shop: ThirdParty) -> None:
        shop.put("K9", nickname="nameless")

        code, told = sync("goods/things", "--json")

        document = json.loads(told)
        (run,) = document["runs"]
        assert (code, document["exit_code"]) == (2, 2)
        assert (run["mapping"], run["state"]) == ("goods/things", "partial")
        assert run["balance"]["received"] == 5
        assert [(one["key"], one["field"]) for one in run["exceptions"]] == [("K9", "name")]

    def test_is_one_document_even_when_nothing_could_be_asked_for(self, shop: ThirdParty) -> None:
        out = io.StringIO()

        with pytest.raises(CommandError):
            call_command("sync", "nowhere", "--json", stdout=out)

        document = json.loads(out.getvalue())
        assert (document["exit_code"], document["runs"]) == (1, [])
        assert document["error"].startswith("There is no integration “nowhere”.")

    def test_counts_what_a_preview_would_do(self, shop: ThirdParty) -> None:
        document = json.loads(sync("goods/things", "--json", "--preview")[1])

        assert document["runs"][0]["planned"] == {"create": 4}


class TestNames:
    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("goos", "There is no integration “goos”. Known: goods."),
            ("goods/thinks", "There is no mapping “thinks”. Known: more, things."),
        ],
    )
    def test_that_are_unknown_list_the_known_ones(self, shop: ThirdParty, name: str, told: str) -> None:
        with pytest.raises(CommandError, match=told.replace(".", r"\.")):
            sync(name)

    def test_are_none_before_anything_was_applied(self, db: None) -> None:
        with pytest.raises(CommandError, match=r"none yet; make some with `manage.py apply FILE`"):
            sync("goods")


class TestWhatStandsInTheWay:
    def test_is_told_when_the_integration_is_paused(self, shop: ThirdParty) -> None:
        Integration.objects.update(is_paused=True, paused_reason="month-end close")

        with pytest.raises(CommandError, match="is paused: month-end close"):
            sync("goods/things")

    def test_is_told_when_a_run_waits_already(self, shop: ThirdParty) -> None:
        runs.request(mapping=Mapping.objects.get(name="things"), trigger=Trigger.SCHEDULE)

        with pytest.raises(CommandError, match=r"queued or running already.* With --resume"):
            sync("goods/things")


class TestResume:
    def test_goes_on_with_what_was_interrupted(self, shop: ThirdParty) -> None:
        run = runs.request(mapping=Mapping.objects.get(name="things"), trigger=Trigger.SCHEDULE)

        code, _ = sync("goods", "--resume")

        run.refresh_from_db()
        assert (code, run.state) == (0, RunState.SUCCEEDED)

    def test_says_so_when_nothing_waits(self, shop: ThirdParty) -> None:
        with pytest.raises(CommandError, match="Nothing waits or was interrupted"):
            sync("goods", "--resume")


class TestCtrlC:
    def interrupt_at(self, page: int, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Press Ctrl-C while this page is being read."""
        read, pages = ThirdParty.read, []

        def interrupted(self: ThirdParty, stream: str, cursor: Any, limit: int) -> Page:
            pages.append(stream)
            if len(pages) == page:
                for _ in range(times):
                    os.kill(os.getpid(), signal.SIGINT)
            return read(self, stream, cursor, limit)

        monkeypatch.setattr(ThirdParty, "read", interrupted)

    def test_stops_between_pages_and_gives_the_lane_back(
        self, shop: ThirdParty, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = signal.getsignal(signal.SIGINT)
        self.interrupt_at(1, 1, monkeypatch)

        code, told = sync("goods/things")

        run = SyncRun.objects.get()
        assert (code, run.state, run.created) == (130, RunState.CANCELLED, 2)
        assert "goods/things: cancelled" in told
        assert Lane.objects.get().lease_until is None
        assert signal.getsignal(signal.SIGINT) is before

    def test_leaves_nothing_undone_for_the_next_run(self, shop: ThirdParty, monkeypatch: pytest.MonkeyPatch) -> None:
        self.interrupt_at(1, 1, monkeypatch)
        sync("goods/things")

        code, told = sync("goods/things")

        assert code == 0
        assert "received 4 = unchanged 2 + applied 2" in told

    def test_pressed_twice_leaves_at_once_with_a_run_that_can_be_resumed(
        self, shop: ThirdParty, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.interrupt_at(1, 2, monkeypatch)

        with pytest.raises(KeyboardInterrupt):
            sync("goods/things")
        assert Lane.objects.get().lease_until is None

        code, _ = sync("goods/things", "--resume")

        assert code == 0
        assert SyncRun.objects.get().created == 4
