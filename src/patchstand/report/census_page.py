"""The page of a census: one self-contained file for a screen, a reader's voice, and paper."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from hashlib import sha256
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog, catalog
from patchstand.report.census_basis import country, doubts, permits, sources, within
from patchstand.report.census_compared import assumed, label, ours, outcome, published, reason
from patchstand.report.census_numbers import (
    day,
    is_hidden,
    lower_days,
    month,
    upper_days,
)
from patchstand.report.charts import charts, classes, shares
from patchstand.report.charts.palette import stylesheet
from patchstand.report.charts.trend import bounds
from patchstand.report.clean import clean

LEVELS = ("calm", "strained", "serious", "critical")
"""Our own scale, from the lowest level on."""
_SECTIONS: dict[str, tuple[str, ...]] = {
    "trend": ("series",),
    "behind": ("behind",),
    "lines": ("series", "lines", "by_line", "cumulative_updates"),
    "time_to_patch": ("time_to_patch", "half_life"),
    "states": ("states",),
    "sectors": ("sectors",),
    "systems": ("systems",),
    "flaws": ("cves", "exposed", "any_cve"),
    "movement": ("movement",),
    "support": ("support", "support_end"),
    "unseen": ("unseen",),
    "compare": ("compare",),
    "published": ("published",),
    "rules": ("rules",),
}
"""The sections in their order, each with the parts of which one at least must be there."""
_PARTS = (
    "classes",
    "rce",
    "known_exploited",
    "situation",
    "sql",
    *(p for ps in _SECTIONS.values() for p in ps),
)
_COLUMNS = ("vulnerable", "rce", "behind_6", "unsupported")
_TREND = ("vulnerable", "rce", "behind_6", "behind_12", "unsupported")
_ROWS, _COURSES = 20, 12
"""Rows shown before the rest is folded: of a breakdown, of updates."""
_NUMBERED = {"2013 SP1": "2013 CU4"}
"""A service pack that stands among numbered updates, and the number that it would have."""
Row = dict[str, Any]


def render_census(document: Document, lang: str) -> str:
    """The page of a `patchstand/census/1` document.

    For somebody who decides first, then each figure with its rule. Every value is escaped;
    nothing is loaded, and the only style and script allowed are its own, by their digest.

    Raises:
        UsageError: there is no catalog for `lang`.
    """
    cat = catalog(lang)
    drawn = {name: _embedded(svg) for name, svg in charts(document, lang).items()}
    return (
        _environment()
        .get_template("census.html")
        .render(
            lang=cat.lang,
            doubts=doubts(document, cat),
            where=within(document, cat),
            country=country(document, cat),
            seen_by=sources(document, cat),
            permits=list(permits(document, cat)),
            d=dict.fromkeys(_PARTS) | document,
            charts=drawn,
            sections=[name for name, parts in _SECTIONS.items() if any(map(document.get, parts))],
            **_words(cat),
            **_first(document, cat),
            **_rest(document, cat),
        )
    )


def _embedded(svg: str) -> Markup:
    """A chart as part of the page, which knows what `svg` is without its address."""
    return Markup(svg.replace(' xmlns="http://www.w3.org/2000/svg"', "", 1))  # noqa: S704  escaped in charts


def _words(cat: Catalog) -> dict[str, Callable[..., Any]]:
    """What the template puts values into words with."""
    by_language: dict[str, Callable[..., str]] = {
        "share": shares.interval,
        "between": shares.between,
        "counted": shares.counted,
        "crowd": shares.crowd,
        "day": day,
        "month": month,
        "named": shares.named,
        "percent": shares.percent,
        "servers": shares.servers,
    }
    return {
        "t": cat.text,
        "number": cat.number,
        "clean": clean,
        "is_suppressed": is_hidden,
        **{name: partial(each, cat=cat) for name, each in by_language.items()},
    }


def _first(document: Document, cat: Catalog) -> dict[str, Any]:
    """The first screen."""
    parts = classes.parts(document)
    return {
        "lead": _lead(document, cat),
        "parts": _bar(parts, cat),
        "hatching": Markup(classes.unclear("unclear")),  # noqa: S704  our own drawing
        "cards": _cards(document, cat),
        "levels": LEVELS,
        "skipped": shares.skipped(document, cat),
        "tiles_text": cat.text("census_page.assumed_tiles", part="{part}"),
        "assumed_text": cat.text("census_page.assumed", part="{part}", share="{share}", n="{n}"),
    }


def _lead(document: Document, cat: Catalog) -> list[str]:
    """The one figure to remember, in two sentences."""
    population = document["population"]
    found = document.get("classes")
    if not found or not population:
        return [cat.text("census_page.only_population", population=population)]
    figure, unclear = found["vulnerable"], found["undetermined"]["n"]
    first = cat.text("census_page.lead", population=population, share=shares.interval(figure, cat))
    if not unclear:
        return [first, cat.text("census_page.lead_exact", n=figure["n"])]
    if not figure["n"]:
        return [first, cat.text("census_page.lead_unclear", unclear=unclear)]
    words = {"n": figure["n"], "unclear": unclear, "high": figure["n_high"]}
    return [first, cat.text("census_page.lead_counts", **words)]


def _bar(parts: Sequence[classes.Part], cat: Catalog) -> list[Row]:
    found, left = [], 0.0
    for name, n, share in parts:
        fill = classes.FILLS[name]
        paint = 'fill="url(#unclear)"' if fill.startswith("url") else f'class="fill-{fill}"'
        found.append(
            {
                "name": name, "n": n, "said": classes.share((name, n, share), parts, cat),
                "left": left * 100, "width": share * 100,
                "paint": Markup(paint),  # noqa: S704  one of ours
            }
        )  # fmt: skip
        left += share
    return found


def _cards(document: Document, cat: Catalog) -> list[Row]:
    """The key figures: what it is, and the figure."""
    behind = document.get("behind", {})
    months = [each for each in ("6", "12") if each in behind] or list(behind)[:2]
    found = [
        {"what": cat.text("census_page.behind", n=int(each)), "figure": behind[each]}
        for each in months
    ]
    others = {name: document.get(name) for name in ("rce", "known_exploited")}
    others["unsupported"] = document.get("support", {}).get("unsupported")
    found += [
        {"what": cat.text(f"census_page.{name}"), "figure": figure}
        for name, figure in others.items()
        if figure
    ]
    return found


def _rest(document: Document, cat: Catalog) -> dict[str, Any]:
    """The sections below the first screen."""
    kinds = ("by_line", "states", "sectors", "systems")
    return {
        "months": _months(document.get("series")),
        "lines": _figures(document, "lines", cat),
        "updates": _updates(document, cat),
        "support": _figures(document, "support", cat),
        "flaws": _flaws(document, cat),
        "flaw_sentences": _flaw_sentences(document, cat),
        "tables": {
            kind: _breakdown(document[kind], kind, cat) if document.get(kind) else None
            for kind in kinds
        },
        "patching": _patching(document.get("time_to_patch") or {}, cat),
        "half_life": _half_life(document, cat),
        "unseen": _unseen(document, cat),
        "compared": _compared(document, cat) if document.get("compare") else None,
    }


def _name(kind: str, key: str, cat: Catalog) -> str:
    """The name of a group of a breakdown, or of a figure."""
    if kind == "systems":
        return (
            f"AS{clean(key)}" if key.isdecimal() else shares.named("census_page.system", key, cat)
        )
    if kind == "states":
        return shares.named("chart.state", key.removeprefix("DE-"), cat)
    if kind in {"lines", "by_line"}:
        return shares.named("chart.line", key, cat) if key == "other" else f"Exchange {clean(key)}"
    known = {"sectors": "census_page.sector", "support": "census_page.support"}
    return shares.named(known.get(kind, "census_page.none"), key, cat)


def _figures(document: Document, kind: str, cat: Catalog) -> list[Row]:
    found = document.get(kind) or {}
    return [{"name": _name(kind, key, cat), "figure": figure} for key, figure in found.items()]


def _updates(document: Document, cat: Catalog) -> list[Row]:
    """Cumulative updates as they came out: RTM first, then by number."""
    rows = _figures(document, "cumulative_updates", cat)
    return sorted(rows, key=lambda row: _numbered(str(row["name"])))


def _numbered(name: str) -> list[tuple[int, int, str]]:
    """A name to sort by: numbers by their size and before words, `CU2` before `CU10`."""
    shown = _NUMBERED.get(name, name).replace("Preview", "").replace("RTM", "")
    parts = re.findall(r"\d+|\D+", shown)
    return [(0, int(each), "") if each.isdecimal() else (1, 0, each) for each in parts]


def _flaws(document: Document, cat: Catalog) -> list[Row]:
    """Flaws, the widest spread first."""
    rows = _figures(document, "cves", cat)
    return sorted(rows, key=lambda row: (-row["figure"]["n"], -row["figure"]["n_high"]))


def _flaw_sentences(document: Document, cat: Catalog) -> list[str]:
    found = []
    any_cve, exposed = document.get("any_cve"), document.get("exposed")
    if any_cve:
        words = {"share": shares.interval(any_cve, cat), "n": shares.counted(any_cve, cat)}
        found.append(cat.text("census_page.text.any_cve", **words))
    if exposed and exposed["n_high"]:
        found.append(
            cat.text(
                "census_page.text.exposed",
                median=_medians(exposed["median_days"], cat),
                since=day(document["observed"]["first"], cat),
                longest=_span(exposed["longest_days"], cat),
                days=_span(exposed["server_days"], cat),
            )
        )
    return found


def _medians(days: Mapping[str, int], cat: Catalog) -> str:
    """The middle value of the servers that are certainly exposed, and of those that may be."""
    if days["certain"] == days["possible"]:
        return cat.number(days["certain"])
    return cat.text("census_page.text.medians", **days)


def _span(bound: Mapping[str, int], cat: Catalog) -> str:
    """`130-301` with a dash, or the one number."""
    low, high = cat.number(bound["low"]), cat.number(bound["high"])
    return low if low == high else f"{low}\u2013{high}"


def _breakdown(groups: Mapping[str, Row], kind: str, cat: Catalog) -> Row:
    """A table of groups; the largest first, except lines, which have an order of their own."""
    order = list(groups)
    if kind != "by_line":
        order.sort(key=lambda key: (key == "other", -groups[key]["population"]))
    rows = [
        {
            "name": _name(kind, key, cat),
            "population": groups[key]["population"],
            "figures": [groups[key][name] for name in _COLUMNS],
        }
        for key in order
    ]
    most = _ROWS if len(rows) > _ROWS + 2 else len(rows)
    titled = kind == "by_line"
    return {
        "titled": titled,
        "caption": cat.text(
            "census_page.text.by_line" if titled else f"census_page.section.{kind}"
        ),
        "first": cat.text(f"census_page.column.name_{'lines' if titled else kind}"),
        "columns": _COLUMNS,
        "rows": rows[:most],
        "more": rows[most:],
        "fold": cat.text("census_page.text.more_groups", n=len(rows) - most),
        "notes": list(_notes(groups, kind, cat)),
    }


def _notes(groups: Mapping[str, Row], kind: str, cat: Catalog) -> Iterator[str]:
    """What a reader has to know of cells that are missing."""
    if "other" in groups:
        yield cat.text(f"census_page.text.{'several' if kind == 'by_line' else 'small_groups'}")
    if any(is_hidden(each[name]) for each in groups.values() for name in _COLUMNS):
        yield cat.text("census_page.text.suppressed")


def _months(series: Document | None) -> list[Row]:
    """The shares of the first of each month, and of the last day."""
    if not series or not series["days"]:
        return []
    days = series["days"]
    chosen = [at for at, each in enumerate(days) if each.endswith("-01") or at == len(days) - 1]
    pairs = {name: bounds(series, name) for name in _TREND if name in series}
    return [
        {
            "day": days[at],
            "population": series["population"][at],
            "shares": {name: (low[at], high[at]) for name, (low, high) in pairs.items()},
        }
        for at in chosen
    ]


def _patching(courses: Mapping[str, Row], cat: Catalog) -> list[Row]:
    """The newest updates, the older ones, and flaws by themselves."""
    rows: dict[str, list[Row]] = {"update": [], "cve": []}
    for name in sorted(courses, key=lambda each: courses[each]["since"], reverse=True):
        rows[courses[name]["kind"]].append(_course(name, courses[name], cat))
    updates, flaws = rows["update"], rows["cve"]
    older = len(updates) - _COURSES
    return [
        _table("census_page.section.time_to_patch", "update", updates[:_COURSES], cat),
        _table("census_page.text.more_updates", "update", updates[_COURSES:], cat, n=older),
        _table("census_page.text.flaws_to_patch", "name_flaw", flaws, cat, n=len(flaws)),
    ]


def _table(caption: str, first: str, rows: list[Row], cat: Catalog, **values: int) -> Row:
    return {
        "caption": cat.text(caption, **values),
        "first": cat.text(f"census_page.column.{first}"),
        "rows": rows,
    }


def _course(name: str, course: Row, cat: Catalog) -> Row:
    median = cat.text("census_page.text.not_reached")
    if course["median"] is not None:
        median = cat.text("census_page.column.after", n=course["median"])
    return {
        "name": clean(name, 40),
        "since": course["since"],
        "at_risk": course["at_risk"],
        "median": median,
        "median_band": _median_band(course["median_low"], course["median_high"], cat),
        "after": course["after"],
        "interval": course["interval_days"],
    }


def _median_band(low: int | None, high: int | None, cat: Catalog) -> str | None:
    """The band of a median in days; open above where too few were followed for it."""
    if low is None:
        return None
    if high is None:
        return cat.text("census_page.text.at_least", n=low)
    return _span({"low": low, "high": high}, cat) if low != high else None


def _half_life(document: Document, cat: Catalog) -> str | None:
    found = document.get("half_life")
    if not found:
        return None
    return cat.text(
        "census_page.text.half_life",
        days=found["days"],
        low=lower_days(found["low"]),
        high=upper_days(found["high"]),
        events=found["events"],
    )


def _unseen(document: Document, cat: Catalog) -> list[str]:
    found = document.get("unseen")
    if not found:
        return []
    seen = cat.text("census_page.unseen.seen", seen=found["seen"])
    if found["estimate"] is None:
        return [seen, shares.named("census_page.unseen", found["why"] or "one_source", cat)]
    share = shares.between(found["share"]["low"], found["share"]["high"], cat)
    numbers = {name: found[name] for name in ("estimate", "low", "high")}
    return [seen, cat.text("census_page.unseen.estimate", share=share, **numbers)]


def _compared(document: Document, cat: Catalog) -> Row:
    """Published figures beside ours."""
    population = document["published_population"]
    published, today = population["as_of"], document["as_of"]
    sentences = [
        cat.text(
            "census_page.compare.population", name=clean(population["name"]),
            as_of=day(published, cat), today=day(today, cat),
        )
    ]  # fmt: skip
    if published != today:
        sentences.append(cat.text("census_page.compare.other_day"))
    return {
        "sentences": sentences,
        "assumed": assumed(population, cat),
        "sources": "; ".join(clean(each, 300) for each in population["sources"]),
        "rows": [_comparison(row, cat) for row in document["compare"]],
    }


def _comparison(row: Row, cat: Catalog) -> Row:
    return {
        "name": label(row, cat),
        "published": published(row, cat),
        "ours": ours(row, "ours", cat),
        "own": ours(row, "own", cat),
        "agrees": cat.text(f"census_text.compare.{outcome(row)}"),
        "why": reason(row, cat),
    }


def _policy(style: str, script: str) -> str:
    """What a browser may do with the page: use its own style and script, by their digest."""
    return (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    loader = PackageLoader("patchstand.report", "templates")
    environment = Environment(
        loader=loader,
        autoescape=True,  # names come from stores and advisories; only our own files are exempt
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = "".join(_sources(loader, environment, ("style.css",)))
    style += stylesheet() + "".join(_sources(loader, environment, ("census.css",)))
    script = "".join(_sources(loader, environment, ("census.js",)))
    environment.globals |= {
        "style": Markup(style),  # noqa: S704  our own file
        "script": Markup(script),  # noqa: S704  our own file
        "policy": _policy(style, script),
    }
    return environment


def _sources(
    loader: PackageLoader, environment: Environment, names: Iterable[str]
) -> Iterable[str]:
    return (loader.get_source(environment, name)[0] for name in names)
