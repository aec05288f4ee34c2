"""Which entry of a scope decides about a target; without network and without DNS."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from patchstand.model import Scope
from patchstand.observe.names import (
    Address,
    Domains,
    Networks,
    canonical,
    canonical_address,
    embedded,
)
from patchstand.observe.opt_out import is_network
from patchstand.observe.scope import PURPOSES


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a target would be asked, and what decides it.

    `rule`: network or domain (permitted); denied, opt_out, not_valid, outside, or unknown
    for a name whose addresses would have to be looked up. `entry` is the line of the scope.
    """

    target: str
    permitted: bool
    rule: str
    entry: str | None = None


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many addresses of one version are allowed, and how many of these may be asked."""

    allowed: int
    permitted: int


def decide(scope: Scope, target: str, today: date) -> Decision:
    """What the scope says of one name or address on a day, as a scan would take it."""
    name = canonical(target)
    place = canonical_address(target)
    if name is None or (place is not None and (place.is_unspecified or place.is_multicast)):
        return Decision(target, False, "outside")
    for rule, entries in (
        ("denied", (*scope.denied_networks, *scope.denied_domains)),
        ("opt_out", scope.opt_outs),
    ):
        entry = _first(entries, lambda each: _refuses(each, name, place))
        if entry is not None:
            return Decision(target, False, rule, entry)
    if not _is_valid(scope, today):
        return Decision(target, False, "not_valid", str(scope.valid_until or scope.valid_from))
    if place is not None:
        entry = _first(scope.networks, lambda each: place in Networks([each]))
        return Decision(target, entry is not None, "network" if entry else "outside", entry)
    entry = _first(scope.domains, lambda each: name in Domains([each]))
    if entry is not None:
        return Decision(target, True, "domain", entry)
    return Decision(target, False, "unknown" if scope.networks else "outside")


def numbers(scope: Scope, version: int) -> Numbers:
    """Count addresses: what is named in several networks is counted once."""
    never = [*scope.denied_networks, *(each for each in scope.opt_outs if is_network(each))]
    allowed = Networks(_of_version(scope.networks, version))
    refused = Networks(_of_version(never, version))
    either = Networks(_of_version([*scope.networks, *never], version))
    return Numbers(allowed.size, either.size - refused.size)


def _of_version(networks: Iterable[str], version: int) -> list[str]:
    return [each for each in networks if (":" in each) is (version == 6)]


def _refuses(entry: str, name: str, place: Address | None) -> bool:
    if not is_network(entry):
        return name in Domains([entry])
    return place is not None and any(each in Networks([entry]) for each in embedded(place))


def _first(entries: Iterable[str], fits: Callable[[str], bool]) -> str | None:
    return next((each for each in entries if fits(each)), None)


def _is_valid(scope: Scope, today: date) -> bool:
    if not set(scope.purposes) & set(PURPOSES):
        return False
    if scope.valid_from is not None and today < scope.valid_from:
        return False
    return scope.valid_until is None or today <= scope.valid_until
