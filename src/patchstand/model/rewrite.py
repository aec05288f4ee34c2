"""Rules of IIS' URL Rewrite module as they stand in the configuration.

Names and defaults follow Microsoft's "URL Rewrite Module Configuration Reference" and the
schema that the module installs (`rewrite_schema.xml`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from patchstand.model.markup import Reading


class Syntax(StrEnum):
    """How the patterns of a rule are written."""

    ECMASCRIPT = "ECMAScript"
    WILDCARD = "Wildcard"
    EXACT = "ExactMatch"


class ActionKind(StrEnum):
    """What a rule does when it applies; outbound rules know NONE and REWRITE only."""

    NONE = "None"
    REWRITE = "Rewrite"
    REDIRECT = "Redirect"
    CUSTOM_RESPONSE = "CustomResponse"
    ABORT_REQUEST = "AbortRequest"


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of an input such as `{HTTP_COOKIE}`; `kind`: Pattern, IsFile or IsDirectory."""

    input: str
    pattern: str
    kind: str = "Pattern"
    ignore_case: bool = True
    negate: bool = False


@dataclass(frozen=True, slots=True)
class Conditions:
    """The tests of a rule or precondition: all of them, or any; none is always true.

    `track_all`: back-references count over all conditions, else those of the last match.
    """

    items: tuple[Condition, ...] = ()
    match_any: bool = False
    track_all: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule looks at.

    `variable`: outbound, the server variable (`RESPONSE_Server`); `tags`: outbound, the
    tags of the body whose attributes it rewrites; inbound rules look at the URL.
    """

    pattern: str
    ignore_case: bool = True
    negate: bool = False
    variable: str = ""
    tags: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule does; `target` is the URL (inbound) or the new value (outbound).

    `status`: of a custom response; `replace` False leaves a variable that has a value.
    """

    kind: ActionKind = ActionKind.NONE
    target: str = ""
    append_query: bool = True
    status: int = 0
    replace: bool = True


@dataclass(frozen=True, slots=True)
class VariableSet:
    """A server variable that an inbound rule sets."""

    name: str
    value: str
    replace: bool = True


@dataclass(frozen=True, slots=True)
class RewriteRule:
    """One rule, inbound or outbound.

    `level`: where it is defined, as `Default Web Site/owa`, empty for the whole server.
    `precondition`: outbound, the name of a precondition, empty for none. `flaw`: why IIS
    or we cannot use it, in one line, empty when nothing is wrong.
    """

    name: str
    match: Match
    action: Action
    read: Reading
    level: str = ""
    enabled: bool = True
    stop: bool = False
    syntax: Syntax = Syntax.ECMASCRIPT
    conditions: Conditions = Conditions()
    variables: tuple[VariableSet, ...] = ()
    precondition: str = ""
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Precondition:
    """What a response must be like for an outbound rule to be looked at."""

    name: str
    conditions: Conditions
    syntax: Syntax = Syntax.ECMASCRIPT


@dataclass(frozen=True, slots=True)
class RewriteMap:
    """A table of a configuration: keys to values, and the value for all other keys."""

    name: str
    entries: Mapping[str, str]
    default: str = ""
    ignore_case: bool = True


@dataclass(frozen=True, slots=True)
class RuleList:
    """The rules of one collection in the order IIS tries them.

    `doubts`: what makes the list unreliable (a file that is named and was not followed,
    an entry that IIS refuses); with one of them nothing certain follows from the list.
    """

    rules: tuple[RewriteRule, ...] = ()
    doubts: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules that hold at one place.

    `base`: the path of the place without its site, against which URLs are relative.
    `preconditions` and `maps` by lower-case name; `allowed`: lower-case names of the
    server variables that rules may set. `active`: the module is loaded here; None unknown.
    """

    base: str = ""
    server: RuleList = RuleList()
    inbound: RuleList = RuleList()
    outbound: RuleList = RuleList()
    preconditions: Mapping[str, Precondition] = field(default_factory=dict)
    maps: Mapping[str, RewriteMap] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()
    active: bool | None = None
