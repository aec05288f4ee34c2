"""Runs a compiled pattern over a text, without a way to hang.

Backtracking with a memory: a place in program and text that has failed once is not tried
again (as in RE2's bit-state search), so that a pattern without back-references takes at most
program times text steps. Patterns with back-references can take more; every step is counted
against one limit for the whole audit of a server, and where it is used up, that is told.
"""

from dataclasses import dataclass

from patchstand.assess.rewrite.pattern import PatternError, Program, Step, fold

LONGEST_TEXT = 8192
"""Characters a pattern is tried on; IIS itself refuses longer URLs (maxUrl 4,096)."""
MOST_STEPS = 400_000
"""Steps for one server: about 0.3 seconds; all of Microsoft's mitigations need under 30,000."""

Groups = tuple[str, ...]
_Slots = tuple[int, ...]


class TooManyStepsError(PatternError):
    """The limit of steps is used up."""


@dataclass(slots=True)
class Steps:
    """How many steps are left."""

    left: int = MOST_STEPS

    def spend(self, number: int = 1) -> None:
        """Take steps off.

        Raises:
            TooManyStepsError: there are not so many left.
        """
        self.left -= number
        if self.left < 0:
            raise TooManyStepsError("it takes too many steps")


def search(program: Program, text: str, steps: Steps) -> Groups | None:
    """Group 0 and all others of the first match; groups that took nothing are empty.

    Raises:
        PatternError: the text is too long, or the steps are used up.
    """
    if len(text) > LONGEST_TEXT:
        raise PatternError(f"a text of more than {LONGEST_TEXT:,} characters")
    run = _Run(program, text, steps)
    for start in range(1 if program.whole else len(text) + 1):
        slots = run.match(start)
        if slots is not None:
            return tuple(
                text[max(begin, 0) : max(end, 0)]
                for begin, end in zip(slots[::2], slots[1::2], strict=True)
            )
    return None


class _Run:
    """One pattern on one text; remembers across starts where nothing came of it."""

    def __init__(self, program: Program, text: str, steps: Steps) -> None:
        self._program = program
        self._text = text
        self._folded = fold(text) if program.ignore_case else text
        self._steps = steps
        self._failed: set[object] = set()

    def match(self, start: int) -> _Slots | None:
        slots = (start, -1) + (-1, -1) * self._program.groups
        return self._from(0, start, slots)

    def _from(self, at: int, position: int, slots: _Slots) -> _Slots | None:
        """Try from one place on; on success the slots, end of group 0 included."""
        waiting = [(at, position, slots)]
        seen: set[object] = set()
        while waiting:
            at, position, slots = waiting.pop()
            self._steps.spend()
            # Without back-references, what follows depends on the place alone.
            key = (at, position, slots) if self._program.refers else (at, position)
            if key in seen or key in self._failed:
                continue
            seen.add(key)
            step = self._program.steps[at]
            if step.op == "done":
                if position == len(self._text) or not self._program.whole:
                    return (slots[0], position, *slots[2:])
            elif step.op == "split":
                waiting.append((step.other, position, slots))
                waiting.append((step.to, position, slots))
            elif (after := self._after(step, at, position, slots)) is not None:
                waiting.append(after)
        self._failed |= seen
        return None

    def _after(
        self, step: Step, at: int, position: int, slots: _Slots
    ) -> tuple[int, int, _Slots] | None:
        """Where a step that does not branch leads; None where it does not fit."""
        if step.op == "char":
            fits = position < len(self._text) and self._is(step, position)
            return (at + 1, position + 1, slots) if fits else None
        if step.op == "jump":
            return step.to, position, slots
        if step.op in ("save", "forget"):
            return at + 1, position, _noted(step, position, slots)
        if step.op in ("look", "back"):
            return self._after_look_or_back(step, at, position, slots)
        return (at + 1, position, slots) if self._stands(step, position) else None

    def _after_look_or_back(
        self, step: Step, at: int, position: int, slots: _Slots
    ) -> tuple[int, int, _Slots] | None:
        if step.op == "back":
            end = self._after_back(step, position, slots)
            return None if end is None else (at + 1, end, slots)
        found = self._from(at + 1, position, slots)
        if (found is None) is not step.flag:
            return None
        return step.to, position, slots if found is None else (*slots[:2], *found[2:])

    def _is(self, step: Step, position: int) -> bool:
        return step.test is not None and step.test(self._text[position])

    def _after_back(self, step: Step, position: int, slots: _Slots) -> int | None:
        """A group that took nothing fits everywhere (15.10.2.9)."""
        begin, end = slots[2 * step.number : 2 * step.number + 2]
        taken = self._folded[begin:end] if begin >= 0 and end >= 0 else ""
        fits = self._folded.startswith(taken, position)
        return position + len(taken) if fits else None

    def _stands(self, step: Step, position: int) -> bool:
        if step.op == "begin":
            return position == 0
        if step.op == "end":
            return position == len(self._text)
        return self._on_edge(position) is not step.flag

    def _on_edge(self, position: int) -> bool:
        before = self._text[position - 1 : position] if position else ""
        after = self._text[position : position + 1]
        return _in_word(before) is not _in_word(after)


def _in_word(sign: str) -> bool:
    return sign.isascii() and (sign.isalnum() or sign == "_")


def _noted(step: Step, position: int, slots: _Slots) -> _Slots:
    """The slots after a group began or ended, or was forgotten."""
    if step.op == "save":
        return (*slots[: step.number], position, *slots[step.number + 1 :])
    return (*slots[: 2 * step.number], -1, -1, *slots[2 * step.number + 2 :])
