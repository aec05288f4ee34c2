"""build: what a build number means at a date."""

from dataclasses import replace
from datetime import date

from patchstand.assess import Subject, findings, judge
from patchstand.errors import UsageError
from patchstand.identify import read_version
from patchstand.model import Assessment, Build, Identity, IdentityPrecision, Knowledge

_WHY_NOT = {
    "unlisted": "no Exchange Server has that number",
    "pre_release": "older than the first release of its line or service pack",
    "not_yet_released": "not released yet on that day",
}


def judge_number(
    text: str, known: Knowledge, as_of: date
) -> tuple[Identity, Assessment, str | None]:
    """Judge `15.2.1118.40`, or every build that `15.2.1118` can be, as of a day.

    A number newer than the knowledge is judged undetermined; one below a published build
    as that build or a later one. The third value is what the knowledge notes of the number.

    Raises:
        UsageError: no build of Exchange Server has or had that number on that day.
    """
    identity = _identity(text.strip(), known, as_of)
    assessment = judge(known, identity, as_of)
    found = findings(Subject(known, identity, assessment))
    return identity, replace(assessment, findings=found), _note(text.strip(), known)


def _identity(text: str, known: Knowledge, as_of: date) -> Identity:
    reading = read_version(known, text, as_of)
    if reading is None:
        raise UsageError(f"{text[:40]!r} is not a build number like 15.2.1118.40 or 15.2.1118")
    if reading.is_online:
        raise UsageError(f"{text} is Exchange Online, which Microsoft updates itself")
    if not reading.builds and reading.reason != "knowledge_too_old":
        why = _WHY_NOT.get(reading.reason or "", "three or four parts are needed")
        raise UsageError(f"{text}: {why}")
    builds = tuple(sorted(reading.builds or ()))
    exact = len(builds) == 1 and not reading.or_later
    return Identity(
        is_exchange=True,
        lines=tuple(sorted(reading.lines, key=lambda line: line.rank)),
        builds=builds,
        or_later=reading.or_later,
        precision=IdentityPrecision.EXACT if exact else IdentityPrecision.NARROWED,
        reason=reading.reason,
    )


def _note(text: str, known: Knowledge) -> str | None:
    build = Build.parse(text)
    rejected, row = known.rejected.get(build), known.update(build)
    if rejected is not None:
        return rejected.reason
    return row.note if row else None
