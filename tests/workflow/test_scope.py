import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.test_docs import problems

from patchstand.cli.main import main
from patchstand.report.gdpr import BLANKS

SCOPE = {
    "authority": "statutory",
    "legal_basis": "section 15 | BSIG",
    "purposes": ["inform", "census"],
    "contact": "https://probe.example/about",
    "organisation": "Example CERT",
    "data_protection_officer": "dpo@example.org",
    "networks": ["192.0.2.0/24"],
    "domains": ["example.org"],
    "opt_outs": ["192.0.2.9"],
    "opt_out_file": "out.txt",
    "requests_per_server": 6,
    "rate": 2.5,
    "valid_until": "2027-12-31",
}


@pytest.fixture
def scope(tmp_path: Path) -> str:
    path = tmp_path / "scope.json"
    path.write_text(json.dumps(SCOPE), encoding="utf-8")
    (tmp_path / "out.txt").touch()
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["scope", *words])
    return code, capsys.readouterr().out


def documents(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    code, out = run(capsys, *words, "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert [problem for each in found for problem in problems(each)] == []
    return code, found


def test_a_scope_is_shown_in_numbers(scope: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Addresses without opt-outs, budgets, rates, validity and the description file."""
    _, (shown,) = documents(capsys, "show", scope)

    assert shown["addresses"]["ipv4"] == {"allowed": 256, "permitted": 255}
    assert (shown["requests_per_server"], shown["rate"], shown["state"]) == (6, 2.5, "valid")
    assert "+https://probe.example/about)" in shown["user_agent"]
    for lang in ("en", "de"):
        code, out = run(capsys, "show", scope, "--lang", lang)
        assert code == 0
        assert shown["probing_txt"] in out


def test_an_expired_scope_is_shown_as_such(
    scope: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Showing asks nobody, so it needs no valid scope; the state says what is wrong."""
    old = tmp_path / "old.json"
    old.write_text(json.dumps(SCOPE | {"valid_until": "2020-01-01"}), encoding="utf-8")

    _, (shown,) = documents(capsys, "show", str(old))

    assert shown["state"] == "expired"
    code, (row,) = documents(capsys, "check", str(old), "192.0.2.1")
    assert (code, row["rule"]) == (1, "not_valid")


def test_targets_are_checked_without_asking(scope: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each target with the entry that decides; exit 0 only when all would be asked."""
    good = ["192.0.2.1:8443", "a.example.org"]
    bad = ["192.0.2.9", "203.0.113.1", "127.0.0.1", "other.example"]

    assert documents(capsys, "check", scope, *good)[0] == 0
    code, rows = documents(capsys, "check", scope, *good, *bad)

    assert code == 1
    assert [row["permitted"] for row in rows] == [True, True, False, False, False, False]
    assert [row["rule"] for row in rows] == [
        "network", "domain", "opt_out", "outside", "outside", "unknown",
    ]  # fmt: skip
    assert rows[1]["entry"] == "example.org"
    assert "192.0.2.9" in run(capsys, "check", scope, "192.0.2.9", "--lang", "de")[1]


def test_the_opt_out_list_is_kept(scope: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Adding, listing and removing; from then on the scope refuses the name."""
    added = documents(capsys, "opt-out", scope, "add", "192.0.2.7", "EXAMPLE.org", "--reason", "x")

    assert [row["state"] for row in added[1]] == ["added", "added"]
    assert documents(capsys, "opt-out", scope, "add", "192.0.2.7")[1][0]["state"] == "unchanged"
    _, rows = documents(capsys, "opt-out", scope, "list")
    assert [(row["name"], row["reason"]) for row in rows] == [
        ("192.0.2.7", "x"),
        ("example.org", "x"),
    ]
    assert documents(capsys, "check", scope, "192.0.2.7")[1][0]["rule"] == "opt_out"
    assert documents(capsys, "opt-out", scope, "remove", "192.0.2.7")[1][0]["state"] == "removed"
    assert documents(capsys, "check", scope, "192.0.2.7")[0] == 0
    assert run(capsys, "opt-out", scope, "list")[1].startswith("example.org ")


@pytest.mark.parametrize("lang", ["en", "de"])
@pytest.mark.parametrize("kind", ["record", "dpia"])
def test_documents_are_filled_and_their_blanks_counted(
    kind: str, lang: str, scope: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the scope says is in the text; the rest is a marked blank, and no cell is broken."""
    file = tmp_path / "made.md"

    _, (made,) = documents(capsys, kind, scope, "--lang", lang, "--output", str(file))

    text = made["text"]
    assert file.read_text(encoding="utf-8") == text
    assert run(capsys, kind, scope, "--lang", lang) == (0, text)
    for said in ("Example CERT", "section 15 / BSIG", "dpo@example.org", "255", " 90 ", " 365 "):
        assert said in text
    assert made["blanks"] == len(re.findall(re.escape(BLANKS[lang][:-1]), text)) - 1 > 8
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(row.endswith("|") for row in rows)
    assert "None" not in text


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["opt-out"],
        ["opt-out", "add"],
        ["opt-out", "add", "1.2.3.4.5"],
        ["opt-out", "burn", "x"],
        ["show", "x"],
        ["record", "x"],
    ],
)
def test_wrong_words_are_one_line(
    words: list[str], scope: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage is exit 2 with one line that says what to do."""
    action, *rest = words
    code = main(["scope", action, scope, *rest])
    err = capsys.readouterr().err

    assert code == 2
    assert err.count("\n") == 1


def test_a_scope_without_opt_out_file_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no list to be kept unless the scope file names one."""
    path = tmp_path / "scope.json"
    row = {key: value for key, value in SCOPE.items() if key != "opt_out_file"}
    path.write_text(json.dumps(row), encoding="utf-8")

    assert main(["scope", "opt-out", str(path), "list"]) == 2
    assert "opt_out_file" in capsys.readouterr().err


@pytest.mark.parametrize("never", ["opt_outs", "denied_networks"])
def test_check_heeds_the_scope_on_loopback_too(
    never: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Loopback is free, but not where the scope denies it or somebody opted out."""
    path = tmp_path / "scope.json"
    row = {key: value for key, value in SCOPE.items() if key != "opt_out_file"}
    path.write_text(json.dumps(row | {never: ["127.0.0.1/32"]}), encoding="utf-8")

    assert main(["check", "127.0.0.1 https=1", "--scope", str(path), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["outcome"] == "out_of_scope"
    assert main(["check", "127.0.0.2 https=1", "--scope", str(path), "--json"]) == 3
