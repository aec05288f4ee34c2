"""`patchstand audit` on the command line."""

import json
from pathlib import Path

import pytest
from tests.workflow.bundles import exports, whole, zipped

from patchstand.cli.main import main
from patchstand.collect.collector import collector

ON = ("--as-of", "2026-10-13", "--quiet")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return zipped(tmp_path / "a.zip", whole(exports(), GetAuthServer="refused"))


def test_the_script_is_written_as_it_is(tmp_path: Path) -> None:
    """What is written is what the tests of the script have read."""
    path = tmp_path / "script.ps1"

    assert main(["audit", "--collector", str(path)]) == 0
    assert path.read_bytes() == collector()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--inbox-cert", "x.pem", "a.zip"],
        ["--inbox", "/nonexistent"],
        ["--inbox", ".", "--inbox-cert", "/nonexistent.pem"],
        ["--diff", "a.zip"],
        ["--redact", "out.zip"],
        ["--redact", "out.zip", "a.zip", "b.zip"],
        ["--jobs", "0", "a.zip"],
        ["nothing.zip"],
    ],
)
def test_wrong_usage_is_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """Options that do not fit together, and files that are not there, are usage errors."""
    monkeypatch.chdir(tmp_path)

    assert main(["audit", *arguments, *ON]) == 2


@pytest.mark.parametrize("lang", ["en", "de"])
def test_people_are_told_what_the_bundle_says_of_itself(
    bundle: Path, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who wrote it, whether it is signed, and what could not be exported."""
    main(["audit", str(bundle), "--lang", lang, *ON])

    out = capsys.readouterr().out
    assert "2026-10-20T03:00:00Z" in out
    assert "GetAuthServer: refused" in out


def test_a_refused_bundle_is_named_and_counts(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr for people, as a document for machines; the exit code is not 0."""
    (bundle.parent / "b.zip").write_bytes(b"PK")

    code = main(["audit", "--inbox", str(bundle.parent), "--json", *ON])

    out, err = capsys.readouterr()
    assert code == 1
    assert "b.zip: refused: " in err
    assert [json.loads(line)["name"] for line in out.splitlines()][1] == "b.zip"


def test_only_refused_bundles_are_no_measurement(tmp_path: Path) -> None:
    """When no server was judged the exit code is 3."""
    (tmp_path / "a.zip").write_bytes(b"PK")

    assert main(["audit", "--inbox", str(tmp_path), *ON]) == 3


@pytest.mark.parametrize("lang", ["en", "de"])
def test_differences_are_told_in_words(
    tmp_path: Path, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Build, findings, flaws and files that changed; and that nothing did."""
    old, new = exports(), exports("15.02.2562.029", downloads=True)
    del new["Exchange/GetOwaVirtualDirectory.xml"]
    paths = [
        str(zipped(tmp_path / name, files)) for name, files in (("a.zip", old), ("b.zip", new))
    ]

    assert main(["audit", "--diff", *paths, "--lang", lang, *ON]) == 0
    changed = capsys.readouterr().out
    assert main(["audit", "--diff", paths[0], paths[0], "--lang", lang, *ON]) == 0
    same = capsys.readouterr().out

    assert "15.2.2562.17 -> 15.2.2562.29" in changed
    assert "CVE-2021-1730" in changed
    assert "GetOwaVirtualDirectory.xml" in changed
    assert len(same.splitlines()) == 2


def test_several_servers_are_a_table(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers, a line each; with details both in full before it."""
    monkeypatch.setenv("COLUMNS", "100")
    other = zipped(bundle.parent / "b.zip", exports("15.02.1544.011"))

    main(["audit", str(bundle), str(other), *ON])
    table = capsys.readouterr().out
    main(["audit", str(bundle), str(other), "--details", *ON])
    details = capsys.readouterr().out

    assert table.count("EXCH-KOELN7") == 2
    assert details.count("EXCH-KOELN7") > 2
    assert table in details
