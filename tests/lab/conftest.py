"""A lab with four servers of every kind, shared by the tests of this folder."""

import json
from collections.abc import Callable, Iterator

import pytest
from tests.lab.conversation import an_estate

from patchstand.lab import Lab, Server, all_kinds, lab_in_thread


@pytest.fixture(scope="session")
def zoo() -> Iterator[Lab]:
    """Every kind that there is, four of each."""
    kinds = sorted(all_kinds())
    shares = json.dumps(dict.fromkeys(kinds, 1))
    with lab_in_thread(an_estate(4 * len(kinds), shares)) as lab:
        yield lab


@pytest.fixture(scope="session")
def of_kind(zoo: Lab) -> Callable[[str], list[Server]]:
    """The servers of a kind in the zoo."""

    def servers(kind: str) -> list[Server]:
        return [server for server in zoo.estate.servers if server.kind.name == kind]

    return servers
