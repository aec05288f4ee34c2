import json
from datetime import date
from pathlib import Path
from typing import Any

from patchstand.identify import guess_kind, identify
from patchstand.model import Evidence, EvidenceKind, Identity, Knowledge

TODAY = date(2026, 11, 22)


def rows(shared: Path) -> list[dict[str, Any]]:
    lines = (shared / "real/recordings.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def identified(row: dict[str, Any], known: Knowledge) -> Identity:
    evidence = Evidence(EvidenceKind(row["kind"]), row["text"])
    return identify([evidence], known, TODAY).nodes[0]


def test_every_recording_is_what_its_label_says(known: Knowledge, shared: Path) -> None:
    """Whether it is Exchange, and which lines are possible, is as labelled, line by line."""
    for row in rows(shared):
        found = identified(row, known)

        assert found.is_exchange is row["is_exchange"], row
        assert [line.value for line in found.lines] == row["lines"], row


def test_exact_recordings_are_exact(known: Knowledge, shared: Path) -> None:
    """A recording that names its build gives exactly that build."""
    for row in rows(shared):
        if row["build"]:
            assert [str(build) for build in identified(row, known).builds] == [row["build"]], row


def test_component_versions_begin_with_the_next_published_build(
    known: Knowledge, shared: Path
) -> None:
    """A component version gives the next published build as the lowest member."""
    for row in rows(shared):
        if row["candidates"] and not row["build"]:
            found = identified(row, known)
            assert str(found.builds[0]) == row["candidates"][0], row


def test_three_parts_give_the_whole_cu(known: Knowledge, shared: Path) -> None:
    """A recording that shows three parts gives every build of that CU."""
    for row in rows(shared):
        if row["three_part"]:
            builds = {str(build) for build in identified(row, known).builds}
            whole = {
                str(update.build)
                for update in known.updates
                if str(update.build).startswith(row["three_part"] + ".")
            }
            assert builds == whole, row


def test_kinds_are_guessed(shared: Path) -> None:
    """The kind of every recording is recognised from its text alone."""
    for row in rows(shared):
        assert guess_kind(row["text"]).value == row["kind"], row
