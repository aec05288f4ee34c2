"""Which server is which over time: the rule, on looks of made-up batches."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from patchstand.model import Outcome, usual_ports
from patchstand.store.looks import Look, gather
from patchstand.store.servers import Server, ServerEvent, ServerState, follow

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
HERE, GONE, BACK, MOVED = ServerState
OLD, NEW, FAR = "192.0.2.1", "192.0.2.9", "198.51.100.1"
Estate = dict[str, Server]


def on(day: float) -> datetime:
    """A moment so many days after the start."""
    return START + timedelta(days=day)


def look(
    address: str,
    day: float,
    certificate: int | None = None,
    nodes: str | None = None,
    *,
    target: str | None = None,
    asn: int | None = None,
) -> Look:
    """An Exchange server seen at an address."""
    outcome = Outcome.ANSWERED
    return Look(
        target or address, "", address, on(day), outcome, True, certificate, nodes, asn
    )  # fmt: skip


def silent(address: str, day: float, *, target: str | None = None) -> Look:
    """An address that was asked and did not answer."""
    return Look(target or address, "", address, on(day), Outcome.TIMED_OUT, None)


def scan(known: Estate, *looks: Look, finished: bool = True) -> Estate:
    """The servers after a batch; one that is no finished scan misses nobody."""
    gathered = gather(looks)
    changes = follow(known.values(), gathered.seen(), gathered.missed() if finished else ())
    return known | {change.server.id: change.server for change in changes}


def stand(known: Estate) -> dict[str, ServerState]:
    """Address to state; of several servers at one address, the one that is present."""
    ordered = sorted(known.values(), key=lambda server: (server.is_present, server.last_at))
    return {server.address: server.state for server in ordered}


def the(known: Estate) -> Server:
    """The one server there is."""
    (server,) = known.values()
    return server


@pytest.mark.parametrize(
    ("certificate", "nodes"),
    [(1, "EX02"), (2, "EX01"), (2, None), (None, "EX02"), (None, None), (2, "ex01 EX03")],
)
def test_the_same_place_is_the_same_server(certificate: int | None, nodes: str | None) -> None:
    """A new certificate, another node or no evidence at all makes no other server."""
    known = scan({}, look(OLD, 0, 1, "EX01"))
    after = scan(known, look(OLD, 1, certificate, nodes))

    assert the(after).state is HERE
    assert the(after).last_at == on(1)
    assert the(after).certificate == (certificate or 1)


def test_another_certificate_and_other_nodes_are_another_server() -> None:
    """Where certificate and names all differ, the old server is gone and a new one is here."""
    after = scan(scan({}, look(OLD, 0, 1, "EX01")), look(OLD, 1, 2, "EX02"))

    assert {(each.certificate, each.state, each.since) for each in after.values()} == {
        (1, GONE, on(1)),
        (2, HERE, on(1)),
    }


def test_a_server_is_gone_after_two_weeks_and_one_scan_that_asked() -> None:
    """Silence counts from 14 days after the last look, and the event has the time of asking."""
    known = scan({}, look(OLD, 0, 1))

    assert stand(scan(known, silent(OLD, 13.9))) == {OLD: HERE}
    after = scan(known, silent(OLD, 14))
    assert stand(after) == {OLD: GONE}
    assert the(after).since == on(14)
    assert the(after).last_at == on(0)


@pytest.mark.parametrize(
    "row",
    [
        look(NEW, 30),
        Look(OLD, "", None, on(30), Outcome.OUT_OF_SCOPE, None),
        Look(OLD, "", None, on(30), Outcome.BUDGET_SPENT, None),
        Look(OLD, "", None, on(30), Outcome.TLS_FAILED, None),
        Look(OLD, "", None, on(30), Outcome.ANSWERED, None),
        Look(OLD, "https=8443", None, on(30), Outcome.REFUSED, None),
    ],
    ids=lambda row: f"{row.outcome} {row.ports}",
)
def test_who_was_not_asked_is_not_gone(row: Look) -> None:
    """A scan of other places, a refusal of our own, or a broken answer makes nobody gone."""
    assert stand(scan(scan({}, look(OLD, 0, 1)), row))[OLD] is HERE


def test_another_product_at_the_address_is_silence() -> None:
    """Something answers that is surely no Exchange server: after 14 days the server is gone."""
    other = Look(OLD, "", None, on(20), Outcome.ANSWERED, False)

    assert stand(scan(scan({}, look(OLD, 0, 1)), other)) == {OLD: GONE}


def test_an_import_makes_nobody_gone() -> None:
    """What an import does not show, or shows as silent, stays as it is."""
    assert stand(scan(scan({}, look(OLD, 0)), silent(OLD, 90), finished=False)) == {OLD: HERE}


def test_a_server_comes_back() -> None:
    """Seen again after it was gone: at its address, or at another with its certificate."""
    gone = scan(scan({}, look(OLD, 0, 1)), silent(OLD, 14))

    here, elsewhere = scan(gone, look(OLD, 20)), scan(gone, look(FAR, 20, 1))
    assert (the(here).state, the(here).address, the(here).since) == (BACK, OLD, on(20))
    assert (the(elsewhere).state, the(elsewhere).address) == (BACK, FAR)
    assert the(elsewhere).first_at == on(0)


def test_a_server_moves_with_its_certificate() -> None:
    """Silent at its address, and its certificate at one other: the same server has moved."""
    after = scan(scan({}, look(OLD, 0, 1)), silent(OLD, 1), look(FAR, 1, 1))

    assert (the(after).state, the(after).address, the(after).since) == (MOVED, FAR, on(1))


def test_a_certificate_that_still_answers_has_not_moved() -> None:
    """The same certificate at a second address is a second server while the first answers."""
    known = scan({}, look(OLD, 0, 1))

    assert stand(scan(known, look(OLD, 1, 1), look(FAR, 1, 1))) == {OLD: HERE, FAR: HERE}
    assert stand(scan(known, look(FAR, 1, 1))) == {OLD: HERE, FAR: HERE}


def test_a_certificate_on_many_addresses_proves_nothing() -> None:
    """A wildcard held by several, before or after, links nobody."""
    two = scan({}, look(OLD, 0, 1), look(NEW, 0, 1))
    one = scan({}, look(OLD, 0, 1))

    assert stand(scan(two, silent(OLD, 1), look(FAR, 1, 1)))[FAR] is HERE
    after = scan(one, silent(OLD, 1), look(NEW, 1, 1), look(FAR, 1, 1))
    assert stand(after) == {OLD: HERE, NEW: HERE, FAR: HERE}


@pytest.mark.parametrize(
    ("place", "certificate", "asn", "state"),
    [
        (NEW, None, None, MOVED),
        (NEW, 2, None, MOVED),
        (FAR, None, None, HERE),
        (FAR, None, 64500, MOVED),
        (FAR, None, 64501, HERE),
        (FAR, 2, 64500, HERE),
    ],
)
def test_a_node_name_proves_only_near_by(
    place: str, certificate: int | None, asn: int | None, state: ServerState
) -> None:
    """In the same /24; or in the same AS, if no other certificate speaks against it."""
    known = scan({}, look(OLD, 0, 1, "EX01", asn=64500))
    after = scan(known, silent(OLD, 1), look(place, 1, certificate, "EX01", asn=asn))

    assert stand(after)[place] is state


def test_a_node_name_given_twice_proves_nothing() -> None:
    """Two servers near by with one name: neither of them has moved."""
    known = scan({}, look(OLD, 0, 1, "EX01"), look("192.0.2.2", 0, 2, "EX01"))

    assert stand(scan(known, silent(OLD, 1), look(NEW, 1, None, "EX01")))[NEW] is HERE


def test_servers_that_change_places_have_moved() -> None:
    """Two servers swap their addresses: both have moved, nobody is new."""
    known = scan({}, look(OLD, 0, 1, "EX01"), look(FAR, 0, 2, "EX02"))
    after = scan(known, look(OLD, 1, 2, "EX02"), look(FAR, 1, 1, "EX01"))

    assert {(each.certificate, each.address, each.state) for each in after.values()} == {
        (1, FAR, MOVED),
        (2, OLD, MOVED),
    }


def test_a_name_that_leads_elsewhere_counts_after_two_weeks() -> None:
    """Names with several addresses take turns: only after 14 days the server has moved."""
    name = "mail.example.org"
    known = scan({}, look(OLD, 0, 1, target=name))

    assert stand(scan(known, look(FAR, 1, 1, target=name))) == {OLD: HERE, FAR: HERE}
    assert stand(scan(known, look(FAR, 14, 1, target=name))) == {FAR: MOVED}
    lost = Look(name, "", None, on(14), Outcome.NO_ADDRESS, None)
    assert stand(scan(known, lost)) == {OLD: GONE}


def test_an_old_import_does_not_turn_history_round() -> None:
    """Older looks lengthen the time a server is known and move nobody."""
    known = scan({}, look(OLD, 10, 1))
    moved = scan(known, silent(OLD, 20), look(FAR, 20, 1))

    older = scan(moved, look(OLD, 5, 1), finished=False)
    assert (the(older).address, the(older).state, the(older).first_at) == (FAR, MOVED, on(5))
    assert the(older).last_at == on(20)
    assert scan(moved, silent(FAR, 15)) == moved
    before = scan(known, look(OLD, 1, 2, "EX02"), finished=False)
    assert the(before).first_at == on(1)


def test_somebody_stood_there_before() -> None:
    """An older look at another server in the same place adds it as one that is gone."""
    known = scan({}, look(OLD, 10, 1, "EX01"))
    after = scan(known, look(OLD, 1, 2, "EX02"), finished=False)

    assert {(each.certificate, each.state, each.since) for each in after.values()} == {
        (1, HERE, on(10)),
        (2, GONE, on(10)),
    }


def test_usual_ports_need_not_be_named() -> None:
    """The port of HTTPS stated in a report is the usual one of a scan; 8443 is another."""
    assert usual_ports("https=443") == usual_ports("smtp=25 https=443") == ""
    assert usual_ports("smtp=25 https=8443") == "https=8443"


def test_names_of_a_server_do_not_grow_without_end() -> None:
    """A server that invents a name for every look keeps a bounded number."""
    known: Estate = {}
    for day in range(100):
        known = scan(known, look(OLD, day, 1, f"N{day}"))

    assert len(the(known).nodes) == 32


ADDRESSES = [OLD, NEW, FAR, "198.51.100.2", "2001:db8::1"]
NODES = [None, "EX01", "EX02", "EX01 EX02", "EX03"]
seen_looks = st.builds(
    look,
    st.sampled_from(ADDRESSES),
    st.integers(0, 40),
    st.sampled_from([None, 1, 2, 3]),
    st.sampled_from(NODES),
    target=st.sampled_from([None, None, "mail.example.org"]),
    asn=st.sampled_from([None, 64500]),
)
silent_looks = st.builds(silent, st.sampled_from(ADDRESSES), st.integers(0, 60))
looks_of_a_batch = st.lists(st.one_of(seen_looks, seen_looks, silent_looks), max_size=8)
batches = st.lists(st.tuples(looks_of_a_batch, st.booleans()), min_size=1, max_size=4)


def all_of(batches: Iterable[tuple[list[Look], bool]]) -> Estate:
    """The servers after several batches."""
    known: Estate = {}
    for looks, finished in batches:
        known = scan(known, *looks, finished=finished)
    return known


@given(batches, st.data())
def test_the_order_within_a_batch_does_not_matter(
    given_batches: list[tuple[list[Look], bool]], data: st.DataObject
) -> None:
    """The looks of the last batch in any order lead to the same servers."""
    *before, (looks, finished) = given_batches
    known = all_of(before)
    shuffled = data.draw(st.permutations(looks))

    assert scan(known, *looks, finished=finished) == scan(known, *shuffled, finished=finished)


one_look_each = st.lists(
    st.one_of(seen_looks, silent_looks), max_size=5, unique_by=lambda look: look.address
)


@given(batches, one_look_each, st.booleans())
def test_the_same_scan_again_changes_nothing(
    before: list[tuple[list[Look], bool]], looks: list[Look], finished: bool
) -> None:
    """Following a scan twice is following it once, whatever was followed before."""
    known = scan(all_of(before), *looks, finished=finished)

    assert scan(known, *looks, finished=finished) == known


@given(batches)
def test_nobody_is_in_two_places_and_no_place_has_two(
    given_batches: list[tuple[list[Look], bool]],
) -> None:
    """One place holds at most one server that is present, and times are in order."""
    present = [server for server in all_of(given_batches).values() if server.is_present]

    places = [server.place for server in present]
    assert len(places) == len(set(places))
    for server in present:
        assert server.first_at <= server.placed_at <= server.last_at


@given(batches)
@example([([look(OLD, 0, 1)], True), ([silent(OLD, 30)], True)])
def test_events_tell_how_a_server_stands(
    given_batches: list[tuple[list[Look], bool]],
) -> None:
    """The last change of every server has its event, with the same time and place."""
    known: Estate = {}
    told: dict[tuple[str, datetime, ServerState], ServerEvent] = {}
    for looks, finished in given_batches:
        gathered = gather(looks)
        missed = gathered.missed() if finished else []
        for change in follow(known.values(), gathered.seen(), missed):
            known[change.server.id] = change.server
            told |= {(each.server, each.at, each.kind): each for each in change.events}

    for server in known.values():
        event = told[server.id, server.since, server.state]
        assert replace(server, address=event.address, ports=event.ports) == server
