"""`patchstand store`: exit codes, documents, and what is refused before anything leaves."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.store.certificates import Person
from tests.test_docs import problems
from tests.workflow.present import seen, store_with
from tests.workflow.stores import NAMES, store_of, with_servers

from patchstand.cli.main import main
from patchstand.model import Knowledge
from patchstand.workflow.store import Store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store with one scan of public servers and some on loopback."""
    return store_of(tmp_path / "store").root


def run(root: Path, *words: str) -> int:
    return main(["store", *words, "--store", str(root)])


def test_every_document_fits_its_schema(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What each action prints with --json has exactly the fields that its schema names."""
    (root / "observations" / "notes.txt").write_text("mine")
    with_servers(Store(root))
    codes = [
        run(root, "list", "--json"),
        run(root, "servers", "--json"),
        run(root, "export", "--json"),
        run(root, "check", "--json"),
        run(root, "check", "--json", "--dry-run"),
        run(root, "purge", "--json", "--raw-days", "0"),
        run(root, "erase", NAMES[1], "--reason", "asked for", "--json"),
    ]
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert codes == [0, 0, 0, 1, 1, 0, 0]
    assert len(documents) == 1 + 2 + 30 + 4
    assert [problem for each in documents for problem in problems(each)] == []


def test_a_sealed_list_fits_the_schema_too(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines that a recipient decrypts are documents of observation/1 with their TLP."""
    from tests.store.certificates import NOW  # noqa: PLC0415

    from patchstand.cli.commands import store  # noqa: PLC0415

    monkeypatch.setattr(store, "now", lambda: NOW)
    anna, out = Person.made(tmp_path, "anna"), tmp_path / "list.p7m"
    code = run(root, "export", "--recipient", str(anna.path), "--tlp", "amber+strict",
               "--reason", "warning", "--out", str(out), "--until", "2026-11-22")  # fmt: skip
    opened = anna.opens(out)

    assert code == 0
    assert opened is not None
    documents = [json.loads(line) for line in opened.splitlines()]
    assert {each["tlp"] for each in documents} == {"amber+strict"}
    assert [problem for each in documents for problem in problems(each)] == []


def test_vulnerable_servers_leave_in_the_form_that_is_asked_for(
    tmp_path: Path, known: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CSV file, events, and either of them sealed."""
    from tests.store.certificates import NOW  # noqa: PLC0415

    from patchstand.cli.commands import store  # noqa: PLC0415

    monkeypatch.setattr(store, "now", lambda: NOW)
    monkeypatch.chdir(tmp_path)
    root = store_with(tmp_path / "s", known, [seen(1), seen(2)]).root
    anna, day = Person.made(tmp_path, "anna"), ["--as-of", "2024-09-10"]
    sealed = ["--recipient", str(anna.path), "--tlp", "green", "--reason", "warning"]
    codes = [
        run(root, "export", "--shadowserver", "a.csv", *day),
        run(root, "export", "--intelmq", "a.jsonl", *day),
        run(root, "export", *sealed, "--form", "shadowserver", "--out", "b.p7m", *day),
        run(root, "export", *sealed, "--form", "intelmq", "--out", "c.p7m", *day),
    ]

    assert codes == [0, 0, 0, 0]
    assert len(Path("a.csv").read_text().splitlines()) == 3
    assert len(Path("a.jsonl").read_text().splitlines()) == 2
    assert (anna.opens(tmp_path / "b.p7m") or b"").count(b'"9.9.0.') == 2
    assert (anna.opens(tmp_path / "c.p7m") or b"").count(b'"source.ip":"9.9.0.') == 2


@pytest.mark.parametrize(
    "words",
    [
        ["export"],
        ["export", "--json", "--csv", "a.csv"],
        ["export", "--json", "--reason", "why"],
        ["export", "--tlp", "red", "--reason", "why", "--out", "a.p7m"],
        ["export", "--recipient", "x.pem", "--reason", "why", "--out", "a.p7m"],
        ["export", "--recipient", "x.pem", "--tlp", "red", "--out", "a.p7m"],
        ["export", "--recipient", "x.pem", "--tlp", "red", "--reason", "why", "--json"],
        ["export", "--recipient", "x.pem", "--tlp", "red", "--reason", " ", "--out", "a.p7m"],
        ["export", "--recipient", "x.pem", "--tlp", "red", "--reason", "why", "--out", "a.p7m"],
        ["export", "--own", "--json"],
        ["export", "--own", "--json", "--reason", "why"],
        ["export", "--own", "--csv", "a.csv", "--reason", "why"],
        ["export", "--own", "--reason", "why", "--out", "a.p7m"],
        ["export", "--shadowserver", "a.csv", "--json"],
        ["export", "--shadowserver", "a.csv", "--intelmq", "a.jsonl"],
        ["export", "--intelmq", "a.jsonl", "--since", "2026-11-01"],
        ["export", "--shadowserver", "a.csv", "--until", "2026-11-01"],
        ["export", "--shadowserver", "a.csv", "--reason", "why"],
        ["export", "--shadowserver", "a.csv", "--own"],
        ["export", "--shadowserver", "a.csv", "--own", "--reason", "why"],
        ["export", "--shadowserver", "a.csv", "--as-of", "2026-01-01"],
        ["export", "--intelmq", "a.jsonl", "--scan", "absent"],
        ["export", "--form", "intelmq"],
        ["export", "--json", "--form", "intelmq"],
        [
            "export",
            "--recipient",
            "x.pem",
            "--tlp",
            "red",
            "--reason",
            "why",
            "--out",
            "a.p7m",
            "--form",
            "shadowserver",
        ],
        ["export", "mail.example.org", "--json"],
        ["erase", "--reason", "why"],
        ["erase", "mail.example.org"],
        ["erase", "mail.example.org", "--reason", "why", "--dry-run"],
        ["purge", "--raw-days", "-1"],
        ["export", "--json", "--as-of", "2099-01-01"],
        ["check", "--state", "mysql://x/y"],
    ],
)
def test_what_is_not_allowed_is_one_line_and_leaves_nothing(
    words: list[str],
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Half a permission to name servers, or a wrong combination, is refused with exit code 2."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)

    code = run(root, *words)
    printed = capsys.readouterr()

    assert code == 2
    assert len(printed.err.splitlines()) == 1
    assert "stadtwerke" not in printed.out + printed.err
    assert list(place.iterdir()) == []


def test_people_read_it_in_their_language(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each action says what it did, in German as well."""
    (root / "answers" / "notes.txt").write_text("mine")
    for words in (
        ["list"],
        ["check"],
        ["purge", "--raw-days", "0"],
        ["erase", "a.b", "--reason", "x"],
    ):
        run(root, *words, "--lang", "de")
    shown = capsys.readouterr().out

    for word in ("Beobachtungen", "keine Datei dieses Bestands", "Aus dem Bestand", "vermerkt als"):
        assert word in shown


def test_a_missing_extra_is_one_line(root: Path) -> None:
    """Without the libraries of the store the command says which extra to install."""
    code = "import sys; sys.modules['pyarrow'] = None; from patchstand.cli.main import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", code, "store", "list", "--store", str(root)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "patchstand[store]" in done.stderr


def test_a_folder_without_a_store_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every action names the folder that is no store."""
    for words in (["list"], ["export", "--json"], ["check"], ["check", "--dry-run"], ["purge"]):
        assert run(tmp_path / "absent", *words) == 2
        assert "is no store" in capsys.readouterr().err
    assert not (tmp_path / "absent").exists()
