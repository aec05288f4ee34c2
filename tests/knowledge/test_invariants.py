from dataclasses import replace

import pytest

from patchstand import knowledge
from patchstand.model import Build, Knowledge


def rebuilt(known: Knowledge, **changes: object) -> Knowledge:
    parts = {
        "version": known.version,
        "covered_from": known.covered_from,
        "covered_until": known.covered_until,
        "updates": known.updates,
        "cves": known.cves,
        "support": [phase for phases in known.support.values() for phase in phases],
        "rejected": known.rejected.values(),
        "fingerprints": known.fingerprints,
    }
    return Knowledge(**(parts | changes))  # type: ignore[arg-type]  # one dict of mixed values


def test_shipped_knowledge_is_sound(known: Knowledge) -> None:
    """Builds are unique and fit their line, fixes exist, every fingerprint's examples match."""
    assert list(knowledge.broken_invariants(known)) == []


def test_a_build_listed_twice_is_found(known: Knowledge) -> None:
    """Two rows for one build break an invariant."""
    twice = rebuilt(known, updates=(*known.updates, known.updates[0]))

    assert any("has two rows" in broken for broken in knowledge.broken_invariants(twice))


def test_a_fix_that_is_no_build_is_found(known: Knowledge) -> None:
    """A CVE whose fixed build has no row on that CU breaks an invariant."""
    cve = next(cve for cve in known.cves if cve.id == "CVE-2021-26855")
    fix = replace(cve.lines[0], fixed=(("CU23", Build.parse("15.0.1497.99")),))
    wrong = rebuilt(known, cves=(replace(cve, lines=(fix,)),))

    assert any("15.0.1497.99" in broken for broken in knowledge.broken_invariants(wrong))


def test_an_update_before_its_cu_is_found(known: Knowledge) -> None:
    """An update that is older than the CU it is for breaks an invariant."""
    row = known.update(Build.parse("15.2.1118.9"))
    assert row is not None
    day = row.released.replace(year=2020)
    early = replace(row, released=day, released_from=day, released_to=day)
    others = [update for update in known.updates if update.build != row.build]
    wrong = rebuilt(known, updates=(*others, early))

    assert any("is older than its CU" in broken for broken in knowledge.broken_invariants(wrong))


def test_a_fingerprint_without_proof_is_found(known: Knowledge) -> None:
    """A fingerprint that does not match its own example breaks an invariant."""
    wrong = rebuilt(
        known, fingerprints=(replace(known.fingerprints[0], examples=("something else",)),)
    )

    assert any("does not match" in broken for broken in knowledge.broken_invariants(wrong))


@pytest.mark.parametrize("kind", ["other_product", "look_alike", "online", "front"])
def test_each_meaning_has_fingerprints(known: Knowledge, kind: str) -> None:
    """Other products, look-alikes, Exchange Online and fronts are all known by some text."""
    assert any(fingerprint.meaning.value == kind for fingerprint in known.fingerprints)
