"""Mitigations by URL Rewrite rules, seen by what they do with the requests they are against.

A rule counts by its effect: one of another name that has it is the mitigation, one of the
mitigation's name without it is not. The requests lie in knowledge (`mitigations-seen.json`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from patchstand.assess.extended_protection import server_roles
from patchstand.assess.inside import Inside
from patchstand.assess.rewrite.evaluate import ANYTHING, Answer, Unsure, answer
from patchstand.assess.rewrite.machine import Steps
from patchstand.model import Status
from patchstand.model.iis import Place
from patchstand.model.inside import Reading, ServerState
from patchstand.model.rewrite import RewriteRule, RuleList, RuleSet
from patchstand.model.seen_mitigations import (
    Effect,
    KnownMitigation,
    MitigationState,
    SeenMitigation,
    Trial,
)

_POLICY = "content_security_policy"
_NO_CONFIGURATION = "applicationHost.config"
_THERE = frozenset(MitigationState) - {MitigationState.ABSENT, MitigationState.UNDETERMINED}


def seen_mitigations(inside: Inside) -> tuple[SeenMitigation, ...]:
    """How each known mitigation stands; nothing for an Edge server, which has no IIS."""
    if not server_roles(inside):
        return ()
    steps = Steps()
    return tuple(_seen(inside, known, steps) for known in inside.knowledge.mitigations)


@dataclass(frozen=True, slots=True)
class _Tried:
    """One trial at its place: whether it ended as it should, None where that is not certain."""

    trial: Trial
    place: Place
    met: bool | None
    answer: Answer


def _seen(inside: Inside, known: KnownMitigation, steps: Steps) -> SeenMitigation:
    tried = [
        _try(trial, place, known, steps)
        for trial in known.trials
        if (place := _place_of(inside.state, known.site, trial.request.path)) is not None
    ]
    rules = [_Candidate.of(held, known, steps) for held in _rules(tried, known)]
    state = _state(inside.state, known, tried, rules)
    needed = _needed(inside, known.cve)
    return SeenMitigation(
        id=known.id,
        cve=known.cve,
        place=f"{known.site}/{known.path}".rstrip("/"),
        state=state,
        applied=_applied(state),
        disabled_rules=sum(each.is_disabled for each in rules),
        name_taken=any(each.named and not each.works for each in rules),
        needed=needed,
        left_over=state in _THERE and needed is False and _can_go(inside, known),
        rules=tuple(each.rule.read for each in rules if each.concerns),
        unread=_unread(tried, known),
        looked_at=tuple(_looked_at(inside.state, tried)),
        why=tuple(dict.fromkeys(_reasons(tried, known))),
    )


def _applied(state: MitigationState) -> bool | None:
    if state is MitigationState.UNDETERMINED:
        return None
    return state is MitigationState.ACTIVE


def _place_of(state: ServerState, site: str, url: str) -> Place | None:
    """The deepest place of a site that a URL leads to; a file that stands alone is one."""
    path = url.strip("/").lower()
    found = [
        place
        for place in state.places
        if place.site.lower() == site.lower()
        and (not place.path or f"{path}/".startswith(f"{place.path.lower()}/"))
    ]
    alone = [place for place in state.places if not place.site]
    return max(found or alone, key=lambda place: len(place.path), default=None)


def _try(trial: Trial, place: Place, known: KnownMitigation, steps: Steps) -> _Tried:
    found = answer(place.rules, trial.request, steps)
    return _Tried(trial, place, _met(trial, found, known), found)


def _met(trial: Trial, found: Answer, known: KnownMitigation) -> bool | None:
    """Whether an answer is the one the trial wants; None where something is unsure."""
    if trial.effect is Effect.BLOCKED:
        doubts = [each for each in found.unsure if not each.of_response and not each.blocks]
        return None if doubts else found.is_blocked
    doubts = [each for each in found.unsure if _matters(each, outbound=known.outbound)]
    if trial.effect is Effect.DIRECTIVE:
        wanted = _has_directive(found, trial) and found.reaches_application
    else:
        wanted = _is_untouched(found, trial, outbound=known.outbound)
    return None if doubts else wanted


def _matters(each: Unsure, *, outbound: bool) -> bool:
    return (outbound and each.touches in (ANYTHING, _POLICY)) or not each.of_response


def _is_untouched(found: Answer, trial: Trial, *, outbound: bool) -> bool:
    request = trial.request
    if not found.reaches_application or found.path != request.path:
        return False
    return not outbound or found.response.get(_POLICY, "") == _policy(trial)


def _policy(trial: Trial) -> str:
    headers = trial.request.answer_headers
    return next((v for k, v in headers.items() if k.lower() == "content-security-policy"), "")


def _has_directive(found: Answer, trial: Trial) -> bool:
    """The directive holds: the first of its name counts (CSP 3, section 2.2.1); none is lost."""
    name, _, value = trial.directive.partition(" ")
    before, after = (
        _directives(text) for text in (_policy(trial), found.response.get(_POLICY, ""))
    )
    own = [said for directive, said in after if directive == name]
    others = [each for each in after if each[0] != name]
    return own[:1] == [value.split()] and others == before


def _directives(policy: str) -> list[tuple[str, list[str]]]:
    parts = (part.split() for part in policy.split(";"))
    return [(words[0].lower(), words[1:]) for words in parts if words]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A rule by itself, switched on: whether it does a part of the mitigation, and no harm."""

    rule: RewriteRule
    named: bool
    does_part: bool
    harms: bool

    @classmethod
    def of(cls, held: "_Held", known: KnownMitigation, steps: Steps) -> "_Candidate":
        alone = [
            _try(each.trial, replace(each.place, rules=held.alone(each, known)), known, steps)
            for each in held.at
        ]
        attacks = [each.met for each in alone if each.trial.effect is not Effect.UNTOUCHED]
        others = [each.met for each in alone if each.trial.effect is Effect.UNTOUCHED]
        harms = False in others
        return cls(
            held.rule,
            named=held.rule.name.lower() in {name.lower() for name in known.names},
            # A rule that closes a whole directory blocks attacks too, and is something else.
            does_part=True in attacks and (known.outbound or not harms),
            harms=harms,
        )

    @property
    def works(self) -> bool:
        """It is on, does a part of the mitigation, and nothing else."""
        return self.rule.enabled and self.does_part and not self.harms

    @property
    def is_disabled(self) -> bool:
        """It would do a part of the mitigation, and is off."""
        return not self.rule.enabled and self.does_part and not self.harms

    @property
    def concerns(self) -> bool:
        """It has the name of the mitigation, or its effect."""
        return self.named or self.does_part


@dataclass(frozen=True, slots=True)
class _Held:
    """A rule with the trials at places where it holds; `of_server`: among the server's."""

    rule: RewriteRule
    of_server: bool
    at: list[_Tried]

    def alone(self, tried: _Tried, known: KnownMitigation) -> RuleSet:
        """The rules of a place with nothing in them but this one, switched on."""
        only, none = RuleList((replace(self.rule, enabled=True),)), RuleList()
        return replace(
            tried.place.rules,
            server=only if self.of_server else none,
            inbound=none if self.of_server or known.outbound else only,
            outbound=only if known.outbound else none,
        )


def _rules(tried: Iterable[_Tried], known: KnownMitigation) -> Iterable[_Held]:
    """Each rule that could be the mitigation, once, whatever number of places it holds at."""
    found: dict[tuple[str, str], _Held] = {}
    for each in tried:
        rules = each.place.rules
        for part in (rules.outbound,) if known.outbound else (rules.server, rules.inbound):
            for rule in part.rules:
                key = (rule.read.file, rule.read.path)
                held = found.setdefault(key, _Held(rule, part is rules.server, []))
                held.at.append(each)
    return found.values()


def _state(
    state: ServerState,
    known: KnownMitigation,
    tried: Sequence[_Tried],
    rules: Sequence[_Candidate],
) -> MitigationState:
    met = [each.met for each in tried]
    met += [None] * (len(known.trials) - len(tried))  # no place was read that they lead to
    if None in met and False not in met:
        return MitigationState.UNDETERMINED
    if all(met):
        return MitigationState.ACTIVE
    if (found := _state_by_rules(rules)) is not None:
        return found
    attacks = [each.met for each in tried if each.trial.effect is not Effect.UNTOUCHED]
    certain = attacks and None not in attacks and _is_read(state, known)
    return MitigationState.ABSENT if certain else MitigationState.UNDETERMINED


def _state_by_rules(rules: Sequence[_Candidate]) -> MitigationState | None:
    """The state of a mitigation that does not hold; None where no rule has to do with it."""
    if any(each.rule.enabled and each.does_part for each in rules):
        return MitigationState.INCOMPLETE
    if any(each.is_disabled for each in rules):
        return MitigationState.DISABLED
    return MitigationState.WITHOUT_EFFECT if any(each.named for each in rules) else None


def _is_read(state: ServerState, known: KnownMitigation) -> bool:
    """True when the file was read into which the publishers of a mitigation write it."""
    place = _place_of(state, known.site, known.path)
    file = f"web.config of {known.site}/{known.path}".rstrip("/").lower()
    return place is not None and not any(
        each.lower() == file or each.lower().startswith(f"{file} (") for each in place.unread
    )


def _needed(inside: Inside, cve: str) -> bool | None:
    status = next((each.status for each in inside.assessment.cves if each.id == cve), None)
    if status is None or status is Status.UNDETERMINED:
        return None
    return status is Status.AFFECTED


def _can_go(inside: Inside, known: KnownMitigation) -> bool:
    builds = inside.identity.builds
    return bool(builds) and (
        not known.not_needed_from
        or all(build.has_reached(known.not_needed_from) for build in builds)
    )


def _unread(tried: Sequence[_Tried], known: KnownMitigation) -> tuple[str, ...]:
    files = [file for each in tried for file in each.place.unread]
    if len(tried) < len(known.trials):
        files.append(_NO_CONFIGURATION)
    return tuple(dict.fromkeys(files))


def _looked_at(state: ServerState, tried: Iterable[_Tried]) -> Iterable[Reading]:
    """The files that have a say where the trials lead."""
    paths = {f"{each.place.full_path}/".lower() for each in tried}
    files = [
        config.file
        for config in state.web_configs
        if not config.places or any(_above(place, paths) for place in config.places)
    ]
    for file in (*((state.iis.file,) if state.iis else ()), *files):
        yield Reading(file, "system.webServer/rewrite", "")


def _above(place: str, paths: Iterable[str]) -> bool:
    return any(path.startswith(f"{place}/".lower()) for path in paths)


def _reasons(tried: Iterable[_Tried], known: KnownMitigation) -> Iterable[str]:
    """What could not be evaluated, or cannot work, in one line each."""
    for each in tried:
        if each.place.rules.active is False:
            yield f"{each.place.full_path}: the URL Rewrite module is not loaded"
        for doubt in each.answer.unsure:
            if _matters(doubt, outbound=known.outbound):
                yield f"{doubt.rule}: {doubt.why}"
        for broken in each.answer.broken:
            if broken.touches == _POLICY and known.outbound:
                yield f"{broken.rule}: {broken.why}"
