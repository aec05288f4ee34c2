"""Which clues belong to the same server behind one address."""

from collections.abc import Iterable

from patchstand.model import Clue, EvidenceKind

_MAIL = frozenset(
    {EvidenceKind.SMTP_BANNER, EvidenceKind.EHLO, EvidenceKind.IMAP, EvidenceKind.POP}
)


def group(clues_by_connection: dict[int, list[Clue]]) -> list[list[Clue]]:
    """Group clues by node: a connection ends at one node, a named node may show in several.

    Connections without a node name that say nothing new join the first named node with
    which they agree; mail connections join the web's node when they agree with it.
    """
    named: dict[str, list[Clue]] = {}
    unnamed: list[list[Clue]] = []
    for _, clues in sorted(clues_by_connection.items()):
        rest: list[Clue] = []
        for name, own in _split(clues):
            if name is None:
                rest += own
            else:
                named.setdefault(name, []).extend(own)
        if rest:
            unnamed.append(rest)
    groups = list(named.values())
    for clues in unnamed:
        home = next((group for group in groups if _agree(group, clues)), None)
        if home is None:
            groups.append(list(clues))
        else:
            home.extend(clues)
    return [_distinct(group) for group in groups]


def _split(clues: list[Clue]) -> Iterable[tuple[str | None, list[Clue]]]:
    """Split one connection's clues by node name; unnamed ones go with a single name."""
    names = list(dict.fromkeys(clue.node for clue in clues if clue.node))
    if len(names) <= 1:
        yield (names[0] if names else None), clues
        return
    for name in names:
        yield name, [clue for clue in clues if clue.node == name]
    unnamed = [clue for clue in clues if clue.node is None]
    if unnamed:
        yield None, unnamed


def _agree(group: list[Clue], clues: list[Clue]) -> bool:
    """True when nothing in `clues` speaks against being the node of `group`."""
    mine = [clue for clue in group if clue.is_exchange]
    theirs = [clue for clue in clues if clue.is_exchange]
    no = [clue for clue in clues if clue.is_exchange is False]
    if no:
        return all(clue.kind in _MAIL for clue in clues) and bool(mine)
    return all(_compatible(one, other) for one in mine for other in theirs)


def _compatible(one: Clue, other: Clue) -> bool:
    if one.builds and other.builds:
        return bool(one.builds & other.builds)
    return not (one.lines and other.lines) or bool(one.lines & other.lines)


def _distinct(clues: list[Clue]) -> list[Clue]:
    return list(dict.fromkeys(clues))
