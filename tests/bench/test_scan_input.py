"""A very long list of targets: what it costs to count it, and to put it on the disk."""

import ipaddress
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bench.measured import Spent, patchstand, report, spent, verdict

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

TARGETS = 10_000_000
MOST_MEGABYTES = 500
FIRST = int(ipaddress.ip_address("10.0.0.0"))

_SCRIPT = """
import sys
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from patchstand import knowledge
from patchstand.store.folder import Folder
from patchstand.workflow.scan import ScanPlan, prepare, waiting
from patchstand.workflow.targets import expand

folder = Folder.open(Path(sys.argv[2]), datetime(2026, 11, 22, tzinfo=UTC))
plan = ScanPlan(folder, "20261122T000000Z-000000", knowledge.load(), date(2026, 11, 22))
with Path(sys.argv[1]).open(encoding="utf-8") as lines:
    print(prepare(plan, expand(lines), 1, only_new=False))
print(sum(1 for _ in islice(waiting(plan), 1_000_000)))
"""
"""What `scan` does before it asks: ten million lines onto the disk, and the first million back."""


@pytest.fixture(scope="module")
def long_list(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Ten million addresses, one a line, in order; nobody is asked."""
    path = tmp_path_factory.mktemp("targets") / "targets"
    with path.open("w", encoding="ascii") as file:
        for third in range(TARGETS >> 8):
            front = f"10.{third >> 8}.{third & 255}."
            file.writelines(f"{front}{last}\n" for last in range(256))
        file.writelines(
            f"{ipaddress.ip_address(FIRST + number)}\n"
            for number in range(TARGETS >> 8 << 8, TARGETS)
        )
    yield path
    path.unlink()


def told(what: str, run: Spent) -> None:
    """Print the figures of one run, and hold them to the target."""
    report(
        f"{what}, {TARGETS:,} targets: {run.megabytes:.0f} MB, target {MOST_MEGABYTES}: "
        f"{verdict(run.megabytes, MOST_MEGABYTES)}; {run.cpu:.1f} s of the processor, "
        f"{run.wall:.1f} s wall, {TARGETS / run.cpu:,.0f} targets per second of the processor"
    )
    assert run.megabytes < MOST_MEGABYTES


def scope_without_them(folder: Path) -> Path:
    """A scope that permits none of the addresses."""
    path = folder / "scope.json"
    scope = {
        "authority": "own",
        "purposes": ["inform"],
        "contact": "lab@example.org",
        "networks": ["192.0.2.0/24"],
    }
    path.write_text(json.dumps(scope))
    return path


def test_a_dry_run_of_ten_million(tmp_path: Path, long_list: Path) -> None:
    """`scan --dry-run` of a scope that permits none of ten million: counted under 500 MB."""
    scope = ("--scope", str(scope_without_them(tmp_path)))
    arguments = ("--targets", str(long_list), *scope, "--store", str(tmp_path / "store"))
    run = spent(patchstand("scan", "--dry-run", "--json", *arguments), tmp_path)

    assert run.code == 0, run.complaints
    assert TARGETS in json.loads(run.said).values()
    assert not (tmp_path / "store").exists()
    told("dry run", run)


def test_the_list_of_a_scan_of_ten_million(tmp_path: Path, long_list: Path) -> None:
    """The list of a scan is shuffled on the disk and read from it, under 500 MB of memory."""
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT)
    run = spent([sys.executable, script, long_list, tmp_path / "store"], tmp_path)

    assert run.code == 0, run.complaints
    assert run.said.split() == [b"10000000", b"1000000"]
    told("list of a scan", run)
