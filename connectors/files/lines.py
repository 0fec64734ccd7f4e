"""The lines of a file as text, counted, each of bounded length."""

import io
from typing import IO

from hub.sdk import ConfigError

LONGEST = 10_000_000  # characters; a file without line ends must not fill the memory


class TooLongError(Exception):
    """A line is longer than any line may be; the next one can be read."""


class Lines:
    """An iterator over the lines of a file. `number` is that of the last line given, from 1.

    Bytes that the encoding does not know become lone surrogates, which no valid text contains, so that
    the row in which they stand can be told.
    """

    def __init__(self, raw: IO[bytes], encoding: str, name: str) -> None:
        self._name, self._encoding = name, encoding
        self._text = io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline="")
        self._readline = self._text.readline
        self.number = 0

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        self.number += 1
        try:
            line = self._readline(LONGEST)
        except UnicodeError:
            place = f"{self._name} line {self.number}"
            raise ConfigError(f"{place} is not {self._encoding} from here on; set the stream's encoding.") from None
        if not line:
            self.number -= 1
            raise StopIteration
        if len(line) == LONGEST and line[-1] not in "\r\n":
            self._skip()
            raise TooLongError(f"the line is longer than {LONGEST} characters")
        return line

    def _skip(self) -> None:
        while (more := self._readline(LONGEST)) and more[-1] not in "\r\n":
            pass

    def release(self) -> None:
        """Leave the file to whoever opened it."""
        self._text.detach()
