"""The vault: what is sealed can be opened where it belongs, and nowhere else."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.vault import UnsealError, Vault

OLD, NEW = f"old:{secrets.token_hex(32)}", f"new:{secrets.token_hex(32)}"


class TestSealing:
    @given(st.text(), st.text(alphabet=st.characters(exclude_categories=["Cs"])))
    def test_gives_back_what_was_sealed(self, value: str, bound_to: str) -> None:
        vault = Vault([NEW])
        try:
            value.encode()
        except UnicodeEncodeError:
            return

        assert vault.open(*vault.seal(value, bound_to), bound_to) == value

    def test_never_gives_the_same_bytes_twice(self) -> None:
        vault = Vault([NEW])

        assert vault.seal("hunter2", "a")[1] != vault.seal("hunter2", "a")[1]

    def test_does_not_contain_the_value(self) -> None:
        assert b"hunter2" not in Vault([NEW]).seal("hunter2", "a")[1]


class TestOpening:
    def test_refuses_what_was_sealed_for_another_place(self) -> None:
        vault = Vault([NEW])
        key_id, sealed = vault.seal("hunter2", "https://crm.example")

        with pytest.raises(UnsealError, match="another owner, address or environment"):
            vault.open(key_id, sealed, "https://thief.example")

    def test_refuses_a_damaged_value(self) -> None:
        vault = Vault([NEW])
        key_id, sealed = vault.seal("hunter2", "a")

        with pytest.raises(UnsealError):
            vault.open(key_id, sealed[:-1] + bytes([sealed[-1] ^ 1]), "a")

    def test_opens_with_an_older_key_and_seals_with_the_newest(self) -> None:
        key_id, sealed = Vault([OLD]).seal("hunter2", "a")
        both = Vault([NEW, OLD])

        assert both.open(key_id, sealed, "a") == "hunter2"
        assert both.seal("hunter2", "a")[0] == "new"

    def test_names_the_key_that_is_missing(self) -> None:
        key_id, sealed = Vault([OLD]).seal("hunter2", "a")

        with pytest.raises(UnsealError, match=r"“old”.*not in HUB_SEAL_KEYS"):
            Vault([NEW]).open(key_id, sealed, "a")


class TestKeys:
    @pytest.mark.parametrize(
        "keys",
        [
            [],
            ["no colon"],
            ["a:1234"],
            [f"a:{'0' * 32}"],  # AES-128 would work, and is not what was promised
            [f":{'0' * 64}"],
            [f"a:{'x' * 64}"],
            [f"a:{'0' * 64}", f"a:{'1' * 64}"],
        ],
    )
    def test_of_another_shape_are_refused_with_the_shape_and_a_way_to_make_one(self, keys: list[str]) -> None:
        with pytest.raises(UnsealError, match=r"HUB_SEAL_KEYS: .*64 hexadecimal digits .*openssl rand"):
            Vault(keys)

    def test_are_never_quoted_in_an_error(self) -> None:
        key = secrets.token_hex(32)

        with pytest.raises(UnsealError) as caught:
            Vault([key])  # its id was forgotten
        assert key[:8] not in str(caught.value)
