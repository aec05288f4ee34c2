"""What is known of builds and CVEs as a CSAF 2.0 document of the profile VEX (`csaf_vex`).

Each published build is a product; for each CVE every product stands in exactly one list:
affected, fixed, not affected, or under investigation where the build alone does not decide.
The same knowledge and day give the same document; no clock is read.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from patchstand.model import (
    Build,
    BuildAssessment,
    Cve,
    CveVerdict,
    Knowledge,
    ProductLine,
    Status,
    Update,
    Why,
)

Part = dict[str, Any]
_Judged = list[tuple[BuildAssessment, CveVerdict]]

_LISTS = {
    Status.AFFECTED: "known_affected",
    Status.FIXED: "fixed",
    Status.NOT_AFFECTED: "known_not_affected",
    Status.UNDETERMINED: "under_investigation",
}
_REASONS = {
    Why.CONFIGURATION: "Whether it is open depends on more than the build",
    Why.NOT_EXAMINED: "The vendor no longer examined this line when the CVE was published",
    Why.ADVISORY_UNKNOWN: "The vendor's record names no fixed build of this line",
}
_ADVICE = {
    Why.CONFIGURATION: ("mitigation", "Make sure of the setting that closes it."),
    Why.NOT_EXAMINED: ("no_fix_planned", "The line is out of support. Replace the server."),
    Why.ADVISORY_UNKNOWN: ("none_available", "The vendor's record names no fix. Ask the vendor."),
}
_NOT_AFFECTED = "The vendor's record of this CVE names no build of this product line as affected."
_CPE_UPDATE = re.compile(r"(?:CU([0-9]+))|(SP[0-9]+)|(RTM)")
_NO_CPE = frozenset({ProductLine.SE, ProductLine.ONLINE})
"""Lines for which no entry of the official CPE dictionary was seen."""
_SEVERITIES = ((9.0, "CRITICAL"), (7.0, "HIGH"), (4.0, "MEDIUM"), (0.1, "LOW"), (0.0, "NONE"))
"""CVSS v3.1, section 5: the least score of each rating."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Who publishes the document and as of which day; `namespace` is an http(s) URL of theirs.

    `engine` is the version of the program, `sources` the sources of the knowledge by name.
    """

    as_of: date
    publisher: str
    namespace: str
    engine: str
    sources: tuple[str, ...] = ()
    stale: bool = False


def vex(known: Knowledge, judged: Sequence[BuildAssessment], heading: Heading) -> Part:
    """The document; `judged` are all builds published by the day, judged as of it.

    Raises:
        ValueError: nothing was published by that day, so that there is nothing to say.
    """
    cves = [cve for cve in known.cves if cve.known_from <= heading.as_of]
    if not judged or not cves:
        raise ValueError(f"nothing is known of any build and CVE on {heading.as_of}")
    rows = sorted(judged, key=lambda each: each.build)
    columns = zip(*(each.cves for each in rows), strict=True)
    vulnerabilities = [
        _vulnerability(known, cve, list(zip(rows, verdicts, strict=True)), heading)
        for cve, verdicts in zip(cves, columns, strict=True)
    ]
    document: Part = _sorted(
        {
            "document": _document(known, heading),
            "product_tree": {"branches": [_vendor(rows)]},
            "vulnerabilities": vulnerabilities,
        }
    )
    return document


def _sorted(value: Any) -> Any:  # noqa: ANN401  any part of a document
    """The same with the keys of every object in order (CSAF 2.0, test 6.2.13)."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


# The document


def tracking_id(known: Knowledge, heading: Heading) -> str:
    """The id of the document: the same for the same knowledge and day."""
    return f"patchstand-vex-{known.version}-{heading.as_of}"


def file_name(known: Knowledge, heading: Heading) -> str:
    """The name the standard asks for (CSAF 2.0, section 5.1)."""
    return re.sub(r"[^+\-a-z0-9]+", "_", tracking_id(known, heading).lower()) + ".json"


def _document(known: Knowledge, heading: Heading) -> Part:
    moment = _moment(heading.as_of)
    engine = {"name": "patchstand", "version": heading.engine}
    revision = {"date": moment, "number": "1", "summary": f"Knowledge {known.version}."}
    return {
        "category": "csaf_vex",
        "csaf_version": "2.0",
        "distribution": {"tlp": {"label": "WHITE", "url": "https://www.first.org/tlp/"}},
        "lang": "en",
        "notes": _document_notes(known, heading),
        "publisher": {
            "category": "other",
            "name": heading.publisher,
            "namespace": heading.namespace,
        },
        "title": f"Builds of Microsoft Exchange Server and their CVEs as of {heading.as_of}",
        "tracking": {
            "current_release_date": moment,
            "generator": {"engine": engine},
            "id": tracking_id(known, heading),
            "initial_release_date": moment,
            "revision_history": [revision],
            "status": "final",
            "version": "1",
        },
    }


def _document_notes(known: Knowledge, heading: Heading) -> list[Part]:
    until = f"Builds and CVEs are complete from {known.covered_from} to {known.covered_until}."
    if heading.stale:
        until += " The vendor has had a patch day since: what it brought is not in here."
    notes = [
        _note("summary", f"Status of every published build, judged as of {heading.as_of}."),
        _note("general", until),
        _note(
            "legal_disclaimer",
            "Not a document of the vendor. Statuses follow from public records by fixed rules.",
        ),
    ]
    if heading.sources:
        notes.append(_note("other", "Sources: " + "; ".join(heading.sources)))
    return notes


def _note(category: str, text: str) -> Part:
    return {"category": category, "text": text}


def _moment(day: date) -> str:
    return f"{day}T00:00:00Z"


# The products


def _vendor(rows: Iterable[BuildAssessment]) -> Part:
    lines: dict[ProductLine, list[BuildAssessment]] = {}
    for each in rows:
        lines.setdefault(each.line, []).append(each)
    products = [
        {
            "category": "product_name",
            "name": f"Exchange Server {line.value}",
            "branches": [_version(each) for each in lines[line]],
        }
        for line in sorted(lines, key=lambda line: line.rank)
    ]
    return {"category": "vendor", "name": "Microsoft", "branches": products}


def _version(build: BuildAssessment) -> Part:
    product: Part = {"name": _named(build), "product_id": _id(build)}
    cpe = _cpe(build)
    if cpe:
        product["product_identification_helper"] = {"cpe": cpe}
    return {"category": "product_version", "name": str(build.build), "product": product}


def _id(build: BuildAssessment) -> str:
    return f"exchange-{build.build}"


def _named(build: BuildAssessment) -> str:
    return f"Microsoft Exchange Server {_release(build)} ({build.build})"


def _release(row: BuildAssessment | Update) -> str:
    name = row.update if isinstance(row, BuildAssessment) else row.name
    return f"{row.line.value} {row.cu}" + ("" if name == row.cu else f" {name}")


def _cpe(build: BuildAssessment) -> str | None:
    """The CPE of the cumulative update, with the build in its last field.

    The dictionary names cumulative updates only; without the build, all security updates of
    one would share a name. The last field (`other`) is for words of one's own (NISTIR 7695).
    """
    found = _CPE_UPDATE.fullmatch(build.cu)
    if found is None or build.line in _NO_CPE:
        return None
    number, pack, _ = found.groups()
    update = f"cumulative_update_{number}" if number else pack.lower() if pack else "-"
    return (
        f"cpe:2.3:a:microsoft:exchange_server:{build.line.value}:{update}:*:*:*:*:*:{build.build}"
    )


# The vulnerabilities


def _vulnerability(known: Knowledge, cve: Cve, judged: _Judged, heading: Heading) -> Part:
    lists: dict[str, list[str]] = {}
    for build, verdict in judged:
        lists.setdefault(_LISTS[verdict.status], []).append(_id(build))
    found: Part = {**_identified(cve), "title": cve.title or cve.id}
    found["notes"] = _notes(cve, judged)
    found["product_status"] = {name: lists[name] for name in sorted(lists)}
    found["references"] = _references(cve)
    if cve.published is not None and cve.published <= heading.as_of:
        found["release_date"] = _moment(cve.published)
    remediations = _remediations(known, cve, judged, heading.as_of)
    score = _score(cve, lists.get("known_affected", []) + lists.get("under_investigation", []))
    threats = _threats(cve, lists, heading.as_of)
    optional = {"remediations": remediations, "scores": score, "threats": threats}
    return found | {name: value for name, value in optional.items() if value}


def _identified(cve: Cve) -> Part:
    if cve.id.startswith("CVE-"):
        return {"cve": cve.id}
    return {"ids": [{"system_name": "Microsoft Security Advisory", "text": cve.id}]}


def _references(cve: Cve) -> list[Part]:
    links = {"The vendor's page": f"https://msrc.microsoft.com/update-guide/vulnerability/{cve.id}"}
    if cve.id.startswith("CVE-"):
        links["The record of the CVE"] = f"https://www.cve.org/CVERecord?id={cve.id}"
    return [
        {"category": "external", "summary": summary, "url": url} for summary, url in links.items()
    ]


def _notes(cve: Cve, judged: _Judged) -> list[Part]:
    impact = f" Impact: {cve.impact}." if cve.impact else ""
    notes = [_note("description", f"{cve.title or cve.id}.{impact}")]
    whys = {each.why for _, each in judged if each.status is Status.UNDETERMINED}
    for why, sentence in _REASONS.items():
        if why in whys:
            condition = cve.condition if why is Why.CONFIGURATION else None
            more = f": {condition.value}" if condition else ""
            notes.append(_note("details", f"Under investigation: {sentence}{more}."))
    return notes


def _score(cve: Cve, products: list[str]) -> list[Part]:
    if cve.vector is None or cve.cvss is None or not products:
        return []
    score: Part = {"vectorString": cve.vector, "baseScore": cve.cvss}
    if not cve.vector.startswith("CVSS:3"):
        return [{"products": products, "cvss_v2": {"version": "2.0", **score}}]
    version = cve.vector.removeprefix("CVSS:").partition("/")[0]
    severity = next(word for least, word in _SEVERITIES if cve.cvss >= least)
    cvss = {"version": version, **score, "baseSeverity": severity}
    return [{"products": products, "cvss_v3": cvss}]


def _threats(cve: Cve, lists: dict[str, list[str]], as_of: date) -> list[Part]:
    found: list[Part] = []
    if cve.kev is not None and cve.kev <= as_of:
        known = f"In CISA's catalogue of known exploited vulnerabilities since {cve.kev}."
        found.append({"category": "exploit_status", "details": known})
    unconcerned = lists.get("known_not_affected")
    if unconcerned:
        impact = {"category": "impact", "details": _NOT_AFFECTED, "product_ids": unconcerned}
        found.append(impact)
    return found


# What to do


def _remediations(known: Knowledge, cve: Cve, judged: _Judged, as_of: date) -> list[Part]:
    """What to install on each affected build, one entry for all builds with the same answer."""
    by_fix: dict[Update | None, list[str]] = {}
    candidates = {fix.line: _candidates(known, cve, fix.line, as_of) for fix in cve.lines}
    for build, verdict in judged:
        if verdict.status is Status.AFFECTED:
            chosen = _chosen(build, candidates.get(build.line, []))
            by_fix.setdefault(chosen, []).append(_id(build))
    order = sorted(by_fix, key=lambda row: row.build if row else Build(()))
    fixes = [_remediation(cve, row, by_fix[row], as_of) for row in order]
    return fixes + _undecided(cve, judged)


def _undecided(cve: Cve, judged: _Judged) -> list[Part]:
    """What to do where the build does not decide, one entry for each reason."""
    found = []
    for why, (category, details) in _ADVICE.items():
        products = [
            _id(build)
            for build, verdict in judged
            if verdict.status is Status.UNDETERMINED and verdict.why is why
        ]
        decide = why is Why.CONFIGURATION and cve.decide_by
        said = f"{details} It is decided by: {cve.decide_by}" if decide else details
        if products:
            found.append({"category": category, "details": said, "product_ids": products})
    return found


def _candidates(known: Knowledge, cve: Cve, line: ProductLine, as_of: date) -> list[Update]:
    """The updates of a line that bring the fix, out by that day and not withdrawn."""
    fix = known.fixes(line).get(cve.id)
    if fix is None or fix.newest is None:
        return []
    newest, of_cu = fix.newest, dict(fix.fixed)
    return [
        row
        for row in known.of_line(line)
        if row.released <= as_of
        and (row.withdrawn_on is None or row.withdrawn_on > as_of)
        and (row.build >= newest or (row.cu in of_cu and row.build >= of_cu[row.cu]))
    ]


def _chosen(build: BuildAssessment, candidates: list[Update]) -> Update | None:
    """The first update of the same cumulative update, else the first one of the newest."""
    later = [row for row in candidates if row.build > build.build]
    same = [row for row in later if row.cu == build.cu]
    newest = [row for row in later if row.cu == later[-1].cu]
    return next(iter(same or newest), None)


def _remediation(cve: Cve, row: Update | None, products: list[str], as_of: date) -> Part:
    if row is None:
        details = f"No update with a fix was out on {as_of}. Take the server off the Internet."
        return {"category": "none_available", "details": details, "product_ids": products}
    kb = f" ({row.kb})" if row.kb else ""
    details = f"Install Exchange Server {_release(row)}{kb}, build {row.build}, or a later one."
    if not _is_enough(cve, row):
        details += f" It is enough only together with the setting {cve.condition}."
    if row.esu:
        details += " It is for buyers of extended security updates only."
    found: Part = {
        "category": "vendor_fix",
        "date": _moment(row.released),
        "details": details,
        "product_ids": products,
    }
    if row.kb and row.kb.startswith("KB"):
        found["url"] = f"https://support.microsoft.com/help/{row.kb.removeprefix('KB')}"
    return found


def _is_enough(cve: Cve, row: Update) -> bool:
    """False where a setting decides even with the update, and is not the default yet."""
    since = {fix.line: fix.default_since for fix in cve.lines}.get(row.line)
    return cve.condition is None or (since is not None and row.build >= since)
