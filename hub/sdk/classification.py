"""The classification table: what a status or a lost answer means, for writes and for reads (correctness paper 6.1).

It stands among the words because every connector judges by it. What a system means otherwise, its connector
says by an override: 200 with a fault inside, 400 for a record that is not there, 403 for too many requests.
"""

from collections.abc import Mapping

from hub.sdk.change import Answer
from hub.sdk.signal import Loss, SignalClass

# RFC 9110 lets a client repeat a write only when it surely was not applied: so 408, 500, 502 and 504 are doubt.
WRITES: Mapping[int, SignalClass] = {
    202: SignalClass.ACCEPTED,
    207: SignalClass.PER_ITEM,
    300: SignalClass.DUPLICATE_TARGET,
    304: SignalClass.APPLIED,
    401: SignalClass.AUTH,
    403: SignalClass.PERMISSION,
    404: SignalClass.TARGET_GONE,
    407: SignalClass.AUTH,
    408: SignalClass.AMBIGUOUS,
    409: SignalClass.CONFLICT,
    410: SignalClass.TARGET_GONE,
    412: SignalClass.CONFLICT,
    413: SignalClass.SPLIT,
    423: SignalClass.BUSY,
    425: SignalClass.NOT_APPLIED,
    428: SignalClass.CONFLICT,
    429: SignalClass.THROTTLED,
}
READS: Mapping[int, SignalClass] = {
    401: SignalClass.AUTH,
    403: SignalClass.PERMISSION,
    404: SignalClass.TARGET_GONE,
    407: SignalClass.AUTH,
    408: SignalClass.TRANSIENT,
    410: SignalClass.TARGET_GONE,
    423: SignalClass.BUSY,
    425: SignalClass.TRANSIENT,
    429: SignalClass.THROTTLED,
}
# By the hundreds, for statuses without a line of their own.
REST_OF_WRITES: Mapping[int, SignalClass] = {
    2: SignalClass.APPLIED,
    3: SignalClass.CONFIG,
    4: SignalClass.REJECTED,
}
REST_OF_READS: Mapping[int, SignalClass] = {**REST_OF_WRITES, 5: SignalClass.TRANSIENT}
LOST_WRITES: Mapping[Loss, SignalClass] = {
    Loss.NOT_SENT: SignalClass.NOT_SENT,
    Loss.UNSENDABLE: SignalClass.CONFIG,
    Loss.LOST: SignalClass.AMBIGUOUS,
    Loss.TIMEOUT: SignalClass.AMBIGUOUS,
    Loss.OVERSIZE: SignalClass.AMBIGUOUS,
}
LOST_READS: Mapping[Loss, SignalClass] = {
    Loss.NOT_SENT: SignalClass.NOT_SENT,
    Loss.UNSENDABLE: SignalClass.CONFIG,
    Loss.LOST: SignalClass.TRANSIENT,
    Loss.TIMEOUT: SignalClass.TRANSIENT,
    Loss.OVERSIZE: SignalClass.CONFIG,  # asked again, it would be as large
}
ANSWERS: Mapping[SignalClass, Answer] = {
    SignalClass.APPLIED: Answer.APPLIED,
    SignalClass.ACCEPTED: Answer.ACCEPTED,
    SignalClass.NOT_SENT: Answer.RETRY,
    SignalClass.NOT_APPLIED: Answer.RETRY,
    SignalClass.THROTTLED: Answer.RETRY,
    SignalClass.BUSY: Answer.RETRY,
    SignalClass.TRANSIENT: Answer.RETRY,
    SignalClass.HELD: Answer.RETRY,
    SignalClass.CONFIG: Answer.RETRY,
    SignalClass.AUTH: Answer.AUTH,
    SignalClass.PERMISSION: Answer.AUTH,
    SignalClass.REJECTED: Answer.REFUSED,
    SignalClass.DUPLICATE: Answer.REFUSED,
    SignalClass.DUPLICATE_TARGET: Answer.REFUSED,
    SignalClass.SPLIT: Answer.REFUSED,
    SignalClass.CONFLICT: Answer.CONFLICT,
    SignalClass.TARGET_GONE: Answer.MISSING,
    SignalClass.AMBIGUOUS: Answer.UNKNOWN,
    SignalClass.PER_ITEM: Answer.UNKNOWN,  # only its items can be judged
}


def classify(status: int, *, write: bool, retry_after: bool = False) -> SignalClass:
    """The class of an answer. `retry_after`: it says when to come again, so a 503 did nothing.

    A status of no known hundred is doubt after a write and passes after a read.
    """
    if status == 503 and retry_after:
        return SignalClass.THROTTLED
    if write:
        return WRITES.get(status) or REST_OF_WRITES.get(status // 100, SignalClass.AMBIGUOUS)
    return READS.get(status) or REST_OF_READS.get(status // 100, SignalClass.TRANSIENT)


def classify_loss(loss: Loss, *, write: bool) -> SignalClass:
    """The class of a request that got no usable answer."""
    return LOST_WRITES[loss] if write else LOST_READS[loss]
