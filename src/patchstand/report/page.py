"""What the HTML page shows of a server, as plain cleaned strings in reading order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from patchstand.model import (
    Assessment,
    CheckedNode,
    CheckedServer,
    CveVerdict,
    ServerClass,
)
from patchstand.report.advice import (
    FindingText,
    finding_texts,
    leading_node,
    questions,
    sentences,
)
from patchstand.report.catalog import Catalog
from patchstand.report.clean import clean
from patchstand.report.flaws import sort_out
from patchstand.report.wording import (
    answer,
    behind_set,
    brief,
    certificate_rows,
    class_key,
    clue_meaning,
    conflict_text,
    flaw_counts,
    headline,
    level,
    login_methods,
    permission,
    place,
    reasons,
    rule_name,
    service_name,
    support,
    target_name,
    yes_no,
)

_FLAWS_IN_TABLE = 20
_QUESTIONS_LISTED = 40

Row = tuple[str, ...]
Fact = tuple[str, str]
"""A label and its value."""


@dataclass(frozen=True, slots=True)
class NodePart:
    """One node: what was recognised, from what, and which builds are possible."""

    name: str
    counts: bool
    facts: tuple[Fact, ...]
    evidence: tuple[Row, ...]
    members: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class FlawPart:
    """The CVE table: rows are id, CVSS, runs code, exploited since, fixed in."""

    counts: str
    affected: tuple[Row, ...]
    further: str
    undecided: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ServerPart:
    """Everything the page says of one server."""

    anchor: str
    target: str
    address: str
    key: str
    class_word: str
    meaning: str
    level: str
    since: str
    worst: str
    sentences: tuple[str, str, str]
    questions: tuple[str, ...]
    stale: str
    findings: tuple[FindingText, ...]
    nodes: tuple[NodePart, ...]
    conflicts: tuple[str, ...]
    flaws: FlawPart | None
    exposure: tuple[Row, ...]
    tls: str
    certificate: tuple[Fact, ...]
    method: tuple[Fact, ...]
    asked: tuple[Fact, ...]


def server_part(server: CheckedServer, number: int, cat: Catalog) -> ServerPart:
    """One server for the page; `number` makes its anchor."""
    key = class_key(server)
    node = leading_node(server)
    assessment = node.assessment if node else None
    worst = server.findings[0].severity if server.findings else None
    low = assessment.low if assessment else None
    return ServerPart(
        anchor=f"server-{number}",
        target=target_name(server),
        address=clean(server.observation.address or ""),
        key=key,
        class_word=cat.text(f"class.{key}"),
        meaning=cat.text(f"class_meaning.{key}"),
        level=_level(server, node, cat),
        since=cat.date(low.since) if low and low.since else "-",
        worst=cat.text(f"severity.{worst.value}") if worst else "-",
        sentences=sentences(server, cat),
        questions=questions(server, cat) if server.server_class else (),
        stale=_stale(assessment, cat),
        findings=tuple(finding_texts(server.findings, cat)),
        nodes=_nodes(server, node, cat),
        conflicts=tuple(conflict_text(conflict, cat) for conflict in server.conflicts),
        flaws=_flaws(assessment, cat) if assessment else None,
        exposure=_exposure(server, cat),
        tls=clean(", ".join(server.tls_versions)),
        certificate=_certificate(server, cat),
        method=_method(server, assessment, cat),
        asked=_asked(server, cat),
    )


def counts(servers: Sequence[CheckedServer], cat: Catalog) -> str:
    """How many servers of each class, in a sentence."""
    found = Counter(class_key(server) for server in servers)
    classes = {key.value: found[key.value] for key in ServerClass}
    return cat.text(
        "page.overview_counts",
        servers=cat.text("check.servers", n=len(servers)),
        other=len(servers) - sum(classes.values()),
        **classes,
    )


def _level(server: CheckedServer, node: CheckedNode | None, cat: Catalog) -> str:
    if node is None or class_key(server) == "not_measured":
        return cat.text(f"outcome.{server.observation.outcome.value}")
    return brief(node.identity, node.assessment, cat)


def _stale(assessment: Assessment | None, cat: Catalog) -> str:
    if assessment is None or not assessment.stale:
        return ""
    return cat.text("check.as_known", covered_until=assessment.covered_until)


def _nodes(server: CheckedServer, lead: CheckedNode | None, cat: Catalog) -> tuple[NodePart, ...]:
    if class_key(server) == "not_measured":
        return ()
    several = len(server.nodes) > 1
    return tuple(
        NodePart(
            name=_node_name(node, number, cat) if several else "",
            counts=several and node is lead,
            facts=_facts(node, cat),
            evidence=_evidence(node, cat),
            members=_members(node.assessment, cat),
        )
        for number, node in enumerate(server.nodes, start=1)
    )


def _evidence(node: CheckedNode, cat: Catalog) -> tuple[Row, ...]:
    """Clues as they read; the same one from several answers stands once."""
    rows = [
        (rule_name(clue, cat), clean(clue.value), clue_meaning(clue, cat))
        for clue in node.identity.evidence
    ]
    return tuple(dict.fromkeys(rows))


def _node_name(node: CheckedNode, number: int, cat: Catalog) -> str:
    return clean(node.identity.node or "") or cat.text("identity.node_number", n=number)


def _facts(node: CheckedNode, cat: Catalog) -> tuple[Fact, ...]:
    identity, assessment = node.identity, node.assessment
    rows = [("identity.what", headline(identity, assessment, cat))]
    if identity.is_exchange:
        later = f"; {cat.text('identity.or_later')}" if identity.or_later else ""
        precision = cat.text(f"precision.{identity.precision.value}")
        rows.append(("identity.precision", f"{precision}{later}"))
    if assessment is not None and assessment.members:
        rows.append(("build.behind", behind_set(assessment, cat)))
        rows.append(("build.support", support(assessment.support, cat)))
    if assessment is not None:
        rows.append(("build.class", cat.text(f"class.{assessment.server_class.value}")))
        rows.append(("build.because", "; ".join(reasons(assessment, cat, identity))))
    rows.append(("identity.fronts", clean(", ".join(identity.fronts))))
    if identity.seen_on:
        rows.append(("identity.seen_on", cat.date(identity.seen_on)))
    return _labelled(rows, cat)


def _labelled(rows: Sequence[Fact], cat: Catalog) -> tuple[Fact, ...]:
    """Facts with their label in place of its key, empty ones left out."""
    return tuple((cat.text(key), value) for key, value in rows if value)


def _members(assessment: Assessment | None, cat: Catalog) -> tuple[Row, ...]:
    members = assessment.members if assessment else ()
    return tuple(
        (
            str(member.build),
            level(member),
            cat.date(member.released),
            cat.number(len(member.behind.missing)),
            cat.text(f"class.{member.server_class.value}"),
        )
        for member in (members if len(members) > 1 else ())
    )


def _flaws(assessment: Assessment, cat: Catalog) -> FlawPart:
    flaws = sort_out(assessment.cves)
    further = flaws.affected[_FLAWS_IN_TABLE:]
    ids = ", ".join(cve.id for cve in further)
    return FlawPart(
        counts=flaw_counts(flaws, cat),
        affected=tuple(_flaw(cve, cat) for cve in flaws.affected[:_FLAWS_IN_TABLE]),
        further=cat.text("page.further", ids=ids) if further else "",
        undecided=tuple(
            (
                ", ".join(question.ids),
                cat.text(f"why.{question.why.value}"),
                clean(question.decide_by or "-"),
            )
            for question in flaws.questions
        ),
    )


def _flaw(cve: CveVerdict, cat: Catalog) -> Row:
    return (
        clean(cve.id),
        cat.number(float(cve.cvss)) if cve.cvss is not None else "-",
        yes_no(cve.rce, cat),
        cat.date(cve.kev) if cve.kev else "",
        str(max(cve.fixed_in)) if cve.fixed_in else "-",
    )


def _exposure(server: CheckedServer, cat: Catalog) -> tuple[Row, ...]:
    return tuple(
        (
            service_name(exposure.service, cat),
            str(exposure.port),
            yes_no(exposure.reachable, cat),
            answer(exposure, cat),
            login_methods(exposure, cat),
        )
        for exposure in server.exposure
    )


def _certificate(server: CheckedServer, cat: Catalog) -> tuple[Fact, ...]:
    if server.certificate is None:
        return ()
    return _labelled(certificate_rows(server.certificate, cat), cat)


def _method(server: CheckedServer, assessment: Assessment | None, cat: Catalog) -> tuple[Fact, ...]:
    seen = server.observation
    rows = [
        ("page.looked", cat.moment(seen.observed_at)),
        ("page.from", place(seen.vantage_point, cat)),
        ("page.address", clean(seen.address or "")),
        ("page.requests", cat.number(seen.requests)),
        ("page.permit", permission(seen.permit, cat)),
    ]
    if assessment is not None:
        known = cat.text(
            "check.knowledge",
            version=clean(assessment.knowledge_version),
            covered_until=assessment.covered_until,
            as_of=assessment.as_of,
        )
        rows.append(("page.knowledge", known))
    return _labelled(rows, cat)


def _asked(server: CheckedServer, cat: Catalog) -> tuple[Fact, ...]:
    """What was asked, and how that ended; repeated questions once."""
    asked = {
        f"{service_name(each.service, cat)}: {clean(each.question)}": each.outcome
        for each in server.observation.transcripts
    }
    listed = list(asked.items())[:_QUESTIONS_LISTED]
    return tuple((question, cat.text(f"outcome.{outcome.value}")) for question, outcome in listed)
