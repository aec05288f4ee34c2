"""Which update to install next, in which order, and what to do where none is left."""

from datetime import date

from patchstand.assess.support import UNSUPPORTED
from patchstand.model import (
    BuildAssessment,
    Knowledge,
    ProductLine,
    Remedy,
    Update,
    UpdateKind,
)

_UPGRADES_IN_PLACE = frozenset({(ProductLine.V2019, "CU14"), (ProductLine.V2019, "CU15")})
"""CUs from which Exchange SE installs over the existing server (Microsoft's SE release post)."""


def update_steps(knowledge: Knowledge, member: BuildAssessment, as_of: date) -> tuple[Remedy, ...]:
    """The updates to install on this build, in order; withdrawn ones are never named.

    If the newest security release exists for the CU that is installed, that is the
    quickest way to close what is open; otherwise the newest CU comes first, then its
    update. Past support follow the paid update, for those entitled to it, and the successor.
    """
    available = _available(knowledge, member.line, as_of)
    installed = knowledge.row_for(member.build)
    paid = installed is not None and installed.esu  # whoever has one is entitled to the next
    public = [] if paid else [row for row in available if not row.esu]
    installs = _public_installs(public, member) if public else []
    steps = [_install(row) for row in installs]
    if member.support.phase in UNSUPPORTED:
        cu = installs[-1].cu if installs else member.cu
        steps += _past_support(knowledge, member, cu, as_of)
    return tuple(steps)


def _public_installs(public: list[Update], member: BuildAssessment) -> list[Update]:
    """The one or two public updates that bring the build to the newest public level."""
    security = [row for row in public if row.security]
    cus = [row for row in public if row.kind is UpdateKind.CU]
    own = [row for row in security if row.cu == member.cu and row.build > member.build]
    if own and own[-1].family == max(security, key=lambda row: row.released).family:
        return own[-1:]
    if not cus or cus[-1].build < member.build:
        return []
    newest_cu = cus[-1]
    later = [row for row in security if row.cu == newest_cu.cu and row.build > member.build]
    wanted = [] if member.cu == newest_cu.cu else [newest_cu]
    return wanted + [row for row in later[-1:] if row.build != newest_cu.build]


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


def _past_support(
    knowledge: Knowledge, member: BuildAssessment, cu: str, as_of: date
) -> list[Remedy]:
    """What follows once `cu` is installed: the paid update, then the successor."""
    steps = []
    rows = [row for row in _available(knowledge, member.line, as_of) if row.esu and row.cu == cu]
    if rows and rows[-1].build > member.build:
        values = (("update", rows[-1].name), ("kb", rows[-1].kb or ""), ("cu", cu))
        steps.append(Remedy("install_esu_update", values))
    in_place = (member.line, cu) in _UPGRADES_IN_PLACE
    steps.append(Remedy("upgrade_to_se" if in_place else "replace_by_se"))
    return steps
