"""What `check` prints: one server in full, several as a table."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from patchstand.model import (
    CertificateFacts,
    CheckedNode,
    CheckedServer,
    Finding,
    Permit,
    ServerClass,
)
from patchstand.report.advice import finding_texts, leading_node
from patchstand.report.catalog import Catalog
from patchstand.report.clean import clean
from patchstand.report.flaws import sort_out
from patchstand.report.paper import Paper
from patchstand.report.terminal_parts import print_evidence, print_flaws, print_knowledge_line
from patchstand.report.wording import (
    answer,
    behind_set,
    brief,
    certificate_rows,
    class_key,
    conflict_text,
    headline,
    login_methods,
    permission,
    place,
    reasons,
    service_name,
    support,
    target_name,
)

_FLAWS_SHOWN = 10


def print_server(
    console: Console, server: CheckedServer, cat: Catalog, *, details: bool = False
) -> None:
    """One checked server in full; `details` shows every flaw and all evidence."""
    paper = Paper(console, cat)
    _head(paper, server)
    seen = server.nodes if class_key(server) != "not_measured" else ()
    for number, node in enumerate(seen, start=1):
        _node(paper, node, number if len(server.nodes) > 1 else 0, details=details)
    for conflict in server.conflicts:
        paper.line(paper.mark("!"), conflict_text(conflict, paper.cat), indent=2)
    _findings(paper, server.findings)
    _exposure(paper, server)
    if server.certificate:
        _certificate(paper, server.certificate)
    _flaws(paper, server, details=details)
    _method(paper, server)
    if not details and leading_node(server):
        paper.line(paper.text(paper.cat.text("check.details"), "dim"))


def _head(paper: Paper, server: CheckedServer) -> None:
    observation = server.observation
    address = clean(observation.address or "")
    name = target_name(server)
    shown = f"{name} ({address})" if address and address != name else name
    paper.line(paper.text(shown, "bold"))
    key = class_key(server)
    paper.line(paper.verdict(key))
    if key == "not_measured":
        outcome = paper.cat.text(f"outcome.{observation.outcome.value}")
        detail = clean(observation.detail)
        paper.line(f"{outcome} ({detail})" if detail else outcome, indent=2)


def _node(paper: Paper, node: CheckedNode, number: int, *, details: bool) -> None:
    cat = paper.cat
    identity, assessment = node.identity, node.assessment
    if number:
        paper.gap()
        name = identity.node or cat.text("identity.node_number", n=number)
        paper.line(paper.text(clean(name), "underline"), indent=2)
    rows: list[tuple[str, str | Text]] = [("identity.what", headline(identity, assessment, cat))]
    if identity.is_exchange:
        rows.append(("identity.builds", _build_set(node, cat)))
    if assessment is not None and assessment.members:
        rows.append(("build.behind", behind_set(assessment, cat)))
        rows.append(("build.support", support(assessment.support, cat)))
    if assessment is not None:
        if number:
            rows.append(("build.class", paper.verdict(assessment.server_class.value)))
        rows.append(("build.because", "; ".join(reasons(assessment, cat, identity))))
    rows.append(("identity.fronts", clean(", ".join(identity.fronts))))
    paper.facts(rows)
    if details and identity.evidence:
        print_evidence(paper, identity)


def _build_set(node: CheckedNode, cat: Catalog) -> str:
    identity = node.identity
    precision = cat.text(f"precision.{identity.precision.value}")
    if len(identity.builds) < 2:
        return precision
    count = cat.text("identity.build_count", n=len(identity.builds))
    later = f"; {cat.text('identity.or_later')}" if identity.or_later else ""
    return f"{count} ({precision}{later})"


def _findings(paper: Paper, findings: Sequence[Finding]) -> None:
    cat = paper.cat
    paper.heading("check.findings")
    if not findings:
        paper.line(cat.text("check.no_findings"), indent=2)
    for shown in finding_texts(findings, cat):
        word = paper.severity(shown.severity, shown.severity_word.upper())
        paper.line(word, Text("  "), paper.text(shown.title, "bold"), indent=2)
        paper.line(" ".join(shown.why), indent=4)
        for number, step in enumerate(shown.steps, start=1):
            paper.step(number, step, indent=4)
        if shown.as_above:
            paper.line(paper.text(cat.text("check.as_above"), "dim"), indent=4)


def _exposure(paper: Paper, server: CheckedServer) -> None:
    if not server.exposure:
        return
    cat = paper.cat
    paper.heading("check.exposure")
    paper.table(
        ("check.service", "check.port", "check.reachable", "check.status", "check.login"),
        [
            (
                service_name(exposure.service, cat),
                str(exposure.port),
                cat.text("word.yes" if exposure.reachable else "word.no"),
                answer(exposure, cat),
                login_methods(exposure, cat),
            )
            for exposure in server.exposure
        ],
        right="check.port",
    )
    if server.tls_versions:
        versions = clean(", ".join(server.tls_versions))
        paper.line(f"{cat.text('check.tls')}: {versions}", indent=2)


def _certificate(paper: Paper, certificate: CertificateFacts) -> None:
    paper.heading("check.certificate")
    paper.facts(certificate_rows(certificate, paper.cat))


def _flaws(paper: Paper, server: CheckedServer, *, details: bool) -> None:
    node = leading_node(server)
    if node is not None and node.assessment is not None:
        flaws = sort_out(node.assessment.cves)
        print_flaws(paper, flaws, None if details else _FLAWS_SHOWN)


def _method(paper: Paper, server: CheckedServer) -> None:
    cat = paper.cat
    observation = server.observation
    paper.gap()
    node = leading_node(server)
    if node is not None and node.assessment is not None:
        print_knowledge_line(paper, node.assessment)
    observed = cat.text(
        "check.observed",
        moment=observation.observed_at,
        place=place(observation.vantage_point, cat),
        requests=cat.text("check.requests", n=observation.requests),
    )
    paper.line(paper.text(observed, "dim"))
    _permit(paper, observation.permit)


def _permit(paper: Paper, permit: Permit | None) -> None:
    paper.line(paper.text(permission(permit, paper.cat), "dim"))


def print_summary(console: Console, servers: Sequence[CheckedServer], cat: Catalog) -> None:
    """Several checked servers: a line each, in the order given, then the counts."""
    paper = Paper(console, cat)
    paper.table(
        ("check.server", "check.state", "check.level", "check.since", "check.worst"),
        [_row(paper, server) for server in servers],
        whole="check.state check.since check.worst",
    )
    paper.gap()
    counts = Counter(class_key(server) for server in servers)
    known = [*ServerClass, "not_exchange", "cannot_tell", "not_measured"]
    shown = [f"{counts[key]} {cat.text(f'class.{key}')}" for key in known if counts[key]]
    paper.line(f"{cat.text('check.servers', n=len(servers))}: {', '.join(shown)}.")


def _row(paper: Paper, server: CheckedServer) -> list[str | Text]:
    cat = paper.cat
    node = leading_node(server)
    assessment = node.assessment if node else None
    low = assessment.low if assessment else None
    if node is None or class_key(server) == "not_measured":
        level = cat.text(f"outcome.{server.observation.outcome.value}")
    else:
        level = brief(node.identity, assessment, cat)
    worst = server.findings[0].severity if server.findings else None
    return [
        target_name(server),
        paper.verdict(class_key(server)),
        level,
        cat.date(low.since) if low and low.since else "-",
        paper.severity(worst, cat.text(f"severity.{worst.value}")) if worst else "-",
    ]
