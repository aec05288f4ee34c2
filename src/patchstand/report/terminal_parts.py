"""Parts that several commands print: evidence, flaws, the knowledge behind a verdict."""

from rich.text import Text

from patchstand.model import Assessment, CveVerdict, Identity
from patchstand.report.clean import clean
from patchstand.report.flaws import Flaws, Question
from patchstand.report.paper import Paper
from patchstand.report.wording import clue_meaning, flaw_counts, rule_name, yes_no


def print_evidence(paper: Paper, identity: Identity) -> None:
    """Where each clue was read, its value, and what it means."""
    cat = paper.cat
    rows = [
        (rule_name(clue, cat), clean(clue.value), clue_meaning(clue, cat))
        for clue in identity.evidence
    ]
    headings = ("identity.evidence", "identity.value", "identity.meaning")
    paper.table(headings, dict.fromkeys(rows))


def print_flaws(paper: Paper, flaws: Flaws, most: int | None) -> None:
    """The CVE table: what is open, then what is unclear and why; the rest is counted.

    `most` shortens both lists, and leaves out what does not count for the class.
    """
    cat = paper.cat
    paper.heading("cve.title")
    paper.line(flaw_counts(flaws, cat), indent=2)
    if flaws.affected:
        paper.table(
            ("cve.id", "cve.cvss", "cve.rce", "cve.exploited", "cve.fixed_in"),
            [_flaw(paper, cve) for cve in flaws.affected[:most]],
            right="cve.cvss",
        )
    hidden = len(flaws.affected[most:]) if most is not None else 0
    if hidden:
        paper.line(cat.text("cve.more", n=hidden), indent=2)
    shown = [question for question in flaws.questions if most is None or question.counts]
    for question in shown:
        _question(paper, question, most)
    aside = sum(len(question.ids) for question in flaws.questions if question not in shown)
    if aside:
        paper.line(cat.text("cve.aside", n=aside), indent=2)


def _question(paper: Paper, question: Question, most: int | None) -> None:
    cat = paper.cat
    ids = ", ".join(question.ids[:most])
    if most is not None and len(question.ids) > most:
        ids = f"{ids} {cat.text('list.more', n=len(question.ids) - most)}"
    why = cat.text(f"why.{question.why.value}")
    paper.line(paper.mark("?"), f"{why}: {ids}", indent=2)
    if question.decide_by:
        paper.line(f"{cat.text('cve.decide_by')}: {question.decide_by}", indent=4)


def _flaw(paper: Paper, cve: CveVerdict) -> tuple[str | Text, ...]:
    cat = paper.cat
    exploited = paper.text(cat.date(cve.kev), "bold red") if cve.kev else ""
    return (
        paper.text(cve.id, "bold" if cve.kev else ""),
        cat.number(float(cve.cvss)) if cve.cvss is not None else "-",
        yes_no(cve.rce, cat),
        exploited,
        str(max(cve.fixed_in)) if cve.fixed_in else "-",
    )


def print_knowledge_line(paper: Paper, assessment: Assessment) -> None:
    """Which knowledge judged, as of which day; a warning where it is too old for that."""
    cat = paper.cat
    if assessment.stale:
        known = cat.text("check.as_known", covered_until=assessment.covered_until)
        paper.line(paper.mark("!"), paper.text(known, "bold yellow"))
    known = cat.text(
        "check.knowledge",
        version=clean(assessment.knowledge_version),
        covered_until=assessment.covered_until,
        as_of=assessment.as_of,
    )
    paper.line(paper.text(known, "dim"))
