"""Counting what clients do."""

import time

from tests.lab.conversation import an_estate, ask, asked_over, connected, encrypted, said

from patchstand.lab import Lab, lab_in_thread


def _closed(lab: Lab, address: str) -> bool:
    """Wait until the lab has seen the end of all connections to `address`."""
    until = time.monotonic() + 2
    while lab.tally.visits[address].open and time.monotonic() < until:
        time.sleep(0.01)
    return lab.tally.visits[address].open == 0


def test_connections_and_requests_are_counted_per_address() -> None:
    """Two requests over one connection and one over another: two and three."""
    with lab_in_thread(an_estate(2, '{"SE": 1}')) as lab:
        server, other = lab.estate.servers
        asked_over(encrypted(server.address, lab.ports.https), "/owa/", "/ecp/")
        ask(lab, server, "/owa/")
        said(server.address, lab.ports.smtp, "EHLO me", "QUIT")
        assert _closed(lab, server.address)
        record = lab.tally.record()

    row = record["addresses"][server.address]
    assert row["connections"] == {"https": 2, "smtp": 1}
    assert row["requests"] == {"https": 3, "smtp": 2}
    assert other.address not in record["addresses"]
    assert record["questions"]["GET /owa/"] == 2
    assert record["questions"]["EHLO"] == 1


def test_the_most_connections_at_one_time_are_kept() -> None:
    """Three open at once, then one: three."""
    with lab_in_thread(an_estate(1, '{"SE": 1}')) as lab:
        address = lab.estate.servers[0].address
        opened = [connected(address, lab.ports.smtp) for _ in range(3)]
        for sock in opened:
            sock.recv(100)  # the greeting: by now the lab has counted it
        for sock in opened:
            sock.close()
        assert _closed(lab, address)
        said(address, lab.ports.smtp, "QUIT")

        assert lab.tally.visits[address].most_at_once == 3


def test_failed_handshakes_end_too() -> None:
    """A client that breaks off its handshake is no longer counted as open."""
    with lab_in_thread(an_estate(1, '{"SE": 1}')) as lab:
        address = lab.estate.servers[0].address
        with connected(address, lab.ports.https) as sock:
            sock.sendall(b"no hello\r\n\r\n")
            sock.recv(100)

        assert _closed(lab, address)
