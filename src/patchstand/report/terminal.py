"""What the commands print for people: identify, build, check, knowledge, demo."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from rich.console import Console
from rich.text import Text

from patchstand.model import (
    Assessment,
    BuildAssessment,
    Identity,
    Sighted,
)
from patchstand.report.catalog import Catalog
from patchstand.report.clean import clean
from patchstand.report.flaws import sort_out
from patchstand.report.paper import Paper
from patchstand.report.terminal_check import print_server, print_summary
from patchstand.report.terminal_parts import print_evidence, print_flaws, print_knowledge_line
from patchstand.report.wording import (
    behind_one,
    behind_set,
    conflict_text,
    level,
    level_name,
    lines,
    product,
    reasons,
    span,
    support,
)

__all__ = [
    "Score",
    "print_build",
    "print_identity",
    "print_knowledge",
    "print_score",
    "print_server",
    "print_summary",
]

Score = tuple[str, int, int, int, int]
"""One row of the demo: kind, servers, right, too wide, wrong."""


def print_identity(console: Console, sighted: Sighted, cat: Catalog) -> None:
    """What an evidence text identifies, node by node."""
    paper = Paper(console, cat)
    for number, identity in enumerate(sighted.nodes, start=1):
        if len(sighted.nodes) > 1:
            name = identity.node or cat.text("identity.node_number", n=number)
            paper.line(paper.text(clean(name), "bold underline"))
        _identity(paper, identity)


def _identity(paper: Paper, identity: Identity) -> None:
    cat = paper.cat
    paper.line(paper.text(product(identity, cat), "bold"))
    why_not = cat.either(f"reason.{identity.reason}", identity.reason) if identity.reason else ""
    paper.facts(
        [
            ("identity.line", lines(identity.lines, cat) if identity.is_exchange else ""),
            ("identity.builds", _builds(identity, cat)),
            ("identity.precision", _precision(identity, cat)),
            ("build.because", why_not),
            ("identity.node", clean(identity.node or "")),
            ("identity.fronts", clean(", ".join(identity.fronts))),
            ("identity.seen_on", cat.date(identity.seen_on) if identity.seen_on else ""),
        ]
    )
    if identity.evidence:
        paper.gap()
        print_evidence(paper, identity)
    if identity.conflicts:
        paper.heading("identity.conflicts")
    for conflict in identity.conflicts:
        paper.line(paper.mark("!"), conflict_text(conflict, cat), indent=2)


def _builds(identity: Identity, cat: Catalog) -> str:
    if not identity.is_exchange:
        return ""
    if not identity.builds:
        return cat.text("identity.no_builds")
    if len(identity.builds) == 1:
        return str(identity.builds[0])
    count = cat.text("identity.build_count", n=len(identity.builds))
    return f"{count}: {', '.join(map(str, identity.builds))}"


def _precision(identity: Identity, cat: Catalog) -> str:
    if not identity.is_exchange:
        return ""
    shown = cat.text(f"precision.{identity.precision.value}")
    return f"{shown}; {cat.text('identity.or_later')}" if identity.or_later else shown


def print_build(console: Console, assessment: Assessment, cat: Catalog) -> None:
    """What a build, or the set of builds behind a number, means at a date."""
    paper = Paper(console, cat)
    members = assessment.members
    paper.line(paper.text(_build_headline(assessment, cat), "bold"))
    paper.line(paper.verdict(assessment.server_class.value))
    because = "; ".join(reasons(assessment, cat))
    facts: list[tuple[str, str | Text]] = [("build.because", because)]
    if len(members) == 1:
        facts += _one_build(members[0], cat)
    elif members:
        facts.append(("build.support", support(assessment.support, cat)))
        facts.append(("build.behind", behind_set(assessment, cat)))
    paper.facts(facts)
    if len(members) > 1:
        _members(paper, members)
    print_flaws(paper, sort_out(assessment.cves), None)
    paper.gap()
    print_knowledge_line(paper, assessment)


def _build_headline(assessment: Assessment, cat: Catalog) -> str:
    members = assessment.members
    if not members:
        return cat.text("product.server_unknown")
    found = sorted({member.line for member in members}, key=lambda line: line.rank)
    builds = span([member.build for member in members], cat)
    return f"{cat.text('product.server', lines=lines(found, cat))} ({builds})"


def _one_build(member: BuildAssessment, cat: Catalog) -> list[tuple[str, str | Text]]:
    update = f"{member.update} ({member.kb})" if member.kb else member.update
    beyond = sum(missing.unsupported for missing in member.behind.missing)
    behind = behind_one(member.behind, cat)
    if beyond:
        behind = f"{behind}; {cat.text('behind.successors', n=beyond)}"
    return [
        ("build.cu", member.cu),
        ("build.update", update),
        ("build.released", cat.date(member.released)),
        ("build.support", support(member.support, cat)),
        ("build.behind", behind),
        ("build.missing", ", ".join(missing.name for missing in member.behind.missing)),
    ]


def _members(paper: Paper, members: Sequence[BuildAssessment]) -> None:
    cat = paper.cat
    paper.heading("build.possible")
    paper.table(
        ("build.build", "build.update", "build.released", "build.missing", "build.class"),
        [
            (
                str(member.build),
                level(member),
                cat.date(member.released),
                cat.number(len(member.behind.missing)),
                paper.verdict(member.server_class.value),
            )
            for member in members
        ],
        right="build.missing",
    )


def print_knowledge(console: Console, shown: Mapping[str, Any], cat: Catalog) -> None:
    """What the knowledge holds: the document `patchstand/knowledge/1` for people."""
    paper = Paper(console, cat)
    counts = shown["counts"]
    paper.line(paper.text(cat.text("knowledge.title", version=shown["version"]), "bold"))
    covered = date.fromisoformat(shown["covered_until"])
    paper.line(cat.text("knowledge.covered", covered_until=covered), indent=2)
    counted = cat.text(
        "knowledge.counts",
        updates=counts["builds"],
        cves=counts["cves"],
        phases=counts["support_phases"],
        sources=len(shown["sources"]),
    )
    paper.line(counted, indent=2)
    if shown["stale"]:
        as_of = date.fromisoformat(shown["as_of"])
        stale = cat.text("knowledge.stale", as_of=as_of)
        paper.line(paper.mark("!"), paper.text(stale, "bold yellow"), indent=2)
    paper.heading("knowledge.newest")
    paper.table(
        ("knowledge.line", "knowledge.build", "knowledge.name", "knowledge.released"),
        [_newest(row, cat) for row in reversed(shown["newest"])],
    )


def _newest(row: Mapping[str, str], cat: Catalog) -> tuple[str, str, str, str]:
    released = cat.date(date.fromisoformat(row["released"]))
    return row["line"], row["build"], level_name(row["cu"], row["name"]), released


def print_score(console: Console, rows: Sequence[Score], cat: Catalog) -> None:
    """How well the simulated estate was recognised, by kind of server."""
    paper = Paper(console, cat)
    columns = ("score.servers", "score.right", "score.too_wide", "score.wrong")
    shown = [_score(paper, row[0], row[1:]) for row in rows]
    total = [sum(column) for column in zip(*(row[1:] for row in rows), strict=True)]
    shown.append(_score(paper, cat.text("word.total"), total, "bold"))
    paper.table(("score.kind", *columns), shown, right=" ".join(columns))
    paper.line(cat.text("score.too_wide_note"), indent=2)


def _score(paper: Paper, kind: str, counts: Sequence[int], style: str = "") -> list[Text]:
    shown = [paper.text(clean(kind), style)]
    shown += [paper.text(paper.cat.number(count), style) for count in counts]
    if counts and counts[-1]:
        shown[-1].style = "bold red"
    return shown
