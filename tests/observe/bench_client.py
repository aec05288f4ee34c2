"""The client of the measurement, in a process of its own: prints what it cost, as JSON.

Arguments: event loop (asyncio or uvloop), port, number of servers, how many at once.
"""

import json
import re
import resource
import sys
import time
from pathlib import Path

from patchstand.model import Outcome, Target
from patchstand.observe.limits import Limits
from patchstand.observe.look import look_at_all, run

if sys.argv[1] == "asyncio":
    sys.modules["uvloop"] = None  # type: ignore[assignment]  # as where it is not installed

from tests.observe.conftest import approach  # after the choice of the loop


def _peak_megabytes() -> int:
    """Of this process alone: `ru_maxrss` begins with the peak of the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024  # type: ignore[index]


async def main(port: int, servers: int, at_once: int) -> None:
    """Two requests to each of so many servers."""
    settings = approach("web", requests=2, limits=Limits())
    targets = (Target("127.0.0.1", https=port) for _ in range(servers))
    answered = 0
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    async for seen in look_at_all(targets, settings, at_once):
        answered += seen.outcome is Outcome.ANSWERED and len(seen.transcripts[1].answer) > 15_000
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = {
        "answered": answered,
        "milliseconds_per_server": round(spent / servers * 1000, 3),
        "of_it_in_the_kernel": round((after.ru_stime - before.ru_stime) / servers * 1000, 3),
        "seconds": round(time.perf_counter() - started, 2),
        "megabytes": _peak_megabytes(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    run(main(*map(int, sys.argv[2:])))
