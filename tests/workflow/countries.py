"""Simulated countries in memory: what their servers show on the last day, without a store."""

from collections import Counter
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from patchstand import knowledge
from patchstand.knowledge.populations import load_population
from patchstand.workflow.published import Comparison, compare
from patchstand.workflow.sightings import _as_concluded
from patchstand.workflow.simulate import Simulation, draw, looks_in
from patchstand.workflow.simulated_identities import identities_of

POPULATIONS = ("de-2024-03", "de-2024-09", "de-2025-10", "de-2026-01")


def simulation(population: str, servers: int, days: int, seed: int) -> Simulation:
    """A simulation that is not written anywhere."""
    return Simulation(population, servers, days, seed, Path("nowhere"))


@lru_cache(maxsize=4)
def sights(population: str, servers: int, days: int, seed: int) -> Counter[str]:
    """How many servers show what on the last day, as a census has it."""
    known = knowledge.load()
    last = load_population(population).as_of
    drawn = draw(simulation(population, servers, days, seed))
    looks = looks_in(drawn, last, last, seed)
    found = identities_of(looks, drawn.occupants.style, drawn.builds.updates, known, "batch")
    shown = _as_concluded(found.rows)
    texts = (shown[key] for key in found.key_of_look.tolist())
    return Counter(text for text in texts if text is not None)


def compared(
    population: str, servers: int, days: int, seed: int, later: int = 0
) -> dict[str, Comparison]:
    """The published figures beside those of a simulated country, some days after its last one."""
    as_of: date = load_population(population).as_of + timedelta(days=later)
    seen = sights(population, servers, days, seed)
    rows = compare(load_population(population), seen, knowledge.load(), as_of)
    return {row.figure: row for row in rows}
