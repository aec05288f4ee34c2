"""Rules and a request: what IIS does with it, and what about that is not certain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from patchstand.assess.rewrite.conditions import Held, Tester
from patchstand.assess.rewrite.machine import Groups, Steps
from patchstand.assess.rewrite.pattern import PatternError
from patchstand.assess.rewrite.template import Scope, expanded, url_decoded
from patchstand.assess.rewrite.variables import RESPONSE, ServerVariables
from patchstand.model.rewrite import (
    Action,
    ActionKind,
    Conditions,
    RewriteRule,
    RuleList,
    RuleSet,
    Syntax,
)
from patchstand.model.seen_mitigations import WebRequest

ANYTHING = "*"
_ENDS = frozenset({ActionKind.REDIRECT, ActionKind.CUSTOM_RESPONSE, ActionKind.ABORT_REQUEST})
_MAY_GO_ON = frozenset({ActionKind.REDIRECT, ActionKind.CUSTOM_RESPONSE})


@dataclass(frozen=True, slots=True)
class Unsure:
    """A rule that could not be evaluated, and why.

    `touches`: the response variable (lower case) it may change, ANYTHING, or empty for
    what no header shows, such as tags of the body. `blocks`: if it applies, the request
    ends there; `of_response`: an outbound rule, which does nothing to the request.
    """

    rule: str
    why: str
    touches: str = ANYTHING
    blocks: bool = False
    of_response: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What happens to a request.

    `action` NONE: it reaches the application as it is, REWRITE: with another URL; others
    end it, with `status` for a custom response. `response`: headers of the answer by
    variable name (`content_security_policy`). `applied`: the rules that did something, in
    their order. `unsure`: with an entry here, the rest is what follows if those rules do
    nothing. `broken`: rules that IIS cannot use.
    """

    path: str
    query: str
    action: ActionKind
    status: int
    response: Mapping[str, str]
    applied: tuple[RewriteRule, ...]
    unsure: tuple[Unsure, ...]
    broken: tuple[Unsure, ...]

    @property
    def reaches_application(self) -> bool:
        """False when a rule ended the request."""
        return self.action not in _ENDS

    @property
    def is_blocked(self) -> bool:
        """True when the request is dropped, or answered with an error."""
        return _blocks(self.action, self.status)


def answer(rules: RuleSet, request: WebRequest, steps: Steps) -> Answer:
    """Evaluate all rules of a place for one request: server, place, then response."""
    run = _Run(rules, request, steps)
    if rules.active is not False:
        for part, of_server in ((rules.server, True), (rules.inbound, False)):
            if run.action not in _ENDS:
                run.inbound(part, of_server=of_server)
        if run.action not in _ENDS:
            run.outbound(rules.outbound)
    return run.result()


class _Run:
    """One request on its way through the rules."""

    def __init__(self, rules: RuleSet, request: WebRequest, steps: Steps) -> None:
        self.action = ActionKind.NONE
        self._status = 0
        self._rules = rules
        self._tester = Tester(steps)
        self._seen = ServerVariables(request)
        self._applied: list[RewriteRule] = []
        self._unsure: list[Unsure] = []
        self._broken: list[Unsure] = []

    def result(self) -> Answer:
        return Answer(
            self._seen.path,
            self._seen.query,
            self.action,
            self._status,
            self._seen.response,
            tuple(self._applied),
            tuple(self._unsure),
            tuple(self._broken),
        )

    def inbound(self, part: RuleList, *, of_server: bool) -> None:
        """Rules in their order, each on the URL that those before it left."""
        self._unsure += [Unsure(doubt.path, doubt.value) for doubt in part.doubts]
        for at, rule in enumerate(part.rules):
            if not rule.enabled or not self._applies(rule, of_server=of_server):
                continue
            self._applied.append(rule)
            if self.action in _MAY_GO_ON and not rule.stop:
                self._warn_of_later(rule, part.rules[at + 1 :])
            if rule.stop or self.action in _ENDS:
                return

    def _applies(self, rule: RewriteRule, *, of_server: bool) -> bool:
        try:
            scope = self._matched(rule, of_server=of_server)
            if scope is not None:
                self._act(rule, scope)
        except PatternError as error:
            if rule.stop or rule.variables or rule.action.kind is not ActionKind.NONE:
                blocks = _blocks(rule.action.kind, rule.action.status)
                self._unsure.append(Unsure(rule.name, str(error), blocks=blocks))
            return False
        return scope is not None

    def _warn_of_later(self, rule: RewriteRule, later: Sequence[RewriteRule]) -> None:
        """Whether IIS goes on after a redirect that does not stop is documented nowhere."""
        if any(each.enabled for each in later):
            self._unsure.append(Unsure(rule.name, "it does not stop the rules after it"))

    def _matched(self, rule: RewriteRule, *, of_server: bool) -> Scope | None:
        """What references of the rule mean; None when it does not apply."""
        if rule.flaw:
            raise PatternError(f"a value that IIS does not know: {rule.flaw}")
        found = [
            self._tester.test(rule.match, rule.syntax, text)
            for text in self._urls(rule, of_server=of_server)
        ]
        if len({each is None for each in found}) > 1:
            raise PatternError("it depends on the folder that its URL is relative to")
        groups = found[0]
        if groups is None:
            return None
        held = self._hold(rule.conditions, rule.syntax, groups)
        return None if held is None else self._scope(groups, held.groups)

    def _urls(self, rule: RewriteRule, *, of_server: bool) -> Sequence[str]:
        """The path that the pattern sees: relative to the place, or to where the rule stands.

        The documentation says the latter of the file that defines a rule, and nothing of
        rules that are inherited; where it makes a difference, nothing is certain.
        """
        path = url_decoded(self._seen.path).lstrip("/")
        if of_server:
            return (path,)
        own = rule.level.partition("/")[2]
        return tuple(dict.fromkeys((_below(path, self._rules.base), _below(path, own))))

    def _hold(self, conditions: Conditions, syntax: Syntax, groups: Groups) -> Held | None:
        def expand(text: str, taken: Groups) -> str:
            return expanded(text, self._scope(groups, taken))

        return self._tester.hold(conditions, syntax, expand)

    def _scope(self, rule: Groups, conditions: Groups | None) -> Scope:
        return Scope(self._seen.value, self._rules.maps, rule, conditions)

    def _act(self, rule: RewriteRule, scope: Scope) -> None:
        kind = rule.action.kind
        target = expanded(rule.action.target, scope) if kind is ActionKind.REWRITE else ""
        values = {each: expanded(each.value, scope) for each in rule.variables}
        for each, value in values.items():
            name = each.name.lower()
            if self._rules.active and name not in self._rules.allowed:
                raise PatternError(f"it sets {each.name}, which is not among the allowed ones")
            if each.replace or name not in self._seen.own:
                self._seen.own[name] = value
        if kind is ActionKind.REWRITE:
            self._rewrite(rule.action, target)
        if kind is not ActionKind.NONE:
            self.action, self._status = kind, rule.action.status

    def _rewrite(self, action: Action, target: str) -> None:
        path, _, query = target.partition("?")
        if "://" in path:
            raise PatternError("it hands the request to another server")
        if not path.startswith("/"):
            path = "/" + "/".join(filter(None, (self._rules.base, path)))
        kept = self._seen.query if action.append_query else ""
        self._seen.path, self._seen.query = path, "&".join(filter(None, (query, kept)))

    def outbound(self, part: RuleList) -> None:
        """Rules on the response; those on tags of the body are told as not evaluated."""
        self._unsure += [Unsure(doubt.path, doubt.value, of_response=True) for doubt in part.doubts]
        for rule in part.rules:
            if not rule.enabled:
                continue
            try:
                applies = self._of_response(rule)
            except PatternError as error:
                touches = ANYTHING if rule.stop or rule.flaw else _touched(rule)
                self._unsure.append(Unsure(rule.name, str(error), touches, of_response=True))
                continue
            if applies:
                self._applied.append(rule)
            if applies and rule.stop:
                return

    def _of_response(self, rule: RewriteRule) -> bool:
        """Whether an outbound rule applied."""
        if not self._fits_precondition(rule):
            return False
        if rule.flaw:
            raise PatternError(f"a value that IIS does not know: {rule.flaw}")
        if rule.match.tags or not rule.match.variable:
            raise PatternError("it rewrites the body")
        text = self._seen.value(rule.match.variable)
        groups = self._tester.test(rule.match, rule.syntax, text)
        held = None if groups is None else self._hold(rule.conditions, rule.syntax, groups)
        if groups is None or held is None:
            return False
        if rule.action.kind is ActionKind.REWRITE and (rule.action.replace or not text):
            if groups[0] != text and not rule.match.negate:
                raise PatternError("it fits a part of the value only")
            value = expanded(rule.action.target, self._scope(groups, held.groups))
            self._seen.response[_touched(rule)] = value
        return True

    def _fits_precondition(self, rule: RewriteRule) -> bool:
        if not rule.precondition:
            return True
        found = self._rules.preconditions.get(rule.precondition.lower())
        if found is None:
            why = f"its precondition {rule.precondition!r} is not defined"
            self._broken.append(Unsure(rule.name, why, _touched(rule), of_response=True))
            return False
        return self._hold(found.conditions, found.syntax, ()) is not None


def _blocks(kind: ActionKind, status: int) -> bool:
    custom = kind is ActionKind.CUSTOM_RESPONSE and status >= 400
    return custom or kind is ActionKind.ABORT_REQUEST


def _below(path: str, base: str) -> str:
    """A path without the folder it is relative to."""
    if base and f"{path}/".lower().startswith(f"{base}/".lower()):
        return path[len(base) + 1 :]
    return path


def _touched(rule: RewriteRule) -> str:
    return rule.match.variable.lower().removeprefix(RESPONSE)
