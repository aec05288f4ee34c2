"""How many servers nobody saw: capture and recapture over independent sources.

Chapman's estimator for two sources (Chapman 1951), with the variance of Seber (1970). It
holds as far as its assumptions do: nobody comes or goes meanwhile, being seen by one source
makes being seen by the other neither likelier nor rarer, the same server is recognised in
both, and every server has the same chance in a source. Servers that no source can see at
all are in no estimate.
"""

from itertools import combinations
from math import sqrt

from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.survival import Z
from patchstand.census.tables import Tables

ASSUMPTIONS = ("closed", "independent", "matched", "equal_chance")
_KIND = """
CASE WHEN source = 'scan' THEN 'web' WHEN source = 'mail' THEN 'mail' ELSE 'import' END
"""
_SEEN = f"""
SELECT list_sort(list(DISTINCT {_KIND})) AS kinds, count(*) FROM (
    SELECT address, ports, source FROM seen_by SEMI JOIN server USING (address, ports)
    UNION ALL
    SELECT address, ports, source FROM seen_by
    WHERE source = 'mail' AND NOT $one_country
        AND address NOT IN (SELECT address FROM interval WHERE address IS NOT NULL)
) GROUP BY address, ports
"""  # noqa: S608  our own query
"""Servers of the population, and those that only mails name; where is not known of these."""
_SQL = f"SELECT kinds, count(*) FROM ({_SEEN}) GROUP BY kinds ORDER BY kinds"  # noqa: S608  our own query


def _unseen(tables: Tables, _: Asked) -> Part:
    counts = {
        tuple(kinds): n for kinds, n in tables.ask("unseen", _SQL, one_country=tables.one_country)
    }
    kinds = sorted({kind for seen in counts for kind in seen})
    seen = sum(counts.values())
    pairs = [_pair(a, b, counts, seen) for a, b in combinations(kinds, 2)]
    usable = [pair for pair in pairs if pair["both"]]
    found: Part = {
        "rule": "unseen",
        "seen": seen,
        "estimate": None,
        "low": None,
        "high": None,
        "share": None,
        "pairs": pairs,
        "assumptions": list(ASSUMPTIONS),
        "why": None if usable else "one_source" if len(kinds) < 2 else "no_overlap",
    }
    return {"unseen": found | _estimate(usable, seen)}


def _pair(a: str, b: str, counts: dict[tuple[str, ...], int], seen: int) -> Part:
    """The estimate from two sources; never fewer than all sources have seen."""
    in_a = sum(n for kinds, n in counts.items() if a in kinds)
    in_b = sum(n for kinds, n in counts.items() if b in kinds)
    both = sum(n for kinds, n in counts.items() if a in kinds and b in kinds)
    estimate = (in_a + 1) * (in_b + 1) / (both + 1) - 1
    variance = (
        (in_a + 1) * (in_b + 1) * (in_a - both) * (in_b - both) / ((both + 1) ** 2 * (both + 2))
    )
    spread = Z * sqrt(variance)
    return {
        "a": a,
        "b": b,
        "only_a": in_a - both,
        "only_b": in_b - both,
        "both": both,
        "estimate": max(round(estimate), seen),
        "low": max(round(estimate - spread), seen),
        "high": max(round(estimate + spread), seen),
    }


def _estimate(pairs: list[Part], seen: int) -> Part:
    """The pair that shares most servers gives the estimate; the bounds are those of all pairs."""
    if not pairs:
        return {}
    best = max(pairs, key=lambda pair: int(pair["both"]))
    estimate = int(best["estimate"])
    low, high = min(pair["low"] for pair in pairs), max(pair["high"] for pair in pairs)
    shares = {
        "low": (low - seen) / low if low else None,
        "high": (high - seen) / high if high else None,
    }
    return {"estimate": estimate, "low": low, "high": high, "share": shares}


STATISTIC = Statistic(_unseen)
