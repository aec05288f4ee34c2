"""What a census says of days: time to patch, movement, exposure, ends of support."""

from collections.abc import Iterable, Mapping, Sequence

from rich.text import Text

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.census_numbers import (
    NOTHING,
    Part,
    about,
    band,
    day,
    down,
    lower_days,
    share_of,
    short_day,
    up,
    upper_days,
)
from patchstand.report.census_terminal_figures import columns, heading, numbers, population
from patchstand.report.clean import clean
from patchstand.report.paper import Paper

MOST_FIXES = 15
_AFTER = ("7", "30", "90", "180")
_MOVEMENTS = ("new", "gone", "back", "moved")
_DAYS = ("server_days", "median_days", "longest_days")
Fix = tuple[Sequence[str], Part]
"""The names of fixes that take the same course, and the course."""


def show_times(paper: Paper, document: Document) -> None:
    """The newest fixes and how fast they were installed, then the half-life of all."""
    cat = paper.cat
    heading(paper, "time_to_patch")
    fixes = _fixes(document["time_to_patch"])
    if fixes:
        names = columns("fix", "at_risk", "median", *(f"after_{days}" for days in _AFTER),
                        "width", "half_life")  # fmt: skip
        rows = [_fix(paper, fix) for fix in fixes[:MOST_FIXES]]
        paper.table(names, rows, right=" ".join(names[1:]))
        _notes(paper, fixes)
    else:
        paper.line(cat.text("census_text.times.none"), indent=2)
    if "half_life" in document:
        paper.line(_half_life(document["half_life"], cat), indent=2)


def _fixes(found: Mapping[str, Part]) -> list[Fix]:
    """The newest first, of one day that which most servers lacked; equal courses together."""
    grouped: dict[tuple[object, ...], list[str]] = {}
    for name, each in found.items():
        shown = (each["since"], each["at_risk"], each["events"], str(each["after"]),
                 each["median"], each["median_low"], each["median_high"],
                 each["interval_days"], each["half_life"])  # fmt: skip
        grouped.setdefault(shown, []).append(name)
    fixes = [(_updates_first(names, found), found[names[0]]) for names in grouped.values()]
    by_size = sorted(fixes, key=lambda fix: -fix[1]["at_risk"])
    return sorted(by_size, key=lambda fix: str(fix[1]["since"]), reverse=True)


def _updates_first(names: Sequence[str], found: Mapping[str, Part]) -> Sequence[str]:
    return sorted(names, key=lambda name: (found[name]["kind"] != "update", name))


def _fix(paper: Paper, fix: Fix) -> list[Text]:
    """Two lines: the estimates, and below them the day and the bands."""
    cat = paper.cat
    names, course = fix
    others = f" +{len(names) - 1}" if len(names) > 1 else ""
    cells = [
        (clean(names[0]), f"{short_day(course['since'], cat)}{others}"),
        (cat.number(course["at_risk"]), ""),
        (_number(course["median"], cat), _median_band(course, cat)),
        *(_after(course["after"].get(days), cat) for days in _AFTER),
        (_number(course["interval_days"], cat), ""),
        (_whole(course["half_life"], cat), ""),
    ]
    return [_two_lines(paper, first, second) for first, second in cells]


def _two_lines(paper: Paper, first: str, second: str) -> Text:
    if not second:
        return paper.text(first)
    return Text.assemble(paper.text(first), "\n", paper.text(second, "dim"))


def _number(value: float | None, cat: Catalog) -> str:
    return NOTHING if value is None else cat.number(value)


def _whole(days: float | None, cat: Catalog) -> str:
    return NOTHING if days is None else cat.number(round(days))


def _median_band(course: Part, cat: Catalog) -> str:
    if course["median"] is None:
        return ""
    return band(course["median_low"], course["median_high"], cat)


def _after(share: Part | None, cat: Catalog) -> tuple[str, str]:
    """An estimated share and its band in whole percents, rounded outwards."""
    if share is None:
        return NOTHING, ""
    low, high = down(share["low"]) // 10, -(-up(share["high"]) // 10)
    return f"{about(share['share'], cat)} %", band(low, high, cat)


def _notes(paper: Paper, fixes: Sequence[Fix]) -> None:
    cat = paper.cat
    rest = sum(len(names) for names, _ in fixes[MOST_FIXES:])
    if rest:
        paper.line(cat.text("census_text.times.rest", n=rest), indent=2)
    paper.line(paper.text(cat.text("census_text.times.note"), "dim"), indent=2)
    if any(len(names) > 1 for names, _ in fixes[:MOST_FIXES]):
        paper.line(paper.text(cat.text("census_text.times.same"), "dim"), indent=2)


def _half_life(found: Part | None, cat: Catalog) -> str:
    if found is None:
        return cat.text("census_text.times.no_half_life")
    return cat.text(
        "census_text.times.half_life",
        days=cat.number(found["days"]),
        low=cat.number(lower_days(found["low"])),
        high=cat.number(upper_days(found["high"])),
        events=found["events"],
    )


def show_movement(paper: Paper, document: Document) -> None:
    """Who came, went, came back and moved."""
    cat = paper.cat
    movement = document["movement"]
    heading(paper, "movement", n=movement["days"])
    names = columns("kind", "n", "n_high", "of", "share")
    rows = (_moved(name, movement[name], cat) for name in _MOVEMENTS if name in movement)
    paper.table(names, rows, right=" ".join(names[1:]))


def _moved(name: str, figure: Part, cat: Catalog) -> list[str]:
    share = share_of(figure, cat)
    shown = share if figure["low"] is None else f"{share} %"
    counts = (cat.number(figure[each]) for each in ("n", "n_high", "of"))
    return [cat.text(f"census_text.movement.{name}"), *counts, shown]


def show_exposed(paper: Paper, document: Document) -> None:
    """How many stand there with an exploited flaw, and for how long they did."""
    cat = paper.cat
    exposed = document["exposed"]
    heading(paper, "exposed")
    key = "exactly" if exposed["n"] == exposed["n_high"] else "figure"
    counts = {name: exposed[name] for name in ("n", "n_high", "of")}
    servers = cat.text(f"census_text.exposed.{key}", share=share_of(exposed, cat), **counts)
    facts = [("servers", servers)]
    facts += [(name, _days(exposed[name], cat)) for name in _DAYS]
    paper.facts((f"census_text.exposed.{name}", shown) for name, shown in facts)
    first = day(document["observed"]["first"], cat)
    paper.line(paper.text(cat.text("census_text.exposed.since", first=first), "dim"), indent=2)


def _days(days: Mapping[str, int], cat: Catalog) -> str:
    """Bounds, or the medians of two sets of servers, which are none."""
    if len(set(days.values())) == 1:
        return cat.number(next(iter(days.values())))
    return cat.text(f"census_text.exposed.{'between' if 'low' in days else 'medians'}", **days)


def show_support_end(paper: Paper, document: Document) -> None:
    """When support ends for whom."""
    cat = paper.cat
    heading(paper, "support_end", servers=population(document, cat))
    names = columns("line", "phase", "until", "days", "n", "n_high", "share")
    paper.table(names, _ends(document["support_end"], cat), right=" ".join(names[3:]))


def _ends(found: Sequence[Part], cat: Catalog) -> Iterable[list[str | Text]]:
    for each in found:
        yield [
            clean(each["line"]),
            cat.either(f"census_text.phase.{each['phase']}", clean(each["phase"])),
            day(each["until"], cat),
            cat.number(each["days"]),
            *numbers(each["servers"], cat, with_of=False),
        ]
