"""What `audit` prints: one server from inside, or several as a table."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from patchstand.model import Finding
from patchstand.model.audited import AuditedServer
from patchstand.model.inside import Reading
from patchstand.model.seen_mitigations import MitigationState
from patchstand.report.advice import finding_texts
from patchstand.report.catalog import Catalog
from patchstand.report.clean import clean
from patchstand.report.flaws import sort_out
from patchstand.report.paper import Paper
from patchstand.report.terminal_bundle import print_provenance
from patchstand.report.terminal_parts import print_flaws, print_knowledge_line
from patchstand.report.wording import behind_set, brief, headline, reasons, support

_READINGS_SHOWN = 3
_FLAWS_SHOWN = 10
_FILES_SHOWN = 20


def print_audit(
    console: Console, server: AuditedServer, cat: Catalog, *, details: bool = False
) -> None:
    """One server in full; `details` shows everything that was read, and every flaw."""
    paper = Paper(console, cat)
    paper.line(paper.text(clean(server.name), "bold"))
    paper.line(paper.verdict(server.assessment.server_class.value))
    _facts(paper, server)
    _findings(paper, server.findings, details=details)
    _protection(paper, server)
    _mitigations(paper, server)
    print_flaws(paper, sort_out(server.assessment.cves), None if details else _FLAWS_SHOWN)
    _undetermined(paper, server)
    _files(paper, server)
    if server.provenance is not None:
        print_provenance(paper, server.provenance)
    paper.gap()
    print_knowledge_line(paper, server.assessment)


def _protection(paper: Paper, server: AuditedServer) -> None:
    """Extended Protection: the counts, and each directory that is not as it should be."""
    summary, cat = server.extended_protection_summary, paper.cat
    if summary is None:
        return
    paper.heading("audit.extended_protection")
    counts = {"vdirs": summary.vdirs, "on": summary.current_not_none}
    paper.line(cat.text("audit.protected", **counts, insecure=summary.not_secure), indent=2)
    wrong = [each for each in server.extended_protection if not (each.secure and each.supported)]
    if wrong:
        rows = [
            (f"{clean(each.site)}/{clean(each.path)}", each.current.value, each.expected.value)
            for each in wrong
        ]
        paper.table(("audit.directory", "audit.current", "audit.expected"), rows)


def _mitigations(paper: Paper, server: AuditedServer) -> None:
    """Emergency mitigations that are there, by what their rules do."""
    there = [each for each in server.mitigations if each.state is not MitigationState.ABSENT]
    if there:
        paper.heading("audit.mitigations")
    for each in there:
        state = paper.cat.text(f"audit.mitigation.{each.state.value}")
        paper.line(f"{each.cve} ({clean(each.place)}): {state}", indent=2)


def _facts(paper: Paper, server: AuditedServer) -> None:
    cat, assessment = paper.cat, server.assessment
    rows = [("identity.what", headline(server.identity, assessment, cat))]
    if assessment.members:
        rows.append(("build.behind", behind_set(assessment, cat)))
        rows.append(("build.support", support(assessment.support, cat)))
    rows.append(("build.because", "; ".join(reasons(assessment, cat, server.identity))))
    paper.facts(rows)


def _findings(paper: Paper, findings: Sequence[Finding], *, details: bool) -> None:
    cat = paper.cat
    paper.heading("check.findings")
    if not findings:
        paper.line(cat.text("check.no_findings"), indent=2)
    for finding, shown in zip(findings, finding_texts(findings, cat), strict=True):
        word = paper.severity(shown.severity, shown.severity_word.upper())
        paper.line(word, Text("  "), paper.text(shown.title, "bold"), indent=2)
        paper.line(" ".join(shown.why), indent=4)
        _readings(paper, finding.read if details else finding.read[:_READINGS_SHOWN])
        more = len(finding.read) - _READINGS_SHOWN
        if more > 0 and not details:
            paper.line(paper.text(cat.text("audit.more_read", n=more), "dim"), indent=4)
        for number, step in enumerate(shown.steps, start=1):
            paper.step(number, step, indent=4)
        if shown.references:
            paper.line(paper.text("; ".join(shown.references), "dim"), indent=4)


def _readings(paper: Paper, readings: Sequence[Reading]) -> None:
    for each in readings:
        value = clean(each.value) or paper.cat.text("audit.empty")
        paper.line(paper.text(f"{clean(each.file)}: {clean(each.path)} = {value}", "dim"), indent=4)


def _undetermined(paper: Paper, server: AuditedServer) -> None:
    """What was not in the bundle, and what therefore stays open."""
    if not server.undetermined:
        return
    cat = paper.cat
    paper.heading("audit.undetermined")
    for each in server.undetermined:
        said = cat.text("audit.missing", wanted=each.wanted)
        if each.cves:
            said = f"{said} {cat.text('audit.therefore', cves=', '.join(each.cves))}"
        paper.line(paper.mark("?"), said, indent=2)


def _files(paper: Paper, server: AuditedServer) -> None:
    cat = paper.cat
    paper.heading("audit.files")
    counts = cat.text(
        "audit.counts",
        read=len(server.read),
        skipped=len(server.skipped),
        unknown=len(server.unknown),
    )
    paper.line(counts, indent=2)
    for each in server.skipped[:_FILES_SHOWN]:
        paper.line(paper.mark("!"), f"{clean(each.file)}: {clean(each.why)}", indent=2)
    if len(server.skipped) > _FILES_SHOWN:
        paper.line(cat.text("list.more", n=len(server.skipped) - _FILES_SHOWN), indent=2)


def print_audits(console: Console, servers: Sequence[AuditedServer], cat: Catalog) -> None:
    """Several servers: a line each, the most urgent first."""
    paper = Paper(console, cat)
    rows = []
    for server in servers:
        worst = server.findings[0].severity if server.findings else None
        rows.append(
            (
                clean(server.name),
                paper.verdict(server.assessment.server_class.value),
                brief(server.identity, server.assessment, cat),
                cat.number(len(server.findings)),
                paper.severity(worst, cat.text(f"severity.{worst.value}")) if worst else "-",
            )
        )
    columns = ("check.server", "check.state", "check.level", "check.findings", "check.worst")
    paper.table(columns, rows, whole="check.state check.worst", right="check.findings")
