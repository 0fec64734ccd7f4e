"""The single sign-on that the environment names."""

from pathlib import Path

import pytest

from hub.env import SettingError
from hub.provider import named

WHOLE = {
    "HUB_OIDC_ISSUER": "https://sso.example/realms/all",
    "HUB_OIDC_CLIENT_ID": "hub",
    "HUB_OIDC_CLIENT_SECRET": "s3cret",
    "HUB_OIDC_GROUPS": "hub viewers=Viewer, hub-ops=Operator,hub-ops=Whole hub,ou=x=Viewer",
}


@pytest.fixture(autouse=True)
def _whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)


class TestTheProvider:
    def test_leads_groups_to_roles(self) -> None:
        provider = named()

        assert provider
        assert provider.roles == {"Viewer", "Operator", "Whole hub"}
        assert provider.roles_of(["hub-ops", "canteen"]) == {"Operator", "Whole hub"}
        assert provider.roles_of(["ou=x"]) == {"Viewer"}
        assert provider.roles_of(["canteen"]) == set()

    def test_keeps_its_secret_out_of_what_is_printed(self) -> None:
        assert "s3cret" not in repr(named())

    def test_takes_its_secret_from_a_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("from-a-file\n")
        monkeypatch.delenv("HUB_OIDC_CLIENT_SECRET")
        monkeypatch.setenv("HUB_OIDC_CLIENT_SECRET_FILE", str(tmp_path / "secret"))

        provider = named()

        assert provider
        assert provider.secret == "from-a-file"

    def test_is_none_without_an_issuer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HUB_OIDC_ISSUER")

        assert named() is None

    @pytest.mark.parametrize(
        ("name", "value", "told"),
        [
            ("HUB_OIDC_ISSUER", "http://sso.example", "https://"),
            ("HUB_OIDC_ISSUER", "sso.example", "https://"),
            ("HUB_OIDC_GROUPS", "viewers", "claim value=Role"),
            ("HUB_OIDC_GROUPS", "", "HUB_OIDC_GROUPS"),
            ("HUB_OIDC_CLIENT_ID", "", "HUB_OIDC_CLIENT_ID"),
            ("HUB_OIDC_CLIENT_SECRET", "", "HUB_OIDC_CLIENT_SECRET_FILE"),
            ("HUB_OIDC_CLIENT_SECRET_FILE", "/nowhere/secret", "cannot be read"),
        ],
    )
    def test_is_refused_where_it_is_not_whole(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
    ) -> None:
        monkeypatch.setenv(name, value)

        with pytest.raises(SettingError, match=told):
            named()
