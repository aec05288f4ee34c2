"""How fast fixes are installed: by CVE and by update, from the day each was there."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa

from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.survival import Survival, half_life, kaplan_meier
from patchstand.census.tables import Query, Tables

AFTER = (7, 30, 90, 180)
"""Days after which the patched share is told; the second one is the figure's own."""
_MOST_POINTS = 100
Row = tuple[Any, ...]
"""Days, width, events, censored, left out."""
_RECENT = timedelta(days=730)

_FIXES = """
SELECT fix, kind, since, pattern FROM fix
WHERE since BETWEEN $seen_since AND $as_of ORDER BY since, fix
"""
_PREPARED = (
    """
    CREATE OR REPLACE TEMP TABLE numbered AS
    SELECT shown, CAST(row_number() OVER (ORDER BY shown) AS INTEGER) AS number FROM sight
    """,
    """
    CREATE OR REPLACE TEMP TABLE said AS
    SELECT pattern, number, standing
    FROM (SELECT pattern, min(fix) AS fix FROM fix GROUP BY pattern)
    JOIN standing USING (fix) JOIN numbered USING (shown)
    """,
    """
    CREATE OR REPLACE TEMP TABLE stretch AS
    SELECT server, number, first_day, last_day, valid_to, seen_last
    FROM interval JOIN numbered USING (shown)
    JOIN (SELECT server, max(last_day) AS seen_last FROM interval GROUP BY server) USING (server)
    """,
    """
    CREATE OR REPLACE TEMP TABLE turn AS
    SELECT server, was.number AS was, previous_until AS was_until, now.number AS now, first_day
    FROM interval_before JOIN numbered AS now USING (shown)
    JOIN numbered AS was ON was.shown = previous_shown
    WHERE was.number <> now.number
    """,
    """
    CREATE OR REPLACE TEMP TABLE fixing AS
    SELECT before.pattern, was, now, before.standing
    FROM (SELECT DISTINCT was, now FROM turn)
    JOIN said AS before ON before.number = was
    JOIN said AS after ON after.number = now AND after.pattern = before.pattern
    WHERE before.standing <> 'has' AND after.standing = 'has'
    """,
    """
    CREATE OR REPLACE TEMP TABLE dimming AS
    SELECT before.pattern, was, now
    FROM (SELECT DISTINCT was, now FROM turn)
    JOIN said AS before ON before.number = was
    JOIN said AS after ON after.number = now AND after.pattern = before.pattern
    WHERE before.standing = 'lacks' AND after.standing = 'unknown'
    """,
    """
    CREATE OR REPLACE TEMP TABLE patching (pattern INTEGER, days INTEGER, width INTEGER,
        events BIGINT, censored BIGINT, left_out BIGINT)
    """,
)
"""Numbers in place of texts; each turn of a server, and which fixes it brings."""
_TEMPORARY = ("numbered", "said", "stretch", "turn", "fixing", "dimming", "patching")
_PATTERNS = """
SELECT DISTINCT pattern, since FROM fix WHERE since BETWEEN $seen_since AND $as_of ORDER BY pattern
"""
_AT_ONCE = 8
"""Patterns in one query: it bounds the memory."""
_COURSE = """
INSERT INTO patching
WITH asked AS (
    SELECT DISTINCT pattern, since FROM fix
    WHERE pattern BETWEEN $pattern AND $last_pattern AND since BETWEEN $seen_since AND $as_of
), here AS (
    SELECT pattern, since, server, standing, seen_last
    FROM stretch JOIN said USING (number) JOIN asked USING (pattern)
    WHERE since BETWEEN first_day AND valid_to AND standing <> 'has'
), patched AS (
    SELECT pattern, server, min(first_day) AS on_day, nullif(arg_min(CASE
        WHEN standing = 'lacks' AND was_until < first_day THEN was_until ELSE DATE '0001-01-01' END,
        first_day), DATE '0001-01-01') AS just_before
    FROM turn JOIN fixing USING (was, now) JOIN asked USING (pattern)
    WHERE first_day > since GROUP BY pattern, server
), earlier AS MATERIALIZED (
    SELECT pattern, server, number, last_day
    FROM here JOIN patched USING (pattern, server) JOIN stretch USING (server)
    WHERE standing = 'lacks' AND just_before IS NULL AND last_day < on_day
), long_before AS (
    SELECT pattern, server, max(last_day) AS before
    FROM earlier JOIN said USING (pattern, number) WHERE standing = 'lacks'
    GROUP BY pattern, server
), dimmed AS MATERIALIZED (
    SELECT DISTINCT pattern, server FROM turn JOIN dimming USING (was, now)
    JOIN asked USING (pattern) WHERE first_day > since
), lost AS (
    SELECT pattern, server, max(stretch.last_day) AS lacked_until
    FROM dimmed JOIN stretch USING (server) JOIN said USING (pattern, number)
    WHERE said.standing = 'lacks' GROUP BY pattern, server
)
SELECT pattern,
    CASE WHEN standing = 'lacks'
        THEN greatest(0, date_diff('day', since, coalesce(on_day, lacked_until, seen_last)))
        END AS days,
    CASE WHEN standing = 'lacks'
        THEN date_diff('day', coalesce(just_before, before), on_day) END AS width,
    count(*) FILTER (standing = 'lacks' AND on_day IS NOT NULL),
    count(*) FILTER (standing = 'lacks' AND on_day IS NULL),
    count(*) FILTER (standing = 'unknown')
FROM here LEFT JOIN patched USING (pattern, server) LEFT JOIN long_before USING (pattern, server)
LEFT JOIN lost USING (pattern, server)
GROUP BY ALL
"""
"""At risk: who lacked it on the day it was there, followed while
that is known. The patch came between the last look that
surely lacked it and the first look with it (`width`): `just_before` it, as a rule; where
something unknown lies between, `before` that. `earlier` is worked out by itself since few
servers have any."""
_ROWS = Query("time_to_patch_rows", "SELECT * FROM patching ORDER BY ALL")


def _time_to_patch(tables: Tables, _: Asked) -> Part:
    patterns = tables.ask("time_to_patch_patterns", _PATTERNS)
    for query in (*_queries(patterns), _ROWS):
        tables.note(query)  # it is said also where its answer is remembered
    rows = tables.remember("time-to-patch", lambda: _courses(tables, patterns))
    of_pattern: dict[int, list[Row]] = {}
    columns = [rows[name].to_pylist() for name in rows.column_names]
    for pattern, *row in zip(*columns, strict=True):
        of_pattern.setdefault(pattern, []).append(tuple(row))
    done = {pattern: _course(each) for pattern, each in of_pattern.items()}
    found = {
        fix: {"kind": kind, "since": since.isoformat(), **done[pattern]}
        for fix, kind, since, pattern in tables.ask("time_to_patch_fixes", _FIXES)
        if pattern in done and done[pattern]["at_risk"]
    }
    return {"time_to_patch": found, "half_life": _pooled(tables, found)}


def _queries(patterns: Sequence[Row]) -> Iterator[Query]:
    """What is asked one after the other."""
    for sql in _PREPARED:
        yield Query(f"time_to_patch {' '.join(sql.split()[5:6])}", sql)
    for at in range(0, len(patterns), _AT_ONCE):
        some = patterns[at : at + _AT_ONCE]
        yield Query("time_to_patch", _COURSE, {"pattern": some[0][0], "last_pattern": some[-1][0]})


def _courses(tables: Tables, patterns: Sequence[Row]) -> pa.Table:
    tables.add_previous()
    for query in _queries(patterns):
        tables.ask(query.rule, query.sql, **query.values)
    found = tables.table(_ROWS)
    for name in _TEMPORARY:
        tables.duck.execute(f"DROP TABLE {name}")
    return found


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


def _course(rows: list[Row]) -> Part:
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


def _by_day(rows: list[Row]) -> list[tuple[int, int, int]]:
    found: dict[int, list[int]] = {}
    for days, _, events, censored, _ in rows:
        if days is not None:
            sums = found.setdefault(days, [0, 0])
            sums[0] += events
            sums[1] += censored
    return [(days, *sums) for days, sums in sorted(found.items())]  # type: ignore[misc]


def _median_width(rows: list[Row]) -> int | None:
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
