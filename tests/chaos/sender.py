"""The shop as a sender of webhooks: signed posts over real sockets, some twice, in no order, sent again until taken."""

import heapq
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import requests

from hub.engine import signature
from hub.engine.signature import Style

SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGUgc3Rvcm0="
SCHEME = signature.scheme(Style.STANDARD, {})
KEY = signature.key_of(SCHEME, SECRET)
POSTERS = 8
PATIENCE = 3.0  # seconds that an answer is waited for
LATEST = 1.0  # seconds from an edit until it is told
AGAIN_AFTER = (0.5, 2.0, 8.0)  # seconds; then it is given up
TWICE = 0.1


@dataclass(order=True, frozen=True)
class Call:
    """One delivery that is to be posted."""

    due: float
    id: str
    body: bytes = field(compare=False)
    tries: int = field(default=0, compare=False)


class Sender:
    """Tells of edits. `taken`: the ids of deliveries that were answered 2xx; `refused`: what must not be answered."""

    def __init__(self, url: str, seed: int) -> None:
        self.url, self.taken, self.refused = url, set[str](), list[str]()
        self.counts: Counter[str] = Counter()
        self._chance = random.Random(f"{seed}/sender")
        self._calls: list[Call] = []
        self._changed = threading.Condition()
        self._is_over = False
        self._posters = [threading.Thread(target=self._work, daemon=True) for _ in range(POSTERS)]

    def begin(self) -> None:
        """Post what there is to tell, as soon as it is due."""
        for poster in self._posters:
            poster.start()

    def tell(self, key: str) -> None:
        """Say that a record changed, soon."""
        self.counts["deliveries"] += 1
        call = Call(0.0, f"msg_{self.counts['deliveries']:06d}", json.dumps({"type": "edited", "id": key}).encode())
        for _ in range(2 if self._chance.random() < TWICE else 1):
            self._put(call, self._chance.uniform(0, LATEST))

    def end(self) -> None:
        """Post nothing more; what was not taken is given up."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        for poster in self._posters:
            poster.join()
        self.counts["deliveries given up"] = self.counts["deliveries"] - len(self.taken)

    def _put(self, call: Call, wait: float) -> None:
        with self._changed:
            heapq.heappush(self._calls, replace(call, due=time.monotonic() + wait))
            self._changed.notify()

    def _next(self) -> Call | None:
        """The call that is due, once there is one; nothing when it is over."""
        with self._changed:
            while not self._is_over:
                wait = self._calls[0].due - time.monotonic() if self._calls else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._calls)
                self._changed.wait(wait)
        return None

    def _work(self) -> None:
        while call := self._next():
            status = post(self.url, call)
            with self._changed:
                self._note(call, status)
            if status != HTTPStatus.ACCEPTED:
                self._again(call)

    def _note(self, call: Call, status: int) -> None:
        self.counts["posts"] += 1
        if status == HTTPStatus.ACCEPTED:
            self.taken.add(call.id)
        elif status in (0, HTTPStatus.SERVICE_UNAVAILABLE):
            self.counts["posts not taken" if status else "posts not answered"] += 1
        else:
            self.refused.append(f"{call.id}: {status}")

    def _again(self, call: Call) -> None:
        if call.tries < len(AGAIN_AFTER):
            self._put(replace(call, tries=call.tries + 1), AGAIN_AFTER[call.tries])


def post(url: str, call: Call) -> int:
    """The status of the answer; 0 without one."""
    headers = signature.sign(SCHEME, KEY, call.body, id_=call.id, timestamp=int(time.time()))
    try:
        answer = requests.post(
            url, data=call.body, headers={"Content-Type": "application/json", **headers}, timeout=PATIENCE
        )
    except requests.RequestException:
        return 0
    return answer.status_code
