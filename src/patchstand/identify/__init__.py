"""Evidence -> the set of builds it is compatible with, per node, with reason and conflicts.

Pure: no network, file or clock. One file per kind of evidence in `readers/`; `versions`
turns numbers into sets, `nodes` keeps servers apart, `fuse` intersects.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

from patchstand.identify.essence import Essence, essence
from patchstand.identify.fuse import fuse
from patchstand.identify.kinds import guess_kind
from patchstand.identify.nodes import group
from patchstand.identify.reader import Context
from patchstand.identify.registry import readers
from patchstand.identify.versions import read_version
from patchstand.model import Clue, Evidence, EvidenceKind, Identity, Knowledge, Sighted

__all__ = ["Essence", "essence", "guess_kind", "identify", "read_version"]

_LONGEST = 1 << 18
"""Characters of one text that are read; what tells a build stands far before that."""
_LONGEST_REMEMBERED = 1 << 16


def identify(evidence: Sequence[Evidence], knowledge: Knowledge, as_of: date) -> Sighted:
    """Identify every node that the evidence shows.

    Each item is read as of the day it was seen, at the latest `as_of`; builds released
    later are no members. Nodes are sorted: Exchange first, then by name. Never raises,
    whatever the text.
    """
    by_connection: dict[int, list[Clue]] = {}
    for item in evidence:
        by_connection.setdefault(item.connection, []).extend(_clues(item, knowledge, as_of))
    nodes = [fuse(clues, knowledge, as_of) for clues in group(by_connection)]
    if not nodes:
        return Sighted((Identity(is_exchange=None),))
    order = {True: 0, None: 1, False: 2}
    nodes.sort(key=lambda node: order[node.is_exchange])
    return Sighted(tuple(nodes))


def _clues(item: Evidence, knowledge: Knowledge, as_of: date) -> list[Clue]:
    on = min(item.seen_on, as_of) if item.seen_on else as_of
    if len(item.text) > _LONGEST:
        item = replace(item, text=item.text[:_LONGEST])
    if item.kind is EvidenceKind.HTML and len(item.text) <= _LONGEST_REMEMBERED:
        found = _read_page(item.text, item.server_name, knowledge, on)
    else:
        found = tuple(readers()[item.kind].read(item, Context(knowledge, on)))
    return [_from_item(clue, item) for clue in found]


def _from_item(clue: Clue, item: Evidence) -> Clue:
    """The clue with where it comes from; spelt out, as `replace` costs four times as much."""
    return Clue(
        clue.rule,
        clue.value,
        clue.says,
        clue.is_exchange,
        clue.lines,
        clue.builds,
        clue.or_later,
        clue.reason,
        clue.node,
        item.source,
        item.kind,
        clue.seen_on or item.seen_on,
        clue.trusted,
        f"{item.connection} {item.source} {clue.reply}",
    )


@lru_cache(maxsize=256)
def _read_page(
    text: str, server_name: str | None, knowledge: Knowledge, on: date
) -> tuple[Clue, ...]:
    """Clues of a web page, remembered: all servers of one CU show the same log-in page."""
    page = Evidence(EvidenceKind.HTML, text, server_name=server_name)
    return tuple(readers()[EvidenceKind.HTML].read(page, Context(knowledge, on)))
