"""Commands as processes: they start quickly, end cleanly on a signal and leave nothing behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.conversation import an_estate
from tests.services.servers import END_SECONDS, free_port

from patchstand.lab import Lab, lab_in_thread

pytestmark = pytest.mark.services

PATCHSTAND = Path(sys.executable).with_name("patchstand")
READY_SECONDS = 5.0
SIGNALS = [signal.SIGINT, signal.SIGTERM]
Process = subprocess.Popen[bytes]


@contextlib.contextmanager
def running(*arguments: str, folder: Path) -> Iterator[Process]:
    """A command in a session of its own, so that all its processes can be counted and ended."""
    process = subprocess.Popen(
        [PATCHSTAND, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        with process:
            yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def nobody_is_left(process: Process) -> bool:
    """True when the session of an ended command has no process any more."""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return True
    return False


def lab_ports() -> list[str]:
    """Options that put a lab on free ports."""
    names = ("https", "smtp", "imap", "pop", "dns")
    return [word for name in names for word in (f"--{name}-port", str(free_port()))]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_big_lab_is_ready_soon_and_ends_on_a_signal(
    tmp_path: Path, number: signal.Signals
) -> None:
    """2,000 servers within 5 seconds; SIGINT and SIGTERM end it with exit 0 and no process."""
    started = time.monotonic()
    with running("lab", "--servers", "2000", *lab_ports(), folder=tmp_path) as process:
        assert process.stdout is not None
        said = [process.stdout.readline(), process.stdout.readline()]
        seconds = time.monotonic() - started
        process.send_signal(number)
        rest, complaints = process.communicate(timeout=END_SECONDS)

    assert said[1] == b"ready\n"
    assert seconds < READY_SECONDS
    assert process.returncode == 0
    assert (rest, complaints) == (b"", b"")
    assert nobody_is_left(process)


def test_a_lab_says_ready_in_json(tmp_path: Path) -> None:
    """With --json, `ready` is one document that names the ports."""
    with running("lab", "--servers", "5", "--json", *lab_ports(), folder=tmp_path) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=END_SECONDS)

    assert ready["state"] == "ready"
    assert ready["servers"] == 5
    assert all(port > 0 for port in ready["ports"].values())


def test_a_lab_on_a_taken_port_says_so_in_one_line(tmp_path: Path) -> None:
    """A second lab on the same ports ends with exit 2 and one line; the first goes on."""
    ports = lab_ports()
    with running("lab", "--servers", "5", *ports, folder=tmp_path) as first:
        assert first.stdout is not None
        first.stdout.readline()
        first.stdout.readline()
        with running("lab", "--servers", "5", *ports, folder=tmp_path) as second:
            _, complaints = second.communicate(timeout=END_SECONDS)
        assert first.poll() is None
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=END_SECONDS)

    assert second.returncode == 2
    assert complaints.startswith(b"patchstand: cannot listen on ")
    assert complaints.count(b"\n") == 1


def test_the_demo_ends_by_itself(tmp_path: Path) -> None:
    """A demo of 60 servers: exit 0, no wrong answer, its page written, no process left."""
    page = tmp_path / "page.html"
    with running("demo", "--servers", "60", "--json", "--html", str(page), folder=tmp_path) as demo:
        said, complaints = demo.communicate(timeout=100)

    assert demo.returncode == 0, complaints
    result = json.loads(said)
    assert result["servers"] == 60
    assert result["mistakes"] == []
    assert sum(row["servers"] for row in result["score"]) == 60
    assert b"Traceback" not in complaints
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert nobody_is_left(demo)


def test_an_interrupted_demo_says_so(tmp_path: Path) -> None:
    """Ctrl-C in a demo: exit 130 and one line, no page, no process left."""
    options = ("--servers", "300", "--population", "hostile", "--quiet")
    with running("demo", *options, folder=tmp_path) as demo:
        time.sleep(3)  # servers that never answer keep it busy for longer
        demo.send_signal(signal.SIGINT)
        said, complaints = demo.communicate(timeout=END_SECONDS)

    assert demo.returncode == 130
    assert said == b""
    assert complaints == b"patchstand: interrupted\n"
    assert list(tmp_path.iterdir()) == []
    assert nobody_is_left(demo)


@pytest.fixture(scope="module")
def slow_lab() -> Iterator[Lab]:
    """Servers that answer a byte a second, or never."""
    with lab_in_thread(an_estate(100, '{"slow": 1, "silent": 1}')) as lab:
        yield lab


def connections(lab: Lab) -> int:
    """How many connections the lab has accepted so far."""
    return sum(visits.connections.total() for visits in lab.tally.visits.values())


@contextlib.contextmanager
def interrupted_check(lab: Lab, targets: Path, *options: str) -> Iterator[Process]:
    """A check that was sent SIGINT once 80 servers of the lab keep it waiting."""
    before = connections(lab)
    every = ("--targets", str(targets), "--concurrency", "150", "--quiet", *options)
    with running("check", *every, folder=targets.parent) as process:
        until = time.monotonic() + END_SECONDS
        while connections(lab) < before + 80:
            assert time.monotonic() < until, "nobody connected"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        yield process


@pytest.mark.parametrize("output", [["--json"], [], ["--json", "--probes", "mail"]], ids=str)
def test_an_interrupted_check_says_so(tmp_path: Path, slow_lab: Lab, output: list[str]) -> None:
    """Ctrl-C while servers keep us waiting: exit 130 and one line within a second or two."""
    targets = tmp_path / "targets"
    targets.write_text("\n".join(slow_lab.targets()))
    with interrupted_check(slow_lab, targets, *output) as process:
        asked_to_end = time.monotonic()
        said, complaints = process.communicate(timeout=END_SECONDS)
        seconds = time.monotonic() - asked_to_end

    assert process.returncode == 130
    assert complaints == b"patchstand: interrupted\n"
    assert said == b""
    assert seconds < 3
    assert nobody_is_left(process)


def test_an_interrupted_check_keeps_what_it_said(tmp_path: Path, slow_lab: Lab) -> None:
    """Servers that had ended before Ctrl-C are whole lines of JSON on stdout."""
    targets = tmp_path / "targets"
    ports: set[int] = set()
    while len(ports) < 20:  # the same port twice is the same target
        ports.add(free_port())
    nobody = [f"127.0.0.1 https={port}" for port in ports]
    targets.write_text("\n".join([*nobody, *slow_lab.targets()]))
    options = ("--targets", str(targets), "--concurrency", "150", "--json")
    with running("check", *options, folder=tmp_path) as process:
        assert process.stderr is not None
        progress = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate(timeout=END_SECONDS)

    assert progress == b"12/120\n"
    assert process.returncode == 130
    assert complaints == b"patchstand: interrupted\n"
    outcomes = [json.loads(line)["outcome"] for line in said.splitlines()]
    assert len(outcomes) >= 12
    assert set(outcomes) == {"refused"}
