"""Patterns run as ECMAScript wants it, and cannot hang."""

import contextlib
import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from patchstand.assess.rewrite.machine import MOST_STEPS, Groups, Steps, TooManyStepsError, search
from patchstand.assess.rewrite.pattern import PatternError, compiled
from patchstand.model.rewrite import Syntax


def _search(pattern: str, text: str, *, ignore_case: bool = False) -> Groups | None:
    program = compiled(pattern, Syntax.ECMASCRIPT, ignore_case=ignore_case)
    return search(program, text, Steps())


_ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", r"\w", r"\d", "^", "$", r"\b"])
_PATTERNS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        inner.map("({})".format),
        st.tuples(inner, inner).map("(?:{0[0]}|{0[1]})".format),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "*?", "+?"])).map(
            "(?:{0[0]}){0[1]}".format
        ),
        inner.map("(?={})".format),
        inner.map("(?!{})".format),
    ),
    max_leaves=6,
)


@given(_PATTERNS, st.text("abc1 ", max_size=6))
def test_matches_are_those_of_pythons_engine(pattern: str, text: str) -> None:
    """What both dialects share, both find alike: the same extent of the first match."""
    try:
        mine = _search(pattern, text)
    except PatternError:
        assume(False)
    found = re.compile(pattern, re.ASCII).search(text)

    assert (mine[0] if mine else None) == (found[0] if found else None)


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        (r"(a)|(b)", "b", ("b", "", "b")),
        (r"(?=(a+))a*b\1", "baaabac", ("aba", "a")),
        (r"(z)((a+)?(b+)?(c))*", "zaacbbbcac", ("zaacbbbcac", "z", "ac", "a", "", "c")),
        (r"(.*?)a(?!(a+)b\2c)\2(.*)", "baaabaac", ("baaabaac", "ba", "", "abaac")),
        (r"a[a-z]{2,4}?", "abcdefghi", ("abc",)),
        (r"\x41\u0042\cJ", "AB\n", ("AB\n",)),
        (r"[\d\-x]+", "a1-x2", ("1-x2",)),
        (r"a{,2}", "a{,2}", ("a{,2}",)),
    ],
)
def test_examples_of_the_standard(pattern: str, text: str, groups: Groups) -> None:
    """ECMA-262 gives these results in its section on patterns."""
    assert _search(pattern, text) == groups


@pytest.mark.parametrize("text", ["$", "end\n"])
def test_the_end_is_the_very_end(text: str) -> None:
    """Unlike Python's, `$` does not match before a last line end."""
    assert _search("d$", text) is None


@given(st.text("aB{}()[]|*+?\\^$.-,1:=!<", max_size=12), st.text("aB1", max_size=5))
def test_any_pattern_is_run_or_refused(pattern: str, text: str) -> None:
    """Nothing but PatternError comes of a pattern, however broken."""
    found: Groups | None = None
    with contextlib.suppress(PatternError):
        found = _search(pattern, text)

    assert found is None or found[0] in text


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a*)*b", "(a|a)*b", "(?=(a+)+$)x", "(.*)(.*)(.*)b"])
def test_patterns_that_hang_other_engines_take_few_steps(pattern: str) -> None:
    """Without back-references the effort grows with the text, not with its powers."""
    steps = Steps()
    program = compiled(pattern, Syntax.ECMASCRIPT, ignore_case=False)

    assert search(program, "a" * 1000 + "c", steps) is None
    assert MOST_STEPS - steps.left < 60_000


def test_too_many_steps_are_told() -> None:
    """A back-reference can still take long; then the limit ends it, within a second or two."""
    program = compiled(r"(a*)*\1b", Syntax.ECMASCRIPT, ignore_case=False)
    began = time.process_time()

    with pytest.raises(TooManyStepsError):
        search(program, "a" * 2000, Steps())
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "pattern",
    [
        "(?<=a)b",
        "(?i)a",
        "(?P<n>a)",
        "a**",
        "(",
        ")",
        "[",
        "a{2,1}",
        "*",
        r"\2(a)",
        "(" * 50 + ")" * 50,
    ],
)
def test_what_is_no_ecmascript_is_refused(pattern: str) -> None:
    """Syntax of other dialects, and what is none, cannot be evaluated."""
    with pytest.raises(PatternError):
        compiled(pattern, Syntax.ECMASCRIPT, ignore_case=True)


@pytest.mark.parametrize("pattern", ["a" * 3000, "(?:a{100}){100}", "((a{50}){50}){50}"])
def test_programs_have_a_limit(pattern: str) -> None:
    """A pattern that would fill the memory is refused before it does."""
    with pytest.raises(PatternError):
        compiled(pattern, Syntax.ECMASCRIPT, ignore_case=True)


def test_a_text_has_a_limit() -> None:
    """Longer than any URL: not evaluated."""
    with pytest.raises(PatternError):
        _search("a", "b" * 10_000)


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        ("*.aspx", "a/b.ASPX", ("a/b.ASPX", "a/b")),
        ("owa/*/x*", "owa/a/xyz", ("owa/a/xyz", "a", "yz")),
        ("owa", "xowa", None),
        ("a.c", "abc", None),
        ("*", "", ("", "")),
    ],
)
def test_wildcards_take_the_whole_text(pattern: str, text: str, groups: Groups | None) -> None:
    """Each star is a group; everything else is itself."""
    program = compiled(pattern, Syntax.WILDCARD, ignore_case=True)

    assert search(program, text, Steps()) == groups


def test_exact_texts_are_exact() -> None:
    """A star is a star there; case counts only where the rule says so."""
    exact = compiled("A*", Syntax.EXACT, ignore_case=True)
    strict = compiled("A*", Syntax.EXACT, ignore_case=False)

    assert search(exact, "a*", Steps()) == ("a*",)
    assert search(exact, "ab", Steps()) is None
    assert search(strict, "a*", Steps()) is None


@given(st.text("aAbB", min_size=1, max_size=4))
def test_case_makes_no_difference_where_it_is_ignored(text: str) -> None:
    """Upper and lower case match each other, in classes and back-references too."""
    for pattern in (text.swapcase(), f"[{text.lower()}]+", f"({text})"):
        assert _search(pattern, text, ignore_case=True) is not None
