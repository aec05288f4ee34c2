"""What stands beside the figures of a census: situation, what others published, queries."""

from collections.abc import Iterable, Sequence

from rich.text import Text

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.census_compared import assumed, label, ours, outcome, published, reason
from patchstand.report.census_numbers import Part, day, down, percent, share_of, spoken, up
from patchstand.report.census_terminal_figures import columns, heading
from patchstand.report.clean import clean, fold
from patchstand.report.paper import LONGEST_LINE, Paper

_LEVEL_STYLES = {
    "calm": "bold blue",
    "strained": "bold cyan",
    "serious": "bold magenta",
    "critical": "bold white on magenta",
}
"""Other colours than those of authorities (grey, yellow, orange, red)."""
_LONGEST_QUERY = 20_000
"""Characters: a query is to be copied, so it is not cut."""


def show_situation(paper: Paper, document: Document) -> None:
    """Our own level, what it would be at most, and its rule."""
    cat = paper.cat
    situation, rules = document["situation"], document.get("rules", {})
    low, high = (
        cat.text(f"census_text.level.{situation[name]}") for name in ("level", "level_high")
    )
    heading(paper, "situation")
    key = "level" if low == high else "level_high"
    said = cat.text(f"census_text.situation.{key}", level=low, level_high=high)
    figure = situation["share"]
    share = f"{share_of(figure, cat)} %, " if figure["low"] is not None else ""
    counts = _counts(figure, cat)
    level = paper.text(said, _LEVEL_STYLES.get(situation["level"], "bold"))
    paper.line(level, Text(" "), f"({share}{counts})", indent=2)
    rule = rules.get(situation["rule"])
    if rule:
        paper.line(spoken(rule, cat), indent=2)
    paper.line(paper.text(cat.text("census_text.situation.own"), "dim"), indent=2)


def _counts(figure: Part, cat: Catalog) -> str:
    n, n_high, of = (cat.number(figure[name]) for name in ("n", "n_high", "of"))
    span = n if n == n_high else f"{n}\u2013{n_high}"
    return f"{span} {cat.text('census_text.column.of')} {of}"


def show_published(paper: Paper, document: Document) -> None:
    """What authorities published, in their words."""
    if not document["published"]:
        return
    cat = paper.cat
    heading(paper, "published")
    for number, each in enumerate(document["published"]):
        if number:
            paper.gap()
        paper.facts((f"census_text.published.{name}", said) for name, said in _told(each, cat))
    paper.line(paper.text(cat.text("census_text.published.note"), "dim"), indent=2)


def _told(each: Part, cat: Catalog) -> Iterable[tuple[str, str]]:
    number = cat.text(
        "census_text.published.number_of",
        number=clean(each["number"]),
        version=clean(each["version"]),
        day=day(each["date"], cat),
    )
    yield "number", number
    yield "publisher", clean(each["publisher"])
    level = each["level"]
    yield "level", clean(level) if level else cat.text("census_text.published.no_level")
    yield "title", clean(each["title"])
    yield "products", clean("; ".join(map(clean, each["products"])), LONGEST_LINE)


def show_compared(paper: Paper, document: Document) -> None:
    """Published figures beside ours by their rule, and beside ours by our own."""
    cat = paper.cat
    about = document["published_population"]
    heading(paper, "compare", name=clean(about["name"]), day=day(about["as_of"], cat))
    rows = document["compare"]
    names = columns("figure", "published", "ours", "agrees", "own")
    shown = [_compared(paper, row) for row in rows]
    paper.table(names, shown, right=" ".join((names[1], names[2], names[4])))
    for row in rows:
        if outcome(row) in ("underivable", "untold"):
            key = f"census_text.compare.why_{outcome(row)}"
            said = cat.text(key, figure=label(row, cat), why=reason(row, cat))
            paper.line(said, indent=2)
    remarks = [("census_text.compare.remark", each) for each in assumed(about, cat)]
    paper.facts([*remarks, ("census_text.compare.sources", _listed(about["sources"]))])


def _listed(texts: Sequence[str]) -> str:
    return clean("; ".join(map(clean, texts)), LONGEST_LINE)


def _compared(paper: Paper, row: Part) -> list[str | Text]:
    cat = paper.cat
    return [label(row, cat), published(row, cat), ours(row, "ours", cat), _agrees(paper, row),
            ours(row, "own", cat)]  # fmt: skip


def _agrees(paper: Paper, row: Part) -> Text:
    ended = outcome(row)
    sign, style = _ENDINGS[ended]
    return paper.text(f"{sign}{paper.cat.text(f'census_text.compare.{ended}')}", style)


_ENDINGS = {
    "yes": ("✓ ", "bold green"),
    "no": ("✗ ", "bold red"),
    "untold": ("? ", "bold yellow"),
    "uncounted": ("", "dim"),
    "underivable": ("", "dim"),
}


def show_unseen(paper: Paper, document: Document) -> None:
    """How many servers nobody saw, and what that rests on."""
    cat = paper.cat
    unseen = document["unseen"]
    heading(paper, "unseen")
    if unseen["estimate"] is None:
        why = cat.text(f"census_text.unseen.{unseen['why']}", seen=unseen["seen"])
        paper.line(why, indent=2)
    else:
        _estimated(paper, unseen)
    paper.line(cat.text("census_text.unseen.holds_if"), indent=2)
    for number, each in enumerate(unseen["assumptions"], start=1):
        paper.step(number, cat.either(f"census_text.assumption.{each}", clean(each)), 4)


def _estimated(paper: Paper, unseen: Part) -> None:
    cat = paper.cat
    counts = {name: unseen[name] for name in ("estimate", "low", "high", "seen")}
    paper.line(cat.text("census_text.unseen.estimate", **counts), indent=2)
    share = unseen["share"]
    if share and None not in (share["low"], share["high"]):
        low, high = percent(down(share["low"]), cat), percent(up(share["high"]), cat)
        paper.line(cat.text("census_text.unseen.share", low=low, high=high), indent=2)
    names = columns("pair", "both", "only_a", "only_b", "estimate")
    rows = [_pair(each, cat) for each in unseen["pairs"]]
    paper.table(names, rows, right=" ".join(names[1:]))


def _pair(pair: Part, cat: Catalog) -> list[str]:
    a, b = (cat.either(f"census_text.source.{pair[side]}", clean(pair[side])) for side in "ab")
    both, only_a, only_b, estimate, low, high = (
        cat.number(pair[name]) for name in ("both", "only_a", "only_b", "estimate", "low", "high")
    )
    sources = cat.text("census_text.unseen.pair", a=a, b=b)
    return [sources, both, only_a, only_b, f"{estimate} ({low}\u2013{high})"]


def show_sql(paper: Paper, document: Document) -> None:
    """The queries, each on one line of its own, so that a copy of them is whole."""
    heading(paper, "sql")
    for rule, query in document["sql"].items():
        _whole(paper, f"-- {rule}")
        _whole(paper, f"{query.rstrip().removesuffix(';')};")


def _whole(paper: Paper, line: str) -> None:
    shown = fold(clean(line, _LONGEST_QUERY), paper.console.encoding)
    paper.console.print(Text(shown), soft_wrap=True)
