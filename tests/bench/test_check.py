"""`check` of many servers: processor time beside OpenSSL's own, memory, hostile servers."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.bench.conftest import AS_OF, RunningLab
from tests.bench.floor import Floor, Handshake
from tests.bench.measured import Spent, median, patchstand, report, spent, verdict

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

ROUNDS = 5
SERVERS = 1000
TARGET_MILLISECONDS = 2.0
TARGET_MEGABYTES = 250
TWO_REQUESTS = ("--probes", "web", "--requests", "2", "--concurrency", "500", "--json", "--quiet")
LOOPS = ("uvloop", "asyncio")


def check(lab_targets: Path, folder: Path, loop: str, *options: str) -> Spent:
    """Measure one check of a file of targets."""
    command = patchstand(
        "check", "--targets", str(lab_targets), "--as-of", AS_OF, *options, loop=loop
    )
    return spent(command, folder)


def documents(run: Spent) -> list[dict[str, Any]]:
    """The lines of JSON that a check wrote, which said nothing else."""
    assert run.complaints == b""
    return [json.loads(line) for line in run.said.splitlines()]


def handshake_of(row: dict[str, Any]) -> Handshake:
    """What the handshake with one server consisted of."""
    return row["tls_versions"][0], row["certificate"]["key"]


@dataclass
class Rounds:
    """Seconds of the processor in each round: for all servers, and for one, which is start-up."""

    openssl: list[float] = field(default_factory=list)
    whole: dict[str, list[float]] = field(default_factory=lambda: {loop: [] for loop in LOOPS})
    start: dict[str, list[float]] = field(default_factory=lambda: {loop: [] for loop in LOOPS})


def measure(lab: RunningLab, floor: Floor, folder: Path) -> Rounds:
    """Take turns, so that a disturbance of the machine meets all alike."""
    one = folder / "one"
    one.write_text(lab.targets.read_text().splitlines()[0])
    rounds = Rounds()
    for _ in range(ROUNDS):
        rounds.openssl.append(floor.milliseconds(folder))
        for loop in LOOPS:
            run = check(lab.targets, folder, loop, *TWO_REQUESTS)
            assert (run.code, run.complaints) == (1, b"")
            rounds.whole[loop].append(run.cpu)
            rounds.start[loop].append(check(one, folder, loop, *TWO_REQUESTS).cpu)
    return rounds


def test_processor_time_of_a_server(clean_lab: RunningLab, tmp_path: Path) -> None:
    """Two requests and the verdict for each of 1,000 servers: at most 2.0 ms of the processor."""
    rows = documents(check(clean_lab.targets, tmp_path, "uvloop", *TWO_REQUESTS))
    assert len(rows) == SERVERS
    assert all(row["is_exchange"] and row["requests"] == 2 for row in rows)
    floor = Floor(((handshake_of(row), row["address"]) for row in rows), clean_lab.https)
    rounds = measure(clean_lab, floor, tmp_path)
    at_openssl = median(rounds.openssl)

    report(f"check, {SERVERS} servers, 500 at once, 2 requests each, median of {ROUNDS} rounds")
    report(f"openssl s_time -new, the same mixture: {at_openssl:.3f} ms per connection, of it")
    for each, number in floor.shares.most_common():
        report(f"  {number} x {' '.join(each)}: {median(floor.costs[each]):.3f} ms")
    for loop in LOOPS:
        start = median(rounds.start[loop])
        whole = median(rounds.whole[loop]) / SERVERS * 1000
        without = (median(rounds.whole[loop]) - start) / (SERVERS - 1) * 1000
        report(
            f"{loop}: {whole:.3f} ms per server ({whole / at_openssl:.2f} x openssl), without "
            f"start-up ({start:.2f} s) {without:.3f} ms ({without / at_openssl:.2f} x); target "
            f"{TARGET_MILLISECONDS} ms: {verdict(whole, TARGET_MILLISECONDS)}, without start-up "
            f"{verdict(without, TARGET_MILLISECONDS)}"
        )
        assert without <= 4 * at_openssl + 2


@pytest.mark.parametrize("loop", LOOPS)
def test_memory_of_many_at_once(clean_lab: RunningLab, tmp_path: Path, loop: str) -> None:
    """500 servers at once stay under 250 MB, on either event loop."""
    runs = [check(clean_lab.targets, tmp_path, loop, *TWO_REQUESTS) for _ in range(3)]
    peak = max(run.megabytes for run in runs)

    report(f"{loop}: peak memory {peak:.0f} MB; target {TARGET_MEGABYTES} MB")
    assert peak < TARGET_MEGABYTES


@pytest.mark.parametrize("loop", LOOPS)
def test_hostile_servers(hostile_lab: RunningLab, tmp_path: Path, loop: str) -> None:
    """300 hostile servers, 100 at once, 15 s each: all end, little memory, nothing on stderr."""
    options = ("--timeout", "15", "--concurrency", "100", "--json", "--quiet")
    run = check(hostile_lab.targets, tmp_path, loop, *options)
    rows = documents(run)
    outcomes = Counter(row["outcome"] for row in rows)

    report(
        f"{loop}: 300 hostile servers in {run.wall:.1f} s, {run.cpu:.1f} s of the processor, "
        f"peak {run.megabytes:.0f} MB; {dict(outcomes.most_common())}"
    )
    assert len(rows) == 300
    assert run.code in {0, 1}
    assert run.wall < 3 * 15 + 15
    assert run.megabytes < TARGET_MEGABYTES


@pytest.mark.parametrize("loop", LOOPS)
def test_flooding_servers(flooding_lab: RunningLab, tmp_path: Path, loop: str) -> None:
    """100 servers with endless or exploding bodies, all at once: what is too much is let go."""
    options = ("--timeout", "15", "--concurrency", "100", "--json", "--quiet")
    run = check(flooding_lab.targets, tmp_path, loop, *options)

    report(f"{loop}: 100 flooding servers in {run.wall:.1f} s, peak {run.megabytes:.0f} MB")
    assert len(documents(run)) == 100
    assert run.megabytes < TARGET_MEGABYTES
