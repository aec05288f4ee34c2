"""What runs on a server fits together."""

import pytest
from tests.lab.conversation import UPDATES, an_estate

from patchstand.lab.builds import HEADER_SINCE
from patchstand.lab.servers import Node
from patchstand.model import Build


def _nodes(kind: str) -> list[Node]:
    return [server.nodes[0] for server in an_estate(200, f'{{"{kind}": 1}}').servers]


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("2003", {"6.0"}),
        ("2007", {"6.0", "7.0", "7.5"}),
        ("2010", {"7.0", "7.5"}),
        ("2013", {"7.5", "8.0", "8.5"}),
        ("2016", {"8.0", "8.5", "10.0"}),
        ("2019", {"10.0"}),
        ("SE", {"10.0"}),
    ],
)
def test_iis_fits_the_line(kind: str, allowed: set[str]) -> None:
    """Each line runs on the versions of Windows it supports, and all of them occur."""
    assert {node.iis for node in _nodes(kind)} == allowed


def test_early_cus_of_2016_run_on_no_later_windows() -> None:
    """Before CU3, Exchange 2016 does not install on Windows Server 2016."""
    early = [node for node in _nodes("2016") if node.build < Build((15, 1, 544, 27))]

    assert early
    assert "10.0" not in {node.iis for node in early}


@pytest.mark.parametrize("kind", ["2013", "2016", "2019", "SE"])
def test_the_version_header_came_in_2021(kind: str) -> None:
    """Nodes say their version exactly when their update is of mid-2021 or later."""
    released = {row.build: row.released for row in UPDATES}

    for node in _nodes(kind):
        assert node.says_version is (released[node.build] >= HEADER_SINCE)
