import asyncio
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.observe.conftest import NOW

from patchstand.errors import ScopeError, UsageError
from patchstand.model import Permit, Scope
from patchstand.observe.declare import Declarations
from patchstand.observe.names import Networks, canonical_address, canonical_name, embedded
from patchstand.observe.pace import PaceRules
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import DomainProof, Gate, pace_rules, read_scope, read_scopes
from patchstand.observe.wire import Endpoint, connect

WHOLE: dict[str, Any] = {
    "authority": "own",
    "purposes": ["inform"],
    "contact": "soc@example.org",
    "networks": ["192.0.2.0/24", "2001:db8:1::/48"],
    "domains": ["example.org"],
    "denied_networks": ["192.0.2.66/32", "2001:db8:1:bad::/64"],
    "denied_domains": ["lab.example.org"],
    "valid_until": "2026-12-31",
}
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


def now() -> datetime:
    return NOW


def scope(tmp_path: Path, **changes: object) -> Scope:
    path = tmp_path / "scope.json"
    row = {key: value for key, value in (WHOLE | changes).items() if value is not None}
    path.write_text(json.dumps(row))
    return read_scope(path, NOW.date())


def ask(gate: Gate, name: str, address: str) -> Permit:
    return asyncio.run(gate.permit(name, address))


class Records(Resolver):
    """A resolver that knows some TXT records, and what it was asked for."""

    def __init__(self, records: dict[str, str]) -> None:
        super().__init__()
        self.records = records
        self.asked: list[str] = []

    async def texts(self, name: str) -> tuple[str, ...]:
        self.asked.append(name)
        return (self.records[name],) if name in self.records else ()


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.9.8.7", "::1", "[::1]", "::ffff:127.0.0.1", "::ffff:7f00:1"]
)
def test_loopback_is_free(address: str, tmp_path: Path) -> None:
    """Every spelling of a loopback address is permitted, unless a scope denies it, it opted
    out, or the scope decides for every address."""
    given = scope(tmp_path)
    for gate in (Gate(now), Gate(now, scope=given)):
        assert ask(gate, "any", address).granted_by == "loopback"

    never = ["127.0.0.0/8", "::1/128"]
    for gate in (
        Gate(now, scope=scope(tmp_path, denied_networks=never)),
        Gate(now, scope=scope(tmp_path, opt_outs=never)),
        Gate(now, scope=given, strict=True),
        Gate(now, strict=True),
    ):
        with pytest.raises(ScopeError):
            ask(gate, "any", address)


def test_a_strict_gate_permits_loopback_by_scope(tmp_path: Path) -> None:
    """Where the scope decides for every address, a loopback network it names is permitted."""
    own = scope(tmp_path, networks=["127.1.0.0/16"], domains=["example.org"])
    gate = Gate(now, scope=own, strict=True)

    assert ask(gate, "127.1.2.3", "127.1.2.3").granted_by == "scope"
    for name, address in (("127.2.2.3", "127.2.2.3"), ("example.org", "127.2.2.3")):
        with pytest.raises(ScopeError):
            ask(gate, name, address)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("elsewhere.example", "192.0.2.9"),
        ("192.0.2.35", "::ffff:192.0.2.35"),
        ("2001:db8:1::9", "2001:db8:1::9"),
        ("a.b.example.org", "192.0.2.1"),
        ("localhost", "127.0.0.1"),
    ],
)
def test_who_opted_out_is_never_asked(name: str, address: str, tmp_path: Path) -> None:
    """Addresses, networks and domains of the list are refused, whatever else permits them."""
    (tmp_path / "out.txt").write_text(
        "# who asked\n2001:db8:1::/64  # 2026-11-01, by mail\nlocalhost\n", encoding="utf-8"
    )
    outs = ["192.0.2.9", "192.0.2.32/29", "b.example.org"]
    given = scope(tmp_path, opt_outs=outs, opt_out_file="out.txt")
    gate = Gate(now, scope=given, declarations=Declarations("A, why", tmp_path / "journal", now))

    with pytest.raises(ScopeError, match="opt-out"):
        ask(gate, name, address)
    assert ask(gate, "example.org", "192.0.2.1").granted_by == "scope"


def test_a_name_that_opted_out_is_not_looked_up(tmp_path: Path) -> None:
    """The refusal comes before the name server is asked."""
    gate = Gate(now, scope=scope(tmp_path, opt_outs=["mail.example.org"]))

    with pytest.raises(ScopeError, match="opt-out"):
        gate.check_name("a.mail.example.org", Resolver())
    gate.check_name("www.example.org", Resolver())


def test_a_permit_ends_with_its_scope(tmp_path: Path) -> None:
    """After the last day the gate takes back what it granted, and grants nothing more."""
    clock = [datetime(2026, 12, 31, 23, 59, tzinfo=UTC)]
    gate = Gate(lambda: clock[0], scope=scope(tmp_path))
    permit = ask(gate, "192.0.2.1", "192.0.2.1")
    free = ask(gate, "127.0.0.1", "127.0.0.1")
    assert gate.still_permits(permit)

    clock[0] += timedelta(minutes=1)

    assert not gate.still_permits(permit)
    assert gate.still_permits(free)
    with pytest.raises(ScopeError, match="2026-12-31"):
        ask(gate, "192.0.2.1", "192.0.2.1")


def write_scopes(folder: Path, *changes: dict[str, Any]) -> list[Path]:
    paths = [folder / f"scope-{number}.json" for number in range(len(changes))]
    empty: dict[str, Any] = {
        "networks": [],
        "domains": [],
        "denied_networks": [],
        "denied_domains": [],
    }
    for path, change in zip(paths, changes, strict=True):
        path.write_text(json.dumps(WHOLE | empty | change))
    return paths


def test_several_scopes_each_with_their_ground(tmp_path: Path) -> None:
    """An address gets the permit of the scope that covers it; every denial holds for all."""
    paths = write_scopes(
        tmp_path,
        {"networks": ["192.0.2.0/24"], "denied_networks": ["198.51.100.7/32"]},
        {
            "networks": ["198.51.100.0/24"],
            "domains": ["example.net"],
            "authority": "contract",
            "legal_basis": "contract 7",
        },
    )
    gate = Gate(now, scope=read_scopes(paths, NOW.date()))

    assert ask(gate, "192.0.2.1", "192.0.2.1").authority == "own"
    assert ask(gate, "198.51.100.1", "198.51.100.1").legal_basis == "contract 7"
    assert ask(gate, "example.net", "192.0.2.1").authority == "own"
    assert ask(gate, "example.net", "203.0.113.1").authority == "contract"
    for refused in ("198.51.100.7", "203.0.113.1"):
        with pytest.raises(ScopeError):
            ask(gate, refused, refused)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ({"networks": ["192.0.2.0/24"]}, {"networks": ["192.0.2.128/25"]}, "192.0.2.128/25"),
        ({"networks": ["192.0.2.64/26"]}, {"networks": ["192.0.0.0/16"]}, "192.0."),
        ({"domains": ["example.org"]}, {"domains": ["a.example.org"]}, "a.example.org"),
        ({"domains": ["a.example.org"]}, {"domains": ["example.org"]}, "a.example.org"),
    ],
)
def test_two_grounds_for_one_address_are_refused(
    one: dict[str, Any], other: dict[str, Any], shared: str, tmp_path: Path
) -> None:
    """Files that overlap on different grounds are an error that names both and the place."""
    grounds = {"authority": "statutory", "legal_basis": "section 1"}
    different = write_scopes(tmp_path, one, other | grounds)

    with pytest.raises(UsageError, match=rf"scope-0.json.*scope-1.json.*{re.escape(shared)}"):
        read_scopes(different, NOW.date())
    assert len(read_scopes(write_scopes(tmp_path, one, other), NOW.date())) == 2
    apart = write_scopes(tmp_path, one, {"networks": ["203.0.113.0/24"], **grounds})
    assert len(read_scopes(apart, NOW.date())) == 2


def test_the_strictest_budgets_hold(tmp_path: Path) -> None:
    """Of several scopes and the user's wish the smallest number of each kind counts."""
    paths = write_scopes(
        tmp_path,
        {"networks": ["192.0.2.0/24"], "requests_per_server": 12, "rate": 50},
        {"networks": ["198.51.100.0/24"], "requests_per_network": 60, "rate": 20.5},
    )
    scopes = read_scopes(paths, NOW.date())

    assert pace_rules(scopes) == PaceRules(12, 60, 20.5, None)
    assert pace_rules(scopes, 6).requests_per_server == 6
    assert pace_rules(()) == PaceRules()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"networks": ["192.0.2.7/24"]}, r"networks: '192.0.2.7/24'.*192.0.2.0/24"),
        ({"networks": ["192.0.2.255-192.0.2.0"]}, r"networks: .*ends before it begins"),
        ({"denied_networks": ["24/192.0.2.0"]}, r"denied_networks: .*192.0.2.0/24"),
        ({"opt_outs": ["192.0.2.0/40"]}, r"opt_outs: '192.0.2.0/40'"),
        ({"opt_out_file": "missing.txt"}, r"missing.txt is missing"),
        ({"networks": ["192.0.2.0/24"], "denied_networks": ["192.0.2.0/25", "192.0.2.128/25"]},
         r"192.0.2.0/24 lies wholly inside denied"),
        ({"domains": ["a.example.org"], "denied_domains": ["example.org"]},
         r"a.example.org lies wholly inside denied"),
        ({"valid_from": "2027-01-01", "valid_until": "2027-12-31"}, r"valid from 2027-01-01"),
        ({"valid_until": "2026-11-21"}, r"expired on 2026-11-21"),
        ({"valid_from": "2026-11-21", "valid_until": "2026-11-20"}, r"before valid_from"),
        ({"requests_per_server": 0}, r"between 1 and 200"),
        ({"requests_per_network": 0}, r"at least 1"),
        ({"rate": 0}, r"above 0"),
        ({"rate_per_network": -1.5}, r"above 0"),
        ({"rates": 1}, r"rates"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_scope_is_said(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """Each mistake is a usage error that names the field, the text and what was meant."""
    with pytest.raises(UsageError, match=said):
        scope(tmp_path, **changes)


def test_a_wrong_line_of_the_opt_out_file_is_not_ignored(tmp_path: Path) -> None:
    """A typing error in the list must not make somebody be asked."""
    (tmp_path / "out.txt").write_text("192.0.2.1\n192.0.2.1/33\n", encoding="utf-8")

    with pytest.raises(UsageError, match=r"out.txt, line 2"):
        scope(tmp_path, opt_out_file="out.txt")


@pytest.mark.parametrize(
    "address",
    [
        "192.0.2.1", "10.0.0.1", "8.8.8.8", "2001:db8::1", "::ffff:192.0.2.1", "::ffff:8.8.8.8",
        "0.0.0.0", "::", "::ffff:0.0.0.0", "255.255.255.255", "224.0.0.1", "ff02::1",
        "127.1", "2130706433", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.1 ", "127.0.0.1\n", "",
        "localhost", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1", "169.254.169.254",
        "127.0.0.01", "[127.0.0.1", "\uff11\uff12\uff17.0.0.1",
    ],
)  # fmt: skip
def test_nothing_else_is_free(address: str) -> None:
    """Without scope, proof or declaration no other text is permitted."""
    with pytest.raises(ScopeError):
        ask(Gate(now), "any", address)


@given(ADDRESSES)
def test_only_loopback_is_free(address: IPv4Address | IPv6Address) -> None:
    """For any address: permitted without anything if and only if it is loopback."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    try:
        granted = ask(Gate(now), str(address), str(address)).granted_by
    except ScopeError:
        granted = ""

    assert (granted == "loopback") is (mapped or address).is_loopback


@given(
    ADDRESSES, st.lists(ADDRESSES, max_size=4), st.lists(st.integers(8, 32), min_size=4, max_size=4)
)
def test_networks_answer_like_the_standard_library(
    address: IPv4Address | IPv6Address,
    bases: list[IPv4Address | IPv6Address],
    lengths: list[int],
) -> None:
    """The quick membership agrees with `ipaddress` for any networks and address."""
    networks = [
        ip_network(f"{base}/{length}", strict=False)
        for base, length in zip(bases, lengths, strict=False)
    ]
    quick = Networks(map(str, networks))

    for place in (address, *bases):
        seen = canonical_address(str(place))
        assert seen is not None
        if seen == place:
            expected = any(place in each for each in networks if each.version == place.version)
            assert (place in quick) is expected


@pytest.mark.parametrize(
    ("name", "address", "permitted"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("elsewhere.example", "192.0.2.1", True),
        ("192.0.3.1", "192.0.3.1", False),
        ("mail.example.org", "198.51.100.7", True),
        ("EXAMPLE.org.", "198.51.100.7", True),
        ("notexample.org", "198.51.100.7", False),
        ("example.org.evil.example", "198.51.100.7", False),
        ("mail.lab.example.org", "198.51.100.7", False),
        ("mail.lab.example.org", "192.0.2.1", False),
        ("mail.example.org", "192.0.2.66", False),
        ("mail.example.org", "::ffff:192.0.2.66", False),
        ("mail.example.org", "64:ff9b::c000:242", False),
        ("mail.example.org", "2002:c000:242::1", False),
        ("mail.example.org", "2001:db8:1:bad::1", False),
        ("2001:db8:1::5", "2001:db8:1::5", True),
        ("2001:db8:2::5", "2001:db8:2::5", False),
        ("mail.example.org", "0.0.0.0", False),
        ("mail.example.org", "169.254.169.254", False),
        ("mail.example.org", "240.0.0.1", False),
        ("mail.example.org", "64:ff9b::7f00:1", False),
        ("mail.example.org", "::127.0.0.1", False),
        ("mail.example.org", "fe80::1", False),
    ],
)
def test_what_a_scope_permits(tmp_path: Path, name: str, address: str, permitted: bool) -> None:
    """Networks and domains with their sub-domains are in; what is denied wins over both."""
    gate = Gate(now, scope=scope(tmp_path))

    if permitted:
        granted = ask(gate, name, address)
        assert (granted.granted_by, granted.authority) == ("scope", "own")
        assert granted.purposes == ("inform",)
    else:
        with pytest.raises(ScopeError):
            ask(gate, name, address)


def test_a_scope_ends(tmp_path: Path) -> None:
    """A scope permits on its last day and not on the next, also within one run."""
    day = [datetime(2026, 12, 31, 23, 59, tzinfo=UTC)]
    gate = Gate(lambda: day[0], scope=scope(tmp_path))

    assert ask(gate, "192.0.2.1", "192.0.2.1").granted_by == "scope"
    day[0] += timedelta(minutes=1)
    with pytest.raises(ScopeError, match="expired on 2026-12-31"):
        ask(gate, "192.0.2.1", "192.0.2.1")


@pytest.mark.parametrize(
    "changes",
    [
        {"authority": "curiosity"},
        {"authority": "statutory"},
        {"purposes": []},
        {"purposes": ["attack"]},
        {"contact": " "},
        {"contact": None},
        {"networks": ["192.0.2.1/24"]},
        {"networks": ["0.0.0.0/0"]},
        {"networks": ["::/0"]},
        {"networks": ["somewhere"]},
        {"networks": [], "domains": []},
        {"domains": ["org"]},
        {"domains": ["co.uk"]},
        {"domains": ["-.org"]},
        {"domains": ["*.example.org"]},
        {"valid_until": "2026-11-21"},
        {"valid_until": "soon"},
        {"denied_network": []},
        {"schema": "patchstand/scope/9"},
    ],
    ids=str,
)
def test_a_wrong_scope_file_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    """A wrong, misspelt or expired scope file is one line that names the file."""
    with pytest.raises(UsageError) as refused:
        scope(tmp_path, **changes)

    assert "scope.json" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", None])
def test_an_unreadable_scope_file_is_refused(tmp_path: Path, text: bytes | None) -> None:
    """A file that is no JSON object, or not there, is a usage error."""
    path = tmp_path / "scope.json"
    if text is not None:
        path.write_bytes(text)

    with pytest.raises(UsageError):
        read_scope(path, date(2026, 11, 22))


@pytest.mark.parametrize(
    ("record", "text", "permitted"),
    [
        ("_patchstand.example.org", "contact=soc@cert.example", True),
        ("_patchstand.mail.example.org", "v=1 contact=soc@cert.example", True),
        ("_patchstand.example.org", "contact=soc@cert.example.evil", False),
        ("_patchstand.example.org", "contact=other@cert.example", False),
        ("_patchstand.org", "contact=soc@cert.example", False),
        ("example.org", "contact=soc@cert.example", False),
    ],
)
def test_a_domain_proves_itself(record: str, text: str, permitted: bool) -> None:
    """The record of the name or a parent must name exactly this prober's contact."""
    records = Records({record: text})
    gate = Gate(now, proof=DomainProof(records, "soc@cert.example"))

    if permitted:
        granted = ask(gate, "Mail.example.org", "198.51.100.7")
        assert granted.granted_by == "domain_proof"
        assert record in granted.legal_basis
    else:
        with pytest.raises(ScopeError):
            ask(gate, "mail.example.org", "198.51.100.7")
    assert "_patchstand.org" not in records.asked


def test_a_public_suffix_proves_nothing() -> None:
    """Under `co.uk` everybody registers: its record is not even asked for."""
    records = Records({"_patchstand.co.uk": "contact=soc@cert.example"})
    gate = Gate(now, proof=DomainProof(records, "soc@cert.example"))

    with pytest.raises(ScopeError):
        ask(gate, "mail.example.co.uk", "198.51.100.7")

    assert "_patchstand.co.uk" not in records.asked


def test_a_proof_opens_no_special_addresses() -> None:
    """A domain's own record cannot open link-local or reserved addresses."""
    records = Records({"_patchstand.example.org": "contact=soc@cert.example"})
    gate = Gate(now, proof=DomainProof(records, "soc@cert.example"))

    with pytest.raises(ScopeError):
        ask(gate, "mail.example.org", "169.254.169.254")


def test_no_proof_is_looked_up_unless_it_is_needed(tmp_path: Path) -> None:
    """Loopback, scope and denied targets cause no look-up, nor do bare addresses."""
    records = Records({})
    proof = DomainProof(records, "soc@cert.example")
    gate = Gate(now, scope=scope(tmp_path), proof=proof)

    ask(gate, "localhost", "127.0.0.1")
    ask(gate, "mail.example.org", "198.51.100.7")
    for name in ("mail.lab.example.org", "198.51.100.7"):
        with pytest.raises(ScopeError):
            ask(gate, name, "198.51.100.7")

    assert records.asked == []


def declared(journal: Path, text: str = "A. Smith, asked by the owner") -> Gate:
    return Gate(now, declarations=Declarations(text, journal, now))


def test_five_targets_a_day_on_declared_responsibility(tmp_path: Path) -> None:
    """Five are journalled over all runs, the sixth is refused, a known one is not counted."""
    journal = tmp_path / "state" / "journal.jsonl"

    for number in range(1, 6):
        granted = ask(declared(journal), f"192.0.2.{number}", f"192.0.2.{number}")
        assert granted.granted_by == "responsible"
        assert granted.legal_basis == "A. Smith, asked by the owner"
    with pytest.raises(ScopeError, match="five targets a day"):
        ask(declared(journal), "192.0.2.6", "192.0.2.6")
    ask(declared(journal), "192.0.2.3", "192.0.2.3")

    rows = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [row["target"] for row in rows] == [f"192.0.2.{number}" for number in range(1, 6)]
    assert rows[0]["who"] == "A. Smith"
    assert rows[0]["why"] == "asked by the owner"
    assert rows[0]["time"].startswith("2026-11-22T12:00:00")


def test_one_name_does_not_cover_many_addresses(tmp_path: Path) -> None:
    """A name that leads to ever other addresses is held to five of them."""
    journal = tmp_path / "journal.jsonl"

    for number in range(1, 6):
        ask(declared(journal), "mail.example.org", f"192.0.2.{number}")
    with pytest.raises(ScopeError):
        ask(declared(journal), "mail.example.org", "192.0.2.6")


def test_the_next_day_counts_anew(tmp_path: Path) -> None:
    """Entries of other days are not counted."""
    journal = tmp_path / "journal.jsonl"
    for number in range(1, 6):
        ask(declared(journal), f"192.0.2.{number}", f"192.0.2.{number}")

    later = Declarations("A, b", journal, lambda: NOW + timedelta(days=1))

    later.declare("192.0.2.6", "192.0.2.6")


@pytest.mark.parametrize("text", ["", "me", "me,", ", because", " , "])
def test_a_declaration_says_who_and_why(tmp_path: Path, text: str) -> None:
    """Both parts, separated by a comma, are wanted."""
    with pytest.raises(UsageError):
        declared(tmp_path / "journal.jsonl", text)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text("rubbish\n"),
        lambda path: path.mkdir(),
        lambda path: path.write_text('{"time": "yesterday"}\n'),
    ],
)
def test_a_spoilt_journal_refuses(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    """What cannot be counted permits nothing."""
    journal = tmp_path / "journal.jsonl"
    spoil(journal)

    with pytest.raises(UsageError):
        ask(declared(journal), "192.0.2.1", "192.0.2.1")


def test_a_declaration_does_not_overrule_the_scope(tmp_path: Path) -> None:
    """What the scope file denies stays denied, and is not journalled."""
    journal = tmp_path / "journal.jsonl"
    declarations = Declarations("A. Smith, because", journal, now)
    gate = Gate(now, scope=scope(tmp_path), declarations=declarations)

    with pytest.raises(ScopeError):
        ask(gate, "192.0.2.66", "192.0.2.66")

    assert not journal.exists()


@pytest.mark.parametrize("address", ["127.0.0.2", "192.0.2.1", "localhost", "127.1"])
def test_a_permit_opens_its_own_address_only(address: str) -> None:
    """The connection is refused where the permit names another address."""
    permit = Permit("127.0.0.1", "loopback", "own", "", ("inform",))

    with pytest.raises(ScopeError):
        asyncio.run(connect(permit, Endpoint(address, 9, "x", tls=False), 1.0))


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_names(text: str) -> None:
    """Any text is an address, a name, or neither; a name is safe to write into a request."""
    address, name = canonical_address(text), canonical_name(text)

    if address is not None:
        assert canonical_address(str(address)) == address
        assert address in embedded(address)
    if name is not None:
        assert name.isascii()
        assert not set(name) & set(" \r\n:/@[]%")
        assert not name.split(".")[-1].isdigit()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Mail.Example.ORG.", "mail.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("127.1", None),
        ("2130706433", None),
        ("mail.0x7f", None),
        ("a b.example", None),
        ("a\r\nX: y.example", None),
        ("", None),
        ("a" * 64 + ".example", None),
        ("a..example", None),
    ],
)
def test_names_have_one_spelling(text: str, name: str | None) -> None:
    """Lower case, ASCII, no final dot; numbers and broken names are none."""
    assert canonical_name(text) == name


def test_addresses_have_one_spelling() -> None:
    """A mapped address is the IPv4 address."""
    assert canonical_address("::FFFF:192.0.2.1") == ip_address("192.0.2.1")
