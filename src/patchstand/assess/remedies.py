"""Which update to install next, in which order, and what to do where none is left."""

from datetime import date

from patchstand.assess.support import UNSUPPORTED
from patchstand.model import (
    BuildAssessment,
    Knowledge,
    PhaseName,
    ProductLine,
    Remedy,
    Update,
    UpdateKind,
)

_UPGRADES_IN_PLACE = frozenset({(ProductLine.V2019, "CU14"), (ProductLine.V2019, "CU15")})
"""CUs from which Exchange SE installs over the existing server (Microsoft's SE release post)."""


def update_steps(knowledge: Knowledge, member: BuildAssessment, as_of: date) -> tuple[Remedy, ...]:
    """The updates to install on this build, in order; withdrawn ones are never named.

    First the newest security update for the CU that is installed, if there is one: it is
    the quickest way to close what is open. Otherwise the newest CU, then its update. Past
    support the successor follows.
    """
    public = [row for row in _available(knowledge, member.line, as_of) if not row.esu]
    steps: list[Remedy] = []
    own = [row for row in public if row.cu == member.cu and row.build > member.build]
    newest_cu = next((row for row in reversed(public) if row.kind is UpdateKind.CU), None)
    last = public[-1] if public else None
    if own and last is not None and own[-1].cu == last.cu:
        steps.append(_install(own[-1]))
    elif newest_cu is not None and newest_cu.build > member.build:
        steps.append(_install(newest_cu))
        if last is not None and last.build > newest_cu.build:
            steps.append(_install(last))
    if member.support.phase in UNSUPPORTED:
        steps += _past_support(knowledge, member, as_of)
    return tuple(steps)


def replacement(knowledge: Knowledge, row: Update, as_of: date) -> Update | None:
    """The reissue of an update known on a day, None if there is none."""
    reissues = [
        other
        for other in knowledge.of_cu(row.line, row.cu)
        if other.reissue_of == row.build and other.released <= as_of
    ]
    return reissues[-1] if reissues else None


def _available(knowledge: Knowledge, line: ProductLine, as_of: date) -> list[Update]:
    return [
        row
        for row in knowledge.of_line(line)
        if row.released <= as_of
        and (row.withdrawn_on is None or row.withdrawn_on > as_of)
        and row.cu != "Preview"
    ]


def _install(row: Update) -> Remedy:
    values = (("update", row.name), ("kb", row.kb or ""), ("cu", row.cu), ("build", str(row.build)))
    return Remedy("install_cu" if row.kind is UpdateKind.CU else "install_su", values)


def _past_support(knowledge: Knowledge, member: BuildAssessment, as_of: date) -> list[Remedy]:
    steps = []
    esu = [row for row in _available(knowledge, member.line, as_of) if row.esu]
    newest = next((row for row in reversed(esu) if row.cu == member.cu), None)
    in_esu = member.support.phase is PhaseName.ESU
    if in_esu and newest is not None and newest.build > member.build:
        values = (("update", newest.name), ("kb", newest.kb or ""), ("cu", newest.cu))
        steps.append(Remedy("install_esu_update", values))
    in_place = (member.line, member.cu) in _UPGRADES_IN_PLACE
    steps.append(Remedy("upgrade_to_se" if in_place else "replace_by_se"))
    return steps
