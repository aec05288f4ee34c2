"""Each check from inside has its texts, found in its source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchstand.assess import inside_checks
from patchstand.plugins import declared
from patchstand.report.catalog import LANGUAGES, catalog

SOURCES = sorted(Path(inside_checks.__path__[0]).glob("[a-z]*.py"))
PARTS = ("finding.{}.title", "finding.{}.why", "question.{}")


def _named(path: Path, *callees: str) -> Iterator[str]:
    """The texts that calls of some names get as their first argument, either one of a choice."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        first = node.args[0] if node.func.id in callees and node.args else None
        for part in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def _findings() -> set[str]:
    return {name for path in SOURCES for name in _named(path, "Finding", "_finding")}


def _remedies() -> set[str]:
    return {name for path in SOURCES for name in _named(path, "Remedy")}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_findings_have_title_reason_and_question(lang: str) -> None:
    """Whatever a check can find, there are words for it."""
    cat = catalog(lang)
    keys = [part.format(name) for name in _findings() for part in PARTS]

    assert len(keys) > 100
    assert [key for key in keys if not cat.has(key)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_remedies_have_both_texts(lang: str) -> None:
    """For administrators and for everybody."""
    cat = catalog(lang)
    keys = [f"remedy.{name}.{form}" for name in _remedies() for form in ("text", "plain")]

    assert len(keys) > 50
    assert [key for key in keys if not cat.has(key)] == []


def test_ids_of_checks_are_their_names() -> None:
    """A check is found under the name of its file, and says what it is for."""
    checks = declared(inside_checks, "CHECK")

    assert {name for name, check in checks.items() if check.id != name} == set()
    assert len(checks) >= 25
