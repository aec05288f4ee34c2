"""A scan or an import for machines and for people: one line per observation, counts at the end."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from rich.console import Console

from patchstand.model import Conclusion, Record
from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.clean import clean
from patchstand.report.paper import Paper

Tally = Mapping[str, Mapping[str, int]]
"""Counts by what is counted (outcomes, classes, lines), then by value."""


def observation_document(record: Record, conclusion: Conclusion, scan: str) -> Document:
    """`patchstand/observation/1`: one observation with what follows from it."""
    return {
        "schema": "patchstand/observation/1",
        "target": record.target,
        "ports": record.ports,
        "address": record.address,
        "observed_at": f"{record.observed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "scan": scan,
        "source": record.source.value,
        "outcome": record.outcome.value,
        "detail": record.detail or None,
        "requests": record.requests,
        "is_exchange": conclusion.is_exchange,
        "line": conclusion.line.value if conclusion.line else None,
        "builds": [str(build) for build in conclusion.builds],
        "or_later": conclusion.or_later,
        "precision": conclusion.precision.value,
        "class": conclusion.server_class.value if conclusion.server_class else None,
        "evidence": list(conclusion.clues),
    }


def counts_document(scan: str, targets: int, tally: Tally, *, finished: bool) -> Document:
    """`patchstand/scan-counts/1`: the counts of a scan so far, over all its runs."""
    observed = sum(tally["outcomes"].values())
    return {
        "schema": "patchstand/scan-counts/1",
        "scan": scan,
        "finished": finished,
        "targets": targets,
        "observed": observed,
        "outcomes": dict(tally["outcomes"]),
        "classes": dict(tally["classes"]),
        "lines": dict(tally["lines"]),
    }


def print_counts(console: Console, scan: str, targets: int, tally: Tally, cat: Catalog) -> None:
    """What a scan observed: how the looks ended, then lines and classes of the servers."""
    paper = Paper(console, cat)
    observed = sum(tally["outcomes"].values())
    paper.line(cat.text("scan.observed", scan=scan, n=observed, targets=targets))
    for name, prefix in (("outcomes", "outcome"), ("lines", ""), ("classes", "class")):
        if not tally[name]:
            continue
        paper.heading(f"scan.{name}")
        rows = [
            (cat.text(f"{prefix}.{key}") if prefix else _line(key, cat), cat.number(number))
            for key, number in sorted(tally[name].items(), key=lambda pair: -pair[1])
        ]
        paper.table(("scan.what", "scan.number"), rows, right="scan.number")


def _line(key: str, cat: Catalog) -> str:
    return cat.text("scan.several_lines") if key == "several" else f"Exchange {key}"


def print_preview(console: Console, seen: Mapping[str, Any], cat: Catalog) -> None:
    """What a scan would ask: counts, the most requests, who it says it is."""
    paper = Paper(console, cat)
    paper.line(cat.text("preview.nobody"))
    rows = [
        (f"preview.{name}", cat.number(seen[name]))
        for name in ("permitted", "names", "refused", "networks", "most_in_a_network", "requests")
    ]
    paper.facts(rows)
    for reason in seen["reasons"]:
        paper.line(clean(reason), indent=2)
    paper.gap()
    asked = cat.text("preview.asked", n=seen["per_look"], probes=", ".join(seen["probes"]))
    paper.line(asked)
    paper.line(f"User-Agent: {seen['user_agent']}")
