"""How far behind one build is at a date (docs/results.md)."""

from collections.abc import Iterator
from datetime import date

from patchstand.assess.dates import whole_months
from patchstand.assess.families import Family, families
from patchstand.assess.support import public_support_end
from patchstand.model import ON_PREMISES, Behind, Build, Knowledge, MissingUpdate, Update


def behind(knowledge: Knowledge, build: Build, row: Update, as_of: date) -> Behind:
    """Which security updates `build` lacks on a day, and since when.

    `row` is the build's own row, or the one below it for lines that print hotfix numbers.
    """
    missing = [*_own(knowledge, build, row, as_of)]
    missing += _successors(knowledge, row, as_of, {update.name for update in missing})
    missing.sort(key=lambda update: (update.released, update.name))
    if not missing:
        return Behind(None, 0, 0, ())
    since = missing[0].released
    return Behind(since, (as_of - since).days, whole_months(since, as_of), tuple(missing))


def _own(knowledge: Knowledge, build: Build, row: Update, as_of: date) -> Iterator[MissingUpdate]:
    for family in families(knowledge, row.line):
        if family.released <= as_of and not family.is_in(build, row.cu):
            yield _missing(family, row.cu, unsupported=False)


def _successors(
    knowledge: Knowledge, row: Update, as_of: date, counted: set[str]
) -> Iterator[MissingUpdate]:
    """Security updates that only successors got, once the line's own support is over.

    Once per name, dated by the first line that got it.
    """
    support_end = public_support_end(knowledge, row.line)
    if support_end is None or as_of <= support_end:
        return
    own = [family.released for family in families(knowledge, row.line)]
    cutoff = max([support_end, *(released for released in own if released <= as_of)])
    first: dict[str, Family] = {}
    for line in ON_PREMISES:
        for family in families(knowledge, line) if line.rank > row.line.rank else ():
            known = first.get(family.name)
            if known is None or family.released < known.released:
                first[family.name] = family
    for family in first.values():
        if cutoff < family.released <= as_of and family.name not in counted:
            yield _missing(family, row.cu, unsupported=True)


def _missing(family: Family, cu: str, *, unsupported: bool) -> MissingUpdate:
    row = None if unsupported else family.row_on(cu)
    return MissingUpdate(family.name, family.released, row.kb if row else None, unsupported)
