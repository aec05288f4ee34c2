"""Whether a server has reached an update; None where its set of builds does not say."""

from collections.abc import Callable, Mapping

from patchstand.assess.inside import Inside
from patchstand.model import Build, Knowledge, ProductLine


def reaches(inside: Inside, family: str) -> bool | None:
    """True when the server has a release (`Nov23SU`) or a later one."""
    return _agreed(inside, lambda build: _has_family(inside.knowledge, build, family))


def reaches_cu(inside: Inside, cus: Mapping[ProductLine, str]) -> bool | None:
    """True when the server has the CU named for its line, or a later one.

    A line after those that are named has everything, one before them nothing.
    """
    return _agreed(inside, lambda build: _has_cu(inside.knowledge, build, cus))


def line_of(inside: Inside) -> ProductLine | None:
    """The product line, where all possible builds are of one."""
    lines = {build.line for build in inside.identity.builds}
    return lines.pop() if len(lines) == 1 else None


def _agreed(inside: Inside, has: Callable[[Build], bool]) -> bool | None:
    found = {has(build) for build in inside.identity.builds}
    return found.pop() if len(found) == 1 else None


def _has_family(knowledge: Knowledge, build: Build, family: str) -> bool:
    """At least its build of the same CU, or at least the newest of the line.

    A line that never had the release has it when the line began later.
    """
    line, row = build.line, knowledge.row_for(build)
    if line is None or row is None:
        return False
    of_family = [update for update in knowledge.updates if update.family == family]
    own = [update for update in of_family if update.line is line]
    if not own:
        born = knowledge.of_line(line)[0].released
        return bool(of_family) and born > max(update.released for update in of_family)
    if build >= max(update.build for update in own):
        return True
    return any(update.cu == row.cu and build >= update.build for update in own)


def _has_cu(knowledge: Knowledge, build: Build, cus: Mapping[ProductLine, str]) -> bool:
    line = build.line
    if line is None:
        return False
    if line not in cus:
        return line.rank > max(named.rank for named in cus)
    rows = knowledge.of_cu(line, cus[line])
    return bool(rows) and build >= rows[0].build
