"""Evidence without what names or dates the server: what is kept, and what is judged once.

Thousands of servers of one build then show the same evidence, so that each distinct one is
read once, lies in the store once, and names nobody. The same clues follow from it as from the
whole answers (`tests/identify/test_essence.py`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from patchstand.identify.readers import html
from patchstand.identify.registry import readers
from patchstand.model import Evidence, EvidenceKind, Knowledge

OWN_NAME = "self.invalid"
"""Stands for the address or name under which the server was asked."""
_LONGEST = 1 << 16
_NAMING = re.compile(
    r"(?im)^(x-(?:fe|be)server|x-calculated\w{1,20}|x-diaginfo)([ \t]*:[ \t]*)([^\r\n]*)"
)
_SHAPE = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "A" * 26 + "a" * 26 + "0" * 10,
)
"""A name's letters and digits; what it is made of stays visible, as decoys are told by it."""


@dataclass(frozen=True, slots=True)
class Essence:
    """Reduced evidence, and the names of the back ends that it showed."""

    evidence: tuple[Evidence, ...]
    nodes: tuple[str, ...]


def essence(evidence: Sequence[Evidence], own: Sequence[str], knowledge: Knowledge) -> Essence:
    """Reduce the evidence of one look; `own` are the name and address the server was asked by."""
    nodes = tuple(dict.fromkeys(name for item in evidence for name in _node_names(item)))
    hide = len(nodes) <= 1  # several names tell back ends apart: they stay
    return Essence(tuple(_reduced(item, own, knowledge, hide=hide) for item in evidence), nodes)


def _node_names(item: Evidence) -> list[str]:
    if item.kind is not EvidenceKind.HTTP_HEADERS or "erver:" not in item.text:
        return []
    named = [match[3] for match in _NAMING.finditer(item.text) if match[1].lower() == "x-feserver"]
    return [name for value in named if (name := value.split(".")[0].strip().upper()[:64])]


def _reduced(item: Evidence, own: Sequence[str], knowledge: Knowledge, *, hide: bool) -> Evidence:
    text, name = item.text, item.server_name
    if item.kind is EvidenceKind.HTML:
        text = _page(text, knowledge)
        if name is not None and not _names_hosts(text):
            name = None
    elif len(text) <= _LONGEST:
        text = readers()[item.kind].essence(text, knowledge)
    if name is None or item.kind is not EvidenceKind.HTML:
        for word in own:
            text = text.replace(word, OWN_NAME)
        name = None
    if hide and item.kind is EvidenceKind.HTTP_HEADERS:
        text = _NAMING.sub(_shaped, text)
    return Evidence(item.kind, text, item.seen_on, name, item.source, item.connection)


def _shaped(match: re.Match[str]) -> str:
    value = match[3]
    shown = value if "outlook" in value.lower() else value.translate(_SHAPE)
    return f"{match[1]}{match[2]}{shown}"


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
