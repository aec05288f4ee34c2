"""Figures of parts that no rendering knows: a statistic that was added shows up by itself.

A figure is known by its fields, at the top of the document or one level down.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.census_numbers import Part, is_hidden, spoken
from patchstand.report.clean import clean

KNOWN = frozenset({
    "schema", "as_of", "covered_until", "stale", "knowledge", "country", "window_days",
    "observed", "skipped", "population", "basis", "rules", "sql", "series",
    "classes", "behind", "any_cve", "rce", "known_exploited", "cves", "exposed",
    "lines", "cumulative_updates", "support", "support_end",
    "by_line", "states", "sectors", "systems",
    "movement", "time_to_patch", "half_life", "unseen", "situation",
    "published", "published_population", "compare",
})  # fmt: skip
"""The parts of a document that have a place of their own in every rendering."""
_FIELDS = {"n", "n_high", "of", "low", "high", "rule"}


class Further(NamedTuple):
    """A figure of a part, and its key where it stands one level down."""

    part: str
    key: str
    figure: Part


def further(document: Document) -> Iterator[Further]:
    """The figures of all parts that are not known, in the order of the document."""
    for part, found in document.items():
        if part in KNOWN:
            continue
        if _is_figure(found):
            yield Further(part, "", found)
        elif isinstance(found, Mapping):
            for key, each in found.items():
                if _is_figure(each):
                    yield Further(part, key, each)


def _is_figure(part: object) -> bool:
    if not isinstance(part, Mapping):
        return False
    return part.keys() >= _FIELDS or (is_hidden(part) and {"of", "rule"} <= part.keys())


def told(row: Further, document: Document, cat: Catalog) -> str:
    """What is counted: the text of the rule, and before it the key where there is one."""
    rule = row.figure["rule"]
    words = clean(spoken(document.get("rules", {}).get(rule, rule), cat), 600)
    return f"{clean(row.key)}: {words}" if row.key else words
