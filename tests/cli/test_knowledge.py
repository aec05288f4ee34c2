"""`patchstand knowledge`: the CSAF document, where it goes, and what is refused."""

import json
from pathlib import Path

import pytest

from patchstand.cli.main import main
from patchstand.knowledge.advisory import read_advisory

WHO = ["--publisher", "CERT of Examples", "--namespace", "https://cert.example"]


def test_file_and_stdout_hold_the_same_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--out and --json write the same bytes; the name to publish it under is told."""
    out = tmp_path / "vex.json"
    words = ["knowledge", "vex", *WHO, "--as-of", "2012-01-01"]

    codes = [main([*words, "--out", str(out)]), main([*words, "--json"])]
    printed = capsys.readouterr()

    assert codes == [0, 0]
    assert printed.out == out.read_text(encoding="utf-8")
    assert "2012-01-01.json" in printed.err
    found = json.loads(printed.out)["document"]
    assert found["category"] == "csaf_vex"
    assert found["publisher"]["name"] == "CERT of Examples"


def test_our_own_document_is_an_advisory(tmp_path: Path) -> None:
    """What we write we can read: number, date, publisher, affected builds; it states no level."""
    out = tmp_path / "vex.json"
    main(["knowledge", "vex", *WHO, "--as-of", "2012-01-01", "--out", str(out), "--quiet"])

    found = read_advisory(out)

    assert (str(found.date), found.publisher, found.level) == ("2012-01-01", WHO[1], None)
    assert any("Exchange Server 2007" in product for product in found.products)


@pytest.mark.parametrize(
    "words",
    [
        ["vex"],
        ["vex", "--json"],
        ["vex", "--json", "--publisher", "CERT"],
        ["vex", "--json", "--namespace", "https://cert.example"],
        ["vex", "--json", "--publisher", " ", "--namespace", "https://cert.example"],
        ["vex", "--json", "--publisher", "CERT", "--namespace", "cert.example"],
        ["vex", *WHO],
        ["vex", *WHO, "--json", "--out", "vex.json"],
        ["vex", *WHO, "--json", "--as-of", "1995-01-01"],
        ["vex", *WHO, "--out", "absent/vex.json"],
        ["show", "--out", "vex.json"],
        ["show", *WHO],
    ],
)
def test_what_is_wrong_is_one_line(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2, one line, no file."""
    monkeypatch.chdir(tmp_path)

    code = main(["knowledge", *words])
    printed = capsys.readouterr()

    assert code == 2
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
