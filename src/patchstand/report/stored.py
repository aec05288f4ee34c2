"""What a store holds and what was done to it, for people; from the documents of `store`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from rich.console import Console

from patchstand.report.catalog import Catalog
from patchstand.report.paper import Paper

MOST_SERVERS = 100
"""Lines of a list for people."""

Shown = Mapping[str, Any]
_MEGABYTE = 1_000_000


def print_batches(console: Console, batches: Sequence[Shown], cat: Catalog) -> None:
    """Scans and imports, the oldest first."""
    paper = Paper(console, cat)
    if not batches:
        paper.line(cat.text("store.empty"))
        return
    columns = ("store.batch", "store.last", "store.observations", "store.answered", "store.state")
    rows = [
        (
            each["id"],
            cat.moment(datetime.fromisoformat(each["last_at"])) if each["last_at"] else "",
            cat.number(each["observations"]),
            cat.number(each["outcomes"].get("answered", 0)),
            cat.text("store.finished" if each["finished"] else "store.unfinished"),
        )
        for each in batches
    ]
    paper.table(columns, rows, right="store.observations store.answered", whole="store.batch")


def print_servers(console: Console, servers: Iterable[Shown], cat: Catalog) -> None:
    """Servers over time: the first of them, and how many more there are."""
    paper = Paper(console, cat)
    waiting = iter(servers)
    rows = [
        (
            each["target"],
            cat.text(f"stands.{each['state']}"),
            cat.date(datetime.fromisoformat(each["since"]).date()),
            cat.date(datetime.fromisoformat(each["last_at"]).date()),
        )
        for each in islice(waiting, MOST_SERVERS)
    ]
    if not rows:
        paper.line(cat.text("store.no_servers"))
        return
    columns = ("store.server", "store.state", "store.since", "store.seen")
    paper.table(columns, rows, whole="store.server")
    more = sum(1 for _ in waiting)
    if more:
        paper.line(cat.text("store.more_servers", n=more))


def print_check(console: Console, found: Shown, cat: Catalog) -> None:
    """What a check found, and what to do about it."""
    paper = Paper(console, cat)
    paper.line(cat.text("store.checked", files=found["files"], n=found["rows"]))
    done = "would" if found["dry_run"] else "did"
    for name in ("sealed", "removed", "noted", "aside"):
        if found[name]:
            paper.line(cat.text(f"store.{done}_{name}", n=len(found[name])), indent=2)
    for each in found["defects"]:
        paper.line(paper.mark("!"), each["path"], indent=2)
        trouble = cat.text(f"trouble.{each['trouble']}")
        paper.line(trouble + (f" ({each['detail']})" if each["detail"] else ""), indent=4)
        paper.line(cat.text(f"remedy_of.{each['trouble']}"), indent=4)
    if not found["defects"]:
        paper.line(cat.text("store.fine"))


def print_purge(console: Console, gone: Shown, cat: Catalog) -> None:
    """The months of raw answers that went."""
    paper = Paper(console, cat)
    removed = gone["removed"]
    if not removed:
        paper.line(cat.text("store.nothing_old"))
        return
    paper.line(cat.text("store.would_purge" if gone["dry_run"] else "store.purged"))
    rows = [
        (each["table"], each["month"], cat.number(each["files"]), _megabytes(each["bytes"], cat))
        for each in removed
    ]
    columns = ("store.table", "store.month", "store.files", "store.megabytes")
    paper.table(columns, rows, right="store.files store.megabytes")


def print_erase(console: Console, done: Shown, cat: Catalog) -> None:
    """What an erasure removed, and what it could not look into."""
    paper = Paper(console, cat)
    paper.line(cat.text("store.erased", n=done["rows"], files=done["files"]))
    for each in done["pseudonyms"]:
        paper.line(cat.text("store.noted_as", pseudonym=each), indent=2)
    for each in done["aside"]:
        paper.line(paper.mark("!"), cat.text("store.not_looked_into", path=each), indent=2)


def _megabytes(count: int, cat: Catalog) -> str:
    return cat.number(count / _MEGABYTE)
