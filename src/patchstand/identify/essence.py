"""Evidence without what names or dates the server: what is kept, and what is judged once.

Thousands of servers of one build then show the same evidence, so that each distinct one is
read once, lies in the store once, and names nobody. The same clues follow from it as from the
whole answers (`tests/identify/test_essence.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from patchstand.identify.readers import html, http_headers
from patchstand.identify.registry import readers
from patchstand.model import Build, Evidence, EvidenceKind, Knowledge

OWN_NAME = "self.invalid"
"""Stands for the address or name under which the server was asked."""
_LONGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Essence:
    """Reduced evidence, and the names of the back ends that it showed."""

    evidence: tuple[Evidence, ...]
    nodes: tuple[str, ...]


def essence(evidence: Sequence[Evidence], own: Sequence[str], knowledge: Knowledge) -> Essence:
    """Reduce the evidence of one look; `own` are the name and address the server was asked by.

    Names of back ends become their shape, unless several of them tell back ends apart.
    """
    nodes: dict[str, None] = {}
    reduced = [_reduced(item, own, knowledge, nodes, hide=True) for item in evidence]
    if len(nodes) > 1:
        reduced = [_reduced(item, own, knowledge, nodes, hide=False) for item in evidence]
    return Essence(tuple(reduced), tuple(nodes))


def _reduced(
    item: Evidence,
    own: Sequence[str],
    knowledge: Knowledge,
    nodes: dict[str, None],
    *,
    hide: bool,
) -> Evidence:
    text, name = item.text, None
    if item.kind is EvidenceKind.HTTP_HEADERS:
        text, names = http_headers.shortened(text[:_LONGEST], knowledge, hide=hide)
        nodes.update(dict.fromkeys(names))
    elif item.kind is EvidenceKind.HTML:
        text = _page(text, knowledge)
        if item.server_name is not None and _names_hosts(text):
            name = item.server_name  # decides whether these are its own
    elif len(text) <= _LONGEST:
        text = readers()[item.kind].essence(text, knowledge)
    if name is None:
        for word in own:
            lowered = text.lower()
            if word in lowered and len(lowered) == len(text) and _can_hide(word, knowledge):
                text = _hidden(text, lowered, word)
    return Evidence(item.kind, text, item.seen_on, name, item.source, item.connection)


@lru_cache(maxsize=256)
def _can_hide(word: str, knowledge: Knowledge) -> bool:
    """False for a name that tells a product, for a single label, and for what may be a build."""
    if "." not in word and ":" not in word:
        return False  # `owa` or `mail` stands in paths and greetings too
    try:
        return Build.parse(word).line is None
    except ValueError:
        known = (needle for needles in knowledge.needles.values() for needle, _ in needles)
        return not any(needle in word for needle in known)


def _hidden(text: str, lowered: str, word: str) -> str:
    """The text with `OWN_NAME` wherever `word` stands as a whole host name or address."""
    parts, copied = [], 0
    start = lowered.find(word)
    while start >= 0:
        end = start + len(word)
        if _begins(text, start) and _ends(text, end):
            parts += [text[copied:start], OWN_NAME]
            copied = end
        start = lowered.find(word, end)
    return "".join((*parts, text[copied:]))


def _begins(text: str, start: int) -> bool:
    before = text[start - 1] if start else " "
    if start >= 3 and text[start - 3] == "%":
        return True  # after an encoded sign, as in `https%3a%2f%2f`
    return not (before.isalnum() or before in "_.-")


def _ends(text: str, end: int) -> bool:
    after = text[end : end + 2]
    if not after or not (after[0].isalnum() or after[0] in "_-."):
        return True
    return after[0] == "." and not after[1:].isalnum()


@lru_cache(maxsize=512)
def _page(text: str, knowledge: Knowledge) -> str:
    """The essence of a web page, remembered: all servers of one CU show the same one."""
    if len(text) > _LONGEST:
        return text
    return readers()[EvidenceKind.HTML].essence(text, knowledge)


@lru_cache(maxsize=512)
def _names_hosts(text: str) -> bool:
    """True when versioned paths of the page lead to a named server, its own or another's."""
    return html.names_hosts(text)
