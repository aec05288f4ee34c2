"""Running estates: quick to start, able to be large, the truth beside the answers."""

import asyncio
import json
import sys
import time
from random import Random

import pytest
from tests.lab.conversation import (
    an_estate,
    ask,
    client_context,
    connected,
    read_until,
    said,
)

from patchstand.errors import LabError
from patchstand.lab import Lab, Ports, lab_in_thread, running, serve

CLEAN = (
    '{"schema": "patchstand/population/1", "released_from": "2021-06-29",'
    ' "shares": {"2013": 1, "2016": 3, "2019": 2, "SE": 1}, "offers": {"smtp": 1}}'
)


@pytest.mark.parametrize("servers", [2_000, 10_000])
def test_large_estates_start_within_five_seconds(servers: int) -> None:
    """From nothing to the first answer, truth included."""
    started = time.monotonic()
    with lab_in_thread(an_estate(servers, CLEAN)) as lab:
        assert len(lab.truth()) == len(lab.targets()) == servers
        assert ask(lab, lab.estate.servers[-1], "/owa/").status == 302
        assert time.monotonic() - started < 5


def test_the_truth_matches_the_answers() -> None:
    """What a client reads from the header is the build in the truth, for every server."""
    with lab_in_thread(an_estate(60, CLEAN)) as lab:
        for server, truth in zip(lab.estate.servers, lab.truth(), strict=True):
            assert truth["visible"] == "exact"
            build = ask(lab, server, "/owa/").first("X-OWA-Version")
            assert [build] == [node["build"] for node in json.loads(json.dumps(truth))["nodes"]]


def test_targets_name_the_ports_that_answer(zoo: Lab) -> None:
    """Each service of each line can be connected to, except where not answering is the point."""
    for line, server in zip(zoo.targets(), zoo.estate.servers, strict=True):
        address, *services = line.split()
        assert address == server.address
        assert services
        for service in services:
            if server.kind.name not in {"refused", "reset"}:
                connected(address, int(service.split("=")[1])).close()


def test_truth_records_say_what_scoring_needs(zoo: Lab) -> None:
    """Kind, whether it is Exchange, hostility, what can be seen, and a build per node."""
    fields = {"target", "name", "kind", "is_exchange", "hostile", "visible", "nodes"}
    for record in zoo.truth():
        assert set(record) == fields
        assert record["is_exchange"] in (True, False, None)
        assert record["visible"] in {"exact", "narrowed", "cu", "line", "none"}
        assert bool(record["nodes"]) is (record["is_exchange"] is True)


def test_it_runs_in_the_loop_of_the_caller() -> None:
    """`running` serves beside other work and closes its sockets at the end."""

    async def main() -> None:
        async with running(an_estate(2, '{"SE": 1}')) as lab:
            address, port = lab.estate.servers[0].address, lab.ports.smtp
            reader, writer = await asyncio.open_connection(address, port)
            assert (await reader.readline()).startswith(b"220 ")
            writer.close()
            await writer.wait_closed()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(address, port)

    asyncio.run(main())


def test_it_serves_until_told_to_stop() -> None:
    """`ready` is called once connections are accepted; `stop` ends it."""

    async def main() -> list[Lab]:
        stop = asyncio.Event()
        ready: list[Lab] = []

        def is_ready(lab: Lab) -> None:
            ready.append(lab)
            asyncio.get_running_loop().call_later(0.05, stop.set)

        async with asyncio.timeout(5):
            await serve(an_estate(1, '{"SE": 1}'), Ports.free(), is_ready, stop)
        return ready

    assert len(asyncio.run(main())) == 1


def test_explicit_addresses_serve_the_same() -> None:
    """Without the privilege to bind to a device the answers are no different."""

    async def main() -> bytes:
        async with running(an_estate(3, '{"SE": 1}'), by_device=False) as lab:
            assert not lab.by_device
            server = lab.estate.servers[2]
            return await asyncio.to_thread(
                lambda: said(server.address, lab.ports.smtp, "EHLO me")[1]
            )

    assert asyncio.run(main()).endswith(b"250 XRDST\r\n")


def test_it_serves_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio's own loop serves web, mail and STARTTLS alike."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with lab_in_thread(an_estate(1, '{"SE": 1}')) as lab:
        server = lab.estate.servers[0]
        assert ask(lab, server, "/owa/").status == 302
        with connected(server.address, lab.ports.smtp) as plain:
            read_until(plain, b"\r\n")
            plain.sendall(b"STARTTLS\r\n")
            read_until(plain, b"\r\n")
            with client_context().wrap_socket(plain) as sock:
                sock.sendall(b"NOOP\r\n")
                assert read_until(sock, b"\r\n") == b"250 2.0.0 OK\r\n"


def test_a_failure_to_start_reaches_the_caller() -> None:
    """`lab_in_thread` raises what the thread met."""
    estate = an_estate(1, '{"SE": 1}')
    with (
        lab_in_thread(estate) as first,
        pytest.raises(LabError),
        lab_in_thread(estate, first.ports),
    ):
        pass


def test_many_clients_at_once() -> None:
    """Three hundred connections at the same time, each answered by its own server."""

    async def greeted(lab: Lab, number: int) -> bool:
        server = lab.estate.servers[number]
        reader, writer = await asyncio.open_connection(server.address, lab.ports.smtp)
        greeting = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return server.nodes[0].host.encode() in greeting

    async def main() -> None:
        async with running(an_estate(500, CLEAN)) as lab:
            numbers = Random(3).sample(range(500), 300)
            assert all(await asyncio.gather(*(greeted(lab, number) for number in numbers)))

    asyncio.run(main())
