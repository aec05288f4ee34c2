"""URL Rewrite rules over the layers of a place, as values.

A value that the schema does not know is a flaw of its rule: told, never guessed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from patchstand.collect.iis.inherit import Found, found_in, inside, members
from patchstand.collect.iis.layers import Layer
from patchstand.model.inside import Reading, XmlElement
from patchstand.model.rewrite import (
    Action,
    ActionKind,
    Condition,
    Conditions,
    Match,
    Precondition,
    RewriteMap,
    RewriteRule,
    RuleList,
    RuleSet,
    Syntax,
    VariableSet,
)

_GROUPINGS = {"MatchAll": False, "MatchAny": True}
_INBOUND = frozenset(ActionKind)
_OUTBOUND = frozenset({ActionKind.NONE, ActionKind.REWRITE})
_SHOWN = 200
"""Characters of a rule that are shown as what was read."""


class _FlawError(Exception):
    """A value that IIS' schema does not allow; the text names it."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the three collections of rules."""

    section: str
    outbound: bool = False

    @property
    def actions(self) -> frozenset[ActionKind]:
        """What rules of the collection may do."""
        return _OUTBOUND if self.outbound else _INBOUND


_SERVER, _OF_PLACE = _Kind("rewrite/globalRules"), _Kind("rewrite/rules")
_OF_RESPONSE = _Kind("rewrite/outboundRules", outbound=True)


def rule_set(
    layers: Sequence[Layer], locked: frozenset[str], base: str, *, active: bool | None
) -> RuleSet:
    """All rules that hold where these layers end."""
    outbound, _ = found_in(layers, _OF_RESPONSE.section, locked)
    allowed, _ = found_in(layers, "rewrite/allowedServerVariables", locked)
    return RuleSet(
        base=base,
        server=_rule_list(_SERVER, layers, locked),
        inbound=_rule_list(_OF_PLACE, layers, locked),
        outbound=_rule_list(_OF_RESPONSE, layers, locked),
        preconditions=_preconditions(outbound),
        maps=_maps(found_in(layers, "rewrite/rewriteMaps", locked)[0]),
        allowed=frozenset(
            each.element.attributes.get("name", "").lower()
            for each in members(allowed, "allowedServerVariables", "add", ("name",)).members
        ),
        active=active,
    )


def _rule_list(kind: _Kind, layers: Sequence[Layer], locked: frozenset[str]) -> RuleList:
    found, doubts = found_in(layers, kind.section, locked)
    items = members(found, kind.section, "rule", ("name",))
    return RuleList(tuple(_rule(each, kind) for each in items.members), (*doubts, *items.doubts))


def _rule(found: Found, kind: _Kind) -> RewriteRule:
    element = found.element
    name = element.attributes.get("name", "")
    read = Reading(
        found.layer.file,
        f'{found.layer.where}/system.webServer/{kind.section}/rule[@name="{name}"]',
        _said(element),
    )
    try:
        return _sound_rule(found, kind, name, read)
    except _FlawError as flaw:
        enabled = element.attributes.get("enabled", "true").lower() != "false"
        return RewriteRule(
            name, Match(""), Action(), read, found.layer.level, enabled, flaw=str(flaw)
        )


def _sound_rule(found: Found, kind: _Kind, name: str, read: Reading) -> RewriteRule:
    element = found.element
    said = element.attributes
    return RewriteRule(
        name=name,
        match=_match(element.first("match"), outbound=kind.outbound),
        action=_action(element.first("action"), kind),
        read=read,
        level=found.layer.level,
        enabled=_truth(said, "enabled", default=True),
        stop=_truth(said, "stopProcessing", default=False),
        syntax=_syntax(said),
        conditions=_conditions(element.first("conditions")),
        variables=tuple(_variables(element)),
        precondition=said.get("preCondition", ""),
    )


def _said(element: XmlElement) -> str:
    """A rule in one line, as far as it fits."""
    parts = [
        " ".join((each.tag, *(f'{name}="{value}"' for name, value in each.attributes.items())))
        for each in element.walk()
    ]
    return "; ".join(parts)[:_SHOWN]


def _truth(said: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = said.get(name)
    if text is None:
        return default
    found = {"true": True, "false": False}.get(text.lower())
    if found is None:
        raise _FlawError(f'{name}="{text[:40]}"')
    return found


def _syntax(said: Mapping[str, str]) -> Syntax:
    text = said.get("patternSyntax", Syntax.ECMASCRIPT.value)
    for syntax in Syntax:
        if syntax.value.lower() == text.lower():
            return syntax
    raise _FlawError(f'patternSyntax="{text[:40]}"')


def _match(element: XmlElement | None, *, outbound: bool) -> Match:
    if element is None:
        raise _FlawError("no match element")
    said = element.attributes
    tags = said.get("filterByTags", "None")
    return Match(
        pattern=said.get("pattern" if outbound else "url", ""),
        ignore_case=_truth(said, "ignoreCase", default=True),
        negate=_truth(said, "negate", default=False),
        variable=said.get("serverVariable", "") if outbound else "",
        tags="" if tags == "None" or not outbound else tags,
    )


def _action(element: XmlElement | None, kind: _Kind) -> Action:
    if element is None:
        return Action()
    said = element.attributes
    text = said.get("type", "None")
    found = next((each for each in kind.actions if each.value.lower() == text.lower()), None)
    if found is None:
        raise _FlawError(f'action type="{text[:40]}"')
    status = said.get("statusCode", "0")
    return Action(
        kind=found,
        target=said.get("value" if kind.outbound else "url", ""),
        append_query=_truth(said, "appendQueryString", default=True),
        status=int(status) if status.isdecimal() and len(status) < 5 else 0,
        replace=_truth(said, "replace", default=True),
    )


def _conditions(element: XmlElement | None) -> Conditions:
    if element is None:
        return Conditions()
    grouping = element.attributes.get("logicalGrouping", "MatchAll")
    if grouping not in _GROUPINGS:
        raise _FlawError(f'logicalGrouping="{grouping[:40]}"')
    return Conditions(
        items=tuple(_condition(each) for each in element.all("add")),
        match_any=_GROUPINGS[grouping],
        track_all=_truth(element.attributes, "trackAllCaptures", default=False),
    )


def _condition(element: XmlElement) -> Condition:
    said = element.attributes
    return Condition(
        input=said.get("input", ""),
        pattern=said.get("pattern", ""),
        kind=said.get("matchType", "Pattern"),
        ignore_case=_truth(said, "ignoreCase", default=True),
        negate=_truth(said, "negate", default=False),
    )


def _variables(element: XmlElement) -> Iterator[VariableSet]:
    for each in element.under("serverVariables/set"):
        said = each.attributes
        replace = _truth(said, "replace", default=True)
        yield VariableSet(said.get("name", ""), said.get("value", ""), replace)


def _preconditions(found: Iterable[Found]) -> Mapping[str, Precondition]:
    """By lower-case name; one with a value that is not allowed is not there."""
    section = "rewrite/outboundRules/preConditions"
    items = members(inside(found, "preConditions"), section, "preCondition", ("name",))
    by_name: dict[str, Precondition] = {}
    for each in items.members:
        name = each.element.attributes.get("name", "")
        try:
            conditions, syntax = _conditions(each.element), _syntax(each.element.attributes)
        except _FlawError:
            continue
        by_name[name.lower()] = Precondition(name, conditions, syntax)
    return by_name


def _maps(found: Iterable[Found]) -> Mapping[str, RewriteMap]:
    items = members(found, "rewrite/rewriteMaps", "rewriteMap", ("name",))
    return {
        each.element.attributes.get("name", "").lower(): _map(each.element)
        for each in items.members
    }


def _map(element: XmlElement) -> RewriteMap:
    said = element.attributes
    ignore_case = said.get("ignoreCase", "true").lower() != "false"
    return RewriteMap(
        name=said.get("name", ""),
        entries={
            (key.lower() if ignore_case else key): each.attributes.get("value", "")
            for each in element.all("add")
            for key in (each.attributes.get("key", ""),)
        },
        default=said.get("defaultValue", ""),
        ignore_case=ignore_case,
    )
