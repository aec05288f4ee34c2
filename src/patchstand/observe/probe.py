"""The shape of a probe; those in `probes/` are found, never listed by hand."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from patchstand import plugins
from patchstand.errors import UsageError
from patchstand.observe import probes as folder
from patchstand.observe.session import Session

GROUPS = ("web", "mail")


@dataclass(frozen=True, slots=True)
class Probe:
    """One kind of question to a server.

    `group`: web or mail. `rank`: lower ones ask first, so that a small budget goes to the
    questions that tell most. `requests_at_most`: without those asked for by `--nodes`.
    `run(session, nodes)` leaves its transcripts in the session; a failed measurement is one.
    """

    name: str
    group: str
    rank: int
    requests_at_most: int
    run: Callable[[Session, int], Awaitable[None]]


@lru_cache(maxsize=1)
def all_probes() -> tuple[Probe, ...]:
    """Every probe, in the order in which they ask."""
    found: Iterable[Probe] = plugins.declared(folder, "PROBE").values()
    return tuple(sorted(found, key=lambda probe: probe.rank))


def select(names: Iterable[str]) -> tuple[Probe, ...]:
    """The probes of `web`, `mail`, `all` or of their own names, in the order of asking.

    Raises:
        UsageError: a name is none of these.
    """
    wanted = {name.strip().lower() for name in names}
    known = {"all", *GROUPS, *(probe.name for probe in all_probes())}
    for name in sorted(wanted - known) or ([] if wanted else [""]):
        raise UsageError(f"no probe {name!r}; there are {', '.join(sorted(known))}")
    return tuple(probe for probe in all_probes() if wanted & {"all", probe.group, probe.name})
