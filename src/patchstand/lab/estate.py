"""Makes an estate: kinds by the population's shares, builds by the updates known at a date."""

from collections.abc import Iterator, Sequence
from datetime import date
from random import Random

from patchstand.errors import LabError, UsageError
from patchstand.lab import kinds as folder
from patchstand.lab.builds import Choice
from patchstand.lab.certificates import EXPIRED, PUBLIC, ROUTER, SELF_SIGNED
from patchstand.lab.population import Population
from patchstand.lab.servers import Estate, Kind, Node, Server, Service, Tls
from patchstand.model import Update
from patchstand.plugins import declared

MOST_SERVERS = 250 * 256 * 254
_CERTIFICATES = (PUBLIC,) * 14 + SELF_SIGNED + (EXPIRED, ROUTER)


def all_kinds() -> dict[str, Kind]:
    """Every kind of `lab/kinds` by name."""
    return {kind.name: kind for kinds in declared(folder, "KINDS").values() for kind in kinds}


def address_of(number: int) -> str:
    """The address of server `number` (from 0): 127.1.0.1 on, no .0 and no .255."""
    block, host = divmod(number, 254)
    return f"127.{1 + block // 256}.{block % 256}.{host + 1}"


def estate(
    servers: int, updates: Sequence[Update], population: Population, rng: Random, as_of: date
) -> Estate:
    """Make `servers` servers as of a date; the same arguments and seed give the same estate.

    Kinds whose lines had no build by then are left out.

    Raises:
        UsageError: the population names an unknown kind, or the number is out of range.
        LabError: none of its kinds existed at that date.
    """
    if not 0 < servers <= MOST_SERVERS:
        raise UsageError(f"servers must lie in 1..{MOST_SERVERS}")
    known = all_kinds()
    unknown = sorted(set(population.shares) - set(known))
    if unknown:
        raise UsageError(
            f"population: unknown kind {unknown[0]}; known: {', '.join(sorted(known))}"
        )
    choice = Choice(rng, updates, as_of, population)
    possible = {name for name, kind in known.items() if _possible(kind, choice)}
    able = population.only(possible)
    if not sum(able.shares.values()):
        raise LabError(f"no kind of this population existed on {as_of}; choose a later --as-of")
    drawn = [known[name] for name in _shuffled(able.counts(servers), rng)]
    return Estate(tuple(_server(n, kind, choice) for n, kind in enumerate(drawn)), as_of)


def _possible(kind: Kind, choice: Choice) -> bool:
    return not kind.lines or bool(choice.lines & set(kind.lines))


def _shuffled(counts: dict[str, int], rng: Random) -> list[str]:
    names = [name for name in sorted(counts) for _ in range(counts[name])]
    rng.shuffle(names)
    return names


def _server(number: int, kind: Kind, choice: Choice) -> Server:
    nodes = _nodes(number, kind, choice)
    certificates = kind.certificates or _CERTIFICATES
    return Server(
        number=number,
        address=address_of(number),
        kind=kind,
        nodes=nodes,
        services=tuple(_services(kind, choice)),
        certificate=choice.rng.choice(certificates),
        tls=kind.tls or (nodes[0].tls if nodes else Tls.ANY),
    )


def _nodes(number: int, kind: Kind, choice: Choice) -> tuple[Node, ...]:
    lines = [line for line in kind.lines if line in choice.lines]
    if not lines:
        return ()
    fewest, most = kind.nodes
    return choice.nodes(choice.rng.choice(lines), choice.rng.randint(fewest, most), number)


def _services(kind: Kind, choice: Choice) -> Iterator[Service]:
    offers = choice.population.offers
    for service in Service:
        drawn = choice.rng.random() < offers.get(service.value, 0)
        if kind.offers(service) and (service in kind.always or drawn):
            yield service
