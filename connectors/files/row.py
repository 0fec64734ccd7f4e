"""One row of one file, read or not."""

from hub.sdk import Fault, Record

# The number of the file within its stream, the line on which the row begins, and what stands there.
Row = tuple[int, int, Record | Fault]
