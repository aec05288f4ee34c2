"""Scans as processes, against a lab: run, kill and resume them, and read what they stored."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from patchstand.lab import Lab

PATCHSTAND = Path(sys.executable).with_name("patchstand")
RUN_SECONDS = 100.0
LOOK = ("--probes", "web", "--requests", "2", "--quiet")
Process = subprocess.Popen[bytes]
Row = dict[str, Any]
Fields = dict[str, object]


@dataclass(frozen=True)
class Ended:
    """One run that came to its end: exit code, and what it said."""

    code: int
    said: bytes
    complaints: bytes


@contextlib.contextmanager
def running(*arguments: str | Path, folder: Path) -> Iterator[Process]:
    """A command in a session of its own; whatever is left of it at the end is killed."""
    process = subprocess.Popen(
        [PATCHSTAND, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)
        process.communicate()


def kill(process: Process) -> None:
    """`kill -9` for a command and its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(RUN_SECONDS)


def end_of(process: Process) -> Ended:
    """Wait for the end of a command; a traceback is never an answer."""
    said, complaints = process.communicate(timeout=RUN_SECONDS)
    assert b"Traceback" not in complaints, complaints.decode(errors="replace")
    return Ended(process.returncode, said, complaints)


def run(*arguments: str | Path, folder: Path) -> Ended:
    """Run a command to its end."""
    with running(*arguments, folder=folder) as process:
        return end_of(process)


def complete(*arguments: str | Path, folder: Path) -> Ended:
    """Run a command that must succeed, and complain of nothing."""
    ended = run(*arguments, folder=folder)
    assert (ended.code, ended.complaints) == (0, b""), ended
    return ended


def wait_until(reached: Callable[[], bool], process: Process | None = None) -> bool:
    """Wait for something; False when the process ended before."""
    until = time.monotonic() + RUN_SECONDS
    while not reached():
        if process is not None and process.poll() is not None:
            return False
        assert time.monotonic() < until, "it never came"
        time.sleep(0.002)
    return True


def write_targets(folder: Path, lines: list[str], name: str = "targets") -> Path:
    """A targets file."""
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_scope(folder: Path, fields: Fields | None = None) -> Path:
    """A scope over the lab's networks, with further or other fields."""
    path = folder / "scope.json"
    scope: Fields = {
        "authority": "own",
        "purposes": ["inform"],
        "contact": "lab@example.org",
        "networks": ["127.0.0.0/8"],
    }
    path.write_text(json.dumps(scope | (fields or {})), encoding="utf-8")
    return path


def rows(store: Path, *columns: str, table: str = "observations") -> list[Row]:
    """All rows of a table of a store, or some of their columns."""
    files = sorted((store / table).glob("month=*/*.parquet"))
    found: list[Row] = []
    for file in files:
        found += pq.read_table(file, columns=list(columns) or None, partitioning=None).to_pylist()
    return found


def observed_once(store: Path, lab: Lab, *, outcome: str | None = "answered") -> str:
    """Assert that every server of the lab has one observation, of one scan; the scan's id."""
    found = rows(store, "target", "outcome", "scan", "identity")
    times = Counter(row["target"] for row in found)
    expected = {server.address for server in lab.estate.servers}
    assert {name: number for name, number in times.items() if number != 1} == {}
    assert expected - set(times) == set()
    assert set(times) - expected == set()
    if outcome is not None:
        assert Counter(row["outcome"] for row in found) == {outcome: len(expected)}
    identities = {row["key"] for row in rows(store, "key", table="identities")}
    assert {row["identity"] for row in found} <= identities
    (scan,) = {row["scan"] for row in found}
    return str(scan)


def seen_of(store: Path) -> list[str]:
    """What a store says of each server, without ids and times; in order of the targets."""
    identities = {row["key"]: row for row in rows(store, table="identities")}
    found = []
    for row in sorted(rows(store), key=lambda row: (str(row["target"]), str(row["ports"]))):
        said = identities[row["identity"]]
        what = {name: said[name] for name in ("evidence", "lines", "builds", "precision")}
        kept = {name: row[name] for name in ("target", "ports", "address", "outcome", "permit")}
        found.append(json.dumps(kept | what, sort_keys=True, default=str))
    return found


def leftovers(store: Path) -> list[str]:
    """Files below a store that only a run under way may have."""
    return [
        str(path.relative_to(store))
        for path in store.rglob("*")
        if path.name.startswith(".tmp") or (path.is_file() and path.parts[-3:-2] == ("scans",))
    ]


@dataclass(frozen=True)
class Asked:
    """What the lab counted: by server and by /24, connections and requests."""

    servers: Counter[tuple[str, str]]
    networks: Counter[tuple[str, str]]

    @property
    def addresses(self) -> set[str]:
        """Every address that was called."""
        return {address for address, _ in self.servers}

    def most(self) -> tuple[int, int]:
        """The most that one server, and that one network saw, of either."""
        return max(self.servers.values(), default=0), max(self.networks.values(), default=0)


def asked(lab: Lab) -> Asked:
    """What the lab has counted so far."""
    counts = Asked(Counter(), Counter())
    for address, visits in list(lab.tally.visits.items()):
        network = str(ip_network(f"{ip_address(address)}/24", strict=False))
        for kind in ("connections", "requests"):
            number = getattr(visits, kind).total()
            counts.servers[address, kind] += number
            counts.networks[network, kind] += number
    return counts


def connections(lab: Lab) -> int:
    """How many connections the lab has accepted so far."""
    return sum(visits.connections.total() for visits in list(lab.tally.visits.values()))
