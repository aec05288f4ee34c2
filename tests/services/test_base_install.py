"""The wheel with requirements/base.txt and nothing else: small, and it works without uvloop."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lab.conversation import an_estate

from patchstand import __version__
from patchstand.lab import Lab, lab_in_thread
from patchstand.model import Knowledge

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")
BANNER = "220 mail.example.org Microsoft ESMTP MAIL Service, Version: 6.0.3790.4675 ready"


def run(*command: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a program from the checkout's folder, without modules of elsewhere."""
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=ROOT, env=alone, capture_output=True, check=False, timeout=500
    )


def worked(*command: str | Path) -> bytes:
    """Run a program that must succeed; its stdout."""
    done = run(*command)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment: the built wheel with its locked base requirements."""
    folder = tmp_path_factory.mktemp("base")
    wheels, environment = folder / "wheels", folder / "environment"
    build = ("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", str(wheels), ".")
    worked(sys.executable, *PIP, *build)
    worked(".ci/make-venv", sys.executable, environment)
    python = environment / "bin/python"
    worked(python, *PIP, "install", "--require-hashes", "-r", "requirements/base.txt")
    (wheel,) = wheels.iterdir()
    worked(python, *PIP, "install", "--no-index", "--no-deps", wheel)
    worked(python, *PIP, "check")
    return environment / "bin"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One server of Exchange 2019, simulated by the environment the tests run in."""
    population = """{"schema": "patchstand/population/1", "shares": {"2019": 1},
        "offers": {"smtp": 1, "imap": 1, "pop": 1}}"""
    with lab_in_thread(an_estate(20, population)) as running:
        yield running


def document(base: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Run `patchstand ... --json` there: one document on stdout, nothing on stderr."""
    done = run(base / "patchstand", *arguments, "--json")
    assert (done.returncode, done.stderr) == (code, b"")
    (line,) = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_the_base_install_is_small(base: Path) -> None:
    """Neither the speed-up nor anything of the development environment is in it."""
    listed = json.loads(worked(base / "python", "-m", "pip", "list", "--format", "json"))
    names = {package["name"].lower() for package in listed}

    assert "patchstand" in names
    assert not names & {"uvloop", "pytest", "mypy", "ruff", "hypothesis", "hatchling"}
    done = run(base / "python", "-c", "import uvloop")
    assert b"ModuleNotFoundError" in done.stderr


def test_the_version_is_that_of_the_checkout(base: Path) -> None:
    """`--version` of the wheel is the package's version."""
    assert worked(base / "patchstand", "--version") == f"patchstand {__version__}\n".encode()


def test_help_names_every_command(base: Path) -> None:
    """`--help` works without any extra and names the commands."""
    said = worked(base / "patchstand", "--help").decode()

    for command in ("identify", "build", "check", "knowledge", "lab", "demo"):
        assert command in said


def test_identify_works(base: Path) -> None:
    """A greeting of Windows' SMTP service is read as that of the checkout's program."""
    found = document(base, "identify", "--kind", "smtp_banner", BANNER)

    assert found["schema"] == "patchstand/identity/1"
    assert found["kind"] == "smtp_banner"
    assert found == document(Path(sys.executable).parent, "identify", BANNER)


def test_identify_reads_from_stdin(base: Path) -> None:
    """`identify -` reads the text from stdin."""
    text = b"HTTP/1.1 302 Found\r\nX-OWA-Version: 15.2.1118.40\r\nX-FEServer: EX01\r\n\r\n"
    done = subprocess.run(
        [base / "patchstand", "identify", "-", "--json"],
        input=text,
        capture_output=True,
        check=True,
    )

    assert json.loads(done.stdout)["builds"] == ["15.2.1118.40"]


def test_build_works(base: Path, known: Knowledge) -> None:
    """A build is judged as of a day, with knowledge that lies in the wheel."""
    found = document(base, "build", "15.2.1118.40", "--as-of", str(known.covered_until))

    assert found["schema"] == "patchstand/build/1"
    assert found["line"] == "2019"
    assert found["class"] == "vulnerable"
    assert found["behind"]["months"] > 12
    assert found["knowledge"]["version"] == known.version


def test_an_impossible_build_is_one_line(base: Path) -> None:
    """`build 99.1.2` is a usage error: exit 2, one line, no traceback."""
    done = run(base / "patchstand", "build", "99.1.2")

    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.startswith(b"patchstand: ")
    assert done.stderr.count(b"\n") == 1


def test_knowledge_show_works(base: Path, known: Knowledge) -> None:
    """The knowledge shown is what the checkout ships."""
    shown = document(base, "knowledge", "show")

    assert known.version in json.dumps(shown)
    assert str(known.covered_until) in json.dumps(shown)


def test_check_works_without_uvloop(base: Path, known: Knowledge, lab: Lab) -> None:
    """Web and mail of one server over asyncio's own loop: the true build, its services, exit 1."""
    as_of = ("--as-of", str(known.covered_until))
    server = next(each for each in lab.estate.servers if each.visible == "exact")
    found = document(base, "check", lab.targets()[server.number], *as_of, code=1)

    assert found["schema"] == "patchstand/check/1"
    assert found["outcome"] == "answered"
    assert found["is_exchange"] is True
    assert found["nodes"][0]["identity"]["builds"] == [str(server.nodes[0].build)]
    assert {row["service"] for row in found["exposure"]} >= {"owa", "ews", "smtp", "imap", "pop"}
    assert found["certificate"]["subject"]
    assert found["findings"]


def test_check_of_many_works_without_uvloop(
    base: Path, known: Knowledge, lab: Lab, tmp_path: Path
) -> None:
    """Twenty servers at once give twenty lines of JSON."""
    targets = tmp_path / "targets"
    targets.write_text("\n".join(lab.targets()))
    as_of = ("--as-of", str(known.covered_until))
    done = run(base / "patchstand", "check", "--targets", targets, "--json", "--quiet", *as_of)

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (1, b"")
    assert len(rows) == 20
    assert all(row["is_exchange"] for row in rows)


def test_text_for_people_works(base: Path, lab: Lab) -> None:
    """Without --json there is text for people, in German on request."""
    done = run(base / "patchstand", "check", lab.targets()[0], "--lang", "de")

    assert done.returncode == 1
    assert done.stderr == b""
    assert b"Exchange" in done.stdout


@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        ("store", ("scan", "--store", "nowhere", "--targets", "README.md")),
        ("store", ("import", "README.md", "--format", "mail", "--store", "nowhere")),
        ("store", ("store", "list", "--store", "nowhere")),
        ("cluster", ("worker", "--queue", "postgresql://127.0.0.1:1/none")),
    ],
)
def test_an_absent_extra_is_one_line(base: Path, extra: str, arguments: tuple[str, ...]) -> None:
    """Without its libraries a command says which extra to install, and leaves nothing."""
    done = run(base / "patchstand", *arguments)

    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert f"patchstand[{extra}]" in line
    assert not (ROOT / "nowhere").exists()
