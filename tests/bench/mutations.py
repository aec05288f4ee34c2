"""Texts that servers really say, damaged in many ways, and what must hold for each of them."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from random import Random

from tests.lab.conversation import an_estate

from patchstand import knowledge
from patchstand.identify import guess_kind, identify
from patchstand.lab import all_kinds, lab_in_thread
from patchstand.model import Evidence, EvidenceKind, Identity, IdentityPrecision, Knowledge, Target
from patchstand.observe.look import Approach, look_at_all
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate
from patchstand.observe.session import Prober
from patchstand.report.as_json import encode, identity_document
from patchstand.workflow.evidence import evidence_of
from patchstand.workflow.targets import parse_target

DAY = date(2026, 10, 13)
KINDS = tuple(EvidenceKind)
Recorded = tuple[EvidenceKind, bytes]

_FRAGMENTS = (
    b"\0", b".", b"..", b"-", b"/", b":", b"\r\n", b"\n", b"\t", b" ", b"<", b">", b'"', b"[", b"]",
    b"0", b"00", b"15.", b".15.2", b"15.2.1118.40", b"15.02.1118.040", b"14.3", b"8.3.517.0",
    b"6.5.7638.1", b"15.20.1.1", b"4294967296", b"9" * 25, b"99999.99999.99999.99999", b"1.1.1.1",
    b"15.2.2562", b"16.0.1.1", b"-1", b"1e9", b"\xd9\xa1\xd9\xa5", b"\xef\xbc\x91", b"\xc2\xb2",
    b"\xc3\xa4", b"\xe2\x80\xa8", b"\xf0\x9f\x92\xa9", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80",
    b"\xc2\xa0", b"\xe2\x80\xae", b"\xc4\xb0", b"\xc5\xbf", b"\xe2\x84\xaa", b"X-OWA-Version: ",
    b"X-FEServer: ", b"Server: Microsoft-IIS/10.0", b"/owa/auth/", b"Microsoft Exchange",
    b"MAIL Service, Version: ", b"250-XRDST", b"TlRMTVNTUAAC", b"AAAA", b"=", b"%00", b"&#0;",
)  # fmt: skip


@dataclass
class Tally:
    """What came of some mutated texts: failures with their input, and the slowest call."""

    texts: int = 0
    exchange: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    slowest_text: str = ""
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count what another process found."""
        self.texts += other.texts
        self.exchange += other.exchange
        self.seconds += other.seconds
        self.failures += other.failures
        if other.slowest > self.slowest:
            self.slowest, self.slowest_text = other.slowest, other.slowest_text


def read_recordings(path: Path) -> list[Recorded]:
    """Texts recorded from real servers."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [(EvidenceKind(row["kind"]), row["text"].encode()) for row in rows]


def texts_of_the_lab() -> list[Recorded]:
    """What servers of every kind in the lab say, hostile ones left out; each text once."""
    shares = {name: 1 for name, kind in all_kinds().items() if kind.trouble is None}
    found: dict[Recorded, None] = {}
    with lab_in_thread(an_estate(3 * len(shares), json.dumps(shares))) as lab:
        for item in asyncio.run(_evidence([parse_target(line) for line in lab.targets()])):
            found[item.kind, item.text.encode()] = None
    return list(found)


async def _evidence(targets: Sequence[Target]) -> list[Evidence]:
    def now() -> datetime:
        return datetime(2026, 10, 13, 12, tzinfo=UTC)

    approach = Approach(
        gate=Gate(now), resolver=Resolver(), prober=Prober("0", "bench@lab.invalid"), now=now
    )
    return [
        item
        async for observation in look_at_all(targets, approach, 10)
        for item in evidence_of(observation)
    ]


def _flip(random: Random, text: bytearray, _: bytes) -> None:
    if text:
        text[random.randrange(len(text))] ^= 1 << random.randrange(8)


def _replace(random: Random, text: bytearray, _: bytes) -> None:
    if text:
        text[random.randrange(len(text))] = random.randrange(256)


def _delete(random: Random, text: bytearray, _: bytes) -> None:
    start, end = _span(random, text)
    del text[start:end]


def _duplicate(random: Random, text: bytearray, _: bytes) -> None:
    start, end = _span(random, text)
    text[start:start] = text[start:end] * random.choice((1, 1, 2, 20))


def _splice(random: Random, text: bytearray, other: bytes) -> None:
    at, cut = random.randint(0, len(text)), random.randint(0, len(other))
    text[at:] = other[cut:]


def _insert_other(random: Random, text: bytearray, other: bytes) -> None:
    at = random.randint(0, len(text))
    text[at:at] = other


def _case(random: Random, text: bytearray, _: bytes) -> None:
    start, end = _span(random, text)
    change = random.choice((bytearray.upper, bytearray.lower, bytearray.swapcase))
    text[start:end] = change(text[start:end])


def _insert(random: Random, text: bytearray, _: bytes) -> None:
    at = random.randint(0, len(text))
    text[at:at] = random.choice(_FRAGMENTS)


def _digits(random: Random, text: bytearray, _: bytes) -> None:
    """Change one digit for another, so that version numbers stay version numbers."""
    places = [at for at, byte in enumerate(text[:4000]) if 48 <= byte <= 57]
    if places:
        text[random.choice(places)] = random.randrange(48, 58)


def _span(random: Random, text: bytearray) -> tuple[int, int]:
    start = random.randint(0, len(text))
    return start, min(len(text), start + random.choice((1, 2, 4, 16, 200)))


MUTATIONS: tuple[Callable[[Random, bytearray, bytes], None], ...] = (
    _flip, _replace, _delete, _duplicate, _splice, _insert_other, _case, _insert, _insert, _digits,
    _digits,
)  # fmt: skip


def mutated(random: Random, corpus: Sequence[Recorded]) -> Evidence:
    """A text of the corpus with one to four damages, as the wire would deliver it."""
    kind, original = random.choice(corpus)
    text = bytearray(original)
    for _ in range(random.randint(1, 4)):
        random.choice(MUTATIONS)(random, text, random.choice(corpus)[1])
    if random.random() < 0.1:
        kind = random.choice(KINDS)
    return Evidence(kind, _decoded(bytes(text)), connection=random.randrange(3))


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


@cache
def _known() -> Knowledge:
    return knowledge.load()


def try_mutations(seed: int, texts: int, corpus: Sequence[Recorded]) -> Tally:
    """Identify so many mutated texts, one in ten together with others."""
    random, tally = Random(seed), Tally()
    known = _known()
    while tally.texts < texts:
        together = random.choice((1, 2, 3)) if random.random() < 0.1 else 1
        evidence = [mutated(random, corpus) for _ in range(together)]
        tally.texts += together
        _try(evidence, known, tally)
    return tally


def _try(evidence: list[Evidence], known: Knowledge, tally: Tally) -> None:
    started = time.thread_time()
    try:
        sighted = identify(evidence, known, DAY)
        seconds = time.thread_time() - started
        guess_kind(evidence[0].text)
        encode(identity_document(sighted))
    except Exception as error:  # noqa: BLE001  # every exception is what is looked for
        tally.failures.append(f"{type(error).__name__}: {error}: {evidence!r}")
        return
    tally.seconds += seconds
    if seconds > tally.slowest:
        tally.slowest, tally.slowest_text = seconds, repr(evidence)[:2000]
    tally.exchange += sighted.nodes[0].is_exchange is True
    broken = [rule for node in sighted.nodes for rule in broken_rules(node)]
    if broken:
        tally.failures.append(f"{', '.join(broken)}: {evidence!r}")


def broken_rules(node: Identity) -> Iterator[str]:
    """What an identity must never be, whatever it was made from."""
    builds, lines = node.builds, node.lines
    if list(builds) != sorted(set(builds)):
        yield "builds are not sorted, or not unique"
    if len(set(lines)) != len(lines):
        yield "lines are not unique"
    if node.is_exchange is not True and builds:
        yield "builds without an Exchange server"
    if node.is_exchange is True and not lines:
        yield "an Exchange server of no line"
    if {build.line for build in builds} - set(lines):
        yield "a build of a line that is not possible"
    if node.precision is IdentityPrecision.EXACT and (len(builds) != 1 or node.or_later):
        yield "exact, but not one build"
    if (node.precision is IdentityPrecision.NONE) != (not builds and not lines) and (
        node.is_exchange is True
    ):
        yield "the precision does not fit"
