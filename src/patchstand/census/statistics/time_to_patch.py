"""How fast fixes are installed: by CVE and by update, from the day each was there."""

from collections import Counter
from datetime import timedelta
from typing import Any

from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.survival import Survival, half_life, kaplan_meier
from patchstand.census.tables import Tables

AFTER = (7, 30, 90, 180)
"""Days after which the patched share is told; the second one is the figure's own."""
_MOST_POINTS = 100
_RECENT = timedelta(days=730)

_FIXES = """
SELECT fix, kind, since, pattern FROM fix
WHERE since BETWEEN $seen_since AND $as_of ORDER BY since, fix
"""
_COURSES = """
SELECT server,
    bool_or(standing = 'lacks' AND $since BETWEEN first_day AND valid_to) AS at_risk,
    bool_or(standing = 'unknown' AND $since BETWEEN first_day AND valid_to) AS left_out,
    min(first_day) FILTER (standing = 'has' AND first_day > $since) AS patched,
    arg_min(date_diff('day', previous_day, first_day), first_day)
        FILTER (standing = 'has' AND first_day > $since) AS width,
    max(last_day) AS last_day
FROM interval JOIN standing USING (shown) WHERE fix = $fix GROUP BY server
"""
"""One row per server; the patch came between its last look without and its first look with it."""
_DAYS = f"""
SELECT CASE WHEN at_risk
        THEN greatest(0, date_diff('day', $since, coalesce(patched, last_day))) END AS days,
    CASE WHEN at_risk THEN width END AS width,
    count(*) FILTER (at_risk AND patched IS NOT NULL),
    count(*) FILTER (at_risk AND patched IS NULL),
    count(*) FILTER (left_out)
FROM ({_COURSES}) GROUP BY ALL ORDER BY ALL
"""  # noqa: S608  our own query


def _time_to_patch(tables: Tables, _: Asked) -> Part:
    done: dict[int, Part] = {}
    found = {}
    for fix, kind, since, pattern in tables.ask("time_to_patch_fixes", _FIXES):
        if pattern not in done:
            done[pattern] = _course(tables, fix, since)
        if done[pattern]["at_risk"]:
            found[fix] = {"kind": kind, "since": since.isoformat(), **done[pattern]}
    return {"time_to_patch": found, "half_life": _pooled(tables, found)}


def _pooled(tables: Tables, found: dict[str, Part]) -> Part | None:
    """The half-life over all updates that are not older than two years: habits change."""
    oldest = (tables.as_of - _RECENT).isoformat()
    recent = [
        each for each in found.values() if each["kind"] == "update" and each["since"] >= oldest
    ]
    events = sum(each["events"] for each in recent)
    bounds = half_life(events, sum(each["days_watched"] for each in recent))
    if bounds is None:
        return None
    days, low, high = bounds
    return {"days": days, "low": low, "high": high, "events": events, "rule": "half_life"}


def _course(tables: Tables, fix: str, since: object) -> Part:
    rows = tables.ask("time_to_patch", _DAYS, fix=fix, since=since)
    curve = kaplan_meier(_by_day(rows))
    after = curve.after(AFTER[1])
    median, low, high = curve.median()
    halved = curve.half_life()
    return {
        "n": curve.events,
        "of": curve.at_risk,
        "low": after.low if after else None,
        "high": after.high if after else None,
        "rule": "time_to_patch",
        "at_risk": curve.at_risk,
        "events": curve.events,
        "censored": curve.at_risk - curve.events,
        "left_out": sum(row[4] for row in rows),
        "interval_days": _median_width(rows),
        "median": median,
        "median_low": low,
        "median_high": high,
        "after": {str(days): _share(curve, days) for days in AFTER},
        "half_life": halved[0] if halved else None,
        "days_watched": curve.days,
        "curve": _points(curve),
    }


def _by_day(rows: list[tuple[Any, ...]]) -> list[tuple[int, int, int]]:
    found: dict[int, list[int]] = {}
    for days, _, events, censored, _ in rows:
        if days is not None:
            sums = found.setdefault(days, [0, 0])
            sums[0] += events
            sums[1] += censored
    return [(days, *sums) for days, sums in sorted(found.items())]  # type: ignore[misc]


def _median_width(rows: list[tuple[Any, ...]]) -> int | None:
    """How many days lay between the last look without and the first with it, in the middle."""
    widths = Counter[int]()
    for _, width, events, _, _ in rows:
        if width is not None:
            widths[width] += events
    ordered = sorted(widths.elements())
    return ordered[len(ordered) // 2] if ordered else None


def _share(curve: Survival, days: int) -> dict[str, float] | None:
    step = curve.after(days)
    return {"share": step.share, "low": step.low, "high": step.high} if step else None


def _points(curve: Survival) -> list[list[Any]]:
    """The curve, thinned to what can be drawn."""
    every = -(-len(curve.steps) // _MOST_POINTS) or 1
    chosen = [*curve.steps[::every], *curve.steps[-1:]]
    return [[step.day, step.share, step.low, step.high] for step in dict.fromkeys(chosen)]


STATISTIC = Statistic(_time_to_patch)
