"""The rules of the house that no linter knows."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "patchstand"
MODULES = sorted(SOURCE.rglob("*.py"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
MODULE_LINES = 500
FUNCTION_LINES = 50
COPYLEFT = {"dissect", "intelmq", "rnet", "sslyze"}
PIN = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
INDEX_ADDRESS = re.compile(rb"python[h]osted\.org|pypi\.org/[s]imple", re.IGNORECASE)


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _long_functions(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{node.name}: {lines} lines"


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def _pins(lock: Path) -> list[str]:
    """The requirements of a lock, each with its continuation lines joined."""
    lines = re.sub(r"\\\n", " ", lock.read_text(encoding="utf-8")).splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _tracked() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("path", MODULES, ids=_named)
def test_modules_are_short_and_say_what_they_are_for(path: Path) -> None:
    """A module has a docstring, at most 500 lines, and no function over 50 lines."""
    text = path.read_text(encoding="utf-8")

    assert ast.get_docstring(_tree(path)), "no module docstring"
    assert len(text.splitlines()) <= MODULE_LINES
    assert list(_long_functions(path)) == []


def test_copyleft_packages_are_not_imported() -> None:
    """No file of the product or its tests imports a package under the GPL or AGPL."""
    files = [*MODULES, *(ROOT / "tests").rglob("*.py")]

    offenders = {_named(path) for path in files if COPYLEFT & set(_imported(_tree(path)))}

    assert offenders == set()


@pytest.mark.parametrize("lock", LOCKS, ids=_named)
def test_copyleft_packages_are_not_installed(lock: Path) -> None:
    """No lock pins a package under the GPL or AGPL, so none shares our environment."""
    names = set(PIN.findall(lock.read_text(encoding="utf-8")))

    assert names & COPYLEFT == set()
    assert not any(name.startswith("dissect.") for name in names)


def test_the_locks_are_there() -> None:
    """The runtime, the runtime with its speed-up, and the development environment are locked."""
    assert [lock.name for lock in LOCKS] == ["base.txt", "dev.txt", "fast.txt"]


@pytest.mark.parametrize("lock", LOCKS, ids=_named)
def test_every_pin_carries_a_hash(lock: Path) -> None:
    """Each requirement of a lock is pinned to one version and carries at least one hash."""
    pins = _pins(lock)

    assert pins != []
    assert [pin for pin in pins if not PIN.match(pin) or "--hash=sha256:" not in pin] == []


@pytest.mark.parametrize("lock", LOCKS, ids=_named)
def test_a_lock_names_no_place(lock: Path) -> None:
    """A lock names no index, no address and no path: it installs from wherever pip is set to."""
    text = lock.read_text(encoding="utf-8")

    assert "://" not in text
    assert re.search(r"--(extra-)?index-url|--find-links|^-[if] ", text, re.MULTILINE) is None
    assert re.search(r"(?<![\w.])/\w", text) is None


def test_the_locks_agree() -> None:
    """What the runtime lock pins, the larger locks pin to the same version."""
    versions = {
        lock.name: dict(re.findall(r"^([\w.-]+)==(\S+)", lock.read_text("utf-8"), re.MULTILINE))
        for lock in LOCKS
    }

    for larger in ("fast.txt", "dev.txt"):
        assert versions["base.txt"].items() <= versions[larger].items()


def test_no_tracked_file_names_a_package_index() -> None:
    """No file under version control contains the address of a package index."""
    offenders = [_named(path) for path in _tracked() if INDEX_ADDRESS.search(path.read_bytes())]

    assert offenders == []


@pytest.mark.services
@pytest.mark.parametrize("program", ["nginx", "dovecot"])
def test_the_servers_of_the_services_tests_are_installed(program: str) -> None:
    """The Debian packages of `make test-services` bring the servers those tests start."""
    assert shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
