"""`patchstand simulate`: the document, the words, exit codes and single lines."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.test_docs import problems

from patchstand.cli.main import main

POPULATION = ("simulate", "--population", "de-2026-01", "--quiet")


def run(store: Path, *words: str) -> int:
    return main([*POPULATION, "--store", str(store), "--servers", "20", "--days", "3", *words])


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_document_fits_its_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed with --json has exactly the fields of simulate/1, in a dry run as well."""
    assert run(tmp_path / "store", "--json", "--dry-run") == 0
    planned = document(capsys)
    assert run(tmp_path / "store", "--json") == 0
    done = document(capsys)

    assert problems(planned) == problems(done) == []
    assert planned["batch"] == done["batch"]
    assert (planned["observations"], planned["servers_ever"]) == (None, None)
    assert 55 <= done["observations"] <= 60
    assert done["servers_ever"] == 20
    assert (done["first"], done["last"]) == ("2026-01-21", "2026-01-23")


@pytest.mark.parametrize(
    ("lang", "said", "counted", "nothing"),
    [
        ("en", "20 servers a day", "Observations", "Nothing was written"),
        ("de", "20 Server am Tag", "Beobachtungen", "Nichts wurde geschrieben"),
    ],
)
def test_people_are_told_what_was_written(  # noqa: PLR0917  a row of the table above
    lang: str,
    said: str,
    counted: str,
    nothing: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Population, servers and period are said in both languages; a dry run says that it is one."""
    assert run(tmp_path / "store", "--lang", lang, "--dry-run") == 0
    planned = capsys.readouterr().out
    assert run(tmp_path / "store", "--lang", lang) == 0
    done = capsys.readouterr().out

    assert said in planned
    assert said in done
    assert (nothing in planned, counted in planned) == (True, False)
    assert (nothing in done, counted in done) == (False, True)


def test_months_that_are_done_are_said_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing but the document goes to stdout."""
    assert main(["simulate", "--population", "de-2026-01", "--store", str(tmp_path / "store"),
                 "--servers", "20", "--days", "70", "--json"]) == 0  # fmt: skip

    assert document(capsys)["observations"] > 1300


WRONG = {
    "unknown population": ("--population", "de-2030-01"),
    "days before there is anything": ("--days", "9999"),
    "too few servers": ("--servers", "9"),
    "no days": ("--days", "0"),
    "seed": ("--seed", "-1"),
    "no such override folder": ("--knowledge", "nowhere"),
    "an unknown database": ("--state", "mysql://server/database"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_usage_is_one_line_and_exit_code_2(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on stderr, nothing on stdout, and no observation is written."""
    assert run(tmp_path / "store", *WRONG[what]) == 2
    written = capsys.readouterr()

    assert written.out == ""
    assert len(written.err.splitlines()) == 1
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_broken_population_of_the_override_folder_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is named, and no store is begun."""
    (tmp_path / "mine" / "populations").mkdir(parents=True)
    (tmp_path / "mine" / "populations" / "de-2026-01.toml").write_text("name = ")

    assert run(tmp_path / "store", "--knowledge", str(tmp_path / "mine")) == 2
    (line,) = capsys.readouterr().err.splitlines()

    assert line.startswith("patchstand: population de-2026-01: ")
    assert not (tmp_path / "store").exists()


def test_another_store_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second simulation into the same store is refused, in a dry run as well."""
    assert run(tmp_path / "store") == 0
    capsys.readouterr()

    for words in (("--seed", "2"), ("--seed", "2", "--dry-run")):
        assert run(tmp_path / "store", *words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "holds something else" in line


def test_a_full_disk_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what helps; with room the same line does the rest."""

    def full(_place: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert run(tmp_path / "other") == 0
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "store.json").write_bytes((tmp_path / "other/store.json").read_bytes())
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert run(tmp_path / "store") == 2
    (line,) = capsys.readouterr().err.splitlines()

    assert "run the same again" in line
    assert run(tmp_path / "store") == 0
