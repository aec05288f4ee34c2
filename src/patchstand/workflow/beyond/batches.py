"""A batch of targets, and what came of it: data only, validated on both sides (docs/cluster.md).

Nothing here is pickled: a worker at another site gets values and gives values back.
"""

import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import msgspec

from patchstand.errors import UsageError
from patchstand.model import Record, Scope, Target
from patchstand.observe.limits import REQUESTS_PER_SERVER, Limits
from patchstand.observe.pace import PaceRules, Spent
from patchstand.observe.pool import MOST
from patchstand.workflow.record import ports_of, target_name

FORMAT = 1
"""Of batches and results; both sides must have the same."""
LOT = 32
"""Targets between two entries in a ledger: those of a lot count as asked once it is begun."""
ATTEMPTS = 3
"""A batch that lost so many workers is not begun again: its servers have been asked enough."""
MOST_BYTES = 512 * 1024 * 1024
"""Of one message, unpacked."""
_PORTS = range(1, 65536)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookSettings:
    """How a worker looks: all that is no target.

    `probes` are names; `rules` those of the whole scan, of which a batch is one part, with
    the rates of that part. `requests`: at most so many for one look at one target, of which
    there are 1 + `retries` where it times out.
    `version`, `contact` and `ehlo_name` are told to the servers (RFC 9511). `knowledge` is the
    version with which answers are reduced to evidence: that of every worker.
    `loopback_is_free` False: budgets, rates and scopes hold there as everywhere.
    `vantage_point` None: the worker's own. `resolver_is_loopback`: the coordinator asked a
    name server of its own machine, so that names stayed there. Without `raw` records come back
    without the whole answers.
    """

    probes: tuple[str, ...]
    knowledge: str
    version: str
    contact: str
    ehlo_name: str
    vantage_point: str | None = None
    nodes: int = 1
    requests: int = REQUESTS_PER_SERVER
    rules: PaceRules = field(default_factory=PaceRules)
    loopback_is_free: bool = True
    resolver_is_loopback: bool = False
    limits: Limits = field(default_factory=Limits)
    concurrency: int = MOST
    retries: int = 1
    raw: bool = True


@dataclass(frozen=True, slots=True)
class Lease:
    """One target and the addresses the coordinator found for it; workers look up no names.

    `detail` says why there is none.
    """

    target: Target
    addresses: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookBatch:
    """Targets for one worker; no other batch at work has an address of the same network.

    `scan` and `number` name it. Batches of a later `window` wait for all of the earlier;
    `spent` is what those may have asked of its networks already.
    """

    scan: str
    number: int
    window: int
    leases: tuple[Lease, ...]
    scopes: tuple[Scope, ...]
    settings: LookSettings
    spent: dict[str, Spent] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def lots(self) -> int:
        """How many lots the batch has; see `LOT`."""
        return -(-len(self.leases) // LOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookResult:
    """One record for each target of a batch, and what its addresses were asked altogether.

    `attempt` counts from 1; `spent` includes what lost attempts may have asked.
    """

    scan: str
    number: int
    attempt: int
    records: tuple[Record, ...]
    spent: dict[str, Spent]
    format: int = FORMAT


Message = TypeVar("Message", LookBatch, LookResult)


class _Envelope(NamedTuple):
    """What is looked at before the rest: both sides may have different releases."""

    format: int
    body: bytes


def encode(message: LookBatch | LookResult) -> bytes:
    """The message as compressed msgpack; the pages of servers are much alike."""
    return msgspec.msgpack.encode((message.format, _packed(msgspec.msgpack.encode(message))))


def decode_batch(payload: bytes) -> LookBatch:
    """Read a batch.

    Raises:
        UsageError: not a batch, of another format, or with a port that is none.
    """
    batch = _decode(payload, LookBatch)
    for lease in batch.leases:
        target = lease.target
        ports = {target.https, target.smtp, target.imap, target.pop} - {None}
        if not all(port in _PORTS for port in ports):
            raise UsageError(f"batch {batch.number} of scan {batch.scan} names a port that is none")
    return batch


def decode_result(payload: bytes, batch: LookBatch) -> LookResult:
    """Read the result of `batch`; what a worker elsewhere says is not taken on trust.

    Raises:
        UsageError: not a result, of another format or batch, or not one record for each
            target.
    """
    result = _decode(payload, LookResult)
    if (result.scan, result.number) != (batch.scan, batch.number):
        raise UsageError(f"a worker sent the result of another batch than {batch.number}")
    asked = Counter((target_name(lease.target), ports_of(lease.target)) for lease in batch.leases)
    if Counter((record.target, record.ports) for record in result.records) != asked:
        raise UsageError(f"a worker sent other targets than those of batch {batch.number}")
    return result


def allowances(batch: LookBatch, times: Mapping[int, int]) -> dict[str, Spent]:
    """The most that was asked of each address, when lots were begun so many times.

    `batch.spent` is included; no server was ever asked more than its budget.
    """
    looks: Counter[str] = Counter()
    for place, lease in enumerate(batch.leases):
        for address in lease.addresses:
            looks[address] += times.get(place // LOT, 0)
    most = batch.settings.rules.requests_per_server
    each = min(batch.settings.requests * (1 + batch.settings.retries), most)
    spent = dict(batch.spent)
    for address, count in looks.items():
        before = spent.get(address, Spent(0, 0))
        more = each * count
        spent[address] = Spent(min(before.attempts + more, most), min(before.taken + more, most))
    return {address: each for address, each in spent.items() if each != (0, 0)}


def at_most(batch: LookBatch) -> dict[str, Spent]:
    """What the batch may have asked of each address when nobody knows how it ended."""
    return allowances(batch, dict.fromkeys(range(batch.lots), ATTEMPTS))


def _decode(payload: bytes, kind: type[Message]) -> Message:
    try:
        envelope = msgspec.msgpack.decode(payload, type=_Envelope)
        if envelope.format != FORMAT:
            raise UsageError(
                f"a {kind.__name__} has format {envelope.format}, not {FORMAT}: install the same"
                " release of patchstand on both sides"
            )
        message: Any = msgspec.msgpack.decode(_unpacked(envelope.body), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, zlib.error) as error:
        raise UsageError(f"a {kind.__name__} cannot be read: {error}") from error
    return message  # type: ignore[no-any-return]


def _packed(body: bytes) -> bytes:
    return zlib.compress(body, level=1)


def _unpacked(body: bytes) -> bytes:
    """What was packed; never more than `MOST_BYTES`, whoever sent it."""
    reader = zlib.decompressobj()
    unpacked = reader.decompress(body, MOST_BYTES)
    if not reader.eof:
        raise zlib.error("cut off, or larger than any batch")
    return unpacked
