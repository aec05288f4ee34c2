import threading
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.errors import UsageError
from patchstand.observe.opt_out import (
    OptOut,
    add_opt_out,
    is_network,
    opt_out_name,
    read_opt_outs,
    remove_opt_out,
)

DAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1/32", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("192.0.2.0/28", "192.0.2.0/28"),
        ("Mail.Example.ORG.", "mail.example.org"),
    ],
)
def test_names_have_one_spelling(text: str, name: str) -> None:
    """Two spellings of one place are the same opt-out."""
    assert opt_out_name(text) == name
    assert opt_out_name(name) == name
    assert is_network(name) is not name.endswith("org")


@given(st.text(max_size=40), st.text(max_size=40).map(lambda text: " ".join(text.split())))
def test_what_is_written_is_read(text: str, reason: str) -> None:
    """Every name that is accepted comes back from its line, whatever the reason says."""
    try:
        name = opt_out_name(text)
    except UsageError:
        return
    line = OptOut(name, DAY, reason).line

    assert opt_out_name(line.partition("#")[0]) == name
    assert "\n" not in line


def test_lines_of_others_stay_as_they_are(tmp_path: Path) -> None:
    """Adding and removing keeps comments and every other line; nothing is left beside it."""
    path = tmp_path / "out.txt"
    path.write_text("# ours\n\n192.0.2.1   # 2026-01-02, by mail\n", encoding="utf-8")

    assert add_opt_out(path, OptOut("example.org", DAY, "by phone"))
    assert not add_opt_out(path, OptOut("example.org", DAY, "again"))
    assert read_opt_outs(path) == (
        OptOut("192.0.2.1", date(2026, 1, 2), "by mail"),
        OptOut("example.org", DAY, "by phone"),
    )
    assert remove_opt_out(path, "example.org")
    assert not remove_opt_out(path, "example.org")
    assert path.read_text(encoding="utf-8") == "# ours\n\n192.0.2.1   # 2026-01-02, by mail\n"
    assert [each.name for each in tmp_path.iterdir()] == ["out.txt"]


def test_nobody_is_lost_when_many_write_at_once(tmp_path: Path) -> None:
    """Concurrent additions all arrive, and a reader never sees half a file."""
    path = tmp_path / "out.txt"
    path.touch()
    threads = [
        threading.Thread(target=add_opt_out, args=(path, OptOut(f"192.0.2.{n}"))) for n in range(20)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        read_opt_outs(path)
    assert {entry.name for entry in read_opt_outs(path)} == {f"192.0.2.{n}" for n in range(20)}


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    """Where nothing can be written, an error says so."""
    with pytest.raises(UsageError, match="cannot write"):
        add_opt_out(tmp_path / "no" / "out.txt", OptOut("192.0.2.1"))
