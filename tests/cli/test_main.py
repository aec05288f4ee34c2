import json
import subprocess
import sys
from pathlib import Path

import pytest

from patchstand.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("option", [[], ["--help"], ["--version"], ["build", "--help"]])
def test_help_and_version(capsys: pytest.CaptureFixture[str], option: list[str]) -> None:
    """Help and version are printed; calling without a command is a usage error."""
    code, out, _ = run(capsys, *option)

    assert code == (0 if option else 2)
    assert "patchstand" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["build", "99.1.2"],
        ["build", "hello"],
        ["build", ""],
        ["build", "15.2"],
        ["build", "15.20.7595.16"],
        ["build", "15.2.2562.17", "--as-of", "2020-01-01"],
        ["build", "15.2.2562.17", "--as-of", "yesterday"],
        ["build", "15.2.2562.17", "--as-of", "2999-01-01"],
        ["identify"],
        ["identify", ""],
        ["identify", "--kind", "telepathy", "220 x"],
        ["identify", "--from", "/nonexistent.jsonl"],
        ["check"],
        ["check", "--targets", "/nonexistent"],
        ["check", "127.0.0.1", "--requests", "0"],
        ["check", "127.0.0.1", "--probes", "exploit"],
        ["check", "127.0.0.1 gopher=70"],
        ["check", "127.0.0.1:99999"],
        ["check", "127.0.0.1", "--scope", "/nonexistent.json"],
        ["check", "127.0.0.1", "--responsible", "nobody"],
        ["check", "a.example", "--domain-proof"],
        [
            "check",
            "a.example",
            "--domain-proof",
            "--contact",
            "a@b.example",
            "--resolver",
            "127.0.0.1",
        ],
        ["build", "15.2.2562.17", "--knowledge", "/nonexistent"],
        ["identify", __file__],
        ["check", "192.0.2.7"],
        ["lab", "--servers", "0"],
        ["lab", "--population", "/nonexistent.json"],
        ["knowledge", "show", "--knowledge", "/dev/null/nothing", "--config", "/nonexistent"],
        ["no-such-command"],
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """A wrong argument, file or build gives exit code 2, a line on stderr and no traceback."""
    code, out, err = run(capsys, *arguments)

    assert code == 2
    assert out == ""
    assert err.strip()
    assert "Traceback" not in err
    assert "Errno" not in err


@pytest.mark.parametrize("target", ["mail.example.org", "192.0.2.7", "[2001:db8::7]:8443", "127.1"])
def test_nothing_outside_loopback_is_asked_without_permission(
    capsys: pytest.CaptureFixture[str], target: str
) -> None:
    """Without scope, proof or declaration a foreign target is refused before any look-up."""
    code, out, _ = run(capsys, "check", target, "--json", "--quiet")
    document = json.loads(out)

    assert code in {2, 3}
    assert document["outcome"] in {"out_of_scope", "no_address"}
    assert document["requests"] == 0
    assert document["mail"] is None


def test_a_refused_port_is_measured_as_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A closed port is an outcome, exit code 3 as nothing could be measured."""
    code, out, _ = run(capsys, "check", "127.0.0.1 https=1", "--json", "--quiet")

    assert code == 3
    assert json.loads(out)["outcome"] == "refused"


def test_json_of_build_has_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    """`build --json` carries what the contract names."""
    code, out, err = run(capsys, "build", "15.1.2375.7", "--as-of", "2026-04-02", "--json")
    document = json.loads(out)

    assert (code, err) == (0, "")
    assert document["schema"] == "patchstand/build/1"
    assert {"build", "line", "cu", "update", "released", "support", "behind", "cves"} <= set(
        document
    )
    assert document["support"]["phase"] == "ended"
    assert document["behind"]["since"] == "2021-10-12"
    assert document["knowledge"]["date"] == "2026-10-13"


def test_identify_reads_stdin_and_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A JSONL file gives one document per good line; bad lines are named and exit is 2."""
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(
        b'{"kind": "http_headers", "text": "X-OWA-Version: 15.2.2562.17"}\n'
        b"not json\n\n"
        b'{"kind": "telepathy", "text": "x"}\n'
        b'{"kind": "pop", "text": "+OK Microsoft Exchange Server 2007 POP3 service ready"}\n'
        b'{"text": "caf\xe9 X-FEServer: EX1"}\n'
    )
    code, out, err = run(capsys, "identify", "--from", str(rows), "--json")
    documents = [json.loads(line) for line in out.splitlines()]

    assert code == 2
    assert [document["line"] for document in documents[:2]] == ["SE", "2007"]
    assert len(documents) == 3
    assert [line.rsplit(":", 2)[1] for line in err.splitlines() if ":2: " in line or ":4: " in line]
    assert len(err.splitlines()) == 2


def test_an_empty_file_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """An empty evidence file is an error, not silence."""
    empty = tmp_path / "empty.jsonl"
    empty.touch()

    assert run(capsys, "identify", "--from", str(empty))[0] == 2


def test_a_line_of_a_hundred_megabytes_does_no_harm(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """An endless line is reported; the line after it is read."""
    rows = tmp_path / "long.jsonl"
    with rows.open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b'\n{"kind": "http_headers", "text": "X-OWA-Version: 15.2.2562.17"}\n')
    code, out, err = run(capsys, "identify", "--from", str(rows), "--json")

    assert code == 2
    assert json.loads(out)["line"] == "SE"
    assert "longer than" in err


def test_config_file_sets_defaults(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Options come from the file unless given; other commands' keys and tables do no harm."""
    file = tmp_path / "patchstand.toml"
    file.write_text(
        'lang = "de"\nconcurrency = 9\njson = true\n'
        '[build]\nas-of = "2024-03-26"\n[check]\nnodes = 4\n',
        encoding="utf-8",
    )

    _, from_file, _ = run(capsys, "build", "15.2.1544.4", "--config", str(file))
    _, given, _ = run(
        capsys, "build", "15.2.1544.4", "--config", str(file), "--as-of", "2024-04-01"
    )

    assert json.loads(from_file)["as_of"] == "2024-03-26"
    assert json.loads(given)["as_of"] == "2024-04-01"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('langauge = "de"', "langauge"),
        ("[chekc]\nnodes = 4", "chekc"),
        ("[build]\nnodes = 4", "nodes"),
        ('json = "no"', "json"),
        ('lang = "fr"', "lang"),
        ("lang = ", "config"),
    ],
)
def test_a_wrong_config_file_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, named: str
) -> None:
    """A misspelt key or table and a value of the wrong kind are named, in one line."""
    file = tmp_path / "patchstand.toml"
    file.write_text(content, encoding="utf-8")

    code, out, err = run(capsys, "build", "15.2.1544.4", "--config", str(file))

    assert (code, out) == (2, "")
    assert named in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("lang", ["en", "de"])
def test_both_languages_are_printed(capsys: pytest.CaptureFixture[str], lang: str) -> None:
    """Every command for people speaks English and German."""
    for arguments in (
        ["build", "15.2.1118"],
        ["identify", "X-OWA-Version: 15.2.1118.9"],
        ["knowledge", "show"],
    ):
        code, out, _ = run(capsys, *arguments, "--lang", lang)

        assert code == 0
        assert len(out) > 100
        assert "{" not in out


def test_help_loads_no_heavy_module() -> None:
    """`--help` imports neither the network nor the knowledge nor rich."""
    script = (
        "import sys; from patchstand.cli.main import main; main(['--help']);"
        "heavy = {'asyncio', 'ssl', 'rich', 'msgspec', 'cryptography', 'dns', 'jinja2', 'lxml'};"
        "sys.exit(','.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
