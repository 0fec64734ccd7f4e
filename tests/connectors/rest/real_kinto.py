"""Looks at and edits a running Kinto without the connector."""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import requests


@dataclass
class RealKinto:
    """One collection of a running Kinto."""

    base_url: str
    user: str
    password: str
    collection: str = field(init=False)

    def __post_init__(self) -> None:
        self.user, self.password = unquote(self.user), unquote(self.password)
        self.collection = f"/buckets/contract-{uuid4().hex[:12]}/collections/customers"
        self._call("PUT", self._bucket)
        self._call("PUT", self.collection)

    @property
    def _bucket(self) -> str:
        return self.collection.partition("/collections")[0]

    def held(self) -> dict[str, dict[str, Any]]:
        """What the collection holds."""
        rows = self._call("GET", f"{self.collection}/records").json()["data"]
        return {row["id"]: row for row in rows}

    def put(self, key: str, fields: dict[str, Any]) -> str:
        """Write a record as somebody else would."""
        self._call("PUT", f"{self.collection}/records/{key}", {"data": fields})
        return key

    def patch(self, key: str, fields: dict[str, Any]) -> None:
        """Change a record as somebody else would."""
        self._call("PATCH", f"{self.collection}/records/{key}", {"data": fields})

    def drop(self) -> None:
        """Remove what was made."""
        self._call("DELETE", self._bucket)

    def _call(self, method: str, path: str, body: Any = None) -> requests.Response:
        pair = b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        answer = requests.request(method, self.base_url + path, json=body, headers=headers, timeout=10)
        answer.raise_for_status()
        return answer
