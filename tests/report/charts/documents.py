"""Census documents for the tests of charts and page: a simulated country, and worse ones."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.report.samples import HOSTILE

from patchstand import knowledge
from patchstand.model import Evidence, EvidenceKind, Outcome, Place, Record
from patchstand.store.folder import Folder
from patchstand.store.writer import BatchWriter
from patchstand.workflow.census import CensusPlan, census
from patchstand.workflow.census_report import Wanted, beside, census_report
from patchstand.workflow.conclude import Concluding
from patchstand.workflow.simulate import Simulation, simulate

AS_OF = date(2024, 9, 10)
Document = dict[str, Any]
PUBLISHED = {
    "number": "2024-223466-1032",
    "version": "1.1",
    "date": "2024-03-26",
    "publisher": "An authority",
    "level": "3 / Orange",
    "title": "Servers at risk",
    "products": ["Exchange Server 2016", "Exchange Server 2019"],
}


def country() -> Document:
    """A small country with published figures and a published situation, over 400 days."""
    return _fresh(_country())


def lone() -> Document:
    """One observation of one server."""
    return _fresh(_counted((Evidence(EvidenceKind.BUILD, "15.1.2507.35"),)))


def undetermined() -> Document:
    """One server of which nothing but the product is known."""
    return _fresh(_counted((Evidence(EvidenceKind.BUILD, "Microsoft Exchange"),)))


def stale() -> Document:
    """A country of which the knowledge is too old."""
    return country() | {"stale": True, "covered_until": "2024-08-12"}


def skipping() -> Document:
    """A country of which two months are damaged, so that nobody was there for some days."""
    found = country()
    found["skipped"] = [
        {"month": "2024-03", "why": "checksum differs"},
        {"month": "2024-05", "why": "not a Parquet file"},
    ]
    series = found["series"]
    gone = [at for at, day in enumerate(series["days"]) if day.startswith(("2024-03", "2024-05"))]
    for numbers in _columns(series):
        for at in gone:
            numbers[at] = 0
    return found


def suppressed() -> Document:
    """A country of which one state and one sector may not be told."""
    found = country()
    for part, key in (("states", "DE-SH"), ("sectors", "school")):
        group = found[part][key]
        for name in ("vulnerable", "rce", "behind_6", "unsupported"):
            group[name] = {"suppressed": True, "of": group["population"], "rule": name}
    found["states"].pop("DE-HB", None)
    return found


def empty() -> Document:
    """A country of which one state has no server, and shares that are null."""
    found = country()
    group = found["states"]["DE-BE"]
    nobody = {"n": 0, "n_high": 0, "of": 0, "low": None, "high": None, "rule": "behind"}
    found["states"]["DE-BE"] = dict.fromkeys(group, nobody) | {"population": 0}
    found["behind"]["6"] = nobody
    return found


def elsewhere() -> Document:
    """A country with states, none of them German."""
    found = country()
    found["states"] = {"AT-9": found["states"]["DE-BY"], "other": found["states"]["DE-BE"]}
    return found


def bare() -> Document:
    """What is left of a census when one statistic was asked for, and no series."""
    kept = {
        "schema", "as_of", "covered_until", "stale", "knowledge", "window_days", "observed",
        "skipped", "population", "movement", "published",
    }  # fmt: skip
    found = {name: part for name, part in country().items() if name in kept}
    return found | {"published": [], "rules": country()["rules"]}


_HEAD = {
    "schema", "as_of", "covered_until", "stale", "knowledge", "window_days", "observed",
    "skipped", "population", "published", "country", "rules", "published_population", "basis",
}  # fmt: skip
"""What every document has, and what stands beside a part only."""


def parts() -> set[str]:
    """The parts of a census that a document may have or lack."""
    return set(country()) - _HEAD


def alone(part: str | None) -> Document:
    """A document with no part but one, or none at all."""
    found = country()
    kept = (_HEAD if part == "compare" else _HEAD - {"published_population"}) | {part}
    return {name: each for name, each in found.items() if name in kept} | {"published": []}


def hostile() -> Document:
    """A country in which every text that comes from outside is hostile."""
    found = country()
    found["knowledge"]["version"] = HOSTILE
    found["skipped"] = [{"month": "2024-03", "why": HOSTILE}]
    for part in ("states", "sectors", "systems", "lines", "by_line", "cves", "time_to_patch",
                 "cumulative_updates"):  # fmt: skip
        found[part] = {f"{HOSTILE}{key}": each for key, each in found[part].items()}
    found["series"]["lines"] = {f"{HOSTILE}{k}": n for k, n in found["series"]["lines"].items()}
    found["published"] = [
        dict.fromkeys(PUBLISHED, HOSTILE) | {"date": "2024-03-26", "products": [HOSTILE]}
    ]
    found["published_population"] |= {
        "name": HOSTILE,
        "assumed": [{"en": HOSTILE, "de": HOSTILE}],
        "sources": [HOSTILE],
    }
    for row in found["compare"]:
        row |= {"figure": HOSTILE, "why": HOSTILE}
    return found


EVERY: dict[str, Callable[[], Document]] = {
    made.__name__: made
    for made in (
        country, lone, undetermined, stale, skipping, suppressed, empty, elsewhere, bare, hostile,
    )
}  # fmt: skip


def _fresh(document: Document) -> Document:
    copied: Document = json.loads(json.dumps(document))
    return copied


def _columns(series: Document) -> Iterator[list[int]]:
    yield series["population"]
    yield from series["lines"].values()
    for name in ("vulnerable", "behind_6", "behind_12", "rce", "unsupported"):
        yield from series[name].values()


@cache
def _country() -> Document:
    with TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        wanted = Simulation("de-2024-09", 600, 400, 4, store)
        simulate(wanted, datetime(2024, 9, 11, tzinfo=UTC), lambda _done, _of: None)
        found = _report(store, Wanted(rule="de-2024-09"))
    return found | {"published": [PUBLISHED]}


@cache
def _counted(evidence: tuple[Evidence, ...]) -> Document:
    noon = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 12, tzinfo=UTC)
    record = Record(
        target="240.0.0.1",
        ports="",
        address=None,
        observed_at=noon,
        outcome=Outcome.ANSWERED,
        evidence=evidence,
        place=Place("DE", "DE-BY"),
    )
    with TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        writer = BatchWriter(Folder.open(store, noon), "one", journaled=False, segment_rows=10)
        writer.add(record, Concluding(knowledge.load(), AS_OF).of(record))
        writer.seal()
        return _report(store, Wanted())


def _report(store: Path, wanted: Wanted) -> Document:
    plan = CensusPlan(store, AS_OF, with_series=True)
    return census_report(census(plan), plan, beside(wanted, plan))
