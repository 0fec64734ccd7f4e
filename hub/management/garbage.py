"""How often a process that works through pages of records looks for garbage."""

import gc

# A page of 4,000 records is some ten thousand containers that all end with it. At Python's own 700 the collector goes
# through them a dozen times a page and finds nothing. Five times more seldom than this kept 30 MB of cycles for longer.
THRESHOLDS = 10_000, 10, 10


def settle() -> None:
    """What is loaded by now stays: the collector leaves it alone, and processes forked from here go on sharing it.

    Called once, when everything is loaded and before the work begins.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
