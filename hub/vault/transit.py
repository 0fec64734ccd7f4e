"""HashiCorp Vault's transit engine: the key never leaves Vault, whose policies say who may wrap and who may unwrap.

https://developer.hashicorp.com/vault/api-docs/secret/transit: encrypt, decrypt and rewrap, one call for many. A
process whose token has a policy for `encrypt` only can seal and not open.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from hub.vault.error import ProviderError, UnsealError

CIPHERTEXT = re.compile(r"vault:v([1-9][0-9]{0,8}):[A-Za-z0-9+/=]+")
# (path below /v1/, body) to the answer's body; raises ProviderError. Whoever makes this provider brings it.
Call = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


class Transit:
    """Wraps and unwraps by asking Vault. The key id of a row is `name.v3`: the key and its version."""

    scheme = "transit"
    is_remote = True

    def __init__(self, call: Call, *, key: str, mount: str = "transit") -> None:
        """`key`: the name of the key in Vault, whose engine is mounted at `mount`."""
        self._call, self._key, self._mount = call, key, mount

    def wrap(self, data_keys: list[bytes]) -> list[tuple[str, bytes]]:
        """(key id, wrapped key) of each, under the newest version of the key, in one call. Raises ProviderError."""
        asked = [{"plaintext": base64.b64encode(data_key).decode()} for data_key in data_keys]
        return [self._taken(result) for result in self._batch("encrypt", asked)]

    def knows(self, key_id: str) -> bool:
        """Whether it is a version of this key."""
        return key_id.rpartition(".v")[0] == self._key

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """The data key. Raises UnsealError."""
        (result,) = self._batch("decrypt", [{"ciphertext": self._checked(key_id, wrapped)}])
        try:
            return base64.b64decode(result["plaintext"], validate=True)
        except (KeyError, TypeError, binascii.Error):
            raise UnsealError(f"Vault cannot open this secret: {result.get('error', 'no plaintext')}.") from None

    def rewrap(self, stored: list[tuple[str, bytes]]) -> list[tuple[str, bytes] | UnsealError]:
        """The same data keys, given as (key id, wrapped), under the newest version, without seeing them, in one call.

        What cannot be rewrapped comes back as its error. Raises ProviderError when Vault does not answer.
        """
        checked = [self._tried(*one) for one in stored]
        sound = [one for one in checked if isinstance(one, str)]
        results = iter(self._batch("rewrap", [{"ciphertext": one} for one in sound]) if sound else ())
        return [self._result(next(results)) if isinstance(one, str) else one for one in checked]

    def _tried(self, key_id: str, wrapped: bytes) -> str | UnsealError:
        try:
            return self._checked(key_id, wrapped)
        except UnsealError as error:
            return error

    def _result(self, result: Mapping[str, Any]) -> tuple[str, bytes] | UnsealError:
        try:
            return self._taken(result)
        except UnsealError as error:
            return error

    def _checked(self, key_id: str, wrapped: bytes) -> str:
        """The ciphertext as Vault spells it; the row's key id must be what it says."""
        text = wrapped.decode("ascii", "replace")
        found = CIPHERTEXT.fullmatch(text)
        if found is None or key_id != f"{self._key}.v{found[1]}":
            raise UnsealError(f"This secret was not sealed with the key “{self._key}” of Vault, or is damaged.")
        return text

    def _taken(self, result: Mapping[str, Any]) -> tuple[str, bytes]:
        text = str(result.get("ciphertext", ""))
        found = CIPHERTEXT.fullmatch(text)
        if found is None:
            raise ProviderError(f"Vault did not seal: {result.get('error', 'its answer has no ciphertext')}.")
        return f"{self._key}.v{found[1]}", text.encode()

    def _batch(self, verb: str, asked: list[dict[str, str]]) -> list[Mapping[str, Any]]:
        answer = self._call(f"{self._mount}/{verb}/{self._key}", {"batch_input": asked})
        data = answer.get("data")
        results = data.get("batch_results") if isinstance(data, Mapping) else None
        if not isinstance(results, list) or len(results) != len(asked):
            raise ProviderError(f"Vault answered something else than {len(asked)} results.")
        return results
