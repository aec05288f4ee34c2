"""Identify: a million damaged texts without an exception, and no text that takes long."""

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from tests.bench.measured import report, verdict
from tests.bench.mutations import Recorded, Tally, read_recordings, texts_of_the_lab, try_mutations

from patchstand.identify import guess_kind, identify
from patchstand.model import Evidence, EvidenceKind, Knowledge

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

MUTATIONS = int(os.environ.get("PATCHSTAND_MUTATIONS", "1000000"))
CHUNK = 10_000
WORKERS = 2
SLOWEST_SECONDS = 1.0
RECORDINGS = Path(__file__).resolve().parents[3] / "shared/real/recordings.jsonl"
LENGTH = 1 << 18
PIECES = (
    "15.", "1", "1.", "15.2.1118.40 ", ".", "a", " ", "\t", "\r\n", "\n", "a: ", "a:\n", ":", "-",
    "<", ">", "<link ", '<link href="', "/owa/auth/", "/owa/auth/15.2.1118/", "/owa/15.",
    "<title>", "Version: ", "Version: 15.", "(15.2.1118.40) ", "Microsoft ", "Microsoft Exchange ",
    "250-", "250-X\r\n", "220 ", "[AAAA", "[" + "A" * 30, "AAAA", "TlRMTVNTUAAC", "Received: ",
    "by a with ", "assemblyIdentity ", 'version="', "X-OWA-Version: ", "X-OWA-Version: 1.1.1.1\r\n",
    "Location: ", "Product_Version: ", "MajorBuildNumber=", '<t:ServerVersionInfo MajorVersion="',
    "; ", "* OK ", "=", "CAPABILITY ", "\0", "\u0661.", "\u0130", "\ufffd", "with mapi ", "ESMTP ",
    "exchange 2", "Set-Cookie: ", "(", ")", "with Microsoft SMTP Server ", "id 15.", "@", "&#",
)  # fmt: skip


@pytest.fixture(scope="module")
def corpus() -> list[Recorded]:
    """Texts of real servers, where they are at hand, and of the lab."""
    recorded = read_recordings(RECORDINGS) if RECORDINGS.is_file() else []
    return recorded + texts_of_the_lab()


def test_a_million_mutations(corpus: list[Recorded]) -> None:
    """No damaged text raises an exception, breaks a rule of identities, or takes a second."""
    tally = Tally()
    chunks = range(0, MUTATIONS, CHUNK)
    sizes = [min(CHUNK, MUTATIONS - at) for at in chunks]
    context = multiprocessing.get_context("spawn")
    started = time.monotonic()
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        for part in pool.map(try_mutations, chunks, sizes, [corpus] * len(sizes)):
            tally.add(part)
    seconds = time.monotonic() - started

    report(
        f"identify: {tally.texts} mutations of {len(corpus)} texts in {seconds:.0f} s on "
        f"{WORKERS} cores, {tally.seconds / tally.texts * 1e6:.0f} microseconds of the processor "
        f"each; {tally.exchange} still Exchange; {len(tally.failures)} failures"
    )
    report(f"slowest call {tally.slowest * 1000:.0f} ms: {tally.slowest_text[:150]}")
    assert tally.failures[:10] == []
    assert tally.slowest < SLOWEST_SECONDS


@pytest.mark.parametrize("kind", EvidenceKind)
def test_no_repetition_takes_long(known: Knowledge, kind: EvidenceKind) -> None:
    """A quarter of a million characters of any one piece: less than a second of the processor."""
    seconds = {piece: _seconds(kind, piece, known) for piece in PIECES}
    slowest = max(seconds, key=seconds.__getitem__)

    report(
        f"{kind.value}: slowest repetition {slowest!r}, {seconds[slowest] * 1000:.0f} ms; target "
        f"{SLOWEST_SECONDS:.0f} s: {verdict(seconds[slowest], SLOWEST_SECONDS)}"
    )
    assert seconds[slowest] < SLOWEST_SECONDS


def _seconds(kind: EvidenceKind, piece: str, known: Knowledge) -> float:
    text = piece * (LENGTH // len(piece))
    slowest = 0.0
    for whole in (text, f"15.2.1118.40 {text}", f"{text} Microsoft Exchange 15.2.1118.40"):
        started = time.thread_time()
        identify([Evidence(kind, whole)], known, date(2026, 10, 13))
        guess_kind(whole)
        slowest = max(slowest, time.thread_time() - started)
    return slowest
