"""The figures of a census as rows of CSV (RFC 4180).

One row per figure: `part` and `key` say which (`states`, `DE-BY/vulnerable`), then servers
certainly and at most, denominator, the bounds of the share, the rule. What is no count of
servers has rows of its own below the figure it belongs to, with `value` and `unit` and its
bounds in `low` and `high`: `time_to_patch`, `Mar24SU/median`, 56 days, from 55 to 57. Such are
the days, shares and half-lives of `time_to_patch`, the days of `exposed`, the estimates of
`unseen`, and `compare`, where `KEY/published`, `KEY/ours` and `KEY/own` stand one below the
other. `series`, where the document has it, has one row a day and figure, `DAY/FIGURE`. Figures
of a part that is not known here follow at the end, by the names of the document.
An empty cell is a number that there is not; `note` says `suppressed` where it is there and not
told. Curves, and what authorities say in words, are in the JSON only.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from patchstand.report.as_json import Document
from patchstand.report.census_basis import basis_of
from patchstand.report.census_further import further
from patchstand.report.census_numbers import Part, is_hidden

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""
_ABOUT = ("as_of", "covered_until", "knowledge")
_KEYED = ("classes", "behind", "lines", "cumulative_updates", "cves", "support")
_SINGLE = ("any_cve", "rce", "known_exploited", "exposed")
_GROUPED = ("by_line", "states", "sectors", "systems")
_MOVEMENTS = ("new", "gone", "back", "moved")
_DAYS = ("server_days", "longest_days")
_COUNTS = ("at_risk", "events", "censored", "left_out")
_SERIES_RULES = {
    "vulnerable": "class_vulnerable",
    "behind_6": "behind",
    "behind_12": "behind",
    "rce": "rce",
    "unsupported": "support_unsupported",
}
"""The figures of the series, and the rules that they are counted by."""
_OF_PAIR = ("only_a", "only_b", "both")

Cell = str | int | float | None


class _Row(NamedTuple):
    """One line, without what is the same in all of them."""

    part: str
    key: str = ""
    n: int | None = None
    n_high: int | None = None
    of: int | None = None
    low: float | None = None
    high: float | None = None
    rule: str = ""
    value: Cell = None
    unit: str = ""
    note: str = ""


def census_csv(document: Document) -> Iterator[str]:
    """Lines with their ends (CR LF), the header first; the document is `patchstand/census/1`.

    The country is a column where the document has one. Texts that a spreadsheet would take
    for a formula begin with an apostrophe.
    """
    known = (document["as_of"], document["covered_until"], document["knowledge"]["version"])
    has_country = "country" in document
    header = [*_Row._fields, *_ABOUT, *["country"] * has_country]
    last = [*known, *[document.get("country")] * has_country]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    for cells in (header, *([*row, *last] for row in _rows(document))):
        writer.writerow([_cell(cell) for cell in cells])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _cell(value: Cell) -> Cell:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def _rows(document: Document) -> Iterator[_Row]:
    yield from _about(document)
    yield from _counted(document)
    for part, rows in _OTHERS.items():
        if document.get(part) is not None:
            yield from rows(document)
    for each in further(document):
        yield _figure(*each)


def _counted(document: Document) -> Iterator[_Row]:
    """Counts of servers: single ones, by a key, and by group."""
    for part in _SINGLE:
        if part in document:
            yield _figure(part, "", document[part])
    for part in _KEYED:
        for key, figure in document.get(part, {}).items():
            yield _figure(part, key, figure)
    for part in _GROUPED:
        for group, figures in document.get(part, {}).items():
            yield from _group(part, group, figures)


def _about(document: Document) -> Iterator[_Row]:
    """What the figures rest on: servers, days, and what makes them doubtful."""
    yield _Row("population", n=document["population"], rule="population")
    yield _Row("census", "observed_first", value=document["observed"]["first"], unit="day")
    yield _Row("census", "observed_last", value=document["observed"]["last"], unit="day")
    yield _Row("census", "window", value=document["window_days"], unit="days")
    yield _Row("census", "stale", value=document["stale"])
    for each in document["skipped"]:
        yield _Row("skipped", each["month"], value=each["why"])
    if "basis" in document:
        yield from _basis(basis_of(document))


def _basis(basis: Part) -> Iterator[_Row]:
    note = "simulated servers: no real server stands behind these figures"
    yield _Row("basis", "simulated", value=basis["simulated"],
               note=note if basis["simulated"] else "")  # fmt: skip
    yield _Row("basis", "vulnerable_only", n=basis["vulnerable_only"])
    for source, n in basis["sources"].items():
        yield _Row("basis", f"sources/{source}", n=n)
    for number, permit in enumerate(basis["permits"], start=1):
        for name, said in permit.items():
            shown = " ".join(said) if name == "purposes" else said
            yield _Row("basis", f"permits/{number}/{name}", value=shown)


def _figure(part: str, key: str, figure: Part) -> _Row:
    if is_hidden(figure):
        return _Row(part, key, of=figure["of"], rule=figure["rule"], note="suppressed")
    numbers = {name: figure[name] for name in ("n", "n_high", "of", "low", "high", "rule")}
    return _Row(part, key, **numbers)


def _group(part: str, group: str, figures: Part) -> Iterator[_Row]:
    for name, figure in figures.items():
        if isinstance(figure, Mapping):
            yield _figure(part, f"{group}/{name}", figure)
        else:
            yield _Row(part, f"{group}/{name}", n=figure)


def _exposed(document: Document) -> Iterator[_Row]:
    exposed = document["exposed"]
    for name in _DAYS:
        yield _Row("exposed", name, low=exposed[name]["low"], high=exposed[name]["high"],
                   unit="days")  # fmt: skip
    for whose, days in exposed["median_days"].items():  # of two sets of servers: no bounds
        yield _Row("exposed", f"median_days/{whose}", value=days, unit="days")


def _movement(document: Document) -> Iterator[_Row]:
    movement = document["movement"]
    yield _Row("movement", "days", value=movement["days"], unit="days")
    for name in _MOVEMENTS:
        if name in movement:
            yield _figure("movement", name, movement[name])


def _support_end(document: Document) -> Iterator[_Row]:
    for each in document["support_end"]:
        key = f"{each['line']}/{each['phase']}/{each['until']}"
        yield _figure("support_end", key, each["servers"])
        yield _Row("support_end", f"{key}/days", value=each["days"], unit="days")


def _times(document: Document) -> Iterator[_Row]:
    for fix, course in document["time_to_patch"].items():
        # Those who had it, of those at risk; the bounds are those of the share after 30 days.
        yield _Row("time_to_patch", fix, n=course["n"], of=course["of"], low=course["low"],
                   high=course["high"], rule=course["rule"])  # fmt: skip
        yield from _course(fix, course)


def _course(fix: str, course: Part) -> Iterator[_Row]:
    part = "time_to_patch"
    yield _Row(part, f"{fix}/kind", value=course["kind"])
    yield _Row(part, f"{fix}/since", value=course["since"], unit="day")
    for name in _COUNTS:
        yield _Row(part, f"{fix}/{name}", n=course[name])
    yield _Row(part, f"{fix}/median", value=course["median"], low=course["median_low"],
               high=course["median_high"], unit="days")  # fmt: skip
    for days, share in course["after"].items():
        told = share or dict.fromkeys(("share", "low", "high"))
        yield _Row(part, f"{fix}/after_{days}", value=told["share"], low=told["low"],
                   high=told["high"], unit="share")  # fmt: skip
    for name in ("interval_days", "half_life"):
        yield _Row(part, f"{fix}/{name}", value=course[name], unit="days")
    yield _Row(part, f"{fix}/days_watched", value=course["days_watched"], unit="days")


def _half_life(document: Document) -> Iterator[_Row]:
    found = document["half_life"]
    yield _Row("half_life", n=found["events"], low=found["low"], high=found["high"],
               value=found["days"], unit="days", rule=found["rule"])  # fmt: skip


def _situation(document: Document) -> Iterator[_Row]:
    situation = document["situation"]
    for name in ("level", "level_high"):
        yield _Row("situation", name, value=situation[name], rule=situation["rule"])
    yield _figure("situation", "share", situation["share"])


def _unseen(document: Document) -> Iterator[_Row]:
    unseen = document["unseen"]
    share: Mapping[str, Any] = unseen["share"] or {}
    yield _Row("unseen", "seen", n=unseen["seen"], rule=unseen["rule"])
    yield _Row("unseen", "estimate", value=unseen["estimate"], low=unseen["low"],
               high=unseen["high"], unit="servers", rule=unseen["rule"])  # fmt: skip
    yield _Row("unseen", "share", low=share.get("low"), high=share.get("high"), unit="share",
               rule=unseen["rule"])  # fmt: skip
    yield _Row("unseen", "why", value=unseen["why"])
    for pair in unseen["pairs"]:
        key = f"{pair['a']}+{pair['b']}"
        for name in _OF_PAIR:
            yield _Row("unseen", f"{key}/{name}", n=pair[name])
        yield _Row("unseen", f"{key}/estimate", value=pair["estimate"], low=pair["low"],
                   high=pair["high"], unit="servers")  # fmt: skip


def _compare(document: Document) -> Iterator[_Row]:
    name = document["published_population"]["name"]
    for row in document["compare"]:
        key = f"{name}/{row['figure']}"
        unit = row["unit"]
        for whose in ("published", "ours", "own"):
            yield _Row("compare", f"{key}/{whose}", low=row[f"{whose}_low"],
                       high=row[f"{whose}_high"], unit=unit)  # fmt: skip
        yield _Row("compare", f"{key}/derivable", value=row["derivable"])
        yield _Row("compare", f"{key}/agrees", value=row["agrees"])
        for lang, said in row["words"].items():
            yield _Row("compare", f"{key}/words_{lang}", value=said)
        for name_of in ("why", "why_de", "own_rule"):
            yield _Row("compare", f"{key}/{name_of}", value=row[name_of])


def _series(document: Document) -> Iterator[_Row]:
    """One row a day and figure, the day first."""
    series = document["series"]
    for at, day in enumerate(series["days"]):
        of = series["population"][at]
        yield _Row("series", f"{day}/population", n=of)
        for name, bounds in series.items():
            if name in _SERIES_RULES:
                low, high = bounds["low"][at], bounds["high"][at]
                yield _Row("series", f"{day}/{name}", low, high, of, *_shares(low, high, of),
                           rule=_SERIES_RULES[name])  # fmt: skip
        for line, counts in series.get("lines", {}).items():
            # How many more may be of it is not counted day by day.
            yield _Row("series", f"{day}/lines/{line}", n=counts[at], of=of, rule="line")


def _shares(low: int, high: int, of: int) -> tuple[float | None, float | None]:
    return (low / of, high / of) if of else (None, None)


_OTHERS = {
    "exposed": _exposed,
    "movement": _movement,
    "support_end": _support_end,
    "time_to_patch": _times,
    "half_life": _half_life,
    "situation": _situation,
    "unseen": _unseen,
    "compare": _compare,
    "series": _series,
}
