"""The national series, day by day, from the cube."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from patchstand.census.columns import one, whole_numbers
from patchstand.census.conditions import behind, condition
from patchstand.census.tables import Tables

_FIGURES = {
    "vulnerable": condition("class_vulnerable", "day"),
    "behind_6": behind(6, "day"),
    "behind_12": behind(12, "day"),
    "rce": condition("rce", "day"),
    "unsupported": condition("support_unsupported", "day"),
}
_NATIONAL = """
CREATE TABLE national AS SELECT day, number, CAST(sum(n) AS BIGINT) AS n FROM cube GROUP BY ALL
"""
_SERIES = """
SELECT day, CAST(sum(n) AS BIGINT), {sums}
FROM national JOIN named USING (number) JOIN sight USING (shown) JOIN verdict USING (shown)
WHERE day <= $as_of AND day BETWEEN verdict.since AND verdict.until GROUP BY day ORDER BY day
"""
_LINES = """
SELECT day, lines[1], CAST(sum(n) AS BIGINT)
FROM national JOIN named USING (number) JOIN sight USING (shown)
WHERE len(lines) = 1 AND day <= $as_of GROUP BY ALL ORDER BY ALL
"""


def series(tables: Tables, cube: pa.Table) -> dict[str, Any]:
    """Counts for each day from the first observation to the day of the census."""
    _register(tables, cube)
    tables.ask("series_national", _NATIONAL)
    sums = ", ".join(
        f"CAST(coalesce(sum(n) FILTER ({side}), 0) AS BIGINT)"
        for pair in _FIGURES.values()
        for side in pair
    )
    rows = {row[0]: row[1:] for row in tables.ask("series", _SERIES.format(sums=sums))}
    days = _days(min(rows), tables.as_of) if rows else []
    none = (0,) * (1 + 2 * len(_FIGURES))
    columns = list(zip(*(rows.get(day, none) for day in days), strict=True)) or [()] * len(none)
    found: dict[str, Any] = {
        "days": [day.isoformat() for day in days],
        "population": list(columns[0]),
    }
    for at, name in enumerate(_FIGURES):
        found[name] = {"low": list(columns[2 * at + 1]), "high": list(columns[2 * at + 2])}
    found["lines"] = _lines(tables, days)
    tables.duck.execute("DROP TABLE national")
    tables.duck.unregister("cube")
    tables.duck.unregister("named")
    return found


def _register(tables: Tables, cube: pa.Table) -> None:
    """What is shown as a number: millions of rows are summed up by it."""
    shown = one(cube["shown"])
    numbers = whole_numbers(np.arange(len(shown.dictionary)))
    tables.duck.register("named", pa.table({"number": numbers, "shown": shown.dictionary}))
    counts = {"day": cube["day"], "number": shown.indices, "n": cube["n"]}
    tables.duck.register("cube", pa.table(counts))


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=at) for at in range((last - first).days + 1)]


def _lines(tables: Tables, days: list[date]) -> dict[str, list[int]]:
    at = {day: number for number, day in enumerate(days)}
    found: dict[str, list[int]] = {}
    for day, line, n in tables.ask("series_lines", _LINES):
        found.setdefault(line, [0] * len(days))[at[day]] = n
    return dict(sorted(found.items()))
