"""The whole tree over the entries of a batch, for whoever proves many of them."""

import hashlib
from collections.abc import Sequence


class Tree:
    """Made once for a batch; `path` then costs as many steps as the tree is high."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            level = self._levels[-1]
            pairs = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
            self._levels.append(pairs + level[len(pairs) * 2 :])

    def path(self, index: int) -> list[str]:
        """What must be known besides a leaf to come to the root: its neighbour on each level that has one."""
        found = []
        for level in self._levels[:-1]:
            if index ^ 1 < len(level):
                found.append(level[index ^ 1].hex())
            index //= 2
        return found
