"""Settings from the environment: right ones are read, wrong ones say how to put them right."""

import pytest

from hub import env
from hub.env import SettingError


class TestText:
    def test_gives_what_is_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HUB_X", " here ")

        assert env.text("HUB_X") == "here"

    def test_gives_the_default_when_empty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HUB_X", "  ")

        assert env.text("HUB_X", "there") == "there"

    def test_names_a_missing_variable_with_shape_and_cure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HUB_X", raising=False)

        with pytest.raises(SettingError, match=r"HUB_X is not set\. It must be a name\. Set it"):
            env.text("HUB_X", shape="a name")


class TestNumber:
    def test_reads_a_whole_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HUB_X", "8080")

        assert env.number("HUB_X", 1) == 8080

    @pytest.mark.parametrize("value", ["eight", "8.5", "0", "70000"])
    def test_refuses_what_is_none_or_out_of_range(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("HUB_X", value)

        with pytest.raises(SettingError, match=r"HUB_X=.*a whole number from 1 to 65535\. Correct it, or unset it"):
            env.number("HUB_X", 8000, minimum=1, maximum=65535)


class TestFlag:
    @pytest.mark.parametrize(("value", "meaning"), [("1", True), ("Yes", True), ("off", False), ("0", False)])
    def test_reads_yes_and_no(self, monkeypatch: pytest.MonkeyPatch, value: str, meaning: bool) -> None:
        monkeypatch.setenv("HUB_X", value)

        assert env.flag("HUB_X", default=not meaning) is meaning

    def test_refuses_anything_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HUB_X", "perhaps")

        with pytest.raises(SettingError, match="1 or 0"):
            env.flag("HUB_X", default=True)


class TestNames:
    def test_reads_a_list_and_drops_what_is_empty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HUB_X", "a, b,,")

        assert env.names("HUB_X") == ["a", "b"]

    def test_gives_the_default_when_unset(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HUB_X", raising=False)

        assert env.names("HUB_X", ("c",)) == ["c"]


class TestParsed:
    def test_does_not_show_a_password_in_an_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HUB_X", "mysql://root:hunter2@db/name")

        def refuse(value: str) -> str:
            raise ValueError("unknown scheme")

        with pytest.raises(SettingError) as caught:
            env.parsed("HUB_X", "", refuse, "postgresql://…")
        assert "hunter2" not in str(caught.value)
        assert "mysql://…@db/name" in str(caught.value)
