"""What judging one build costs, the first time and when it is remembered."""

import json
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from tests.bench.conftest import AS_OF
from tests.bench.measured import median, report, spent, verdict

from patchstand.assess.verdict import judge_build
from patchstand.model import Knowledge

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

TARGET_MILLISECONDS = 2.0
ROUNDS = 7
_FIRST = """
import json, sys, time
from datetime import date
from patchstand import knowledge
from patchstand.assess.verdict import judge_build
from patchstand.model import Build
known, day = knowledge.load(), date.fromisoformat(sys.argv[1])
builds = [update.build for update in known.updates]
latest = max(builds)
seconds = []
for build in (latest, *builds):
    started = time.process_time()
    judge_build(known, build, day)
    seconds.append(time.process_time() - started)
print(json.dumps([seconds[0], sorted(seconds[1:])[len(builds) // 2], max(seconds[1:])]))
"""


def test_the_first_judgement_of_a_process(tmp_path: Path) -> None:
    """In a fresh process with the knowledge read: the first build, then every build once."""
    command = [sys.executable, "-c", _FIRST, AS_OF]
    runs = [json.loads(spent(command, tmp_path).said) for _ in range(ROUNDS)]
    first, middle, slowest = (median([run[at] * 1000 for run in runs]) for at in range(3))

    report(f"judging, cold, median of {ROUNDS} processes: the first build {first:.2f} ms")
    report(
        f"every build once: median {middle:.3f} ms, slowest {slowest:.2f} ms; "
        f"target {TARGET_MILLISECONDS} ms: {verdict(middle, TARGET_MILLISECONDS)}"
    )
    assert middle < TARGET_MILLISECONDS


def test_a_remembered_judgement(known: Knowledge) -> None:
    """A build judged before, on the same day, is looked up."""
    day = date.fromisoformat(AS_OF)
    builds = [update.build for update in known.updates]
    for build in builds:
        judge_build(known, build, day)
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for build in builds:
            judge_build(known, build, day)
        seconds.append((time.perf_counter() - started) / len(builds))

    warm = median(seconds) * 1000
    report(f"judging, warm: {warm * 1000:.1f} microseconds per build")
    assert warm < TARGET_MILLISECONDS


def test_reading_the_knowledge(tmp_path: Path) -> None:
    """Reading and validating all that is known, which every command does once."""
    code = (
        "import time; from patchstand import knowledge; at = time.perf_counter(); "
        "knowledge.load(); print(time.perf_counter() - at)"
    )
    runs = [spent([sys.executable, "-c", code], tmp_path) for _ in range(ROUNDS)]

    report(f"reading the knowledge: {median([float(run.said) for run in runs]) * 1000:.0f} ms")
