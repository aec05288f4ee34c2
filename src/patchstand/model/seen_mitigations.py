"""Mitigations that may stand in the configuration, and what shows that they work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from patchstand.model.build import Build
from patchstand.model.markup import Reading


@dataclass(frozen=True, slots=True)
class WebRequest:
    """A request as the rules of IIS see it, and the answer of the application behind them.

    `path` and `query` as sent, percent signs included; `headers` of the request;
    `content_type` and `answer_headers` of the response before any outbound rule.
    """

    path: str
    query: str = ""
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/html; charset=utf-8"
    answer_headers: Mapping[str, str] = field(default_factory=dict)


class Effect(StrEnum):
    """What rules should do with a request.

    BLOCKED: it does not reach the application; UNTOUCHED: it does, and request and answer
    stay as they are; DIRECTIVE: the answer's Content-Security-Policy gets a directive.
    """

    BLOCKED = "blocked"
    UNTOUCHED = "untouched"
    DIRECTIVE = "directive"


@dataclass(frozen=True, slots=True)
class Trial:
    """A request and what has to become of it; `directive`: as `script-src-attr 'none'`."""

    request: WebRequest
    effect: Effect
    directive: str = ""


@dataclass(frozen=True, slots=True)
class KnownMitigation:
    """A published mitigation by rules of URL Rewrite, seen by what it does.

    `names`: the names its publishers give the rules. `site` and `path`: where they put
    them. `outbound`: rules on responses. `not_needed_from`: builds from which it can go,
    where that is later than the fix, one for each CU; empty: with the fix.
    """

    id: str
    title: str
    cve: str
    names: tuple[str, ...]
    site: str
    path: str
    trials: tuple[Trial, ...]
    outbound: bool = False
    not_needed_from: tuple[Build, ...] = ()
    source: str = ""


class MitigationState(StrEnum):
    """How a mitigation stands on a server.

    ACTIVE: all trials end as they should; INCOMPLETE: a rule does a part of it, or more than
    it; DISABLED: a rule that would do it is switched off; WITHOUT_EFFECT: a rule of its name
    does something else.
    """

    ACTIVE = "active"
    INCOMPLETE = "incomplete"
    DISABLED = "disabled"
    WITHOUT_EFFECT = "without_effect"
    ABSENT = "absent"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class SeenMitigation:
    """What was seen of a mitigation.

    `applied`: None when it cannot be told. `disabled_rules`: rules that would have its
    effect and are switched off. `name_taken`: a rule has its name and does not do it.
    `needed`: the flaw is open on this build; `left_over`: it is there and can go.
    `place`: where its publishers put it (`Default Web Site/owa`). `unread`: files that may
    say otherwise and were not read; `looked_at`: those that were; `why`: what could not be
    evaluated.
    """

    id: str
    cve: str
    place: str
    state: MitigationState
    applied: bool | None
    disabled_rules: int
    name_taken: bool
    needed: bool | None
    left_over: bool
    rules: tuple[Reading, ...] = ()
    unread: tuple[str, ...] = ()
    looked_at: tuple[Reading, ...] = ()
    why: tuple[str, ...] = ()
