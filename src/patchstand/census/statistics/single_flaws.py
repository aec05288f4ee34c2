"""Each CVE by itself: how many servers have it open."""

from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.tables import Tables
from patchstand.model import Figure

_SQL = """
SELECT f.cve, count(*) FILTER (f.surely), count(*)
FROM server AS s JOIN flaw AS f USING (shown)
WHERE f.known_from <= $as_of
GROUP BY f.cve ORDER BY f.cve
"""
_UNKNOWN = "SELECT count(*) FROM server WHERE len(cus) = 0"
"""Servers without a known build may have any flaw."""


def _single(tables: Tables, _: Asked) -> Part:
    found = tables.ask("cve", _SQL)
    ((unknown,),) = tables.ask("cve_unknown", _UNKNOWN)
    of = tables.population
    return {"cves": {cve: Figure(n, high + unknown, of, "cve") for cve, n, high in found}}


STATISTIC = Statistic(_single)
