"""The journal keeps what was appended, whatever happens to its end."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.errors import StoreError
from patchstand.store.folder import is_full
from patchstand.store.journal import Journal, frames

FRAMES = st.lists(st.binary(max_size=200), max_size=20)


@given(FRAMES, st.data())
def test_a_torn_end_costs_only_the_torn_frame(
    tmp_path_factory: pytest.TempPathFactory, written: list[bytes], data: st.DataObject
) -> None:
    """Cut anywhere, a journal gives a prefix of its frames, and goes on after it."""
    path = tmp_path_factory.mktemp("journal") / "a.log"
    journal = Journal(path)
    for frame in written:
        journal.append(frame)
    journal.close()
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])

    kept = list(frames(path))
    assert kept == written[: len(kept)]
    assert sum(8 + len(frame) for frame in kept) <= cut
    again = Journal(path)
    again.append(b"later")
    again.close()
    assert list(frames(path)) == [*kept, b"later"]


@given(FRAMES.filter(bool), st.data())
def test_a_flipped_byte_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, written: list[bytes], data: st.DataObject
) -> None:
    """A damaged frame is not given out, nor is any after it."""
    path = tmp_path_factory.mktemp("journal") / "a.log"
    journal = Journal(path)
    journal.append(*written)
    journal.close()
    damaged = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(damaged))

    kept = list(frames(path))
    assert kept == written[: len(kept)]
    assert len(kept) < len(written)


def test_a_full_disk_takes_back_the_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that the disk cuts off is taken back, and the journal goes on when there is room."""
    journal = Journal(tmp_path / "a.log")
    journal.append(b"first")
    write = os.write

    def full(file: int, content: bytes) -> int:
        write(file, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match="disk is full") as caught:
        journal.append(b"second")
    monkeypatch.undo()
    assert is_full(caught.value)
    assert "--" not in str(caught.value)  # which option helps, the command knows
    journal.append(b"third")
    journal.close()

    assert list(frames(tmp_path / "a.log")) == [b"first", b"third"]
