"""Counted figures of a census as tables: headline, lines, updates, flaws, breakdowns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.text import Text

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.census_further import further, told
from patchstand.report.census_numbers import HIDDEN, NOTHING, Part, is_hidden, share_of
from patchstand.report.clean import clean
from patchstand.report.paper import Paper

MOST_UPDATES = 15
MOST_FLAWS = 20
MOST_SYSTEMS = 10
OTHER = "other"
"""The group of small groups and of servers of which the group is not known."""
BREAKDOWNS = ("by_line", "states", "sectors", "systems")

_CLASSES = ("vulnerable", "undetermined", "not_vulnerable")
_FLAWS = ("any_cve", "rce", "known_exploited")
_PHASES = ("supported", "esu", "ended", "unsupported")
_IN_GROUP = ("vulnerable", "rce", "behind_6", "unsupported")
_GROUP_COLUMN = {"by_line": "line", "states": "state", "sectors": "sector", "systems": "system"}
_NUMBERS = ("n", "n_high", "of", "share")
Row = list[str | Text]


def columns(*names: str) -> list[str]:
    """The keys of headings."""
    return [f"census_text.column.{name}" for name in names]


def heading(paper: Paper, name: str, /, **values: str | int) -> None:
    """The heading of a part, with its values, after an empty line."""
    paper.gap()
    paper.line(paper.text(paper.cat.text(f"census_text.heading.{name}", **values), "bold"))


def numbers(figure: Part, cat: Catalog, *, with_of: bool = True) -> Row:
    """Certain, at most, out of, share; asterisks and dashes where there is none."""
    share = share_of(figure, cat)
    shown = share if share in (HIDDEN, NOTHING) else f"{share} %"
    if is_hidden(figure):
        counts = [HIDDEN, HIDDEN]
    else:
        counts = [cat.number(figure["n"]), cat.number(figure["n_high"])]
    return [*counts, *([_count(figure["of"], cat)] if with_of else []), shown]


def _count(count: object, cat: Catalog) -> str:
    return cat.number(count) if isinstance(count, int) else HIDDEN


def population(document: Document, cat: Catalog) -> str:
    """`45,147 servers`: the denominator of a whole table."""
    return cat.text("census_text.of_servers", n=document["population"])


def show_headline(paper: Paper, document: Document) -> None:
    """Classes, months behind, flaws and support, one below the other."""
    heading(paper, "headline")
    spaced: list[Row] = []
    for rows in filter(None, map(list, _headline(paper, document))):
        if spaced:
            spaced.append([""] * 5)
        spaced.extend(rows)
    names = columns("kind", *_NUMBERS)
    paper.table(names, spaced, right=" ".join(names[1:]), whole=" ".join(names[1:]))


def _headline(paper: Paper, document: Document) -> Iterator[Iterable[Row]]:
    cat = paper.cat
    classes, behind = document.get("classes", {}), document.get("behind", {})
    yield (
        [paper.verdict(name), *numbers(classes[name], cat)] for name in _CLASSES if name in classes
    )
    yield (
        [cat.text("census_text.row.behind", months=int(months)), *numbers(figure, cat)]
        for months, figure in sorted(behind.items(), key=lambda item: int(item[0]))
    )
    yield (_row(name, document[name], cat) for name in _FLAWS if name in document)
    support = document.get("support", {})
    yield (_row(name, support[name], cat) for name in _PHASES if name in support)


def _row(name: str, figure: Part, cat: Catalog) -> Row:
    return [cat.text(f"census_text.row.{name}"), *numbers(figure, cat)]


def show_further(paper: Paper, document: Document) -> None:
    """Figures of statistics that have no place of their own, by the text of their rule."""
    found = list(further(document))
    if not found:
        return
    heading(paper, "further")
    names = columns("figure", *_NUMBERS)
    rows = [[told(row, document, paper.cat), *numbers(row.figure, paper.cat)] for row in found]
    right = " ".join(names[1:])
    paper.table(names, rows, right=right, whole=right)


def show_lines(paper: Paper, document: Document) -> None:
    """Product lines, the oldest first."""
    heading(paper, "lines", servers=population(document, paper.cat))
    _show_shares(paper, "line", document["lines"].items())


def show_cumulative_updates(paper: Paper, document: Document) -> None:
    """The cumulative updates that most servers have; the others are counted."""
    cat = paper.cat
    found = _by_size(document["cumulative_updates"])
    heading(paper, "cumulative_updates", servers=population(document, cat))
    _show_shares(paper, "cu", found[:MOST_UPDATES])
    rest = found[MOST_UPDATES:]
    if rest:
        servers = cat.text("census_text.servers", n=sum(figure["n"] for _, figure in rest))
        paper.line(cat.text("census_text.rest_of_cus", n=len(rest), servers=servers), indent=2)


def show_flaws(paper: Paper, document: Document) -> None:
    """The flaws that are certainly open on most servers; the others are counted."""
    cat = paper.cat
    found = [item for item in _by_size(document["cves"]) if item[1]["n_high"]]
    heading(paper, "cves", servers=population(document, cat))
    _show_shares(paper, "cve", found[:MOST_FLAWS])
    rest = len(found[MOST_FLAWS:])
    if rest:
        paper.line(cat.text("census_text.rest_of_cves", n=rest), indent=2)


def _by_size(figures: Mapping[str, Part]) -> list[tuple[str, Part]]:
    """By certain servers, then by possible ones; of the same size the newest name first."""
    newest = sorted(figures.items(), reverse=True)
    return sorted(newest, key=lambda item: (-item[1].get("n", 0), -item[1].get("n_high", 0)))


def _show_shares(paper: Paper, column: str, rows: Iterable[tuple[str, Part]]) -> None:
    """Figures of one denominator, which stands in the heading."""
    names = columns(column, "n", "n_high", "share")
    shown = [[clean(name), *numbers(figure, paper.cat, with_of=False)] for name, figure in rows]
    paper.table(names, shown, right=" ".join(names[1:]), whole=" ".join(names))


def show_breakdown(paper: Paper, document: Document) -> None:
    """Four figures of each group, as shares of the servers in it."""
    for part in BREAKDOWNS:
        if document.get(part):
            _show_groups(paper, part, document[part])


def _show_groups(paper: Paper, part: str, groups: Mapping[str, Part]) -> None:
    cat = paper.cat
    heading(paper, part)
    ordered = _ordered(part, groups, cat)
    most = MOST_SYSTEMS if part == "systems" else len(ordered)
    shown = [name for name in ordered[:most] if name != OTHER]
    shown += [OTHER] * (OTHER in groups)
    names = columns(_GROUP_COLUMN[part], "population", *_IN_GROUP)
    rows = [_group(_group_name(part, name, cat), groups[name], cat) for name in shown]
    paper.table(names, rows, right=" ".join(names[1:]))
    rest = [groups[name]["population"] for name in ordered if name not in shown]
    if rest:
        counted = sum(count for count in rest if isinstance(count, int))
        paper.line(cat.text("census_text.rest_of_systems", n=len(rest),
                            servers=cat.number(counted)), indent=2)  # fmt: skip
    if any(is_hidden(groups[name].get(figure, {})) for name in shown for figure in _IN_GROUP):
        paper.line(paper.text(cat.text("census_text.hidden"), "dim"), indent=2)


def _ordered(part: str, groups: Mapping[str, Part], cat: Catalog) -> Sequence[str]:
    """Lines as in the document, states by name, the others by size; `other` is the last."""
    if part in ("sectors", "systems"):
        return sorted(groups, key=lambda name: (name == OTHER, -_size(groups[name])))
    if part == "states":
        return sorted(groups, key=lambda name: (name == OTHER, _group_name(part, name, cat)))
    return sorted(groups, key=lambda name: name == OTHER)


def _size(group: Part) -> int:
    found = group["population"]
    return found if isinstance(found, int) else 0


def _group(name: str, group: Part, cat: Catalog) -> Row:
    shares = [share_of(group[figure], cat) if figure in group else NOTHING for figure in _IN_GROUP]
    return [name, _count(group["population"], cat), *shares]


def _group_name(part: str, name: str, cat: Catalog) -> str:
    if name == OTHER:
        return cat.text("census_text.row.other")
    if part == "systems":
        return cat.text("census_text.system", number=clean(name))
    folder = {"states": "state", "sectors": "sector"}.get(part, "")
    return cat.either(f"census_text.{folder}.{name}", clean(name))
