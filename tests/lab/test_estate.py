"""Making estates: builds that existed, repeatable by seed."""

from datetime import date

import pytest
from tests.lab.conversation import TODAY, UPDATES, an_estate

from patchstand.errors import LabError, UsageError
from patchstand.lab.estate import address_of
from patchstand.model import IdentityPrecision, ProductLine

LINES = '{"2003": 1, "2007": 1, "2010": 1, "2013": 1, "2016": 1, "2019": 1, "SE": 1, "mixed": 1}'


def test_the_same_seed_makes_the_same_estate() -> None:
    """Kinds, addresses, builds, names and certificates repeat with the seed, not without."""
    first = an_estate(300, LINES, seed=7)

    assert an_estate(300, LINES, seed=7).servers == first.servers
    assert an_estate(300, LINES, seed=8).servers != first.servers


@pytest.mark.parametrize("as_of", [date(2016, 7, 1), date(2021, 5, 1), TODAY])
def test_builds_existed_at_the_date(as_of: date) -> None:
    """Every node has a published build, released on or before the date, and no preview."""
    released = {row.build: row for row in UPDATES}

    nodes = [node for server in an_estate(400, LINES, as_of=as_of).servers for node in server.nodes]

    assert nodes
    assert all(released[node.build].released <= as_of for node in nodes)
    assert all(released[node.build].cu != "Preview" for node in nodes)
    assert all(released[node.build].line is node.line for node in nodes)


def test_kinds_that_did_not_exist_yet_are_left_out() -> None:
    """In 2016 nobody runs Exchange 2019, and the number of servers stays."""
    servers = an_estate(50, LINES, as_of=date(2016, 7, 1)).servers

    assert len(servers) == 50
    assert {server.kind.name for server in servers} == {"2003", "2007", "2010", "2016", "mixed"}


def test_nothing_existed_yet() -> None:
    """A population of which nothing existed is an error that names the date."""
    with pytest.raises(LabError, match="2010-01-01"):
        an_estate(10, '{"SE": 1}', as_of=date(2010, 1, 1))


def test_an_unknown_kind_is_refused() -> None:
    """A misspelt kind is a usage error that names it."""
    with pytest.raises(UsageError, match="Exchange2019"):
        an_estate(10, '{"Exchange2019": 1}')


@pytest.mark.parametrize("servers", [0, -1, 10**9])
def test_the_number_of_servers_is_limited(servers: int) -> None:
    """None, fewer than none, and more than loopback has addresses are usage errors."""
    with pytest.raises(UsageError):
        an_estate(servers, '{"SE": 1}')


def test_addresses_are_unique_and_on_loopback() -> None:
    """No two servers share an address; none is a network or broadcast-like number."""
    addresses = [address_of(number) for number in range(70_000)]

    assert len(set(addresses)) == len(addresses)
    assert addresses[0] == "127.1.0.1"
    assert not any(address.endswith((".0", ".255")) for address in addresses)
    assert all(1 <= int(address.split(".")[1]) <= 254 for address in addresses)


def test_mixed_servers_differ_behind_one_address() -> None:
    """Two to four back ends, of which not all have the same build."""
    for server in an_estate(60, '{"mixed": 1}').servers:
        assert 2 <= len(server.nodes) <= 4
        assert len({node.name for node in server.nodes}) == len(server.nodes)
        assert len({node.build for node in server.nodes}) > 1 or _has_few_builds(
            server.nodes[0].line
        )


def _has_few_builds(line: ProductLine) -> bool:
    return sum(row.line is line and row.released <= TODAY for row in UPDATES) < 3


def test_many_servers_trail_behind() -> None:
    """The newest build of a line is common, yet most servers have another one."""
    servers = an_estate(1000, '{"2016": 1}').servers
    newest = sum(str(server.nodes[0].build) == "15.1.2507.72" for server in servers)

    assert 150 < newest < 500


def test_the_clean_population_shows_its_builds() -> None:
    """With `released_from` mid-2021 every server says its version."""
    text = (
        '{"schema": "patchstand/population/1", "released_from": "2021-06-29",'
        ' "shares": {"2013": 1, "2016": 1, "2019": 1, "SE": 1}}'
    )

    servers = an_estate(200, text).servers

    assert {server.visible for server in servers} == {IdentityPrecision.EXACT}


def test_component_versions_lie_between_two_builds() -> None:
    """On 2007 and 2010 the shown version is the build or lies between it and the one before."""
    builds = sorted(row.build for row in UPDATES)

    nodes = [server.nodes[0] for server in an_estate(300, '{"2007": 1, "2010": 1}').servers]

    below = [node for node in nodes if node.shown != str(node.build)]
    assert 0 < len(below) < len(nodes)
    for node in below:
        shown = type(node.build).parse(node.shown)
        assert next(build for build in builds if build >= shown) == node.build
        assert node.visible is IdentityPrecision.NARROWED
