"""Kill everything at random moments, and print what was promised beside what came of it.

python -m tests.helpers.chaos --kills 100
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path

from tests.helpers.chaos.process import Kills
from tests.helpers.chaos.scenes import SCENES, Result

COLUMNS = "| scene | kills | kept | lost | paid again (in flight at the kills) | orphans | wrong | tracebacks |"


def table(results: list[Result]) -> str:
    """Return the results as a table in Markdown."""
    rows = [
        f"| {r.scene} | {r.kills} | {r.answers} | {r.lost} | {r.paid_again} ({r.in_flight}) | {r.orphans} | {r.wrong} "
        f"| {r.tracebacks} |"
        for r in results
    ]
    return "\n".join([COLUMNS, "|---" + "|---:" * (COLUMNS.count("|") - 2) + "|", *rows])


def _result(played: Future[Result], name: str) -> Result:
    """Return a scene's result; one that could not be played is wrong, and the others are shown all the same."""
    try:
        return played.result()
    except Exception:
        traceback.print_exc()
        return Result(f"{name}: could not be played", wrong=1)


def main() -> int:
    """Play every scene; returns 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=45.0, help="after which nothing more is killed")
    parser.add_argument("--only", nargs="*", default=[], help="names of scenes")
    options = parser.parse_args()
    chosen = {scene: share for scene, share in SCENES.items() if not options.only or scene.__name__ in options.only}
    started = time.monotonic()
    deadline = started + 60.0 * options.minutes
    # All scenes at once: each gets its share of a busy machine, and none waits for the pauses of another.
    with tempfile.TemporaryDirectory(prefix="chaos-") as place, ThreadPoolExecutor(len(chosen)) as pool:
        playing = [
            pool.submit(scene, Path(place) / scene.__name__, Kills(round(share * options.kills), deadline))
            for scene, share in chosen.items()
        ]
        results = [_result(future, scene.__name__) for future, scene in zip(playing, chosen, strict=True)]
    print(table(results))
    print(f"{sum(r.kills for r in results)} kills in {time.monotonic() - started:.0f} s, {date.today()}")
    return int(not all(result.right for result in results))


if __name__ == "__main__":
    sys.exit(main())
