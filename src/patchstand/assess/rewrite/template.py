"""Texts with references: back-references, server variables, functions, rewrite maps."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from patchstand.assess.rewrite.machine import LONGEST_TEXT
from patchstand.assess.rewrite.pattern import PatternError
from patchstand.model.rewrite import RewriteMap

DEEPEST = 10
"""References inside each other."""
_BACK = re.compile(r"([RC]):(\d)")
_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_KEPT = re.compile(r"[A-Za-z0-9\-_.~!*'()]")

Variables = Callable[[str], str]
"""The value of a server variable; raises PatternError for one that is not known."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What references in a text mean: groups of the rule and of its conditions, the rest."""

    variables: Variables
    maps: Mapping[str, RewriteMap]
    rule: tuple[str, ...] = ()
    conditions: tuple[str, ...] | None = ()


def expanded(text: str, scope: Scope, depth: int = 0) -> str:
    """The text with every reference replaced by its value.

    Raises:
        PatternError: a reference means nothing known here, or the text grows too long.
    """
    if depth > DEEPEST:
        raise PatternError(f"references nested more than {DEEPEST} deep")
    parts: list[str] = []
    at = 0
    while (start := text.find("{", at)) >= 0 and (end := _closing(text, start)) > 0:
        parts += [text[at:start], _value(text[start + 1 : end], scope, depth + 1)]
        at = end + 1
    found = "".join((*parts, text[at:]))
    if len(found) > LONGEST_TEXT:
        raise PatternError(f"a text of more than {LONGEST_TEXT:,} characters")
    return found


def _closing(text: str, start: int) -> int:
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return -1


def _value(reference: str, scope: Scope, depth: int) -> str:
    if back := _BACK.fullmatch(reference):
        return _group(scope.rule if back[1] == "R" else scope.conditions, int(back[2]))
    head, colon, rest = reference.partition(":")
    if not colon:
        return scope.variables(reference)
    argument = expanded(rest, scope, depth)
    if (function := _FUNCTIONS.get(head.lower())) is not None:
        return function(argument)
    if (table := scope.maps.get(head.lower())) is not None:
        key = argument.lower() if table.ignore_case else argument
        return table.entries.get(key, table.default)
    raise PatternError(f"{{{head[:40]}:...}}, a provider or map that was not read")


def _group(groups: tuple[str, ...] | None, number: int) -> str:
    if groups is None:
        raise PatternError("captures of several conditions")
    return groups[number] if number < len(groups) else ""


def url_decoded(text: str) -> str:
    """Percent signs resolved once, as UTF-8."""
    return _ENCODED.sub(
        lambda found: bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "replace"), text
    )


def _url_encoded(text: str) -> str:
    return "".join(
        sign if _KEPT.fullmatch(sign) else "".join(f"%{byte:02X}" for byte in sign.encode())
        for sign in text
    )


_FUNCTIONS: Mapping[str, Callable[[str], str]] = {
    "tolower": str.lower,
    "urlencode": _url_encoded,
    "urldecode": url_decoded,
}
