"""How long support lasts for the servers that have it: by line and phase."""

from collections.abc import Iterable
from datetime import date

from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.tables import Tables
from patchstand.model import Figure

_ENDS = """
SELECT line, line || ' ' || cu, phase, until FROM phase WHERE $as_of BETWEEN since AND until
"""
_SEEN = "SELECT lines, cus, count(*) FROM server GROUP BY ALL ORDER BY ALL"

End = tuple[date, str, str]
"""Last day of a phase, line, phase."""


def _support_end(tables: Tables, _: Asked) -> Part:
    ends: dict[str, End] = {}
    of_line: dict[str, set[str]] = {}
    for line, cu, phase, until in tables.ask("support_end_phases", _ENDS):
        ends[cu] = until, line, phase
        of_line.setdefault(line, set()).add(cu)
    counts = {end: [0, 0] for end in sorted(set(ends.values()))}
    for lines, cus, n in tables.ask("support_end", _SEEN):
        possible = {ends.get(cu) for cu in _possible(lines, cus, of_line)}
        for end in possible - {None}:
            assert end is not None
            counts[end][0] += n * (len(possible) == 1)
            counts[end][1] += n
    return {"support_end": [_row(tables, end, *n) for end, n in counts.items() if n[1]]}


def _possible(
    lines: Iterable[str], cus: Iterable[str], of_line: dict[str, set[str]]
) -> Iterable[str]:
    """The cumulative updates a server can have; without a known one all of its lines."""
    return tuple(cus) or {
        cu for line in (tuple(lines) or of_line) for cu in of_line.get(line, {line})
    }


def _row(tables: Tables, end: End, n: int, n_high: int) -> Part:
    until, line, phase = end
    return {
        "line": line,
        "phase": phase,
        "until": until.isoformat(),
        "days": (until - tables.as_of).days,
        "servers": Figure(n, n_high, tables.population, "support_end"),
    }


STATISTIC = Statistic(_support_end)
