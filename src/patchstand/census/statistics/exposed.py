"""For how long servers have stood there with a flaw open that is known to be exploited."""

from patchstand.census.conditions import condition
from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.tables import Tables

_SQL = """
SELECT CAST(coalesce(sum(days), 0) AS BIGINT), coalesce(median(days), 0), coalesce(max(days), 0)
FROM (
    SELECT i.server,
        sum(greatest(0, 1 + date_diff('day', greatest(i.first_day, g.{kev}),
            least(i.valid_to, $as_of)))) AS days
    FROM interval AS i JOIN sight AS g USING (shown)
        SEMI JOIN (SELECT server FROM server WHERE {kev} <= $as_of) AS s USING (server)
    WHERE g.{kev} <= $as_of AND i.first_day <= $as_of
    GROUP BY i.server
)
"""
"""Days of the servers that are exposed today, in all their intervals; 0 when none is."""


def _exposed(tables: Tables, _: Asked) -> Part:
    bounds = {
        bound: tables.ask("exposed", _SQL.format(kev=f"kev_{bound}"))[0]
        for bound in ("low", "high")
    }
    numbers = {
        name: {bound: int(found[at]) for bound, found in bounds.items()}
        for at, name in enumerate(("server_days", "median_days", "longest_days"))
    }
    medians = numbers["median_days"]  # of two different sets of servers, and so no bounds
    numbers["median_days"] = {"certain": medians["low"], "possible": medians["high"]}
    figure = tables.figure("exposed", *condition("known_exploited"))
    return {"exposed": {"figure": figure, **numbers}}


STATISTIC = Statistic(_exposed)
