"""What a program costs: processor time, wall time and memory, free of the caller's own."""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PATCHSTAND = Path(sys.executable).with_name("patchstand")

# A small process starts the program: a process inherits the peak memory of the one it came from.
_LAUNCHER = """
import json, os, subprocess, sys, time
with open(sys.argv[1], "wb") as out, open(sys.argv[2], "wb") as err:
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[3:], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
print(json.dumps([os.waitstatus_to_exitcode(status), wall, used.ru_utime, used.ru_stime,
                  used.ru_maxrss]))
"""
# The command line, with uvloop hidden as if it were not installed.
_WITHOUT_UVLOOP = """
import sys
sys.modules["uvloop"] = None
from patchstand.cli.main import run
run()
"""


@dataclass(frozen=True)
class Spent:
    """One run: exit code, seconds of wall and processor, peak megabytes, and what it said."""

    code: int
    wall: float
    user: float
    system: float
    megabytes: float
    said: bytes
    complaints: bytes

    @property
    def cpu(self) -> float:
        """Seconds of the processor, in user and in kernel mode."""
        return self.user + self.system


def spent(command: Sequence[str | Path], folder: Path) -> Spent:
    """Run a program to its end and measure it alone, with the children it waited for."""
    out, err = folder / "stdout", folder / "stderr"
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, out, err, *command]
    done = subprocess.run(launcher, check=True, capture_output=True)
    code, wall, user, system, kilobytes = json.loads(done.stdout)
    return Spent(code, wall, user, system, kilobytes / 1024, out.read_bytes(), err.read_bytes())


def patchstand(*arguments: str, loop: str = "uvloop") -> list[str | Path]:
    """The command line of the product, on one of the two event loops."""
    if loop == "uvloop":
        return [PATCHSTAND, *arguments]
    return [sys.executable, "-c", _WITHOUT_UVLOOP, *arguments]


def median(values: Sequence[float]) -> float:
    """The middle value: rounds that something disturbed do not count."""
    return statistics.median(values)


def verdict(value: float, at_most: float) -> str:
    """PASS or MISS against a target."""
    return "PASS" if value <= at_most else "MISS"


def report(line: str) -> None:
    """Print one figure; `make bench` shows it."""
    print(f"    {line}", flush=True)
