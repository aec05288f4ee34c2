"""The verb `lab`, as a process of its own."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.lab.conversation import TODAY, UPDATES, connected, read_until

from patchstand.errors import UsageError
from patchstand.lab import Ports
from patchstand.model import Knowledge
from patchstand.workflow.files import write_whole
from patchstand.workflow.lab import LabOptions, lab_scope, run_lab

SCRIPT = """
import sys
from pathlib import Path
from patchstand.lab import Ports
from patchstand.model import Knowledge
from patchstand.workflow.lab import LabOptions, run_lab
from tests.lab.conversation import TODAY, UPDATES
folder = Path(sys.argv[1])
knowledge = Knowledge(
    version="1", covered_from=TODAY, covered_until=TODAY, updates=UPDATES, cves=(), support=(),
    rejected=())
options = LabOptions(
    servers=200, as_of=TODAY, seed=5, ports=Ports.free(), targets_out=folder / "targets",
    scope_out=folder / "scope", truth_out=folder / "truth", counts_out=folder / "counts")
run_lab(options, knowledge, lambda lab: print("ready", flush=True))
"""
KNOWLEDGE = Knowledge(
    version="1",
    covered_from=TODAY,
    covered_until=TODAY,
    updates=UPDATES,
    cves=(),
    support=(),
    rejected=(),
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_writes_its_files_serves_and_ends_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Files are complete at `ready`; a signal ends it with exit 0 and the counts."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        targets = (tmp_path / "targets").read_text().splitlines()
        truth = [json.loads(line) for line in (tmp_path / "truth").read_text().splitlines()]
        address, port = _an_smtp(truth)
        with connected(address, port) as sock:
            assert read_until(sock, b"\r\n").startswith(b"220 ")
        process.send_signal(number)
        _, complaints = process.communicate(timeout=5)

    assert complaints == b""
    assert process.returncode == 0
    assert [record["target"] for record in truth] == targets
    assert len(targets) == 200
    counts = json.loads((tmp_path / "counts").read_text())
    assert counts["addresses"][address]["connections"] == {"smtp": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "counts", "scope", "targets", "truth",
    ]  # fmt: skip


def _an_smtp(truth: list[dict[str, str]]) -> tuple[str, int]:
    target = next(r["target"] for r in truth if r["kind"] == "2019" and "smtp" in r["target"])
    address, *services = target.split()
    return address, int(dict(word.split("=") for word in services)["smtp"])


def test_the_scope_covers_loopback_only() -> None:
    """The scope file names 127.0.0.0/8 as our own, with a contact."""
    scope = lab_scope()

    assert scope.networks == ("127.0.0.0/8",)
    assert scope.authority == "own"
    assert scope.contact == "lab@lab.invalid"


def test_a_file_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    """A missing folder is an error that names the file, before the lab is said to be ready."""
    options = LabOptions(
        servers=1, as_of=TODAY, ports=Ports.free(), targets_out=tmp_path / "absent" / "targets"
    )
    with pytest.raises(UsageError, match="absent"):
        run_lab(options, KNOWLEDGE, lambda lab: pytest.fail("ready"))


def test_files_appear_whole(tmp_path: Path) -> None:
    """A file is replaced in one step; nothing is left beside it."""
    path = tmp_path / "targets"
    path.write_text("old")

    write_whole(path, [b"one", b"two"])

    assert path.read_text() == "one\ntwo\n"
    assert list(tmp_path.iterdir()) == [path]
