"""Patterns of URL Rewrite rules as programs: ECMAScript (third edition), wildcards, texts.

A program is a flat list of instructions, as in a Pike machine, so that the machine that
runs it can count its steps and remember where it has been.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from patchstand.model.rewrite import Syntax

LONGEST_PATTERN = 2000
"""Characters of a pattern; the longest real one seen has some 120."""
LARGEST_PROGRAM = 5000
"""Instructions; counted repetitions are written out."""
DEEPEST = 40
"""Groups inside each other."""

CharTest: TypeAlias = Callable[[str], bool]
_DIGIT: CharTest = lambda c: "0" <= c <= "9"  # noqa: E731  a table entry, as the two below
_WORD: CharTest = lambda c: c.isascii() and (c.isalnum() or c == "_")  # noqa: E731
_SPACE: CharTest = lambda c: c.isspace() or c == "\ufeff"  # noqa: E731
_CLASSES: dict[str, CharTest] = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROL = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}
_LINE_ENDS = "\n\r\u2028\u2029"
_COUNTED = re.compile(r"\{(\d{1,4})(?:(,)(\d{1,4})?)?\}")
_HEX = {"x": 2, "u": 4}


class PatternError(ValueError):
    """A pattern that cannot be evaluated; the text says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction.

    `op`: char, save, forget, split, jump, begin, end, edge, back, look, done. `test`: of
    char; `number`: the group of back and forget, the slot of save; `to` and `other`: where
    jump, split and look go on, `to` first; `flag`: an edge or look that must not be.
    """

    op: str
    test: CharTest | None = None
    number: int = 0
    to: int = 0
    other: int = 0
    flag: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled pattern; `groups` without group 0; `refers`: it has back-references."""

    steps: tuple[Step, ...]
    groups: int
    refers: bool
    ignore_case: bool
    whole: bool = False


def fold(text: str) -> str:
    """A text as it is compared without regard to case."""
    return text.lower()


@lru_cache(maxsize=512)
def compiled(pattern: str, syntax: Syntax, *, ignore_case: bool) -> Program:
    """The program of a pattern.

    Raises:
        PatternError: it is too long or too large, or no ECMAScript.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"a pattern of more than {LONGEST_PATTERN:,} characters")
    if syntax is Syntax.ECMASCRIPT:
        return _Parser(pattern, ignore_case=ignore_case).program()
    steps, groups = _literal(pattern, ignore_case, wildcards=syntax is Syntax.WILDCARD)
    return Program((*steps, Step("done")), groups, False, ignore_case, whole=True)


def _literal(pattern: str, ignore_case: bool, *, wildcards: bool) -> tuple[list[Step], int]:
    """Each `*` of a wildcard pattern is a group that takes as little as it can."""
    steps: list[Step] = []
    groups = 0
    for sign in pattern:
        if sign == "*" and wildcards:
            groups += 1
            at = len(steps)
            steps += [
                Step("save", number=2 * groups),
                Step("split", to=at + 4, other=at + 2),
                Step("char", test=lambda _: True),
                Step("jump", to=at + 1),
                Step("save", number=2 * groups + 1),
            ]
        else:
            steps.append(Step("char", test=_one(sign, ignore_case)))
    return steps, groups


def _one(sign: str, ignore_case: bool) -> CharTest:
    if ignore_case:
        folded = fold(sign)
        return lambda c: c == sign or fold(c) == folded
    return lambda c: c == sign


class _Parser:
    """Reads a pattern once, from left to right, and writes its program."""

    def __init__(self, pattern: str, *, ignore_case: bool) -> None:
        self._text = pattern
        self._at = 0
        self._ignore_case = ignore_case
        self._groups = 0
        self._refers = 0
        self._depth = 0
        self._total = len(re.findall(r"(?<!\\)\((?!\?)", pattern))

    def program(self) -> Program:
        steps = self._alternatives()
        if self._at < len(self._text):
            raise PatternError("a closing bracket without an opening one")
        steps.append(Step("done"))
        return Program(tuple(steps), self._groups, self._refers > 0, self._ignore_case)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        sign = self._peek()
        if not sign:
            raise PatternError("it ends too early")
        self._at += 1
        return sign

    def _alternatives(self) -> list[Step]:
        self._depth += 1
        if self._depth > DEEPEST:
            raise PatternError(f"groups nested more than {DEEPEST} deep")
        found = self._sequence()
        while self._peek() == "|":
            self._take()
            other = self._sequence()
            found = _either(found, other)
        self._depth -= 1
        return found

    def _sequence(self) -> list[Step]:
        steps: list[Step] = []
        while self._peek() not in ("", "|", ")"):
            steps = _joined(steps, self._repeated())
        return steps

    def _repeated(self) -> list[Step]:
        first_group = self._groups
        atom, repeatable = self._atom()
        counts = self._quantifier()
        if counts is None:
            return atom
        if not repeatable:
            raise PatternError("a repetition of what cannot be repeated")
        low, high = counts
        lazy = self._peek() == "?" and bool(self._take())
        if high is not None and high < low:
            raise PatternError("a repetition whose limits are the wrong way round")
        cleared = list(range(first_group + 1, self._groups + 1))
        return _times([*_clear(cleared), *_moved(atom, len(cleared))], low, high, lazy=lazy)

    def _quantifier(self) -> tuple[int, int | None] | None:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if (sign := self._peek()) in simple and sign:
            self._take()
            return simple[sign]
        if sign != "{" or (found := _COUNTED.match(self._text, self._at)) is None:
            return None
        self._at = found.end()
        low = int(found[1])
        return low, (int(found[3]) if found[3] else None) if found[2] else low

    def _atom(self) -> tuple[list[Step], bool]:
        sign = self._take()
        if sign == "(":
            return self._group()
        if sign == "[":
            return [Step("char", test=self._class())], True
        if sign == "\\":
            return self._escape()
        if sign in "^$":
            return [Step("begin" if sign == "^" else "end")], False
        if sign == ".":
            return [Step("char", test=lambda c: c not in _LINE_ENDS)], True
        if sign in "*+?":
            raise PatternError("a repetition of nothing")
        return [Step("char", test=_one(sign, self._ignore_case))], True

    def _group(self) -> tuple[list[Step], bool]:
        if self._peek() != "?":
            self._groups += 1
            number = self._groups
            inner = self._closed()
            opening = [Step("save", number=2 * number)]
            return _joined(_joined(opening, inner), [Step("save", number=2 * number + 1)]), True
        kind = self._text[self._at + 1 : self._at + 2]
        self._at += 2
        if kind == ":":
            return self._closed(), True
        if kind not in ("=", "!"):
            raise PatternError(f"(?{kind}, which is no ECMAScript of the third edition")
        inner = [*self._closed(), Step("done")]
        look = Step("look", to=len(inner) + 1, flag=kind == "!")
        return [look, *_moved(inner, 1)], False

    def _closed(self) -> list[Step]:
        inner = self._alternatives()
        if self._peek() != ")":
            raise PatternError("an opening bracket without a closing one")
        self._take()
        return inner

    def _escape(self) -> tuple[list[Step], bool]:
        sign = self._take()
        if sign in "bB":
            return [Step("edge", flag=sign == "B")], False
        if sign in "123456789":
            return self._back(sign)
        test = self._class_escape(sign)
        return [Step("char", test=test or _one(self._sign(sign), self._ignore_case))], True

    def _back(self, first: str) -> tuple[list[Step], bool]:
        digits = first
        while self._peek().isdecimal() and int(digits + self._peek()) <= self._total:
            digits += self._take()
        if int(digits) > self._total:
            raise PatternError(f"\\{digits}, but there are {self._total} groups")
        self._refers += 1
        return [Step("back", number=int(digits))], True

    def _class_escape(self, sign: str) -> CharTest | None:
        test = _CLASSES.get(sign.lower()) if sign in "dDwWsS" else None
        if test is None or sign.islower():
            return test
        return lambda c: not test(c)

    def _sign(self, sign: str) -> str:
        """The character that an escape stands for."""
        if sign in _CONTROL:
            return _CONTROL[sign]
        if sign == "c" and self._peek().isascii() and self._peek().isalpha():
            return chr(ord(self._take()) % 32)
        if sign in _HEX:
            digits = self._text[self._at : self._at + _HEX[sign]]
            if re.fullmatch(r"[0-9A-Fa-f]+", digits) and len(digits) == _HEX[sign]:
                self._at += _HEX[sign]
                return chr(int(digits, 16))
        return sign

    def _class(self) -> CharTest:
        negate = self._peek() == "^" and bool(self._take())
        tests: list[CharTest] = []
        while self._peek() != "]":
            tests.append(self._class_member())
        self._take()
        return _any_of(tuple(tests), negate=negate, ignore_case=self._ignore_case)

    def _class_member(self) -> CharTest:
        low = self._class_sign()
        if not isinstance(low, str):
            return low
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return lambda c: c == low
        self._take()
        high = self._class_sign()
        if not isinstance(high, str) or high < low:
            raise PatternError("a range of characters that is none")
        return lambda c: low <= c <= high

    def _class_sign(self) -> str | CharTest:
        sign = self._take()
        if sign != "\\":
            return sign
        sign = self._take()
        if sign == "b":
            return "\b"
        return self._class_escape(sign) or self._sign(sign)


def _any_of(tests: tuple[CharTest, ...], *, negate: bool, ignore_case: bool) -> CharTest:
    def one(sign: str) -> bool:
        signs = {sign, sign.lower(), sign.upper()} if ignore_case else {sign}
        found = any(test(each) for each in signs if len(each) == 1 for test in tests)
        return found is not negate

    return one


def _moved(steps: list[Step], by: int) -> list[Step]:
    """The same steps further down in a program."""
    return [
        Step(s.op, s.test, s.number, s.to + by, s.other + by, s.flag)
        if s.op in ("split", "jump", "look")
        else s
        for s in steps
    ]


def _joined(first: list[Step], second: list[Step]) -> list[Step]:
    found = [*first, *_moved(second, len(first))]
    if len(found) > LARGEST_PROGRAM:
        raise PatternError(f"more than {LARGEST_PROGRAM:,} steps when written out")
    return found


def _either(first: list[Step], second: list[Step]) -> list[Step]:
    other = len(first) + 2
    head = [Step("split", to=1, other=other), *_moved(first, 1)]
    return _joined([*head, Step("jump", to=other + len(second))], second)


def _clear(groups: list[int]) -> list[Step]:
    """Each round of a repetition forgets what the groups inside it took (15.10.2.5)."""
    return [Step("forget", number=group) for group in groups]


def _times(body: list[Step], low: int, high: int | None, *, lazy: bool) -> list[Step]:
    if (low + (high or 0) + 1) * (len(body) + 1) > LARGEST_PROGRAM:
        raise PatternError(f"more than {LARGEST_PROGRAM:,} steps when written out")
    steps: list[Step] = []
    for _ in range(low):
        steps = _joined(steps, body)
    if high is None:
        return _joined(steps, _star(body, lazy=lazy))
    for _ in range(high - low):
        steps = _joined(steps, _split(body, len(body) + 1, lazy=lazy))
    return steps


def _star(body: list[Step], *, lazy: bool) -> list[Step]:
    if _prefers_nothing(body):
        raise PatternError("a repetition of what takes nothing where it could take something")
    return [*_split(body, len(body) + 2, lazy=lazy), Step("jump", to=0)]


def _split(body: list[Step], after: int, *, lazy: bool) -> list[Step]:
    inside, past = (after, 1) if lazy else (1, after)
    return [Step("split", to=inside, other=past), *_moved(body, 1)]


def _prefers_nothing(body: list[Step]) -> bool:
    """True when a body ends without taking a character before it has tried to take one.

    ECMAScript sends such a round back; the memory of our machine would lose that way.
    """
    waiting, seen = [0], set[int]()
    while waiting:
        at = waiting.pop()
        if at >= len(body):
            return bool(waiting)
        step = body[at]
        if at in seen or step.op in ("char", "back"):
            continue
        seen.add(at)
        if step.op == "split":
            waiting += [step.other, step.to]
        else:
            waiting.append(step.to if step.op in ("jump", "look") else at + 1)
    return False
