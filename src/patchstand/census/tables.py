"""The tables a statistic asks: what was seen, joined with what it means on the day.

    interval   one row per server and stretch of time in which it showed the same
    sight      one row per distinct thing shown: lines, cumulative updates, and from which
               day on which sort of flaw is open (surely: `_low`, possibly: `_high`)
    verdict    one row per distinct thing shown and span of days: class, behind since, support
    flaw       one row per distinct thing shown and CVE that is open on it, or may be
    standing   one row per distinct thing shown and fix (CVE or update): lacks, has, unknown
    fix        one row per fix: name, kind, the day it was there, the day it was known
    phase      support phases of cumulative updates
    server     the population: every server present on the day, with its sight and verdict

A day that never comes is 9999-12-31, one that always was is 0001-01-01.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from patchstand.census.intervals import with_previous
from patchstand.model import Figure

_TEXTS = pa.list_(pa.string())
SIGHT = pa.schema(
    {
        "shown": pa.string(),
        "lines": _TEXTS,
        "cus": _TEXTS,
        **{
            f"{name}_{bound}": pa.date32()
            for name in ("cve", "rce", "kev")
            for bound in ("low", "high")
        },
    }
)
"""`cus` reads `2019 CU14`; empty where no build is known."""
VERDICT = pa.schema(
    {
        "shown": pa.string(),
        "since": pa.date32(),
        "until": pa.date32(),
        "class": pa.string(),
        "behind_low": pa.date32(),
        "behind_high": pa.date32(),
        **{
            f"{name}_{bound}": pa.bool_()
            for name in ("supported", "esu", "ended", "unsupported")
            for bound in ("low", "high")
        },
    }
)
FLAW = pa.schema(
    {"shown": pa.string(), "cve": pa.string(), "known_from": pa.date32(), "surely": pa.bool_()}
)
STANDING = pa.schema({"shown": pa.string(), "fix": pa.string(), "standing": pa.string()})
FIX = pa.schema(
    {"fix": pa.string(), "kind": pa.string(), "since": pa.date32(), "pattern": pa.int32()}
)
"""Fixes with the same `pattern` have the same day and the same standings: one update."""
PHASE = pa.schema(
    {
        "line": pa.string(),
        "cu": pa.string(),
        "phase": pa.string(),
        "since": pa.date32(),
        "until": pa.date32(),
    }
)
JUDGED = {
    "sight": SIGHT,
    "verdict": VERDICT,
    "flaw": FLAW,
    "standing": STANDING,
    "fix": FIX,
    "phase": PHASE,
}

SERVER = """
SELECT i.*, s.* EXCLUDE (shown), v.* EXCLUDE (shown, since, until)
FROM interval AS i JOIN sight AS s USING (shown) JOIN verdict AS v USING (shown)
WHERE $as_of BETWEEN i.first_day AND i.valid_to AND $as_of BETWEEN v.since AND v.until
"""


@dataclass(frozen=True, slots=True)
class Query:
    """A query under its rule, with the values that it names besides the day."""

    rule: str
    sql: str
    values: Mapping[str, object] = field(default_factory=dict)


Remember = Callable[[str, Callable[[], pa.Table]], pa.Table]
"""Gives a table of this name that was made before of the same, or makes it."""


def made_anew(_name: str, make: Callable[[], pa.Table]) -> pa.Table:
    """Make the table: nothing is remembered."""
    return make()


@dataclass(slots=True)
class Tables:
    """The tables as of a day; keeps the text of what was asked under each rule.

    `seen_since`: the first day with an observation. `one_country`: servers of others are left
    out. `remember`: for tables that take long.
    """

    duck: duckdb.DuckDBPyConnection
    as_of: date
    seen_since: date
    remember: Remember = made_anew
    intervals: pa.Table | None = None
    population: int = 0
    one_country: bool = False
    asked: dict[str, list[str]] = field(default_factory=dict)

    def ask(self, rule: str, sql: str, **values: object) -> list[tuple[Any, ...]]:
        """The rows of a query; `$as_of` and `$seen_since` are there without being named."""
        return self.duck.execute(sql, self.note(Query(rule, sql, values))).fetchall()

    def table(self, query: Query) -> pa.Table:
        """The rows of a query as a table."""
        return self.duck.sql(query.sql, params=self.note(query)).to_arrow_table()

    def note(self, query: Query) -> dict[str, object]:
        """Keep the text of a query under its rule; the values that it names."""
        given = {"as_of": self.as_of, "seen_since": self.seen_since, **query.values}
        text, known = _spelled(query.sql, given), self.asked.setdefault(query.rule, [])
        if text not in known:
            known.append(text)
        return {name: value for name, value in given.items() if f"${name}" in query.sql}

    def add_previous(self) -> None:
        """Open `interval_before`: the intervals with what their server showed before each."""
        self.duck.register("interval_before", with_previous(self.intervals))

    def sql(self) -> dict[str, str]:
        """What was asked, by rule; several queries of a rule one after the other."""
        return {rule: ";\n".join(texts) for rule, texts in sorted(self.asked.items())}

    def figure(self, rule: str, low: str, high: str, **values: object) -> Figure:
        """Count the servers of the population for which a condition surely, possibly holds."""
        sql = f"SELECT count(*) FILTER ({low}), count(*) FILTER ({high}) FROM server"  # noqa: S608  our own conditions
        ((n, most),) = self.ask(rule, sql, **values)
        return Figure(n, most, self.population, rule)


@contextmanager
def tables(
    intervals: pa.Table,
    more: Mapping[str, pa.Table],
    as_of: date,
    seen_since: date,
    remember: Remember = made_anew,
) -> Iterator[Tables]:
    """Open the tables, in memory; `more` has one of each of `JUDGED`, and may have others."""
    with duckdb.connect(":memory:") as duck:
        duck.register("interval", intervals)
        for name, rows in more.items():
            duck.register(name, rows)
        found = Tables(duck, as_of, seen_since, remember, intervals)
        duck.execute(f"CREATE TABLE server AS {SERVER}", {"as_of": as_of})
        found.asked["server"] = [_spelled(f"CREATE TABLE server AS {SERVER}", {"as_of": as_of})]
        ((found.population,),) = found.ask("population", "SELECT count(*) FROM server")
        yield found


def _spelled(sql: str, values: Mapping[str, object]) -> str:
    """A query with its values in place, as somebody would type it."""
    text = " ".join(sql.split())
    for name, value in values.items():
        text = text.replace(
            f"${name}", f"DATE '{value}'" if isinstance(value, date) else repr(value)
        )
    return text
