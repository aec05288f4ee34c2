"""Sentences about days: exposure, time to patch, half-life, movement, servers nobody saw."""

from collections.abc import Iterator, Mapping

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog, Value
from patchstand.report.census_basis import within
from patchstand.report.census_numbers import (
    WHOLE,
    Part,
    day,
    down,
    lower_days,
    near,
    percent,
    up,
    upper_days,
)
from patchstand.report.census_statement import when
from patchstand.report.clean import clean

_AFTER = 30
"""Days: the share that had an update after so many is told."""
_MOVEMENTS = ("new", "gone", "back", "moved")


def say_exposed(document: Document, cat: Catalog) -> Iterator[str]:
    """For how many days servers stood there with an exploited flaw."""
    exposed = document["exposed"]
    values = {
        "first": day(document["observed"]["first"], cat),
        "day": day(document["as_of"], cat),
        "when": when(document, cat),
    }
    total, longest = (exposed[f"{n}_days"] for n in ("server", "longest"))
    if not total["high"]:
        yield cat.text("census_say.exposed.none", **values)
        return
    yield cat.text("census_say.exposed.days", days=_between(total, cat), **values)
    yield cat.text("census_say.exposed.longest", days=_between(longest, cat), **values)
    if exposed["n"]:
        medians = exposed["median_days"]
        said = {each: cat.text("duration.days", n=n) for each, n in medians.items()}
        key = "median" if len(set(medians.values())) == 1 else "medians"
        yield cat.text(f"census_say.exposed.{key}", **said, **values)
    yield cat.text("census_say.exposed.since", **values)


def _between(days: Part, cat: Catalog) -> str:
    """`at least 3 and at most 7 days`."""
    low, high = days["low"], days["high"]
    if low == high:
        return cat.text("census_say.between.exactly", n=high)
    if not low:
        return cat.text("census_say.between.at_most", n=high)
    return cat.text("census_say.between.both", low=low, high=high)


def say_times(document: Document, cat: Catalog) -> Iterator[str]:
    """How fast the newest update was installed of which that can be told."""
    found = _newest(document["time_to_patch"])
    if found is None:
        return
    name, course = found
    values: dict[str, Value] = {
        "fix": clean(name),
        "of": course["at_risk"],
        "since": day(course["since"], cat),
        "day": day(document["as_of"], cat),
        "where": within(document, cat),
    }
    if course["after"].get(str(_AFTER)):
        yield _after(course["after"][str(_AFTER)], values, cat)
    yield _median(course, values, cat)
    if course["interval_days"] is not None:
        width = {"n": course["interval_days"], "events": course["events"]}
        yield cat.text("census_say.times.width", **width, **values)


def _newest(found: Mapping[str, Part]) -> tuple[str, Part] | None:
    """The newest update with a median or a share after 30 days; of a day, the one most lacked."""
    told = [
        (course["since"], course["at_risk"], name)
        for name, course in found.items()
        if course["kind"] == "update"
        and (course["median"] is not None or course["after"].get(str(_AFTER)))
    ]
    name = max(told)[2] if told else None
    return (name, found[name]) if name is not None else None


def _after(share: Part, values: Mapping[str, Value], cat: Catalog) -> str:
    if not share["high"]:
        return cat.text("census_say.times.after_none", n=_AFTER, **values)
    low, high = percent(down(share["low"]), cat), percent(up(share["high"]), cat)
    shown = _about(share["share"], cat)
    return cat.text("census_say.times.after", n=_AFTER, share=shown, low=low, high=high, **values)


def _about(share: float, cat: Catalog) -> str:
    """An estimate; neither nothing nor all, unless it is that."""
    tenths = near(share)
    if tenths == 0 and share > 0:
        return cat.text("census_say.less", share=percent(1, cat))
    if tenths == WHOLE and share < 1:
        return cat.text("census_say.more", share=percent(WHOLE - 1, cat))
    return percent(tenths, cat)


def _median(course: Part, values: Mapping[str, Value], cat: Catalog) -> str:
    if course["median"] is None:
        return cat.text("census_say.times.median_open", **values)
    band = _band(course["median_low"], course["median_high"], cat)
    return cat.text("census_say.times.median", n=course["median"], band=band, **values)


def _band(low: int | None, high: int | None, cat: Catalog) -> str:
    open_ends = {
        (True, True): "band_open",
        (True, False): "band_to",
        (False, True): "band_from",
        (False, False): "band",
    }
    key = open_ends[low is None, high is None]
    return cat.text(f"census_say.times.{key}", low=low or 0, high=high or 0)


def say_half_life(document: Document, cat: Catalog) -> Iterator[str]:
    """In how many days half of the rest installs an update."""
    found, until = document["half_life"], day(document["as_of"], cat)
    if found is None:
        yield cat.text("census_say.times.no_half_life", day=until)
        return
    yield cat.text(
        "census_say.times.half_life",
        days=cat.number(found["days"]),
        low=cat.number(lower_days(found["low"])),
        high=cat.number(upper_days(found["high"])),
        events=found["events"],
        day=until,
        where=within(document, cat),
    )


def say_movement(document: Document, cat: Catalog) -> Iterator[str]:
    """How many servers came, went, came back and moved."""
    movement = document["movement"]
    span = cat.text(
        "census_say.span.days",
        n=movement["days"],
        day=day(document["as_of"], cat),
    )
    for name in _MOVEMENTS:
        if name in movement:
            figure = movement[name]
            yield cat.text(
                f"census_say.movement_{name}.{_certain(figure)}",
                n=figure["n"] or figure["n_high"],
                span=span,
                where=within(document, cat),
                relation=_relation(name, figure, cat),
            )


def _certain(figure: Part) -> str:
    if figure["n"]:
        return "some"
    return "open" if figure["n_high"] else "none"


def _relation(name: str, figure: Part, cat: Catalog) -> str:
    """How many at most, and how many that is beside those that are there, or were."""
    said = ""
    if figure["n_high"] > figure["n"]:
        said = cat.text("census_say.relation.at_most", n=figure["n_high"])
    if figure["low"] is None:
        return said
    tenths = near(figure["low"])
    key = "share" if 0 < tenths < WHOLE else "count"
    then = "_before" if name == "gone" else ""
    beside = cat.text(
        f"census_say.relation.{key}{then}", share=percent(tenths, cat), of=figure["of"]
    )
    return f"{said}{beside}"


def say_unseen(document: Document, cat: Catalog) -> Iterator[str]:
    """How many servers nobody saw, if certain things hold."""
    unseen = document["unseen"]
    on_day = when(document, cat)
    if unseen["estimate"] is None:
        yield cat.text(f"census_say.unseen.{unseen['why']}", seen=unseen["seen"], when=on_day)
        return
    share = unseen["share"]
    yield cat.text(
        "census_say.unseen.estimate",
        when=on_day,
        share_low=percent(down(share["low"] or 0.0), cat),
        share_high=percent(up(share["high"] or 0.0), cat),
        **{name: unseen[name] for name in ("estimate", "low", "high", "seen")},
    )
    texts = [
        cat.either(f"census_text.assumption.{each}", clean(each)) for each in unseen["assumptions"]
    ]
    yield cat.text("census_say.unseen.assumptions", assumptions=cat.join(texts))
