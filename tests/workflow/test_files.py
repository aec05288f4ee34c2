"""Files are written whole or not at all, and nothing but regular files is replaced."""

import os
from pathlib import Path
from threading import Thread

import pytest

from patchstand.errors import UsageError
from patchstand.workflow.files import write_bytes


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What a link leads to is written."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)

    write_bytes(link, b"new")

    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "target"]


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    """Who reads a named pipe gets the content, and the pipe is still there."""
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()

    write_bytes(pipe, b"content")

    reader.join(timeout=10)
    assert got == [b"content"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["", ".", "missing/file"])
def test_what_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An empty name, a folder, and a file in a folder that is not there."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match="cannot write"):
        write_bytes(Path(name), b"content")

    assert list(tmp_path.iterdir()) == []
