import asyncio
import contextlib
from collections.abc import AsyncIterator

import dns.flags
import dns.message
import dns.rrset
import pytest
from tests.observe.conftest import Run, approach
from tests.observe.servers import serving, silent, smtp_with_tls

from patchstand.errors import UsageError
from patchstand.model import Outcome, Target
from patchstand.observe.look import look
from patchstand.observe.resolve import Resolver

ZONE = {
    ("mail.example.org.", "A"): ["127.0.0.2", "127.0.0.3"],
    ("mail.example.org.", "AAAA"): ["::1"],
    ("outside.example.org.", "A"): ["192.0.2.1"],
    ("mapped.example.org.", "AAAA"): ["::ffff:192.0.2.1"],
    ("example.org.", "MX"): ["20 b.example.org.", "10 a.example.org."],
    ("many.example.org.", "A"): [f"127.0.1.{number}" for number in range(30)],
    ("_patchstand.example.org.", "TXT"): ['"contact=" "soc@cert.example"'],
}


class NameServer(asyncio.DatagramProtocol):
    """Answers from ZONE; a name with `silent` in it never."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{kind} {name}")
        reply = dns.message.make_response(query)
        if (name, kind) in ZONE:
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *ZONE[name, kind]))
        elif not any(known == name for known, _ in ZONE):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        if "silent" not in name:
            self.transport.sendto(reply.to_wire(), addr)  # type: ignore[attr-defined]


@contextlib.asynccontextmanager
async def resolving(seconds: float = 1.0) -> AsyncIterator[tuple[Resolver, NameServer]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    try:
        yield Resolver(f"127.0.0.1:{port}", seconds), server
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("name", "addresses", "detail"),
    [
        ("mail.example.org", ("127.0.0.2", "127.0.0.3", "::1"), ""),
        ("MAIL.example.org.", ("127.0.0.2", "127.0.0.3", "::1"), ""),
        ("mapped.example.org", ("192.0.2.1",), ""),
        ("example.org", (), "the name has no address"),
        ("nowhere.example.org", (), "the name does not exist"),
        ("silent.example.org", (), "no name server answered in time"),
        ("192.0.2.7", ("192.0.2.7",), ""),
        ("[::1]", ("::1",), ""),
        ("localhost", ("127.0.0.1", "::1"), ""),
        ("127.1", (), "neither a name nor an address"),
        ("2130706433", (), "neither a name nor an address"),
    ],
)
def test_names_become_addresses(
    run: Run, name: str, addresses: tuple[str, ...], detail: str
) -> None:
    """A and AAAA are looked up; addresses and localhost are not asked for; failures say why."""

    async def main() -> tuple[tuple[str, ...], str, list[str]]:
        async with resolving(0.5) as (resolver, server):
            found = await resolver.addresses(name)
            return found.addresses, found.detail, server.asked

    found, said, asked = run(main())

    assert (found, said) == (addresses, detail)
    assert bool(asked) is ("example.org" in name.lower())


def test_addresses_of_one_name_are_capped(run: Run) -> None:
    """However many addresses a name has, eight are kept."""

    async def main() -> int:
        async with resolving() as (resolver, _):
            return len((await resolver.addresses("many.example.org")).addresses)

    assert run(main()) == 8


def test_mail_servers_and_texts(run: Run) -> None:
    """MX names come most preferred first; the strings of a TXT record are joined."""

    async def main() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        async with resolving() as (resolver, _):
            return (
                await resolver.mail_servers("Example.org"),
                await resolver.mail_servers("mail.example.org"),
                await resolver.texts("_patchstand.example.org"),
            )

    mail, none, texts = run(main())

    assert mail == ("a.example.org", "b.example.org")
    assert none == ()
    assert texts == ("contact=soc@cert.example",)


@pytest.mark.parametrize("text", ["", "localhost", "127.0.0.1:x", "127.0.0.1:99999", "127.1:53"])
def test_a_resolver_is_an_address(text: str) -> None:
    """A name server is given by address and port."""
    with pytest.raises(UsageError):
        Resolver(text)


@pytest.mark.parametrize(
    ("text", "server"),
    [("127.0.0.1", "127.0.0.1:53"), ("::1", "::1:53"), ("[::1]:5353", "::1:5353")],
)
def test_the_port_of_a_resolver_may_be_left_out(text: str, server: str) -> None:
    """Port 53 is meant where none is said."""
    assert str(Resolver(text)) == server


def test_a_name_is_looked_up_and_gated(run: Run) -> None:
    """A name that leads outside loopback is out of scope; one that leads nowhere says so."""

    async def main() -> list[tuple[Outcome, str | None]]:
        async with resolving() as (resolver, _):
            settings = approach(resolver=resolver)
            names = ("outside.example.org", "mapped.example.org", "nowhere.example.org")
            seen = [await look(Target(name), settings) for name in names]
            return [(each.outcome, each.address) for each in seen]

    assert run(main()) == [
        (Outcome.OUT_OF_SCOPE, None),
        (Outcome.OUT_OF_SCOPE, None),
        (Outcome.NO_ADDRESS, None),
    ]


def test_nothing_is_looked_up_for_a_name_that_nothing_permits() -> None:
    """With the system's resolver and no permission of any kind the name never leaves here."""

    class Untouchable(Resolver):
        async def addresses(self, name: str) -> None:  # type: ignore[override]
            raise AssertionError(name)

    seen = asyncio.run(look(Target("mail.example.org"), approach(resolver=Untouchable())))

    assert seen.outcome is Outcome.OUT_OF_SCOPE
    assert "--responsible" in seen.detail


def test_the_next_address_is_tried_when_one_does_not_connect(run: Run) -> None:
    """Of several addresses the first that connects is the one observed."""

    async def main() -> tuple[Outcome, str | None]:
        async with resolving() as (resolver, _), serving(smtp_with_tls()) as port:
            ZONE["next.example.org.", "A"] = ["127.0.0.9", "127.0.0.1"]
            target = Target("next.example.org", https=None, smtp=port, imap=None, pop=None)
            seen = await look(target, approach(resolver=resolver))
            return seen.outcome, seen.address

    assert run(main()) == (Outcome.ANSWERED, "127.0.0.1")


def test_no_service_asked(run: Run) -> None:
    """A target without ports is said to be one."""
    target = Target("127.0.0.1", https=None, smtp=None, imap=None, pop=None)

    seen = run(look(target, approach()))

    assert (seen.outcome, seen.detail) == (Outcome.UNREACHABLE, "no service asked")


def test_silence_of_every_service_is_bounded(run: Run) -> None:
    """A server silent on all ports ends within the target's time."""

    async def main() -> Outcome:
        async with serving(silent) as port:
            target = Target("127.0.0.1", https=port, smtp=port, imap=port, pop=port)
            return (await look(target, approach())).outcome

    assert run(main()) is Outcome.TIMED_OUT
