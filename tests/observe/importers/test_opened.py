import gzip
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patchstand.errors import UsageError
from patchstand.observe.importers import _opened
from patchstand.observe.importers._opened import OVERLONG, Lines, head_of, opened

FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
TEXT = b"".join(b"line %d\n" % number for number in range(100_000))


def packed(path: Path, content: bytes) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("folder/report.csv", content)
    else:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["report.csv", "report.csv.gz", "report.zip"])
def test_packed_and_plain_files_are_read_alike(tmp_path: Path, name: str) -> None:
    """A file gives the same lines and the same name, whether packed or not."""
    path = packed(tmp_path / name, TEXT)

    with opened(path) as file:
        assert b"\n".join(Lines(file, 100)) + b"\n" == TEXT
        assert file.name == "report.csv"
        assert file.damage == ""
    assert head_of(path) == ("report.csv", TEXT[:4096])


@pytest.mark.parametrize("name", ["report.csv.gz", "report.zip"])
def test_a_bomb_is_refused(tmp_path: Path, name: str) -> None:
    """A file that grows more than two hundred times is a usage error."""
    path = packed(tmp_path / name, bytes(40 << 20))

    with opened(path) as file, pytest.raises(UsageError, match="200 times"):
        list(Lines(file, 100))


@pytest.mark.parametrize("name", ["report.csv.gz", "report.zip"])
def test_a_large_file_is_no_bomb(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text that grows as text does may be far larger than what is always free."""
    monkeypatch.setattr(_opened, "RATIO_FREE_BYTES", 1000)
    path = packed(tmp_path / name, TEXT)

    with opened(path) as file:
        assert sum(1 for _ in Lines(file, 100)) == 100_000


@pytest.mark.parametrize("name", ["report.csv.gz", "report.zip"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_damage_ends_the_file_and_is_told(tmp_path: Path, name: str, share: float) -> None:
    """What lies before a cut or a changed byte is read; then the damage is named."""
    path = packed(tmp_path / name, TEXT)
    content = bytearray(path.read_bytes())
    at = int(len(content) * share)
    content[at : at + 8] = bytes(8) if content[at : at + 8] != bytes(8) else b"\xff" * 8
    path.write_bytes(content)

    with opened(path) as file:
        lines = list(Lines(file, 1 << 20))
        assert file.damage
    assert lines[:1000] == TEXT.split(b"\n")[:1000]


def test_a_zip_of_several_files_is_refused(tmp_path: Path) -> None:
    """Which of several files is meant nobody knows; for a bundle its raw head is shown."""
    path = tmp_path / "two.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "1")
        archive.writestr("b", "2")

    with pytest.raises(UsageError, match="2 files"), opened(path):
        pass
    assert head_of(path) == ("two.zip", path.read_bytes()[:4096])


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    """A missing file and a folder are told in one line."""
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageError, match="cannot read"), opened(path):
            pass
        with pytest.raises(UsageError, match="cannot read"):
            head_of(path)


@FOLDER
@given(
    lines=st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=20),
    block=st.integers(1, 50),
)
def test_lines_are_whole_whatever_the_blocks(
    tmp_path: Path, lines: list[bytes], block: int
) -> None:
    """Lines are the same for any size of block; only those over the limit are replaced."""
    content = b"\n".join(lines)
    path = packed(tmp_path / "lines", content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_opened, "BLOCK_BYTES", block)
        with opened(path) as file:
            reader = Lines(file, 20)
            found = list(reader)

    expected = content.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert reader.ended == (content.endswith(b"\n") or not content)
    assert len(found) == len(expected)
    for mine, whole in zip(found, expected, strict=True):
        assert mine == whole or (mine == OVERLONG and len(whole) > 20) or len(whole) > 20
