"""What a scan would do, without looking up a name or asking anybody."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from patchstand.errors import ScopeError
from patchstand.model import Target
from patchstand.observe.look import Approach, run
from patchstand.observe.names import canonical_address
from patchstand.observe.order import network_of

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """The counts of a dry run.

    `permitted` addresses would be asked, `names` looked up first (their addresses may still be
    out of scope), `refused` neither. `requests` is the most that could be sent altogether.
    `most_in_a_network` targets lie in the fullest network.
    """

    targets: int
    permitted: int
    names: int
    refused: int
    reasons: tuple[str, ...]
    networks: int
    most_in_a_network: int
    requests: int
    per_look: int
    probes: tuple[str, ...]
    user_agent: str


def preview(targets: Iterable[Target], approach: Approach, retries: int) -> Preview:
    """Go through the targets as a scan would.

    Raises:
        UsageError: a line is no target.
    """
    return run(_preview(targets, approach, retries))


async def _preview(targets: Iterable[Target], approach: Approach, retries: int) -> Preview:
    counts: Counter[str] = Counter()
    networks: Counter[str] = Counter()
    reasons: dict[str, None] = {}
    for target in targets:
        try:
            counts[await _fate(target, approach)] += 1
        except ScopeError as error:
            counts["refused"] += 1
            if len(reasons) < _EXAMPLES:
                reasons[str(error)] = None
        else:
            networks[network_of(target.name)] += 1
    asked = counts["permitted"] + counts["names"]
    each = approach.requests or approach.pace.rules.requests_per_server
    return Preview(
        targets=asked + counts["refused"],
        permitted=counts["permitted"],
        names=counts["names"],
        refused=counts["refused"],
        reasons=tuple(reasons),
        networks=len(networks),
        most_in_a_network=max(networks.values(), default=0),
        requests=asked * min(each * (1 + retries), approach.pace.rules.requests_per_server),
        per_look=each,
        probes=tuple(probe.name for probe in approach.probes),
        user_agent=approach.prober.user_agent,
    )


async def _fate(target: Target, approach: Approach) -> str:
    approach.gate.check_name(target.name, approach.resolver)
    if canonical_address(target.name) is None:
        return "names"
    await approach.gate.permit(target.name, target.name)
    return "permitted"
