"""How long support lasts for the servers that have it: by line and phase."""

from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.tables import Tables
from patchstand.model import Figure

_SQL = """
SELECT p.line, p.phase, p.until, date_diff('day', $as_of, p.until),
    count(DISTINCT s.server) FILTER (len(s.cus) = 1), count(DISTINCT s.server)
FROM (SELECT server, cus, unnest(cus) AS each FROM server) AS s
JOIN phase AS p ON s.each = p.line || ' ' || p.cu
WHERE $as_of BETWEEN p.since AND p.until
GROUP BY p.line, p.phase, p.until ORDER BY p.until, p.line, p.phase
"""


def _support_end(tables: Tables, _: Asked) -> Part:
    found = tables.ask("support_end", _SQL)
    of = tables.population
    return {
        "support_end": [
            {
                "line": line,
                "phase": phase,
                "until": until.isoformat(),
                "days": days,
                "servers": Figure(n, high, of, "support_end"),
            }
            for line, phase, until, days, n, high in found
        ]
    }


STATISTIC = Statistic(_support_end)
