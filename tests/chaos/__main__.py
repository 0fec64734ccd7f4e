"""`python -m tests.chaos --minutes 30 --seed N`: a storm over real processes, and the judge's verdict on it."""

import argparse
import random
import sys
import time
from collections.abc import Sequence

from tests.chaos.ground import Ground, ground
from tests.chaos.servers import NotThereError


def main(words: Sequence[str]) -> int:
    """Build everything, blow, judge; 0 when nothing is wrong, 1 when something is, 3 when it cannot be tried here."""
    asked = _asked(words)
    try:
        with ground(asked.seed) as found:
            return _judged(asked, found)
    except NotThereError as missing:
        sys.stdout.write(f"{missing}\n")
        return 3


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--rate", type=float, default=20.0, help="edits a second")
    parser.add_argument("--keep", action="store_true", help="print the end of every log")
    return parser.parse_args(words)


def _judged(asked: argparse.Namespace, on: Ground) -> int:
    from tests.chaos import inbox
    from tests.chaos import stage as stages
    from tests.chaos.storm import Weather, blow, tell

    weather = Weather(asked.seed, asked.minutes, asked.rate)
    tell(f"A storm of {asked.minutes:g} minutes, seed {asked.seed}.")
    began = time.monotonic()
    try:
        rest = blow(weather, on)
    except AssertionError as error:
        tell(f"{error} {stages.still_open()}")
        rest = float("inf")
    wrong = stages.verdict(on.stage) | inbox.verdict(on.sender)
    tell(", ".join(f"{name} {count}" for name, count in sorted(weather.counts.items())))
    tell(stages.numbers() + f", {time.monotonic() - began:.0f} s in all, at rest {rest:.0f} s after the storm")
    tell(", ".join(f"{promise} {len(cases)}" for promise, cases in wrong.items()))
    for promise, cases in wrong.items():
        for case in cases[:10]:
            tell(f"  {promise}: {case}")
        for case in cases[:3] if promise in ("lost", "duplicated", "out of order") else ():
            tell("\n    ".join([case, *stages.story(on.stage, *case.split(":")[0].split())]))
    if asked.keep:
        for log in on.logs():
            tell(log)
    return int(any(wrong.values()) or rest == float("inf"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
