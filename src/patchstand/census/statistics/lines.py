"""Product lines and their cumulative updates."""

from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.tables import Tables
from patchstand.model import Figure

_LINES = """
SELECT each, count(*) FILTER (len(lines) = 1), count(*)
FROM (SELECT lines, unnest(lines) AS each FROM server) GROUP BY each ORDER BY each
"""
_CUS = """
SELECT each, count(*) FILTER (len(cus) = 1), count(*)
FROM (SELECT cus, unnest(cus) AS each FROM server) GROUP BY each ORDER BY each
"""
_WITHOUT = """
SELECT lines, count(*) FROM server WHERE len({column}) = 0 GROUP BY lines
"""


def _lines(tables: Tables, _: Asked) -> Part:
    return {
        "lines": _shares(tables, "line", _LINES, "lines"),
        "cumulative_updates": _shares(tables, "cumulative_update", _CUS, "cus"),
    }


def _shares(tables: Tables, rule: str, sql: str, column: str) -> dict[str, Figure]:
    """Each line or CU; servers of which none is known may be of any that fits their lines."""
    without = tables.ask(f"{rule}_unknown", _WITHOUT.format(column=column))
    found = {}
    for each, n, high in tables.ask(rule, sql):
        line = each.split()[0]
        maybe = sum(count for lines, count in without if not lines or line in lines)
        found[each] = Figure(n, high + maybe, tables.population, rule)
    return found


STATISTIC = Statistic(_lines)
