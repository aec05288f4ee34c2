"""What `census` makes of a store that is not as it was written, and of being interrupted."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.census.asking import LACKING, asked, at, looks, printed, stored
from tests.workflow.present import failed, seen

from patchstand.model import Knowledge

DAY = "2024-09-12"
LATER = "20240911T083000Z-000009"
PATCHSTAND = Path(sys.executable).with_name("patchstand")


@pytest.fixture
def good(tmp_path: Path, known: Knowledge) -> Path:
    """Eight servers seen in each of three months."""
    months = ("2024-06-20", "2024-08-02", "2024-09-10")
    records = [seen(n, at=at(month)) for month in months for n in range(8)]
    return stored(tmp_path / "good", records, known)


def file_of(root: Path, table: str, month: str, batch: str = "") -> Path:
    """The file of a month, or of a batch in it."""
    (found,) = (root / table / f"month={month}").glob(f"{batch}*.parquet")
    return found


def said(root: Path, *words: str) -> str:
    """The one line in which a census is refused."""
    code, out, err = printed(root, DAY, *words)
    assert (code, out) == (2, b""), err
    assert err.count("\n") == 1
    return err


def test_identities_that_are_gone_are_said(good: Path) -> None:
    """Looks whose identities are in no file are no silence: the month is damaged."""
    stored(good, [seen(60 + n, at=at("2024-09-11")) for n in range(5)], batch=LATER)
    assert asked(good, DAY)["population"] == 13
    file_of(good, "identities", "2024-09", LATER).unlink()

    assert "month=2024-09: identities" in said(good)
    found = asked(good, "2024-08-12", "--skip-damaged")
    assert (found["population"], found["skipped"]) == (8, [])
    assert "2024-09" in said(good, "--skip-damaged").replace(DAY, "")


def test_all_identities_of_a_month_may_be_gone(good: Path) -> None:
    """Without the folder of a month's identities it is damaged, and can be left out."""
    shutil.rmtree(good / "identities" / "month=2024-08")

    assert "month=2024-08: identities" in said(good)
    found = asked(good, DAY, "--skip-damaged")
    (skipped,) = found["skipped"]
    assert skipped["month"] == "2024-08"
    assert skipped["why"].startswith("observations/month=2024-08: identities")
    assert found["population"] == 8


def test_looks_of_which_nothing_can_be_told_are_no_damage(good: Path, known: Knowledge) -> None:
    """Failed looks have an identity too: that it shows nothing is not that it is missing."""
    stored(good, [failed(n, at("2024-09-11")) for n in range(20, 30)], known, LATER)

    assert asked(good, DAY)["population"] == 8


def test_a_flipped_byte_of_the_last_month_is_said(good: Path) -> None:
    """In rows and footer of a file that is asked for the day: one line that names it."""
    path = file_of(good, "observations", "2024-09")
    content = path.read_bytes()
    for place in range(0, len(content), 97):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x15]) + content[place + 1 :])

        assert path.name in said(good, "--only", "classes")


def test_a_damaged_last_month_is_named_where_nobody_is_left(good: Path) -> None:
    """Nobody was seen of late, since what holds the looks was left out: that is said."""
    path = file_of(good, "observations", "2024-09")
    path.write_bytes(path.read_bytes()[:500])

    line = said(good, "--skip-damaged")

    assert "2024-08-02" in line
    assert line.rstrip().endswith("left out, since they are damaged: 2024-09")


def test_where_every_month_is_left_out_all_are_named(good: Path) -> None:
    """Without a month left, the months are named."""
    for month in ("2024-06", "2024-08", "2024-09"):
        file_of(good, "observations", month).write_bytes(b"")

    assert said(good, "--skip-damaged").rstrip().endswith("2024-06, 2024-08, 2024-09")


def test_no_path_of_the_machine_is_in_the_document(good: Path) -> None:
    """Why a month was left out names its file within the store, whoever names the store how."""
    file_of(good, "observations", "2024-08").write_bytes(b"")
    (good.parent / "link").symlink_to(good)

    for root in (good, good.parent / "link", Path(os.path.relpath(good))):
        code, out, _ = printed(root, DAY, "--skip-damaged")
        assert code == 0
        assert b"observations/month=2024-08/" in out
        assert str(good.parent).encode() not in out


def test_interrupted_processes_say_one_line(tmp_path: Path, known: Knowledge) -> None:
    """Ctrl-C reaches all processes of a terminal: one line, 130, and no file half written."""
    first = at("2023-01-01")
    looked = [each for n in range(60) for each in looks(n, LACKING, first, range(0, 600, 2))]
    root = stored(tmp_path / "store", looked, known)
    command: list[str | Path] = [PATCHSTAND, "census", "--store", root, "--as-of", "2024-08-20",
               "--json", "--quiet", "--jobs", "2"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for wait in (0.0, 0.2):
        shutil.rmtree(root / "derived", ignore_errors=True)
        running = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        wait_for_children(running.pid)
        time.sleep(wait)  # while they begin, and while they work
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=60)

        assert (running.returncode, out, err) == (130, b"", b"patchstand: interrupted\n")
        assert not list((root / "derived").glob(".tmp-*"))
    assert printed(root, "2024-08-20", "--jobs", "2") == printed(root, "2024-08-20", "--rebuild")


def wait_for_children(process: int) -> None:
    """Until a process has begun others, at most a minute."""
    children = Path(f"/proc/{process}/task/{process}/children")
    if not children.exists():
        pytest.skip("no /proc here that tells of children")
    deadline = time.monotonic() + 60
    while len(children.read_text().split()) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
