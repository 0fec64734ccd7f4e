"""How a mapping's key space is cut: every key falls into one of 64 buckets, a lane is every n-th bucket.

Buckets never change, so the number of lanes may change at any time without moving what is stored.
"""

from zlib import crc32

BUCKETS = 64


def bucket_of(key: str) -> int:
    """The bucket of a key: the same on every host and in every version of the hub."""
    return crc32(key.encode("utf-8", "surrogatepass")) % BUCKETS


def buckets_of(slice_: int, slices: int) -> list[int]:
    """The buckets of lane `slice_` (from 0) when there are `slices` lanes."""
    return list(range(slice_, BUCKETS, slices))


def slice_of(key: str, slices: int) -> int:
    """The lane that a key belongs to when there are `slices` lanes."""
    return bucket_of(key) % slices
