"""Whether a set of builds has each fix: for the time it takes until fixes are installed."""

from datetime import date
from functools import lru_cache

from patchstand.assess.cves import join
from patchstand.assess.families import families
from patchstand.assess.verdict import judge_build
from patchstand.model import Build, CveVerdict, Knowledge, Status, Update

LACKS, HAS, UNKNOWN = "lacks", "has", "unknown"
_STANDINGS = {
    Status.AFFECTED: LACKS,
    Status.FIXED: HAS,
    Status.NOT_AFFECTED: HAS,
    Status.UNDETERMINED: UNKNOWN,
}


def joined_cves(
    knowledge: Knowledge, builds: tuple[Build, ...], as_of: date
) -> tuple[CveVerdict, ...]:
    """The status of every CVE known on a day over a set; empty without a known build."""
    judged = (judge_build(knowledge, build, as_of) for build in builds)
    members = [each.cves for each in judged if each is not None]
    return join(members) if members else ()


def cve_standings(cves: tuple[CveVerdict, ...]) -> dict[str, str]:
    """By CVE: `lacks` the fix, `has` it (or needs none), `unknown`."""
    return {cve.id: _STANDINGS[cve.status] for cve in cves}


def update_standings(
    knowledge: Knowledge, builds: tuple[Build, ...], as_of: date
) -> dict[str, str]:
    """By name of a security update released by then: what every member of a set says of it.

    A line that never got the update has it when it began later; else it says `unknown`:
    nothing was there to install.
    """
    rows = [(build, row) for build in builds if (row := knowledge.row_for(build)) is not None]
    released = security_updates(knowledge, as_of)
    found = {}
    for name, day in released.items():
        said = {_standing(knowledge, build, row, name, day) for build, row in rows}
        found[name] = said.pop() if len(said) == 1 else UNKNOWN
    return found


@lru_cache(maxsize=16)
def security_updates(knowledge: Knowledge, as_of: date) -> dict[str, date]:
    """The security updates released by a day, by name, each with its first release."""
    found: dict[str, date] = {}
    for line in {update.line for update in knowledge.updates}:
        for family in families(knowledge, line):
            if family.released <= as_of:
                found[family.name] = min(family.released, found.get(family.name, family.released))
    return dict(sorted(found.items()))


def _standing(knowledge: Knowledge, build: Build, row: Update, name: str, day: date) -> str:
    of_line = next((each for each in families(knowledge, row.line) if each.name == name), None)
    if of_line is not None:
        return HAS if of_line.is_in(build, row.cu) else LACKS
    return HAS if knowledge.of_line(row.line)[0].released_from > day else UNKNOWN
