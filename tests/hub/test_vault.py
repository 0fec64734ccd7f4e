"""The vault: what is sealed can be opened where it belongs, and nowhere else."""

import dataclasses
import hmac
import secrets
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from hub.vault import DIRECT, Local, Private, Public, Sealed, SealOnlyError, UnsealError, Vault, pair

OLD, NEW = f"old:{secrets.token_hex(32)}", f"new:{secrets.token_hex(32)}"
PUBLIC, PRIVATE = pair("pair")
DIRECTLY = "70f48704787beb9b7b3f07c2522698ecbecc61da9d8ff1"


def local(*keys: str) -> Vault:
    held = Local(keys, "HUB_SEAL_KEYS")
    return Vault(held, [held], held)


def worker() -> Vault:
    return Vault(Public([PUBLIC]), [Private([PRIVATE])])


def web() -> Vault:
    return Vault(Public([PUBLIC]))


VAULTS = [pytest.param(local(NEW, OLD), id="local"), pytest.param(worker(), id="pair")]


@pytest.mark.parametrize("vault", VAULTS)
class TestSealing:
    @given(value=st.text(), bound_to=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
    def test_gives_back_what_was_sealed(self, vault: Vault, value: str, bound_to: str) -> None:
        try:
            value.encode()
        except UnicodeEncodeError:
            return

        assert vault.open(vault.seal(value, bound_to), bound_to) == value

    def test_never_gives_the_same_bytes_twice(self, vault: Vault) -> None:
        first, second = vault.seal("hunter2", "a"), vault.seal("hunter2", "a")

        assert first.sealed != second.sealed
        assert first.wrapped != second.wrapped

    def test_does_not_contain_the_value(self, vault: Vault) -> None:
        assert b"hunter2" not in vault.seal("hunter2", "a").sealed


def _flipped(field: str, place: int) -> Callable[[Sealed], Sealed]:
    def flip(one: Sealed) -> Sealed:
        data = bytearray(getattr(one, field))
        data[place] ^= 1
        return dataclasses.replace(one, **{field: bytes(data)})  # type: ignore[arg-type]

    return flip


def _cut(field: str, size: int) -> Callable[[Sealed], Sealed]:
    return lambda one: dataclasses.replace(one, **{field: getattr(one, field)[:size]})


MUTATIONS: dict[str, Callable[[Sealed], Sealed]] = {
    "a bit of the nonce": _flipped("sealed", 0),
    "a bit of the ciphertext": _flipped("sealed", 14),
    "a bit of the tag": _flipped("sealed", -1),
    "the first bit of the wrapped key": _flipped("wrapped", 0),
    "a bit in the middle of the wrapped key": _flipped("wrapped", 40),
    "the last bit of the wrapped key": _flipped("wrapped", -1),
    "the end cut off": _cut("sealed", -1),
    "only the nonce left": _cut("sealed", 12),
    "less than a nonce left": _cut("sealed", 5),
    "nothing left": _cut("sealed", 0),
    "the wrapped key cut off": _cut("wrapped", -1),
    "no wrapped key": _cut("wrapped", 0),
    "another key's id": lambda one: dataclasses.replace(one, key_id="old"),
    "an unknown key's id": lambda one: dataclasses.replace(one, key_id="other"),
    "said to be sealed directly": lambda one: dataclasses.replace(one, scheme=DIRECT),
    "another provider": lambda one: dataclasses.replace(one, scheme="hpke" if one.scheme == "local" else "local"),
}


@pytest.mark.parametrize("vault", VAULTS)
class TestOpening:
    @pytest.mark.parametrize("name", MUTATIONS)
    def test_refuses_what_was_altered(self, vault: Vault, name: str) -> None:
        sealed = vault.seal("hunter2", "a")
        assert vault.open(sealed, "a") == "hunter2"

        with pytest.raises(UnsealError):
            vault.open(MUTATIONS[name](sealed), "a")

    def test_refuses_what_was_sealed_for_another_place(self, vault: Vault) -> None:
        sealed = vault.seal("hunter2", "https://crm.example")

        with pytest.raises(UnsealError, match="another owner, address or environment"):
            vault.open(sealed, "https://thief.example")

    def test_refuses_a_key_taken_from_beside_another_value(self, vault: Vault) -> None:
        one, other = vault.seal("hunter2", "a"), vault.seal("hunter3", "a")

        with pytest.raises(UnsealError):
            vault.open(dataclasses.replace(one, wrapped=other.wrapped), "a")


class TestKeys:
    def test_opens_with_an_older_key_and_seals_with_the_newest(self) -> None:
        sealed = local(OLD).seal("hunter2", "a")
        both = local(NEW, OLD)

        assert both.open(sealed, "a") == "hunter2"
        assert both.seal("hunter2", "a").key_id == "new"

    def test_names_the_key_that_is_missing(self) -> None:
        sealed = local(OLD).seal("hunter2", "a")

        with pytest.raises(UnsealError, match=r"“old”.*not in HUB_SEAL_KEYS"):
            local(NEW).open(sealed, "a")

    def test_opens_what_was_sealed_before_there_were_envelopes(self) -> None:
        """The bytes that version 0.1.0 stored: nonce, then AES-256-GCM under the key itself."""
        key = "early:" + "07" * 32
        stored = bytes.fromhex("000102030405060708090a0b" + DIRECTLY)

        assert local(key).open(Sealed(DIRECT, "early", None, stored), "bound\nto this") == "hunter2"
        with pytest.raises(UnsealError):
            local(key).open(Sealed(DIRECT, "early", None, stored), "bound\nto that")

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
            local(*keys)

    def test_are_never_quoted_in_an_error(self) -> None:
        key = secrets.token_hex(32)

        with pytest.raises(UnsealError) as caught:
            local(key)  # its id was forgotten
        assert key[:8] not in str(caught.value)


class TestAKeyPair:
    def test_lets_seal_who_has_the_public_half_and_open_who_has_the_private_one(self) -> None:
        assert worker().open(web().seal("hunter2", "a"), "a") == "hunter2"

    def test_lets_nobody_open_with_the_public_half(self) -> None:
        sealed = web().seal("hunter2", "a")

        assert not web().may_open
        with pytest.raises(SealOnlyError, match=r"may seal and not open.*Workers"):
            web().open(sealed, "a")

    def test_is_the_public_half_of_its_private_one(self) -> None:
        assert Private([PRIVATE]).public() == [PUBLIC]

    def test_is_sealed_by_the_standard(self) -> None:
        """Opened by a second reading of RFC 9180, which is held to the RFC's own vector first (appendix A.1.1)."""
        assert opened_by_the_rfc(RFC_PRIVATE, RFC_SEALED, RFC_INFO, aad=b"Count-0", aead=1, size=16) == RFC_PLAIN

        key_id, wrapped = Public([PUBLIC]).wrap([b"k" * 32])[0]
        info = b"hub-data-key\n" + key_id.encode()
        private = bytes.fromhex(PRIVATE.partition(":")[2])
        assert opened_by_the_rfc(private, wrapped, info, aad=b"", aead=2, size=32) == b"k" * 32


RFC_PRIVATE = bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
RFC_INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
RFC_PLAIN = b"Beauty is truth, truth beauty"
RFC_SEALED = bytes.fromhex(
    "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
    "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
)


def opened_by_the_rfc(private: bytes, sealed: bytes, info: bytes, *, aad: bytes, aead: int, size: int) -> bytes:
    """RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256; `aead` with keys of `size` bytes."""
    encapsulated, ciphertext = sealed[:32], sealed[32:]
    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01" + aead.to_bytes(2, "big")

    def extract(of: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
        return hmac.digest(salt or b"\0" * 32, b"HPKE-v1" + of + label + material, "sha256")

    def expand(of: bytes, secret: bytes, label: bytes, more: bytes, length: int) -> bytes:
        told = length.to_bytes(2, "big") + b"HPKE-v1" + of + label + more
        return HKDFExpand(SHA256(), length, told).derive(secret)

    key = X25519PrivateKey.from_private_bytes(private)
    shared = key.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    public = key.public_key().public_bytes_raw()
    secret = expand(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", encapsulated + public, 32)
    context = b"\0" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    scheduled = extract(suite, secret, b"secret", b"")
    cipher = AESGCM(expand(suite, scheduled, b"key", context, size))
    return cipher.decrypt(expand(suite, scheduled, b"base_nonce", context, 12), ciphertext, aad)


class TestRewrapping:
    def test_leaves_the_ciphertext_and_takes_the_newest_key(self) -> None:
        sealed = local(OLD).seal("hunter2", "a")

        (again,) = local(NEW, OLD).rewrap([sealed])

        assert isinstance(again, Sealed)
        assert (again.key_id, again.sealed) == ("new", sealed.sealed)
        assert local(NEW).open(again, "a") == "hunter2"

    def test_leads_from_one_provider_to_another(self) -> None:
        held = Local([OLD], "HUB_SEAL_KEYS")
        both = Vault(Public([PUBLIC]), [held, Private([PRIVATE])], held)

        (again,) = both.rewrap([local(OLD).seal("hunter2", "a")])

        assert isinstance(again, Sealed)
        assert worker().open(again, "a") == "hunter2"

    def test_tells_which_cannot_be(self) -> None:
        sound, lost = local(OLD).seal("hunter2", "a"), local(f"lost:{secrets.token_hex(32)}").seal("hunter2", "a")

        first, second = local(NEW, OLD).rewrap([lost, sound])

        assert isinstance(first, UnsealError)
        assert isinstance(second, Sealed)
