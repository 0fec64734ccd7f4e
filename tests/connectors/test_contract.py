"""The promises every connector keeps. A connector's folder and its benches are found by themselves."""

import gc
import json
import logging
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub import registry
from hub.sdk import (
    Answer,
    AuthError,
    Capabilities,
    Change,
    ConfigError,
    Connector,
    Cursor,
    CursorKind,
    DeleteFeed,
    Destination,
    FieldKind,
    HubError,
    Opened,
    Operation,
    Outcome,
    Page,
    Record,
    Settings,
    Source,
    TransientError,
    WriteCapability,
    check_config,
)
from tests.connectors.bench import Bench
from tests.connectors.conftest import benches

ROOT = Path(__file__).parents[2]
SECRET_NAMES = re.compile(r"password|passwd|passphrase|token|secret|api_?key|private_?key|client_?key")
PAGE = 3
MOST_PAGES = 200

# Connectors that do not keep a promise yet: {(connector, promise): why}. It may only shrink: an entry whose
# promise is kept fails the suite until it is removed.
EXCEPTIONS: dict[tuple[str, str], str] = {}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask each promise of every connector, and on every bench where it needs a system."""
    promise = metafunc.function.__name__.removeprefix("test_").replace("_", "-")
    if "bench" in metafunc.fixturenames:
        places = [(name, bench) for name in registry.names() for bench in benches(name)]
        cases = [_case(promise, name, bench) for name, bench in places]
        metafunc.parametrize(("name", "bench"), cases, indirect=["bench"])
    elif "name" in metafunc.fixturenames:
        metafunc.parametrize("name", [_case(promise, name) for name in registry.names()])


def _case(promise: str, *place: str) -> Any:
    """One parameter set; an exception must go on failing, or it is no exception any more."""
    reason = EXCEPTIONS.get((place[0], promise))
    marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
    return pytest.param(*place, id="-".join(place), marks=marks)


class TestPlate:
    """What stands on the connector's door."""

    def test_can_be_loaded(self) -> None:
        assert registry.broken() == {}

    def test_has_label(self, connector: Connector, name: str) -> None:
        assert connector.name == name
        assert connector.label
        assert connector.label.strip() == connector.label
        assert connector.summary.endswith(".")

    def test_config_labelled(self, connector: Connector) -> None:
        names = [field.name for field in connector.fields]

        assert len(set(names)) == len(names)
        for field in connector.fields:
            assert field.label, field.name
            assert field.help.endswith("."), f"{field.name}: help must be a sentence"
            assert field.default in {None, *field.choices} if field.choices else True, field.name
            assert bool(field.choices) == (field.kind is FieldKind.CHOICE), field.name

    def test_secrets_marked(self, connector: Connector) -> None:
        for field in connector.fields:
            if SECRET_NAMES.search(field.name):
                assert field.is_secret, f"{field.name} must be a SECRET"
            if field.is_secret:
                assert field.default is None, f"{field.name} must not have a default"

    def test_has_readme(self, name: str) -> None:
        text = (ROOT / "connectors" / name / "README.md").read_text()

        assert text.startswith("# ")
        assert len(text.splitlines()) >= 20

    def test_has_bench(self, name: str) -> None:
        assert benches(name), f"write tests/connectors/{name}/bench.py; tests/connectors/bench.py says how"

    def test_pure(self, name: str) -> None:
        """Importing the connector loads no Django and nothing of the hub above its facades."""
        script = (
            f"import sys, connectors.{name}; "
            "print(*sorted(name for name in sys.modules if name.split('.')[0] in {'django', 'rq'} "
            "or name.startswith('hub.') and name.split('.')[1] not in {'sdk', 'http'}))"
        )

        found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

        assert found.stdout.split() == []


class TestConnection:
    """A connection in use."""

    def test_config_accepted(self, connector: Connector, bench: Bench) -> None:
        checked = check_config(connector.fields, bench.settings.config)
        secrets = {field.name for field in connector.fields if field.is_secret}

        assert connector.origins(checked)
        assert all(connector.origins(checked))
        assert set(bench.settings.secrets) <= secrets

    def test_opens_without_calling(self, connector: Connector, bench: Bench) -> None:
        if bench.wrong_address is None:
            pytest.skip("nothing to be wrong about")

        connector.open(bench.wrong_address).close()

    def test_checks_connection(self, opened: Opened) -> None:
        sentence = opened.check()

        assert sentence.endswith(".")
        assert len(sentence.splitlines()) == 1

    def test_names_its_streams(self, opened: Opened, bench: Bench) -> None:
        names = [stream.name for stream in opened.streams()]

        assert len(set(names)) == len(names)
        assert {bench.stream, bench.written} <= set(names)
        assert all(stream.label for stream in opened.streams())

    def test_refuses_an_unknown_stream(self, opened: Opened) -> None:
        with pytest.raises(ConfigError, match="no-such-stream"):
            source(opened).read("no-such-stream", None, PAGE)

    def test_errors_translated(self, connector: Connector, bench: Bench) -> None:
        if bench.wrong_address is None:
            pytest.skip("nothing to be wrong about")

        opened = connector.open(bench.wrong_address)

        with pytest.raises((TransientError, ConfigError)):
            opened.check()
        with pytest.raises((TransientError, ConfigError)):
            source(opened).read(bench.stream, None, PAGE)
        opened.close()

    def test_nothing_is_in_doubt_at_a_wrong_address(self, connector: Connector, bench: Bench) -> None:
        if bench.wrong_address is None:
            pytest.skip("nothing to be wrong about")
        opened = connector.open(bench.wrong_address)

        answers = answers_of(opened, bench, [creation(bench, 1), creation(bench, 2)])

        assert set(answers) <= {Answer.RETRY}
        opened.close()

    def test_wrong_secrets_are_told_apart(self, connector: Connector, bench: Bench) -> None:
        if bench.wrong_secret is None:
            pytest.skip("this system has no secrets")
        opened = connector.open(bench.wrong_secret)

        with pytest.raises(AuthError):
            opened.check()
        assert set(answers_of(opened, bench, [creation(bench, 1), creation(bench, 2)])) <= {Answer.AUTH}
        opened.close()

    def test_never_prints_secrets(self, connector: Connector, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        shown: list[str] = []
        for settings in (bench.settings, bench.wrong_secret, bench.wrong_address):
            shown += everything_shown(connector, bench, settings) if settings else []
        secrets = {
            secret.reveal()
            for settings in (bench.settings, bench.wrong_secret)
            for secret in (settings.secrets.values() if settings else ())
        }

        printed = "\n".join([*shown, caplog.text])

        assert [secret for secret in secrets if secret in printed] == []

    def test_closes_what_it_opens(self, connector: Connector, bench: Bench) -> None:
        before = open_files()
        opened = connector.open(bench.settings)
        opened.check()
        read_all(opened, bench.stream)
        answers_of(opened, bench, [creation(bench, 1)])

        opened.close()
        opened.close()

        assert settles_at(before)


class TestReading:
    """What a source promises."""

    def test_keys_unique(self, opened: Opened, bench: Bench) -> None:
        keys = [record.key for record in read_all(opened, bench.stream)]

        assert len(keys) == len(set(keys))
        assert set(keys) == set(bench.held())

    def test_pages_are_bounded(self, opened: Opened, bench: Bench) -> None:
        pages = pages_of(opened, bench.stream)

        assert max(len(page.records) for page in pages) <= PAGE
        assert [page.done for page in pages] == [False] * (len(pages) - 1) + [True]

    def test_reading_repeats(self, opened: Opened, bench: Bench) -> None:
        assert read_all(opened, bench.stream) == read_all(opened, bench.stream)

    def test_cursor_is_json(self, opened: Opened, bench: Bench) -> None:
        for page in pages_of(opened, bench.stream):
            assert json.loads(json.dumps(page.cursor)) == page.cursor

    def test_resumes_after_each_page(self, connector: Connector, bench: Bench) -> None:
        """A worker that dies after every page still reads everything."""
        keys: set[str] = set()
        cursor: Cursor | None = None
        for _ in range(MOST_PAGES):
            opened = connector.open(bench.settings)
            page = source(opened).read(bench.stream, cursor, PAGE)
            opened.close()
            keys |= {record.key for record in page.records}
            cursor = json.loads(json.dumps(page.cursor))
            if page.done:
                break

        assert page.done
        assert keys == set(bench.held())

    def test_cursor_advances(self, opened: Opened, bench: Bench) -> None:
        start = pages_of(opened, bench.stream)[-1].cursor
        key = bench.insert()

        later = [record.key for page in pages_of(opened, bench.stream, start) for record in page.records]

        assert key in later
        if capabilities(opened, bench.stream).cursor is CursorKind.SEQUENCE:
            assert later == [key]

    def test_an_unchanged_sequence_reads_nothing(self, opened: Opened, bench: Bench) -> None:
        if capabilities(opened, bench.stream).cursor is not CursorKind.SEQUENCE:
            pytest.skip("no sequence claimed")
        start = pages_of(opened, bench.stream)[-1].cursor

        pages = pages_of(opened, bench.stream, start)

        assert [record for page in pages for record in page.records] == []
        assert pages[-1].cursor == start

    def test_deletions_arrive(self, opened: Opened, bench: Bench) -> None:
        if capabilities(opened, bench.stream).delete_feed is not DeleteFeed.TOMBSTONES:
            pytest.skip("no tombstones claimed")
        if bench.target or capability(opened, bench, Operation.DELETE) is None:
            pytest.skip("cannot delete here")
        start = pages_of(opened, bench.stream)[-1].cursor
        key = next(iter(bench.held()))
        apply(opened, bench, [deletion(key)])

        found = {record.key: record for page in pages_of(opened, bench.stream, start) for record in page.records}

        assert found[key].deleted

    def test_fetch_agrees_with_read(self, opened: Opened, bench: Bench) -> None:
        if not capabilities(opened, bench.stream).fetch_by_key:
            pytest.skip("no fetch by key claimed")
        read = {record.key: record for record in read_all(opened, bench.stream)}

        fetched = {record.key: record for record in source(opened).fetch(bench.stream, list(read))}

        assert {key: dict(record.data) for key, record in fetched.items()} == {
            key: dict(record.data) for key, record in read.items()
        }
        assert all(fetched[key].version == record.version for key, record in read.items() if record.version)

    def test_fetch_leaves_out_what_is_missing(self, opened: Opened, bench: Bench) -> None:
        if not capabilities(opened, bench.stream).fetch_by_key:
            pytest.skip("no fetch by key claimed")
        key = next(iter(bench.held()))

        found = list(source(opened).fetch(bench.stream, [bench.absent, key]))

        assert [record.key for record in found if not record.deleted] == [key]


class TestWriting:
    """What a destination promises."""

    def test_creates_updates_and_deletes(self, opened: Opened, bench: Bench) -> None:
        needs(opened, bench, Operation.CREATE)
        change = creation(bench, 1)
        [created] = apply(opened, bench, [change])
        key = applied(created)
        assert subset(bench.written_held()[key], change.fields)

        if capability(opened, bench, Operation.UPDATE):
            image = {**change.image, **bench.edit}
            [updated] = apply(opened, bench, [update(bench, key, created.version, image)])
            applied(updated)
            assert subset(bench.written_held()[key], image)

        if capability(opened, bench, Operation.DELETE):
            [deleted] = apply(opened, bench, [deletion(key)])
            applied(deleted)
            assert key not in bench.written_held()

    def test_deleting_twice_is_no_failure(self, opened: Opened, bench: Bench) -> None:
        needs(opened, bench, Operation.DELETE)

        [outcome] = apply(opened, bench, [deletion(bench.absent)])

        assert outcome.answer in {Answer.UNCHANGED, Answer.MISSING}

    def test_updating_nothing_is_told(self, opened: Opened, bench: Bench) -> None:
        needs(opened, bench, Operation.UPDATE)
        before = bench.written_held()

        [outcome] = apply(opened, bench, [update(bench, bench.absent, None, bench.edit)])

        assert outcome.answer is Answer.MISSING
        assert bench.written_held() == before

    def test_answers_every_change_once(self, opened: Opened, bench: Bench) -> None:
        needs(opened, bench, Operation.CREATE)
        changes = [creation(bench, number) for number in range(1, 6)]
        if capability(opened, bench, Operation.UPDATE):
            changes.insert(2, update(bench, bench.absent, None, bench.edit))

        outcomes = apply(opened, bench, changes)

        assert sorted(outcome.change_id for outcome in outcomes) == sorted(change.id for change in changes)

    def test_outcomes_agree_with_fetch(self, opened: Opened, bench: Bench) -> None:
        needs(opened, bench, Operation.CREATE)
        if not capabilities(opened, bench.written).fetch_by_key:
            pytest.skip("no fetch by key claimed")
        [created] = apply(opened, bench, [creation(bench, 1)])

        [record] = destination(opened).fetch(bench.written, [applied(created)])

        assert created.version in {None, record.version}
        assert created.image is None or dict(created.image) == dict(record.data)

    def test_refuses_a_stale_version(self, opened: Opened, bench: Bench) -> None:
        claimed = needs(opened, bench, Operation.UPDATE)
        if claimed.conditional is None or bench.touch is None:
            pytest.skip("no conditional update claimed")
        record = existing(opened, bench)
        bench.touch(record.key)
        touched = dict(bench.written_held()[record.key])

        [stale] = apply(opened, bench, [based_on(bench, record)])

        assert stale.answer is Answer.CONFLICT
        assert dict(bench.written_held()[record.key]) == touched
        [now] = destination(opened).fetch(bench.written, [record.key])
        [fresh] = apply(opened, bench, [based_on(bench, now)])
        applied(fresh)
        assert subset(bench.written_held()[record.key], bench.edit)

    def test_refuses_to_delete_a_stale_version(self, opened: Opened, bench: Bench) -> None:
        claimed = needs(opened, bench, Operation.DELETE)
        if claimed.conditional is None or bench.touch is None:
            pytest.skip("no conditional delete claimed")
        record = existing(opened, bench)
        bench.touch(record.key)

        [stale] = apply(opened, bench, [deletion(record.key, record)])

        assert stale.answer is Answer.CONFLICT
        assert record.key in bench.written_held()

    def test_refuses_to_create_over_a_record(self, opened: Opened, bench: Bench) -> None:
        claimed = needs(opened, bench, Operation.CREATE)
        if claimed.conditional is None or not claimed.conditional.create:
            pytest.skip("no conditional create claimed")
        apply(opened, bench, [creation(bench, 1)])
        before = bench.written_held()
        again = replace(creation(bench, 1), fields={**bench.fresh(1), **bench.edit}, idempotency_key="another")

        [outcome] = apply(opened, bench, [again])

        assert outcome.answer in {Answer.CONFLICT, Answer.REFUSED}
        assert bench.written_held() == before

    def test_does_not_create_twice(self, opened: Opened, bench: Bench) -> None:
        claimed = needs(opened, bench, Operation.CREATE)
        unique = claimed.external_id is not None and claimed.external_id.unique
        if not (claimed.key or unique or (claimed.conditional and claimed.conditional.create)):
            pytest.skip("nothing claimed that would prevent it")
        count = len(bench.written_held())

        apply(opened, bench, [creation(bench, 1)])
        apply(opened, bench, [creation(bench, 1)])

        assert len(bench.written_held()) == count + 1

    def test_finds_by_external_id(self, opened: Opened, bench: Bench) -> None:
        claimed = needs(opened, bench, Operation.CREATE)
        if not claimed.read_back.by_external_id:
            pytest.skip("no search by external id claimed")
        first, second = creation(bench, 1), creation(bench, 2)
        keys = {outcome.change_id: applied(outcome) for outcome in apply(opened, bench, [first, second])}

        found = list(destination(opened).find(bench.written, [first.external_id, "never-sent"]))

        assert [(external_id, record.key) for external_id, record in found] == [(first.external_id, keys[first.id])]

    def test_one_bad_item_does_not_stop_the_others(self, opened: Opened, bench: Bench) -> None:
        needs(opened, bench, Operation.UPDATE)
        if bench.bad is None:
            pytest.skip("this system refuses nothing")
        first, second, third = list(bench.written_held())[:3]
        bad = replace(update(bench, second, None, bench.bad), fields=bench.bad)

        outcomes = apply(
            opened, bench, [update(bench, first, None, bench.edit), bad, update(bench, third, None, bench.edit)]
        )

        answers = {outcome.change_id: outcome for outcome in outcomes}
        assert [answers[f"update-{key}"].answer for key in (first, second, third)] == [
            Answer.APPLIED,
            Answer.REFUSED,
            Answer.APPLIED,
        ]
        assert answers[f"update-{second}"].message
        assert answers[f"update-{second}"].code


def source(opened: Opened) -> Source:
    """The connection as a source."""
    if not isinstance(opened, Source):
        pytest.skip("not a source")
    return opened


def destination(opened: Opened) -> Destination:
    """The connection as a destination."""
    if not isinstance(opened, Destination):
        pytest.skip("not a destination")
    return opened


def pages_of(opened: Opened, stream: str, cursor: Cursor | None = None) -> list[Page]:
    """Every page from a cursor to the end."""
    pages: list[Page] = []
    for _ in range(MOST_PAGES):
        pages.append(source(opened).read(stream, cursor, PAGE))
        cursor = pages[-1].cursor
        if pages[-1].done:
            return pages
    raise AssertionError("reading never ended")


def read_all(opened: Opened, stream: str) -> list[Record]:
    """Every record that is there."""
    records = [record for page in pages_of(opened, stream) for record in page.records]
    return [record for record in records if not record.deleted]


def capabilities(opened: Opened, stream: str) -> Capabilities:
    """What a stream promises."""
    return next(found.capabilities for found in opened.streams() if found.name == stream)


def capability(opened: Opened, bench: Bench, operation: Operation) -> WriteCapability | None:
    """What the written stream promises for an operation."""
    return capabilities(opened, bench.written).of(operation)


def needs(opened: Opened, bench: Bench, operation: Operation) -> WriteCapability:
    """The promise for an operation; skips where it is not offered."""
    destination(opened)
    found = capability(opened, bench, operation)
    if found is None:
        pytest.skip(f"{operation} is not offered")
    return found


def creation(bench: Bench, number: int) -> Change:
    """A valid create."""
    fields = bench.fresh(number)
    name = f"ext-{number}"
    return Change(f"create-{number}", Operation.CREATE, name, fields, fields, idempotency_key=f"key-{number}")


def update(bench: Bench, key: str, version: str | None, image: Any) -> Change:
    """A valid update of the record with this key."""
    return Change(f"update-{key}", Operation.UPDATE, f"of-{key}", bench.edit, image, key, version)


def based_on(bench: Bench, record: Record) -> Change:
    """An update that expects the record to be as it was seen."""
    change = update(bench, record.key, record.version, {**record.data, **bench.edit})
    return replace(change, before=record.data)


def deletion(key: str, seen: Record | None = None) -> Change:
    """A delete, of the record as it was seen if that is given."""
    version = seen.version if seen else None
    before = seen.data if seen else None
    return Change(f"delete-{key}", Operation.DELETE, f"of-{key}", key=key, version=version, before=before)


def existing(opened: Opened, bench: Bench) -> Record:
    """A record of the written stream, as fetched."""
    [record] = destination(opened).fetch(bench.written, [next(iter(bench.written_held()))])
    return record


def apply(opened: Opened, bench: Bench, changes: Sequence[Change]) -> list[Outcome]:
    """Apply changes and take every outcome."""
    return list(destination(opened).apply(bench.written, changes))


def applied(outcome: Outcome) -> str:
    """The key of an applied change."""
    assert outcome.answer is Answer.APPLIED, outcome
    return outcome.key or ""


def answers_of(opened: Opened, bench: Bench, changes: Sequence[Change]) -> list[Answer]:
    """The answers to creates where they are offered; empty when the connector refuses to try at all."""
    if not isinstance(opened, Destination):
        return []
    try:
        if capability(opened, bench, Operation.CREATE) is None:
            return []
        return [outcome.answer for outcome in opened.apply(bench.written, changes)]
    except (ConfigError, TransientError):
        return []


def subset(whole: Any, part: Any) -> bool:
    """Whether `whole` holds every value of `part`."""
    return {name: whole.get(name) for name in part} == dict(part)


def everything_shown(connector: Connector, bench: Bench, settings: Settings) -> list[str]:
    """Every text that a connection lets out: itself, its sentences, its errors, its exchanges."""
    opened = connector.open(settings)
    shown = [repr(opened), repr(settings), str(vars(opened) if hasattr(opened, "__dict__") else "")]
    shown += trying(lambda: [opened.check()])
    shown += trying(lambda: map(repr, opened.streams()))
    shown += trying(lambda: [repr(source(opened).read(bench.stream, None, PAGE).cursor)])
    shown += trying(lambda: [repr(outcome) for outcome in apply(opened, bench, [creation(bench, 1)])])
    opened.close()
    return shown


def trying(call: Any) -> list[str]:
    """What a call says, or the whole story of its error."""
    try:
        return list(call())
    except HubError as error:
        return [traceback.format_exc(), repr(error), repr(vars(error))]


def open_files() -> Iterable[str]:
    """What this process has open."""
    gc.collect()
    return sorted(entry.name for entry in Path("/proc/self/fd").iterdir() if entry.exists() or entry.is_symlink())


def settles_at(before: Iterable[str]) -> bool:
    """Whether no more is open than before, at the latest when the other side has noticed."""
    for _ in range(200):
        if len(list(open_files())) <= len(list(before)):
            return True
        time.sleep(0.01)
    return False
