"""Which clues belong to the same server behind one address."""

from collections.abc import Iterable

from patchstand.model import Build, Clue, EvidenceKind

_MAIL = frozenset(
    {EvidenceKind.SMTP_BANNER, EvidenceKind.EHLO, EvidenceKind.IMAP, EvidenceKind.POP}
)


def group(clues_by_connection: dict[int, list[Clue]]) -> list[list[Clue]]:
    """Group clues by node; a named node may show in several connections.

    Answers without a name join the node of their own connection if there is just one, else
    a node that shows the same builds, or none, and does not contradict. What speaks against
    Exchange on the mail side (a gateway, Exchange Online) stays a node of its own.
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
    return [list(dict.fromkeys(group)) for group in groups]


def _split(clues: list[Clue]) -> Iterable[tuple[str | None, list[Clue]]]:
    """Split one connection's clues by node name; unnamed ones go with a single name.

    Clues of one answer have the name that any of them shows.
    """
    by_reply = {clue.reply: clue.node for clue in clues if clue.node}
    names = list(dict.fromkeys(clue.node for clue in clues if clue.node))
    if len(names) <= 1:
        yield (names[0] if names else None), clues
        return
    parts: dict[str | None, list[Clue]] = {name: [] for name in names}
    for clue in clues:
        parts.setdefault(clue.node or by_reply.get(clue.reply), []).append(clue)
    yield from parts.items()


def _agree(group: list[Clue], clues: list[Clue]) -> bool:
    """True when `clues` can be the node of `group` for all they say."""
    if any(clue.is_exchange is False and clue.kind in _MAIL for clue in (*group, *clues)):
        return False
    one, other = _builds(group), _builds(clues)
    if one and other:
        return one == other
    mine = [clue.lines for clue in group if clue.is_exchange and clue.lines]
    theirs = [clue.lines for clue in clues if clue.is_exchange and clue.lines]
    return all(lines & others for lines in mine for others in theirs)


def _builds(clues: list[Clue]) -> frozenset[Build]:
    """The builds that all clues of a node allow; all they name when they contradict."""
    sets = [clue.builds for clue in clues if clue.is_exchange and clue.builds]
    if not sets:
        return frozenset()
    return frozenset.intersection(*sets) or frozenset.union(*sets)
