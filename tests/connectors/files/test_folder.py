"""Which places can be read, and which settings are wrong."""

from pathlib import Path

import pytest

from connectors.files import CONNECTOR
from hub.sdk import ConfigError, Settings, check_config
from tests.connectors.files.acts import Exports, data

ROWS = "k,v\n" + "".join(f"{n},v{n}\n" for n in range(10)) + "3,again\nbad\n"
MORE = "k,v\n" + "".join(f"{n},w{n}\n" for n in range(8, 14))


class TestPlaces:
    def test_that_are_not_there_are_named(self, tmp_path: Path) -> None:
        config = {"url": f"file://{tmp_path}/missing", "streams": {"s": {"pattern": "*", "key": "k"}}}
        opened = CONNECTOR.open(Settings(config))

        with pytest.raises(ConfigError, match=r"no folder file://.*missing"):
            opened.check()

    @pytest.mark.parametrize(
        "url",
        [
            "http://example.test/x",
            "s3://bucket/x",
            "local:///x",
            "simplecache::file:///x",
            "zip://x::file:///y.zip",
            "file:///x?a=b",
            "/srv",
            "",
        ],
    )
    def test_of_other_kinds_are_refused(self, url: str) -> None:
        with pytest.raises(ConfigError, match="url: must begin with file://, memory://, sftp://"):
            CONNECTOR.origins({"url": url})

    def test_have_one_spelling(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

        assert CONNECTOR.origins({"url": "file:///srv/exports/"}) == ("file:///srv/exports",)
        assert CONNECTOR.origins({"url": "file://exports"}) == (f"file://{tmp_path}/exports",)
        assert CONNECTOR.origins({"url": "memory://a/b"}) == ("memory:///a/b",)

    def test_that_are_not_allowed_are_refused(self, tmp_path: Path) -> None:
        config = {"url": f"file://{tmp_path}", "streams": {"s": {"pattern": "*", "key": "k"}}}

        with pytest.raises(ConfigError, match="elsewhere"):
            CONNECTOR.open(Settings(config, origins=("file:///elsewhere",)))

    def test_with_odd_characters_in_their_names_work(self, tmp_path: Path) -> None:
        folder = tmp_path / "a [b] ü"
        folder.mkdir()
        exports = Exports(folder)
        exports.write("1.csv", "k\n1\n")

        assert data(exports.open()) == [{"k": "1"}]
        exports.close()


class TestWrongSettings:
    @pytest.mark.parametrize(
        ("streams", "sign"),
        [
            ({}, "must be an object"),
            ({"s": "x"}, r"streams\.s"),
            ({"s": {"pattern": "../x.csv", "key": "k"}}, "pattern"),
            ({"s": {"pattern": "sub/*.csv", "key": "k"}}, "pattern"),
            ({"s": {"pattern": "*.csv"}}, "key"),
            ({"s": {"pattern": "*.csv", "key": ["k", "k"]}}, "twice"),
            ({"s": {"pattern": "*", "key": "k", "format": "xlsx"}}, "csv, jsonl"),
            ({"s": {"pattern": "*", "key": "k", "encoding": "klingon"}}, "klingon"),
            ({"s": {"pattern": "*", "key": "k", "encoding": "base64"}}, "base64"),
            ({"s": {"pattern": "*", "key": "k", "delimiter": ";;"}}, "one character"),
            ({"s": {"pattern": "*", "key": "k", "header": "no"}}, "true or false"),
            ({"s": {"pattern": "*", "key": "k", "header": False}}, "names of all its columns|names here"),
            ({"s": {"pattern": "*", "key": "k", "folder": "x"}}, "folder is not known"),
            ({"a": {"pattern": "*"}, "b": {"key": "k"}}, r"streams\.a.*streams\.b"),
        ],
    )
    def test_are_all_named_at_once(self, streams: object, sign: str) -> None:
        config = {"url": "memory://x", "streams": streams}

        with pytest.raises(ConfigError, match=sign):
            CONNECTOR.open(Settings(check_config(CONNECTOR.fields, config)))
