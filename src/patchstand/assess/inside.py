"""The shape of a check from inside: one file per check in `inside_checks/`, found by `plugins`.

A check looks at the exported state of a server. It yields findings; decisions on CVEs whose
status hangs on the machine around Exchange; and what it would have needed and did not get.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from patchstand.assess.severity import severity_of
from patchstand.model import (
    Assessment,
    Build,
    CveVerdict,
    Finding,
    Identity,
    Knowledge,
    Severity,
    Status,
    Why,
)
from patchstand.model.inside import Reading, ServerState


@dataclass(frozen=True, slots=True)
class Inside:
    """What a check looks at: the state of a server, and the verdict over its build.

    `role`: of a 2013 server as the caller says it, `cas`, `mbx` or `both`.
    """

    state: ServerState
    knowledge: Knowledge
    identity: Identity
    assessment: Assessment
    role: str | None = None

    @property
    def build(self) -> Build | None:
        """The exact build; None where it is not known."""
        builds = self.identity.builds
        return builds[0] if len(builds) == 1 else None

    @property
    def as_of(self) -> date:
        """The day the server is judged for."""
        return self.assessment.as_of

    def hanging(self, cves: Iterable[str]) -> tuple[str, ...]:
        """Those of some CVEs that a setting of this server decides."""
        wanted = frozenset(cves)
        return tuple(
            cve.id for cve in self.assessment.cves if cve.id in wanted and hangs_on_setting(cve)
        )

    def severity(self, cves: Iterable[str]) -> Severity:
        """How urgent some CVEs are once they are known to be open."""
        wanted = frozenset(cves)
        before_log_in = {cve.id for cve in self.knowledge.cves if cve.pre_authentication}
        return severity_of(
            replace(cve, status=Status.AFFECTED, pre_authentication=cve.id in before_log_in)
            for cve in self.assessment.cves
            if cve.id in wanted
        )


def hangs_on_setting(cve: CveVerdict) -> bool:
    """True when the build has what is needed, and a setting decides whether it is used."""
    undecided = cve.status is Status.UNDETERMINED and cve.why is Why.CONFIGURATION
    return undecided or (cve.status is Status.FIXED and cve.why is Why.DEFAULT)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether CVEs are open on this server, by what was read of its settings.

    `cves`: their ids; `is_open` True: affected, False: fixed by the setting.
    """

    cves: tuple[str, ...]
    is_open: bool
    read: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """What a check needed and did not find: the export, and what therefore stays unknown.

    `wanted`: the export as the collector names it (`GetSettingOverride`).
    """

    wanted: str
    cves: tuple[str, ...] = ()


Said = Finding | Decision | Unread


@dataclass(frozen=True, slots=True)
class InsideCheck:
    """One question with an id; `run` never raises, whatever the state holds."""

    id: str
    run: Callable[[Inside], Iterable[Said]]
