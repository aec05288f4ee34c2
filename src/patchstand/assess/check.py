"""The shape of a check: one file per check in `checks/`, found by `plugins.declared`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from patchstand.model import (
    Assessment,
    BuildAssessment,
    CertificateFacts,
    Exposure,
    Finding,
    Identity,
    Knowledge,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a check looks at: one node with its verdict, and what its address offers."""

    knowledge: Knowledge
    identity: Identity
    assessment: Assessment
    exposure: tuple[Exposure, ...] = ()
    certificate: CertificateFacts | None = None
    tls_versions: tuple[str, ...] = ()

    @property
    def best(self) -> BuildAssessment | None:
        """The member with the least to fault; None for an empty set."""
        members = self.assessment.members
        return min(members, key=_faults, default=None)

    @property
    def worst(self) -> BuildAssessment | None:
        """The member an auditor must assume; None for an empty set."""
        return max(self.assessment.members, key=_faults, default=None)


def _faults(member: BuildAssessment) -> tuple[int, int, int]:
    level = member.behind
    return (
        level.days if level.since is not None else -1,
        len(level.missing),
        -sum(part << (16 * (3 - at)) for at, part in enumerate(member.build.parts[:4])),
    )


@dataclass(frozen=True, slots=True)
class Check:
    """One question with an id; `run` yields at most a few findings and never raises.

    `of_address`: it looks at what the address offers, not only at identity and verdict,
    so that its findings cannot be remembered between servers with the same builds.
    """

    id: str
    run: Callable[[Subject], Iterable[Finding]]
    of_address: bool = False
