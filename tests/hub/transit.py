"""A HashiCorp Vault of the tests: the transit engine's encrypt, decrypt and rewrap as its API pages document them.

Versioned keys, `vault:vN:` ciphertexts, batches with one result or error for each item and status 400 when one failed,
tokens with policies by path, `min_decryption_version`, and a seal.
"""

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class TransitFake:
    """One key, and who may do what with it."""

    def __init__(self, name: str = "hub") -> None:
        self.name = name
        self.keys = [AESGCM.generate_key(256)]
        self.policies: dict[str, set[str]] = {"worker": {"encrypt", "decrypt", "rewrap"}, "web": {"encrypt"}}
        self.is_sealed = False
        self.min_decryption_version = 1
        self.asked: list[tuple[str, int]] = []
        self.headers: dict[str, str] = {}

    def rotate(self) -> None:
        """As `POST transit/keys/:name/rotate`."""
        self.keys.append(AESGCM.generate_key(256))

    def answer(self, path: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer."""
        if self.is_sealed:
            return 503, {"errors": ["Vault is sealed"]}
        mount, _, rest = path.removeprefix("/v1/").partition("/")
        verb, _, name = rest.partition("/")
        if verb not in self.policies.get(token, set()) or mount != "transit":
            return 403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
        if name != self.name:
            return 400, {"errors": ["encryption key not found"]}
        items = body.get("batch_input")
        if not items:
            return 400, {"errors": ["missing batch input to process"]}
        self.asked.append((verb, len(items)))
        results = [self._one(verb, item) for item in items]
        status = 400 if any("error" in result for result in results) else 200
        return status, {"request_id": "r", "lease_id": "", "data": {"batch_results": results}}

    def _one(self, verb: str, item: dict[str, Any]) -> dict[str, Any]:
        try:
            if verb == "encrypt":
                return self._encrypted(base64.b64decode(item["plaintext"], validate=True))
            plaintext = self._decrypted(item["ciphertext"])
        except (KeyError, ValueError, InvalidTag):
            return {"error": "cipher: message authentication failed"}
        return self._encrypted(plaintext) if verb == "rewrap" else {"plaintext": base64.b64encode(plaintext).decode()}

    def _encrypted(self, plaintext: bytes) -> dict[str, Any]:
        version, nonce = len(self.keys), os.urandom(12)
        sealed = nonce + AESGCM(self.keys[-1]).encrypt(nonce, plaintext, None)
        return {"ciphertext": f"vault:v{version}:{base64.b64encode(sealed).decode()}", "key_version": version}

    def _decrypted(self, ciphertext: str) -> bytes:
        _, version, text = ciphertext.split(":")
        number = int(version[1:])
        if not self.min_decryption_version <= number <= len(self.keys):
            raise ValueError("ciphertext or signature version is disallowed by policy (too old)")
        sealed = base64.b64decode(text, validate=True)
        return AESGCM(self.keys[number - 1]).decrypt(sealed[:12], sealed[12:], None)


@contextmanager
def served(fake: TransitFake) -> Iterator[str]:
    """Its address while it listens."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            fake.headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = fake.answer(self.path, self.headers.get("X-Vault-Token", ""), body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
