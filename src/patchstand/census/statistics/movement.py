"""Servers newly seen, gone, back after a silence, and moved to another address."""

from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.tables import Tables
from patchstand.model import Figure

_SQL = """
WITH known AS (
    SELECT server, min(first_day) AS first_day, max(valid_to) AS until,
        arg_max(certificate, first_day) AS certificate
    FROM interval WHERE first_day <= $as_of GROUP BY server
), arrived AS (
    SELECT * FROM known
    WHERE first_day > $as_of - $days AND first_day > $seen_since AND until >= $as_of
), departed AS (
    SELECT * FROM known WHERE until < $as_of AND until >= $as_of - $days
), held AS (
    SELECT certificate FROM known WHERE until >= $as_of - $days
    GROUP BY certificate HAVING count(*) = 2
), moved AS (
    SELECT a.server AS came, d.server AS went
    FROM arrived AS a JOIN departed AS d USING (certificate) SEMI JOIN held USING (certificate)
)
SELECT
    (SELECT count(*) FROM arrived WHERE server NOT IN (SELECT came FROM moved)),
    (SELECT count(*) FROM departed WHERE server NOT IN (SELECT went FROM moved)),
    (SELECT count(DISTINCT server) FROM interval
        WHERE first_day BETWEEN $as_of - $days + 1 AND $as_of
            AND date_diff('day', previous_day, first_day) > 14),
    (SELECT count(*) FROM moved)
"""
"""A certificate that exactly one server held before, and exactly one holds now, tells a move."""


def _movement(tables: Tables, asked: Asked) -> Part:
    (found,) = tables.ask("movement", _SQL, days=asked.days)
    of = tables.population
    figures = {
        name: Figure(n, n, of, f"movement_{name}")
        for name, n in zip(("new", "gone", "back", "moved"), found, strict=True)
    }
    return {"movement": {"days": asked.days, **figures}}


STATISTIC = Statistic(_movement)
