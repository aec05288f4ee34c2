"""What a worker does with a batch: the gate, the pace and the look, as the coordinator would.

Budgets hold although workers are killed. Whoever begins a batch first takes the number of its
attempt from a ledger that outlives the worker, and enters each lot of targets there before the
first connection to one of them. A later attempt reads which lots were begun, and how often, and
charges their servers with all that those looks may have asked at most, whether they did or
not. With r requests a look, retries included, and a budget of b, a target that was begun b / r
times is not asked again: its record says `budget_spent`. Targets of lots that were never begun
are untouched. A worker that was thought dead and is not cannot begin another lot: the ledger
knows a newer attempt.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from patchstand import knowledge
from patchstand.errors import ScopeError, UsageError
from patchstand.model import HERE, Knowledge, Observation, Permit, Record, Scope, Target
from patchstand.observe.look import Approach, run
from patchstand.observe.pace import Pace, PaceRules, Spent
from patchstand.observe.pool import Crowd, Pool
from patchstand.observe.probe import select
from patchstand.observe.resolve import Resolution, Resolver
from patchstand.observe.scope import Gate
from patchstand.observe.scope_file import pace_rules
from patchstand.observe.session import Prober
from patchstand.workflow.beyond.batches import (
    ATTEMPTS,
    LOT,
    Lease,
    LookBatch,
    LookResult,
    allowances,
    decode_batch,
    encode,
)
from patchstand.workflow.beyond.grouping import network_of
from patchstand.workflow.record import record_of

LOOKS_A_NETWORK = 8
"""Looks at once for each network of a batch; a rate per network is stricter."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What a worker brings along: its clock (with time zone), its name, a scope of its own.

    `scope` narrows: it and those of the batch must both permit a connection, and the stricter
    budgets and rates hold. `knowledge` is the folder whose knowledge files win.
    """

    now: Callable[[], datetime]
    vantage_point: str | None = None
    scope: Scope | None = None
    knowledge: Path | None = None


class Begun(NamedTuple):
    """An attempt, from 1, and how often the earlier ones began each lot."""

    attempt: int
    lots: Mapping[int, int]


class Ledger(Protocol):
    """Where the attempts at one batch are counted; it outlives every worker."""

    def open(self) -> Begun:
        """Begin an attempt."""

    def begin(self, lot: int, *, patiently: bool) -> bool:
        """Enter that this attempt begins a lot; False when the ledger cannot be reached now.

        With `patiently` it waits until it can: never while looks are under way, whose
        answers would be late.

        Raises:
            StoreError: there is a newer attempt, or the ledger is lost for good.
        """


class OneAttempt:
    """The ledger of a batch that nobody else can begin: in a process of this machine."""

    def open(self) -> Begun:
        """The first attempt."""
        return Begun(1, {})

    def begin(self, lot: int, *, patiently: bool) -> bool:  # noqa: ARG002  # nobody else will ask
        """Nothing to enter."""
        return True


def look_batch(payload: bytes, edge: Edge, ledger: Ledger | None = None) -> bytes:
    """Look at all targets of an encoded batch; the encoded result.

    Raises:
        UsageError: the batch cannot be read, or wants probes or knowledge that are not here.
        StoreError: another worker has begun the batch anew.
    """
    batch = decode_batch(payload)
    known = _knowledge(batch, edge)
    ledger = ledger or OneAttempt()
    begun = ledger.open()
    spent = _Tally(_spent_before(batch, begun))
    seen_all = run(_look_at_all(batch, edge, ledger, spent))
    return encode(
        LookResult(
            scan=batch.scan,
            number=batch.number,
            attempt=begun.attempt,
            records=tuple(_record(seen, known, raw=batch.settings.raw) for seen in seen_all),
            spent=spent.total(),
        )
    )


def _record(seen: Observation, known: Knowledge, *, raw: bool) -> Record:
    record = record_of(seen, known)
    return record if raw else replace(record, answers=())


def _knowledge(batch: LookBatch, edge: Edge) -> Knowledge:
    known = knowledge.load(edge.knowledge)
    if known.version != batch.settings.knowledge:
        raise UsageError(
            f"scan {batch.scan} wants knowledge {batch.settings.knowledge}, this worker has"
            f" {known.version}: install the same on both sides"
        )
    return known


def _spent_before(batch: LookBatch, begun: Begun) -> dict[str, Spent]:
    if begun.attempt <= ATTEMPTS:
        return allowances(batch, begun.lots)
    most = batch.settings.rules.requests_per_server
    addresses = {address for lease in batch.leases for address in lease.addresses}
    return batch.spent | dict.fromkeys(sorted(addresses), Spent(most, most))


async def _look_at_all(
    batch: LookBatch, edge: Edge, ledger: Ledger, spent: "_Tally"
) -> list[Observation]:
    pace = Pace(
        _rules(batch.settings.rules, edge.scope),
        spent=spent.total().items(),
        on_spend=spent.count,
        loopback_is_free=batch.settings.loopback_is_free,
    )
    approach = _approach(batch, edge, pace)
    crowd = Crowd(_most_at_once(batch), batch.settings.retries)
    targets = _Begun(batch, ledger)
    found: list[Observation] = []
    while targets.wait():
        pool = Pool(approach, crowd)
        found.extend([seen async for seen in pool.observations(iter(targets))])
    return found


def _most_at_once(batch: LookBatch) -> int:
    """As the settings say, but a batch of few networks does not ask all of one at once."""
    networks = {network_of(address) for lease in batch.leases for address in lease.addresses}
    return min(batch.settings.concurrency, LOOKS_A_NETWORK * max(1, len(networks)))


def _rules(rules: PaceRules, own: Scope | None) -> PaceRules:
    """The budgets and rates of the batch, or those of the worker's own scope where stricter."""
    if own is None:
        return rules
    of_batch = replace(
        own,
        requests_per_network=rules.requests_per_network,
        rate=rules.rate,
        rate_per_network=rules.rate_per_network,
    )
    return pace_rules((own, of_batch), rules.requests_per_server)


class _Begun:
    """The targets of a batch, each lot entered in the ledger before its first one.

    Iteration pauses where the ledger cannot be reached, so that looks under way end well.
    """

    def __init__(self, batch: LookBatch, ledger: Ledger) -> None:
        self._leases = batch.leases
        self._ledger = ledger
        self._place = 0
        self._entered = 0  # lots

    def wait(self) -> bool:
        """Wait until the next target may be asked; False when there is none."""
        if self._place == len(self._leases):
            return False
        return self._enter(patiently=True)

    def __iter__(self) -> Iterator[Target]:
        while self._place < len(self._leases) and self._enter(patiently=False):
            lease = self._leases[self._place]
            self._place += 1
            yield lease.target

    def _enter(self, *, patiently: bool) -> bool:
        lot = self._place // LOT
        if lot == self._entered:
            if not self._ledger.begin(lot, patiently=patiently):
                return False
            self._entered += 1
        return True


def _approach(batch: LookBatch, edge: Edge, pace: Pace) -> Approach:
    settings = batch.settings
    return Approach(
        gate=BothGates(edge, batch.scopes, strict=not settings.loopback_is_free),
        resolver=Leased(batch.leases, is_loopback=settings.resolver_is_loopback),
        prober=Prober(
            settings.version,
            settings.contact,
            ehlo_name=settings.ehlo_name,
            vantage_point=settings.vantage_point or edge.vantage_point or HERE,
        ),
        now=edge.now,
        probes=select(settings.probes),
        nodes=settings.nodes,
        requests=settings.requests,
        limits=settings.limits,
        pace=pace,
    )


class BothGates(Gate):
    """The gate of the batch's scopes, and behind it that of the worker's own."""

    def __init__(self, edge: Edge, scopes: tuple[Scope, ...], *, strict: bool) -> None:
        """Take both; without a scope of the worker those of the batch decide alone."""
        super().__init__(edge.now, scope=scopes, strict=strict)
        own = edge.scope
        self._own = Gate(edge.now, scope=own, strict=True) if own is not None else None
        self._own_permits: dict[str, Permit] = {}

    async def permit(self, name: str, address: str) -> Permit:
        """The batch's permit, if the worker's own scope gives one too.

        Raises:
            ScopeError: one of the two does not permit it.
        """
        permit = await super().permit(name, address)
        if self._own is not None:
            try:
                self._own_permits[permit.address] = await self._own.permit(name, address)
            except ScopeError as error:
                raise ScopeError(f"the worker's own scope: {error}") from error
        return permit

    def still_permits(self, permit: Permit) -> bool:
        """Whether a permit granted earlier is still good: both scopes may end meanwhile."""
        if not super().still_permits(permit):
            return False
        return self._own is None or self._own.still_permits(self._own_permits[permit.address])


class Leased(Resolver):
    """Knows the addresses that the coordinator found, and asks nobody."""

    def __init__(self, leases: tuple[Lease, ...], *, is_loopback: bool) -> None:
        """Take the leases of one batch."""
        super().__init__()
        self._leases = {lease.target.name: lease for lease in leases}
        self._is_loopback = is_loopback

    @property
    def is_loopback(self) -> bool:
        """What holds for the coordinator's resolver: it alone has looked up names."""
        return self._is_loopback

    def __str__(self) -> str:
        """Name it in journals and permits."""
        return "the coordinator's resolver"

    async def addresses(self, name: str) -> Resolution:
        """What was leased under the name."""
        lease = self._leases.get(name)
        if lease is None:
            return Resolution((), "the coordinator leased no address")
        return Resolution(lease.addresses, lease.detail)

    async def texts(self, name: str) -> tuple[str, ...]:  # noqa: ARG002  # whatever it is
        """None: a proof by DNS is not looked up by workers."""
        return ()

    async def mail_servers(self, domain: str) -> tuple[str, ...]:  # noqa: ARG002
        """None: nothing is looked up by workers."""
        return ()


class _Tally:
    """What the addresses were asked: before this attempt, and in it."""

    def __init__(self, before: Mapping[str, Spent]) -> None:
        self._attempts = Counter({address: each.attempts for address, each in before.items()})
        self._taken = Counter({address: each.taken for address, each in before.items()})

    def count(self, address: str, attempts: int, taken: int) -> None:
        self._attempts[address] += attempts
        self._taken[address] += taken

    def total(self) -> dict[str, Spent]:
        addresses = sorted(self._attempts.keys() | self._taken.keys())
        return {each: Spent(self._attempts[each], self._taken[each]) for each in addresses}
