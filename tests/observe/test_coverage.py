import asyncio
from dataclasses import replace
from datetime import date
from ipaddress import IPv4Address, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.observe.conftest import NOW

from patchstand.errors import ScopeError
from patchstand.model import Scope
from patchstand.observe.coverage import Numbers, decide, numbers
from patchstand.observe.scope import Gate


def block(low: int, length: int) -> str:
    """A block within 192.0.0.0/24."""
    return str(ip_network(f"192.0.0.{low}/{length}", strict=False))


BLOCKS = st.builds(block, st.integers(0, 255), st.integers(26, 32))
SCOPES = st.builds(
    lambda allowed, denied, outs, until: Scope(
        "own",
        "",
        ("inform",),
        "a@b.example",
        networks=tuple(allowed),
        denied_networks=tuple(denied),
        opt_outs=tuple(outs),
        domains=("example.org",),
        denied_domains=("no.example.org",),
        valid_until=until,
    ),
    st.lists(BLOCKS, max_size=4),
    st.lists(BLOCKS, max_size=2),
    st.lists(BLOCKS | st.sampled_from(["out.example.org", "192.0.0.7"]), max_size=3),
    st.sampled_from([None, date(2026, 11, 21), date(2026, 11, 22)]),
)
NAMES = st.sampled_from(
    ["example.org", "a.example.org", "a.no.example.org", "b.out.example.org", "other.example"]
)


def permitted(scope: Scope, name: str, address: str) -> bool:
    try:
        asyncio.run(Gate(lambda: NOW, scope=scope, strict=True).permit(name, address))
    except ScopeError:
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(SCOPES, st.integers(0, 255))
def test_a_decision_is_that_of_the_gate(scope: Scope, low: int) -> None:
    """What `scope check` says of an address is what the gate of a scan does."""
    address = str(IPv4Address(f"192.0.0.{low}"))

    decision = decide(scope, address, NOW.date())

    assert decision.permitted is permitted(scope, address, address)
    if decision.entry is not None and decision.rule != "not_valid":
        assert IPv4Address(address) in ip_network(decision.entry)


@settings(max_examples=60, deadline=None)
@given(SCOPES, NAMES)
def test_a_name_is_decided_by_its_domain(scope: Scope, name: str) -> None:
    """A name is permitted when the gate would permit it at an address nobody names."""
    decision = decide(scope, name, NOW.date())

    assert decision.permitted is permitted(scope, name, "203.0.113.1")


@settings(max_examples=60, deadline=None)
@given(SCOPES)
def test_addresses_are_counted_as_the_gate_grants_them(scope: Scope) -> None:
    """The number that may be asked is the number of addresses the gate permits."""
    ever = replace(scope, valid_until=None)
    texts = [str(IPv4Address(f"192.0.0.{low}")) for low in range(256)]
    counted = sum(decide(ever, text, NOW.date()).permitted for text in texts)

    assert numbers(ever, 4).permitted == counted
    assert numbers(ever, 6) == Numbers(0, 0)
