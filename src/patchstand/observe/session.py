"""One look at one address: what the probes may use, and where their transcripts go."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from patchstand.errors import UsageError
from patchstand.model import Outcome, Permit, Target, Transcript
from patchstand.observe.dialogue import Dialogue
from patchstand.observe.http import HttpReader, request_bytes
from patchstand.observe.limits import Budget, Limits
from patchstand.observe.names import canonical
from patchstand.observe.pace import Pace
from patchstand.observe.wire import Endpoint, Failed, Wire, connect

HTTPS_PORT = 443
SESSION = "session"
"""The question of a whole mail dialogue."""
CONTACT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Prober:
    """Who asks: said in every request (RFC 9511), `ehlo_name` to mail servers.

    `contact` is a web or mail address under which one finds what this is and how to opt out.
    """

    version: str
    contact: str
    ehlo_name: str = "probe.invalid"
    vantage_point: str = ""

    def __post_init__(self) -> None:
        """Refuse texts that would break a request.

        Raises:
            UsageError: a contact or name with spaces, brackets or other than ASCII.
        """
        for text in (self.contact, self.ehlo_name, self.version):
            printable = text.isascii() and text.isprintable() and " " not in text
            if not printable or not text or len(text) > CONTACT_LENGTH or set(text) & set("();"):
                raise UsageError(f"contact {text!r}: give one web or mail address, in ASCII")

    @property
    def user_agent(self) -> str:
        """The User-Agent line of every HTTP request."""
        return f"Mozilla/5.0 (compatible; patchstand/{self.version}; +{self.contact})"


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms one address is asked.

    `pace` keeps the rates; `still_permitted` says whether the permit is still good, before
    every connection and request: a long run may outlive its scope file.
    """

    permit: Permit
    budget: Budget
    limits: Limits
    pace: Pace | None = None
    still_permitted: Callable[[], bool] = _always


class Session:
    """One look at one permitted address."""

    def __init__(self, target: Target, prober: Prober, terms: Terms) -> None:
        """Nothing is opened yet; `close` ends all that was."""
        self.target = target
        self.permit = terms.permit
        self.limits = terms.limits
        self.budget = terms.budget
        self.prober = prober
        self.transcripts: list[Transcript] = []
        self.requests = 0
        self.deadline: asyncio.Timeout | None = None
        self._terms = terms
        self._wires: list[Wire] = []
        self._connections = 0
        self._name = canonical(target.name) or terms.permit.address

    async def connect(self, port: int, *, tls: bool) -> Wire | Failed:
        """Open the next connection to the address, if budget, rates and permit allow another."""
        if not self.budget.connects:
            return Failed(Outcome.BUDGET_SPENT)
        refused = await self._turn()
        if refused is not None:
            return refused
        if not self.budget.attempt():  # others may have spent the network's while we waited
            return Failed(Outcome.BUDGET_SPENT)
        self._connections += 1
        endpoint = Endpoint(self.permit.address, port, self._name, tls)
        self.budget.hold(1)
        try:
            wire = await connect(self.permit, endpoint, self.limits.connect, self._connections)
        finally:
            self.budget.hold(-1)
        if isinstance(wire, Wire):
            self._wires.append(wire)
        return wire

    async def _turn(self) -> Failed | None:
        """Wait for the rates, then look at permit and budget; None when we may go on."""
        pace = self._terms.pace
        if pace is not None and not pace.is_unhurried:
            with self._clock_stopped():
                await pace.turn(self.permit.address)
        return self._refused()

    def _refused(self) -> Failed | None:
        """Why nothing may be asked at this moment; None when something may."""
        if not self._terms.still_permitted():
            return Failed(Outcome.OUT_OF_SCOPE, "the permit ended during the run")
        return Failed(Outcome.BUDGET_SPENT) if self.budget.spent else None

    @contextlib.contextmanager
    def _clock_stopped(self) -> Iterator[None]:
        """Waiting for the rates is not the target's fault: its deadline moves."""
        deadline = self.deadline
        until = deadline.when() if deadline is not None else None
        if deadline is None or until is None:
            yield
            return
        loop = asyncio.get_running_loop()
        left = until - loop.time()
        deadline.reschedule(None)
        try:
            yield
        finally:
            deadline.reschedule(loop.time() + left)

    def close(self) -> None:
        """Drop every connection."""
        for wire in self._wires:
            wire.drop()

    async def get(self, wire: Wire, path: str) -> Transcript:
        """Ask for one path over an open connection; takes one request from the budget.

        The connection is dropped unless it can carry another question.
        """
        refused = await self._turn()
        if refused is not None:
            wire.drop()
            return self.note("https", f"GET {path}", refused)
        self.budget.take()
        self.requests += 1
        started = time.perf_counter()
        reader = HttpReader(self.limits)
        question = request_bytes(path, self._host, self.prober.user_agent)
        failed: Failed | None = Failed(Outcome.TIMED_OUT, "the target's time is up")
        try:
            failed = await wire.exchange(question, reader, self.limits.answer)
        finally:  # also when the target's time is up: what came by then is kept
            if failed is not None or not reader.keep_alive or wire.is_out_of_step:
                wire.drop()
            transcript = _http_transcript(f"GET {path}", reader, failed, wire, _since(started))
            self.transcripts.append(transcript)
        return transcript

    async def converse(self, service: "MailService", port: int) -> None:
        """Hold one mail session; takes one request from the budget, and one turn."""
        started = time.perf_counter()
        wire = await self.connect(port, tls=port == service.tls_port)
        if isinstance(wire, Failed):
            self.note(service.name, SESSION, wire, _since(started))
            return
        refused = self._refused()
        if refused is not None:
            wire.drop()
            self.note(service.name, SESSION, refused)
            return
        self.budget.take()
        self.requests += 1
        dialogue = Dialogue(wire, self.limits)
        try:
            await service.speak(dialogue, self.prober.ehlo_name.encode("ascii"))
        finally:  # also when the target's time is up: what was said by then is kept
            wire.drop()
            outcome, detail = _mail_outcome(dialogue, service.is_greeting)
            self.transcripts.append(
                Transcript(
                    service.name,
                    SESSION,
                    outcome,
                    answer=dialogue.answer,
                    truncated=dialogue.truncated,
                    detail=detail,
                    connection=wire.number,
                    tls=wire.tls,
                    milliseconds=_since(started),
                )
            )

    def note(
        self, service: str, question: str, failed: Failed, milliseconds: float = 0.0
    ) -> Transcript:
        """Keep that a question could not be asked, and why."""
        transcript = Transcript(
            service,
            question,
            failed.outcome,
            detail=failed.detail,
            connection=self._connections,
            milliseconds=milliseconds,
        )
        self.transcripts.append(transcript)
        return transcript

    @property
    def _host(self) -> str:
        name = f"[{self._name}]" if ":" in self._name else self._name
        return name if self.target.https == HTTPS_PORT else f"{name}:{self.target.https}"


@dataclass(frozen=True, slots=True)
class MailService:
    """How one mail protocol is spoken.

    `tls_port`: where it is TLS from the first byte on (RFC 8314). `is_greeting`: whether
    an answer begins as this protocol does. `speak(dialogue, our name)` holds the session.
    """

    name: str
    tls_port: int
    is_greeting: Callable[[bytes], bool]
    speak: Callable[[Dialogue, bytes], Awaitable[None]]


def _http_transcript(
    question: str, reader: HttpReader, failed: Failed | None, wire: Wire, milliseconds: float
) -> Transcript:
    outcome, detail = _http_outcome(reader, failed)
    return Transcript(
        "https",
        question,
        outcome,
        answer=reader.answer,
        truncated=reader.truncated,
        detail=detail,
        connection=wire.number,
        tls=wire.tls,
        milliseconds=milliseconds,
    )


def _http_outcome(reader: HttpReader, failed: Failed | None) -> tuple[Outcome, str]:
    if reader.is_usable:
        late = failed.outcome.value if failed else ""
        return Outcome.ANSWERED, ", ".join(filter(None, (reader.detail, late)))
    if failed is not None:
        return failed.outcome, failed.detail
    if reader.is_too_large:
        return Outcome.TOO_LARGE, "the head does not end"
    return Outcome.PROTOCOL_ERROR, "not HTTP"


def _mail_outcome(dialogue: Dialogue, is_greeting: Callable[[bytes], bool]) -> tuple[Outcome, str]:
    failed = dialogue.failed
    if b"\n" in dialogue.answer:
        if not is_greeting(dialogue.answer):
            return Outcome.PROTOCOL_ERROR, "another protocol"
        return Outcome.ANSWERED, f"{failed.outcome.value}: {failed.detail}" if failed else ""
    if failed is not None:
        return failed.outcome, failed.detail
    return Outcome.TIMED_OUT, "the target's time is up"


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
