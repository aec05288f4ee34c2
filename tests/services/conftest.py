"""Fixtures for tests against real servers: the command line, and a folder servers can read."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from patchstand.cli.main import main
from patchstand.model import Knowledge

Document = dict[str, Any]


@dataclass(frozen=True)
class Checked:
    """What one run of `patchstand check` said of its one target."""

    code: int
    server: Document

    @property
    def identity(self) -> Document:
        """The identity of the first node."""
        found: Document = self.server["nodes"][0]["identity"]
        return found

    @property
    def findings(self) -> set[str]:
        """The ids of the findings."""
        return {finding["id"] for finding in self.server["findings"]}

    def exposure(self, service: str) -> Document:
        """What is said of one service."""
        rows: list[Document] = self.server["exposure"]
        return next(row for row in rows if row["service"] == service)


class Check(Protocol):
    """Checks one target through the command line."""

    def __call__(self, *arguments: str) -> Checked: ...


@pytest.fixture
def check(capsysbinary: pytest.CaptureFixture[bytes], known: Knowledge) -> Check:
    """Run `patchstand check` on one target; stdout must be one line of JSON, stderr empty."""

    def run(*arguments: str) -> Checked:
        as_of = ["--as-of", str(known.covered_until)]
        code = main(["check", "--json", *as_of, *arguments])
        said = capsysbinary.readouterr()
        assert said.err == b""
        (line,) = said.out.splitlines()
        return Checked(code, json.loads(line))

    return run


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder that servers can read also after giving up root."""
    made = Path(tempfile.mkdtemp(prefix="patchstand-services-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)
