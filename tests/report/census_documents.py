"""Documents of a census for the tests of what is made of them: a made-up one, and any."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]

PARTS = (
    "behind", "by_line", "classes", "exposed", "any_cve", "rce", "known_exploited", "lines",
    "cumulative_updates", "movement", "sectors", "cves", "situation", "states", "support",
    "support_end", "systems", "time_to_patch", "half_life", "unseen", "compare", "sql",
)  # fmt: skip
"""Parts that a document may lack."""
_IN_GROUP = ("vulnerable", "rce", "behind_6", "unsupported")
_LEVELS = ("calm", "strained", "serious", "critical")
_SIZES = st.one_of(st.integers(0, 3), st.integers(0, 60_000), st.integers(0, 2_000_000))
_SHARES = st.floats(0, 1)
_DAYS = st.dates(date(2016, 1, 1), date(2035, 12, 31)).map(date.isoformat)
_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def figure(n: int, n_high: int, of: int, rule: str = "rce") -> Document:
    """A figure as it stands in a document."""
    low, high = (n / of, n_high / of) if of else (None, None)
    return {"n": n, "n_high": n_high, "of": of, "low": low, "high": high, "rule": rule}


def hidden(of: int | None, rule: str = "rce") -> Document:
    """A cell that is not told."""
    return {"suppressed": True, "of": of, "rule": rule}


@st.composite
def figures(draw: st.DrawFn, of: int | None = None) -> Document:
    """Any figure: certain, possible and all servers in their order."""
    size = draw(_SIZES) if of is None else of
    n_high = draw(st.one_of(st.sampled_from([0, size]), st.integers(0, size)))
    n = draw(st.one_of(st.sampled_from([0, n_high, min(1, n_high)]), st.integers(0, n_high)))
    return figure(n, n_high, size)


def _cells(of: int) -> st.SearchStrategy[Document]:
    return st.one_of(figures(of), st.just(hidden(of)))


@st.composite
def _groups(draw: st.DrawFn) -> Document:
    size = draw(_SIZES)
    return {"population": size} | {name: draw(_cells(size)) for name in _IN_GROUP}


@st.composite
def _bounds(draw: st.DrawFn, most: int = 100_000_000) -> Document:
    low, high = sorted((draw(st.integers(0, most)), draw(st.integers(0, most))))
    return {"low": low, "high": high}


@st.composite
def _shares(draw: st.DrawFn) -> Document:
    low, share, high = sorted(draw(st.tuples(_SHARES, _SHARES, _SHARES)))
    return {"share": share, "low": low, "high": high}


@st.composite
def _courses(draw: st.DrawFn) -> Document:
    at_risk = draw(st.integers(1, 60_000))
    events = draw(st.integers(0, at_risk))
    low, median, high = sorted(draw(st.tuples(*[st.integers(0, 900)] * 3)))
    reached = draw(st.sampled_from([(None, None, None), (median, low, None), (median, low, high)]))
    after = {days: draw(st.none() | _shares()) for days in ("7", "30", "90", "180")}
    share = after["30"] or {"low": None, "high": None}
    return {
        "since": draw(_DAYS),
        "n": events, "of": at_risk, "low": share["low"], "high": share["high"],
        "rule": "time_to_patch",
        "at_risk": at_risk, "events": events, "censored": at_risk - events,
        "left_out": draw(st.integers(0, 100)),
        "interval_days": draw(st.none() | st.integers(0, 40)),
        "median": reached[0], "median_low": reached[1], "median_high": reached[2],
        "after": after,
        "half_life": draw(st.none() | st.floats(0.1, 100_000)),
        "days_watched": draw(st.integers(0, 10**9)),
        "curve": [],
    }  # fmt: skip


@st.composite
def _half_lives(draw: st.DrawFn) -> Document:
    low, days, high = sorted(draw(st.tuples(*[st.floats(0.01, 100_000)] * 3)))
    events = draw(st.integers(1, 10**6))
    return {"days": days, "low": low, "high": high, "events": events, "rule": "half_life"}


@st.composite
def _unseen(draw: st.DrawFn, seen: int) -> Document:
    found: Document = {
        "rule": "unseen", "seen": seen, "estimate": None, "low": None, "high": None,
        "share": None, "pairs": [], "why": draw(st.sampled_from(["one_source", "no_overlap"])),
        "assumptions": ["closed", "independent", "matched", "equal_chance"],
    }  # fmt: skip
    if draw(st.booleans()):
        return found
    low, estimate, high = (seen + more for more in sorted(draw(st.tuples(*[_SIZES] * 3))))
    shares = {"low": (low - seen) / low if low else None,
              "high": (high - seen) / high if high else None}  # fmt: skip
    pair = {"a": "mail", "b": "web", "only_a": draw(_SIZES), "only_b": draw(_SIZES),
            "both": draw(_SIZES), "estimate": estimate, "low": low, "high": high}  # fmt: skip
    told = {"estimate": estimate, "low": low, "high": high, "share": shares}
    return found | told | {"pairs": [pair], "why": None}


@st.composite
def _compared(draw: st.DrawFn) -> Document:
    low, high = sorted(draw(st.tuples(_SHARES, _SHARES)))
    ours = sorted(draw(st.tuples(_SHARES, _SHARES)))
    name = draw(st.sampled_from(["total", "rce", "behind_6", "line_2016", "line", "made_up"]))
    row = {"figure": name, "unit": "share", "published_low": low, "published_high": high,
           "words": {"en": draw(_NAMES), "de": draw(_NAMES)}, "why": draw(_NAMES),
           "why_de": draw(_NAMES), "own_rule": "rce"}  # fmt: skip
    none = {"ours_low": None, "ours_high": None, "own_low": None, "own_high": None}
    kind = draw(st.sampled_from(["counted", "uncounted", "underivable"]))
    if kind == "underivable":
        if draw(st.booleans()):
            unit = draw(st.sampled_from(["servers", "flaws"]))
            row |= {"unit": unit, "published_low": 42_000.0, "published_high": 44_000.0}
        return row | none | {"derivable": False, "agrees": None}
    agrees = draw(st.sampled_from([True, False, None]))
    if kind == "uncounted":
        return row | none | {"derivable": True, "agrees": None}
    own = draw(st.sampled_from([(None, None), (ours[0], ours[0])]))
    found = {"ours_low": ours[0], "ours_high": ours[1], "own_low": own[0], "own_high": own[1]}
    return row | found | {"derivable": True, "agrees": agrees}


def _ends(of: int) -> st.SearchStrategy[list[Document]]:
    end = st.fixed_dictionaries(
        {
            "line": st.sampled_from(["2016", "2019", "SE"]),
            "phase": st.sampled_from(["mainstream", "extended", "esu"]),
            "until": _DAYS,
            "days": st.integers(0, 4000),
            "servers": figures(of),
        }
    )
    return st.lists(end, max_size=3, unique_by=lambda each: (each["line"], each["phase"]))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Any document, with any of its parts left out."""
    of = draw(_SIZES)
    found = _head(draw, of) | _counted(draw, of) | _followed(draw, of) | _beside(draw, of)
    left_out = draw(st.sets(st.sampled_from(PARTS)) | st.just(set()))
    return {name: part for name, part in found.items() if name not in left_out}


def _bases() -> st.SearchStrategy[Document]:
    permit = {"granted_by": "scope", "authority": "statutory", "legal_basis": "BSIG",
              "purposes": ["inform", "census"]}  # fmt: skip
    return st.fixed_dictionaries(
        {
            "simulated": st.booleans(),
            "sources": st.dictionaries(st.sampled_from(["web", "mail", "feed"]), _SIZES),
            "vulnerable_only": st.integers(0, 90_000),
            "permits": st.lists(st.just(permit), max_size=1),
        }
    )


def _head(draw: st.DrawFn, of: int) -> Document:
    first, last = sorted((draw(_DAYS), draw(_DAYS)))
    country = {"country": draw(st.none() | st.just("DE"))} if draw(st.booleans()) else {}
    basis = {"basis": draw(_bases())} if draw(st.booleans()) else {}
    skipped = st.fixed_dictionaries({"month": st.just("2024-03"), "why": _NAMES})
    return {
        "schema": "patchstand/census/1", "as_of": last, "covered_until": last,
        "stale": draw(st.booleans()), "knowledge": {"version": "2026.10.13.1"},
        "window_days": 14, "observed": {"first": first, "last": last},
        "skipped": draw(st.lists(skipped, max_size=1)), "population": of, "published": [],
        "rules": {},
    } | country | basis  # fmt: skip


def _counted(draw: st.DrawFn, of: int) -> Document:
    any_figure = figures(of)
    lines, updates = (
        st.sampled_from(["2010", "2016", "SE"]),
        st.sampled_from(["SE RTM", "2019 CU1"]),
    )
    classes = ("vulnerable", "undetermined", "not_vulnerable")
    phases = ("supported", "esu", "ended", "unsupported")
    return {
        "classes": {name: draw(any_figure) for name in classes},
        "behind": {name: draw(any_figure) for name in ("1", "6", "12")},
        "support": {name: draw(any_figure) for name in phases},
        "lines": draw(st.dictionaries(lines, any_figure)),
        "cumulative_updates": draw(st.dictionaries(updates, any_figure)),
        "cves": draw(st.dictionaries(st.sampled_from(["CVE-2024-26198", "ADV1"]), any_figure)),
        "any_cve": draw(any_figure), "rce": draw(any_figure), "known_exploited": draw(any_figure),
        "by_line": draw(st.dictionaries(lines, _groups(), max_size=2)),
        "sectors": draw(st.dictionaries(_NAMES, _groups(), max_size=2)),
        "states": draw(st.dictionaries(st.sampled_from(["DE-BY", "AT-9", "other"]), _groups())),
        "systems": draw(st.dictionaries(st.integers(1, 30).map(str), _groups(), max_size=3)),
    }  # fmt: skip


def _followed(draw: st.DrawFn, of: int) -> Document:
    updates = st.dictionaries(st.sampled_from(["Mar24SU", "Nov23SU"]), _courses())
    flaws = st.dictionaries(st.sampled_from(["CVE-2024-26198", "CVE-2024-21410"]), _courses())
    fixes = {name: each | {"kind": "update"} for name, each in draw(updates).items()}
    fixes |= {name: each | {"kind": "cve"} for name, each in draw(flaws).items()}
    moved = {name: draw(st.integers(0, 90_000)) for name in ("new", "gone", "back", "moved")}
    medians = {"certain": draw(st.integers(0, 900)), "possible": draw(st.integers(0, 900))}
    return {
        "movement": {"days": draw(st.integers(1, 400))}
        | {name: figure(n, n, of) for name, n in moved.items()},
        "exposed": draw(figures(of))
        | {"server_days": draw(_bounds()), "longest_days": draw(_bounds())}
        | {"median_days": medians},
        "support_end": draw(_ends(of)),
        "time_to_patch": fixes,
        "half_life": draw(st.none() | _half_lives()),
    }


def _beside(draw: st.DrawFn, of: int) -> Document:
    situation = {name: draw(st.sampled_from(_LEVELS)) for name in ("level", "level_high")}
    about = {"name": "de-2024-09", "as_of": "2024-09-10", "total": None,
             "denominator": {"en": "a", "de": "b"}, "assumed": [{"en": "A.", "de": "B."}],
             "sources": ["X"]}  # fmt: skip
    rows = draw(st.lists(_compared(), max_size=3, unique_by=lambda row: row["figure"]))
    return {
        "situation": situation | {"share": draw(figures(of)), "rule": "situation"},
        "unseen": draw(_unseen(of)),
        "published_population": about,
        "compare": rows,
        "sql": {"rce": "SELECT count(*) FROM server"},
    }
