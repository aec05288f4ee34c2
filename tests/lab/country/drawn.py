"""Countries in memory for the tests of their parts."""

from functools import lru_cache

from tests.workflow.countries import simulation

from patchstand.workflow.simulate import Drawn, draw


@lru_cache(maxsize=8)
def drawn(
    population: str = "de-2024-09", servers: int = 1500, days: int = 1500, seed: int = 7
) -> Drawn:
    """A country over some years."""
    return draw(simulation(population, servers, days, seed))
