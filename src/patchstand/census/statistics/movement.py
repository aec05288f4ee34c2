"""Servers new, gone, back and moved: the population of the day beside that of some days before."""

from patchstand.census.looks import WINDOW
from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.tables import Tables
from patchstand.model import Figure

_SQL = """
WITH known AS (
    SELECT server, min(first_day) AS first_day, max(last_day) AS last_day,
        arg_max(certificate, first_day) AS certificate,
        bool_or($as_of BETWEEN first_day AND valid_to) AS now,
        bool_or(greatest($as_of - $days, $seen_since) BETWEEN first_day AND valid_to) AS before
    FROM interval WHERE first_day <= $as_of GROUP BY server
), returned AS (
    SELECT DISTINCT server FROM (
        SELECT server, first_day, lag(valid_to) OVER (PARTITION BY server ORDER BY first_day)
            AS there_until FROM interval WHERE first_day <= $as_of
    ) WHERE first_day > $as_of - $days AND there_until < first_day - 1
), holder AS (
    SELECT *, max(last_day) OVER (PARTITION BY certificate ORDER BY first_day, server
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS held_until
    FROM known WHERE certificate IS NOT NULL
), carried AS (
    SELECT certificate, max(first_day) AS last_move FROM holder GROUP BY certificate
    HAVING count(*) > 1 AND count(*) FILTER (now) = 1
        AND bool_and(held_until IS NULL OR first_day > held_until)
), changed AS (
    SELECT k.*, c.certificate IS NOT NULL AND (before OR k.first_day = last_move) AS moves,
        k.first_day <= greatest($as_of - $days, $seen_since) AS seen_before
    FROM known AS k LEFT JOIN carried AS c USING (certificate) WHERE now <> before
)
SELECT
    count(*) FILTER (now AND NOT seen_before AND NOT moves AND first_day > $seen_since + $window),
    count(*) FILTER (now AND NOT seen_before AND NOT moves),
    count(*) FILTER (before AND NOT moves),
    (SELECT count(*) FROM known SEMI JOIN returned USING (server)
        WHERE now AND first_day <= greatest($as_of - $days, $seen_since)),
    count(DISTINCT certificate) FILTER (moves AND NOT (now AND seen_before)),
    (SELECT count(*) FROM known WHERE before)
FROM changed
"""
"""A certificate that went from server to server, never at two at once, tells a move."""


def _movement(tables: Tables, asked: Asked) -> Part:
    found = tables.ask("movement", _SQL, days=asked.days, window=WINDOW)
    ((new, new_high, gone, back, moved, before),) = found
    if (tables.as_of - tables.seen_since).days < asked.days:
        new_high = tables.population  # nobody was looked for before
    of = tables.population
    figures = {
        "new": Figure(new, new_high, of, "movement_new"),
        "gone": Figure(gone, gone, before, "movement_gone"),
        "back": Figure(back, back, of, "movement_back"),
        "moved": Figure(moved, moved, of, "movement_moved"),
    }
    return {"movement": {"days": asked.days, **figures}}


STATISTIC = Statistic(_movement)
