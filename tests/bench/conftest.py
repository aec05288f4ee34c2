"""Fixtures of the benchmarks: a lab in a process of its own."""

import contextlib
import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.bench.measured import PATCHSTAND

AS_OF = "2026-10-13"
END_SECONDS = 20.0


@dataclass(frozen=True)
class RunningLab:
    """A lab that serves: the file with its targets, and its port for HTTPS."""

    targets: Path
    https: int


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def lab_process(population: str, servers: int, folder: Path) -> Iterator[RunningLab]:
    """Run `patchstand lab` until the block ends."""
    names = ("https", "smtp", "imap", "pop", "dns")
    ports = [word for name in names for word in (f"--{name}-port", str(_free_port()))]
    targets = folder / "targets"
    options = ["--population", population, "--servers", str(servers), "--as-of", AS_OF, "--json"]
    command = [str(PATCHSTAND), "lab", *options, *ports, "--targets-out", str(targets)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield RunningLab(targets, ready["ports"]["https"])
        finally:
            process.terminate()
            process.wait(END_SECONDS)


@pytest.fixture(scope="module")
def clean_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """1,000 ordinary Exchange servers."""
    with lab_process("clean", 1000, tmp_path_factory.mktemp("clean")) as lab:
        yield lab


@pytest.fixture(scope="module")
def hostile_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """300 servers that harm a careless client."""
    with lab_process("hostile", 300, tmp_path_factory.mktemp("hostile")) as lab:
        yield lab


@pytest.fixture(scope="module")
def flooding_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """100 servers that send far more than asked for."""
    folder = tmp_path_factory.mktemp("flooding")
    population = folder / "population.json"
    shares = {"huge_body": 1, "gzip_bomb": 1}
    population.write_text(json.dumps({"schema": "patchstand/population/1", "shares": shares}))
    with lab_process(str(population), 100, folder) as lab:
        yield lab
