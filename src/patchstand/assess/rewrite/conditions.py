"""One pattern on one text, and the conditions of a rule or precondition."""

from collections.abc import Callable
from dataclasses import dataclass

from patchstand.assess.rewrite.machine import Groups, Steps, search
from patchstand.assess.rewrite.pattern import PatternError, compiled
from patchstand.model.rewrite import Condition, Conditions, Match, Syntax

Expand = Callable[[str, Groups], str]
"""An input with its references replaced, given the groups of the condition before."""


@dataclass(frozen=True, slots=True)
class Held:
    """Conditions that hold; `groups` of the last match, None where several would count."""

    groups: Groups | None


@dataclass(frozen=True, slots=True)
class Tester:
    """Tests patterns against one limit of steps."""

    steps: Steps

    def test(self, how: Match, syntax: Syntax, text: str) -> Groups | None:
        """The groups of a match; of a negated one that holds, an empty one.

        Raises:
            PatternError: the pattern cannot be evaluated.
        """
        self.steps.spend()
        program = compiled(how.pattern, syntax, ignore_case=how.ignore_case)
        groups = search(program, text, self.steps)
        if not how.negate:
            return groups
        return ("",) if groups is None else None

    def hold(self, conditions: Conditions, syntax: Syntax, expand: Expand) -> Held | None:
        """Whether conditions hold; None when they do not.

        Raises:
            PatternError: it hangs on a condition that cannot be evaluated.
        """
        taken: Groups = ()
        doubts: list[PatternError] = []
        matched = 0
        for condition in conditions.items:
            found = self._one(condition, syntax, expand, taken)
            if isinstance(found, PatternError):
                doubts.append(found)
            elif found is not None:
                matched, taken = matched + 1, found
            elif not conditions.match_any:
                return None
            if matched and conditions.match_any:
                break
        if doubts and not (matched and conditions.match_any):
            raise doubts[0]
        if conditions.items and not matched:
            return None
        return Held(None if conditions.track_all and matched > 1 else taken)

    def _one(
        self, condition: Condition, syntax: Syntax, expand: Expand, taken: Groups
    ) -> Groups | PatternError | None:
        """Groups, None where it does not hold, or why it cannot be evaluated."""
        if condition.kind.lower() != "pattern":
            return PatternError(f"{condition.kind}, which asks the server's disk")
        how = Match(condition.pattern, condition.ignore_case, condition.negate)
        try:
            return self.test(how, syntax, expand(condition.input, taken))
        except PatternError as error:
            return error
