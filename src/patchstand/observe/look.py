"""Looks at one target, or at very many at once; each look ends in one Observation."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from patchstand.errors import PatchstandError, ScopeError
from patchstand.model import Observation, Outcome, Permit, Target, Transcript
from patchstand.observe.limits import Budget, Limits
from patchstand.observe.pace import Pace, PaceRules
from patchstand.observe.probe import Probe, all_probes
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate
from patchstand.observe.session import Prober, Session, Terms

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

CONCURRENCY = 200
"""Targets at once; more does not make it faster (the processor is the limit)."""
BUFFER_BYTES = 32 * 1024
"""Read buffer of a TLS connection in asyncio; its own 256 KiB make 0.5 MB a connection."""
GARBAGE_THRESHOLD = 20_000
"""New objects between two collections; Python's 700 cost 6 % of the time of a scan."""
ADDRESSES_TRIED = 3
"""Addresses of one name tried until one lets us connect."""

FILES_OF_OUR_OWN = 64
"""Files kept free for everything that is not a connection to a server."""

Result = TypeVar("Result")
_log = logging.getLogger(__name__)

_BEST_FIRST = (
    Outcome.ANSWERED,
    Outcome.TOO_LARGE,
    Outcome.PROTOCOL_ERROR,
    Outcome.TLS_FAILED,
    Outcome.RESET,
    Outcome.TIMED_OUT,
    Outcome.REFUSED,
    Outcome.UNREACHABLE,
    Outcome.NO_ADDRESS,
    Outcome.OUT_OF_SCOPE,
    Outcome.BUDGET_SPENT,
)
_NO_CONNECTION = frozenset({Outcome.TIMED_OUT, Outcome.REFUSED, Outcome.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Approach:
    """How every target of a run is looked at.

    `pace` keeps the budgets and the rates over the run, per address whatever its names and
    ports; `requests` limits a single look besides. `nodes`: connections made to find back ends.
    `now` is the clock (with time zone).
    """

    gate: Gate
    resolver: Resolver
    prober: Prober
    now: Callable[[], datetime]
    probes: tuple[Probe, ...] = field(default_factory=all_probes)
    nodes: int = 1
    requests: int | None = None
    limits: Limits = field(default_factory=Limits)
    pace: Pace = field(default_factory=lambda: Pace(PaceRules()))


def files_of_a_look(approach: Approach) -> int:
    """Connections that one look may hold open at the same time."""
    return len(approach.probes) + approach.nodes


async def look(target: Target, approach: Approach) -> Observation:
    """Look at one target; whatever goes wrong is in the observation's outcome.

    Raises:
        PatchstandError: the caller's settings are wrong (a journal that cannot be written).
    """
    seen_at = approach.now()
    try:
        return await _look(target, approach, seen_at)
    except PatchstandError:
        raise
    except Exception as error:  # noqa: BLE001  # our own mistake on one target must not end the others
        _log.debug("%s", target.name, exc_info=True)
        return _without_address(
            target, approach, seen_at, Outcome.PROTOCOL_ERROR, f"{type(error).__name__}: {error}"
        )


async def look_at_all(
    targets: Iterable[Target], approach: Approach, concurrency: int = CONCURRENCY
) -> AsyncIterator[Observation]:
    """Look at many targets, `concurrency` at once; yields as they end, holds no more than that.

    Raises:
        PatchstandError: as `look`.
    """
    at_once = possible_at_once(concurrency, files_of_a_look(approach))
    queue: asyncio.Queue[Observation | BaseException | None] = asyncio.Queue(at_once)
    waiting = iter(targets)
    workers = [asyncio.create_task(_work(waiting, approach, queue)) for _ in range(at_once)]
    try:
        working = len(workers)
        while working:
            result = await queue.get()
            if isinstance(result, BaseException):
                raise result
            if result is None:
                working -= 1
            else:
                yield result
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine of this package, on uvloop where it is installed."""
    usual = gc.get_threshold()
    gc.set_threshold(GARBAGE_THRESHOLD, *usual[1:])
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            return runner.run(main)
    finally:
        gc.set_threshold(*usual)


async def _work(
    waiting: Iterator[Target],
    approach: Approach,
    queue: "asyncio.Queue[Observation | BaseException | None]",
) -> None:
    try:
        for target in waiting:  # shared: each worker takes the next
            await queue.put(await look(target, approach))
    except Exception as error:  # noqa: BLE001  # handed to the one who iterates, who raises it
        await queue.put(error)
    else:
        await queue.put(None)


async def _look(target: Target, approach: Approach, seen_at: datetime) -> Observation:
    try:
        approach.gate.check_name(target.name, approach.resolver)
    except ScopeError as error:
        return _without_address(target, approach, seen_at, Outcome.OUT_OF_SCOPE, str(error))
    resolution = await approach.resolver.addresses(target.name)
    observation = _without_address(target, approach, seen_at, Outcome.NO_ADDRESS, resolution.detail)
    for address in resolution.addresses[:ADDRESSES_TRIED]:
        try:
            permit = await approach.gate.permit(target.name, address)
        except ScopeError as error:
            refused = _without_address(target, approach, seen_at, Outcome.OUT_OF_SCOPE, str(error))
            observation = refused if observation.address is None else observation
            continue
        observation = await _look_at_address(target, permit, approach, seen_at)
        if observation.outcome not in _NO_CONNECTION:
            break
    return observation


async def _look_at_address(
    target: Target, permit: Permit, approach: Approach, seen_at: datetime
) -> Observation:
    budget = approach.pace.budget(permit.address)
    if approach.requests is not None:
        budget = Budget(approach.requests, network=budget)
    still = partial(approach.gate.still_permits, permit)
    terms = Terms(permit, budget, approach.limits, approach.pace, still)
    session = Session(target, approach.prober, terms)
    detail = ""
    try:
        async with asyncio.timeout(approach.limits.target) as session.deadline:
            for probe in approach.probes:
                await probe.run(session, approach.nodes)
    except TimeoutError:
        detail = "the target's time is up"
    finally:
        session.close()
    return Observation(
        target=target,
        address=permit.address,
        observed_at=seen_at,
        vantage_point=approach.prober.vantage_point,
        outcome=_best(session.transcripts, Outcome.TIMED_OUT if detail else Outcome.UNREACHABLE),
        requests=session.requests,
        transcripts=tuple(session.transcripts),
        permit=permit,
        detail=detail or ("" if session.transcripts else "no service asked"),
    )


def _without_address(
    target: Target, approach: Approach, seen_at: datetime, outcome: Outcome, detail: str
) -> Observation:
    vantage_point = approach.prober.vantage_point
    return Observation(target, None, seen_at, vantage_point, outcome, 0, (), detail=detail)


def _best(transcripts: list[Transcript], otherwise: Outcome) -> Outcome:
    reached = {transcript.outcome for transcript in transcripts}
    return next((outcome for outcome in _BEST_FIRST if outcome in reached), otherwise)


def possible_at_once(wanted: int, files: int = 1) -> int:
    """No more than files may be open: the limit of this process is not the servers' fault.

    `files`: connections that one look may hold at the same time. The limit is raised as far
    as the system lets a process do that by itself.
    """
    possible = wanted
    if resource is not None:
        allowed = _files_allowed(wanted * files + FILES_OF_OUR_OWN)
        if allowed is not None:
            possible = (allowed - FILES_OF_OUR_OWN) // files
    return max(1, min(wanted, possible))


def _files_allowed(needed: int) -> int | None:
    """How many files this process may open, after asking for what it needs; None: no limit."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return None
    raised = needed if most == resource.RLIM_INFINITY else min(needed, most)
    if raised <= allowed:
        return allowed
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, most))
    return raised


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415  # optional: the extra `fast`
    except ImportError:
        loop = asyncio.new_event_loop()
        _shrink_buffers()
    else:
        loop = uvloop.new_event_loop()
    loop.set_exception_handler(_log_quietly)
    return loop


def _shrink_buffers() -> None:
    from asyncio import sslproto  # noqa: PLC0415  # asyncio's own loop only

    if hasattr(sslproto.SSLProtocol, "max_size"):
        sslproto.SSLProtocol.max_size = BUFFER_BYTES


def _log_quietly(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a server's misbehaviour makes asyncio report goes to the debug log."""
    _log.debug("%s", context.get("message"), exc_info=context.get("exception"))
