"""What a printed version number says about the build, as a set.

Rules, taken from recorded servers: three parts name a CU, not a build;
on 2007 to 2013 a component prints a number a little below the product's, so an unlisted
value means the next published build of the branch or a later one; lines up to 2003 print
their product build in full.
"""

import re
from dataclasses import dataclass
from datetime import date

from patchstand.model import Build, Knowledge, ProductLine, Update

VERSION = re.compile(r"(?<![\d.])\d{1,2}(?:\.\d{1,5}){2,3}(?![\d.]*\d)")
"""A version of three or four parts inside other text."""

ZERO_PADDED = re.compile(r"\.0\d")
"""Exchange writes 15.2.2562.37 in X-OWA-Version; 15.02.2562.037 was put there by hand."""

_TWO_PARTS = 2
_THREE_PARTS = 3
_FIRST_BY_CU = ProductLine.V2013


@dataclass(frozen=True, slots=True)
class Reading:
    """What one number says: lines and builds it is compatible with.

    `builds` None: the number names no build at all (two parts); empty: it names one that
    no table has, and `reason` says why.
    """

    lines: frozenset[ProductLine]
    builds: frozenset[Build] | None
    or_later: bool = False
    reason: str | None = None

    @property
    def is_online(self) -> bool:
        """True when only Exchange Online has such numbers."""
        return self.lines == {ProductLine.ONLINE}

    @property
    def is_on_premises(self) -> bool:
        """True when the number fits a published CU or line of Exchange Server."""
        return bool(self.lines) and not self.is_online and self.reason != "unlisted"


def read_version(knowledge: Knowledge, text: str, on: date) -> Reading | None:
    """Read a version seen on a day; None when the text is no version.

    Builds that were certainly released after that day are left out.
    """
    try:
        build = Build.parse(text)
    except ValueError:
        return None
    if len(build.parts) == _TWO_PARTS:
        return _two_parts(build)
    line = build.line
    if line is None:
        return Reading(frozenset(), frozenset(), reason="unlisted")
    return _of_line(knowledge, build, line, on)


def _of_line(knowledge: Knowledge, build: Build, line: ProductLine, on: date) -> Reading:
    if line is ProductLine.ONLINE:
        return Reading(frozenset({line}), None)
    if build.is_printed_in_full:
        return _printed_in_full(knowledge, build, line, on)
    if len(build.parts) == _THREE_PARTS:
        return _three_parts(knowledge, build, line, on)
    return _four_parts(knowledge, build, line, on)


def _two_parts(build: Build) -> Reading:
    if build.branch == (15, 2):
        return Reading(frozenset({ProductLine.V2019, ProductLine.SE}), None)
    line = build.line
    return Reading(frozenset({line} if line else ()), None)


def _printed_in_full(knowledge: Knowledge, build: Build, line: ProductLine, on: date) -> Reading:
    row = knowledge.row_for(build)
    if row is None:
        return Reading(frozenset({line}), frozenset(), reason="pre_release")
    if row.released_from > on:
        return Reading(frozenset({line}), frozenset(), reason="not_yet_released")
    return Reading(frozenset({line}), frozenset({build}))


def _three_parts(knowledge: Knowledge, build: Build, line: ProductLine, on: date) -> Reading:
    rows = [row for row in knowledge.of_line(line) if row.build.cu_key == build.parts]
    if not rows:
        return _no_rows(knowledge, build, line)
    members = frozenset(row.build for row in rows if row.released_from <= on)
    reason = None if members else "not_yet_released"
    return Reading(frozenset({line}), members, reason=reason)


def _four_parts(knowledge: Knowledge, build: Build, line: ProductLine, on: date) -> Reading:
    exact = knowledge.update(build)
    if exact is not None:
        if exact.released_from > on:
            return Reading(frozenset({line}), frozenset(), reason="not_yet_released")
        return Reading(frozenset({line}), frozenset({build}))
    rows = _branch(knowledge, build, line)
    if not rows:
        return _no_rows(knowledge, build, line)
    if build < rows[0].build and build.cu_key != rows[0].build.cu_key:
        return Reading(frozenset({line}), frozenset(), reason="pre_release")
    later = [row for row in rows if row.build > build]
    if not later:
        return Reading(frozenset({line}), frozenset(), reason="knowledge_too_old")
    members = frozenset(row.build for row in later if row.released_from <= on)
    reason = None if members else "not_yet_released"
    return Reading(frozenset({line}), members, or_later=True, reason=reason)


def _branch(knowledge: Knowledge, build: Build, line: ProductLine) -> tuple[Update, ...]:
    """The builds an unlisted one can be rounded up to: its CU, before 2013 its service pack."""
    rows = knowledge.of_line(line)
    if line.rank >= _FIRST_BY_CU.rank:
        return tuple(row for row in rows if row.build.cu_key == build.cu_key)
    return tuple(row for row in rows if row.build.branch == build.branch)


def _no_rows(knowledge: Knowledge, build: Build, line: ProductLine) -> Reading:
    """No CU has such a number: newer than the table, older than the line, or not Exchange's.

    Between the CUs of a line lie numbers that only Exchange Online ever had.
    """
    rows = knowledge.of_line(line)
    if build > rows[-1].build:
        return Reading(frozenset({line}), frozenset(), reason="knowledge_too_old")
    if build < rows[0].build:
        return Reading(frozenset({line}), frozenset(), reason="pre_release")
    return Reading(frozenset({line}), frozenset(), reason="unlisted")
