"""Known faults of updates, switches of fixes, Windows releases."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from patchstand import knowledge
from patchstand.errors import KnowledgeError
from patchstand.knowledge.surroundings import broken_surroundings
from patchstand.model import (
    Build,
    FaultyBuilds,
    Knowledge,
    KnownIssue,
    WindowsRelease,
)
from patchstand.report.catalog import LANGUAGES, catalog

KNOWN = knowledge.load()


@pytest.fixture(scope="session")
def cases(shared: Path) -> list[dict[str, Any]]:
    """What Microsoft's own tests assert of builds with known faults."""
    text = (shared / "facts" / "healthchecker_expected.json").read_text("utf-8")
    found: list[dict[str, Any]] = json.loads(text)["known_build_issues"]
    return found


def with_rows(**rows: object) -> Knowledge:
    """The shipped knowledge with other rows of one kind."""
    return Knowledge(
        version="test",
        covered_from=KNOWN.covered_from,
        covered_until=KNOWN.covered_until,
        updates=KNOWN.updates,
        cves=KNOWN.cves,
        support=(),
        rejected=(),
        **rows,  # type: ignore[arg-type]  # one of the kinds below
    )


def test_ranges_of_faulty_builds_come_out_as_microsoft_tests_them(
    cases: list[dict[str, Any]],
) -> None:
    """Bound to a cumulative update or not, with a fix or without."""
    assert len(cases) > 20
    for case in cases:
        fixed = Build.parse(case["fix"]) if case["fix"] else None
        builds = FaultyBuilds(Build.parse(case["issue"]), fixed, case["bound"])

        assert builds.has(Build.parse(case["build"])) is case["expected"], case


def test_the_shipped_rows_are_sound() -> None:
    """Examples come out right, fixes have rows, switches have conditions."""
    assert list(broken_surroundings(KNOWN)) == []
    assert len(KNOWN.known_issues) >= 10
    assert len(KNOWN.fix_switches) == 9
    assert len({switch.cve for switch in KNOWN.fix_switches}) == 7
    assert {switch.cve for switch in KNOWN.fix_switches} <= {cve.id for cve in KNOWN.cves}


def test_every_row_names_a_source_the_knowledge_explains() -> None:
    """So that anybody can look it up."""
    sources = knowledge.about().sources
    named = {issue.source for issue in KNOWN.known_issues}
    named |= {switch.source for switch in KNOWN.fix_switches}
    named |= {release.source for release in KNOWN.windows}

    assert named <= set(sources)


def _broken() -> Iterator[tuple[str, dict[str, object]]]:
    issue = KNOWN.known_issues[0]
    first = issue.builds[0]
    yield "two rows", {"known_issues": (issue, issue)}
    yield "comes out wrong", {"known_issues": (_with_examples(issue, flipped=True),)}
    yield "no example of each kind", {"known_issues": (replace(issue, examples=()),)}
    back = replace(first, fixed=first.first)
    yield "is not before", {"known_issues": (replace(issue, builds=(back,)),)}
    unlisted = replace(first, fixed=Build((*first.first.parts[:3], 9999)))
    yield "which has no row", {"known_issues": (replace(issue, builds=(unlisted,)),)}
    switch = KNOWN.fix_switches[0]
    yield "no setting decides it", {"fix_switches": (replace(switch, cve="CVE-2021-26855"),)}
    release = WindowsRelease("X", 1, date(2020, 1, 1), None, "lifecycle")
    yield "has two rows", {"windows": (release, release)}
    paid = replace(release, paid_until=date(2019, 1, 1))
    yield "end before support", {"windows": (paid,)}


def _with_examples(issue: KnownIssue, *, flipped: bool) -> KnownIssue:
    examples = tuple((build, has is not flipped) for build, has in issue.examples)
    return replace(issue, examples=examples)


@pytest.mark.parametrize(("said", "rows"), list(_broken()))
def test_what_does_not_hold_is_said(said: str, rows: dict[str, object]) -> None:
    """One sentence for each broken row."""
    assert any(said in sentence for sentence in broken_surroundings(with_rows(**rows)))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("known-issues.json", '{"schema": "x", "known_issues": [{"id": "x"}]}'),
        ("windows.json", "no json"),
        ("fix-switches.json", '{"schema": "x", "fix_switches": [{"cve": 1}]}'),
    ],
)
def test_an_override_of_the_wrong_shape_is_refused(tmp_path: Path, name: str, content: str) -> None:
    """The error names the file."""
    (tmp_path / name).write_text(content, encoding="utf-8")

    with pytest.raises(KnowledgeError, match=name):
        knowledge.load(tmp_path)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_known_issue_is_explained_in_every_language(lang: str) -> None:
    """What happens, in words of that language."""
    cat = catalog(lang)
    wanted = [f"finding.known_issue.if.issue={issue.id}" for issue in KNOWN.known_issues]

    assert [key for key in wanted if not cat.has(key)] == []
