"""Which names leave the store, and what stands for the others."""

import base64
import hmac
import re
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand import knowledge
from patchstand.identify import identify
from patchstand.model import Evidence, EvidenceKind
from patchstand.store.pseudonym import Mask, canonical, is_public, pseudonym

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
NAME = "mail.stadtwerke-musterhausen.de"


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("192.168.1.1", False),
        ("169.254.1.1", False),
        ("100.64.0.1", False),
        ("192.0.2.1", False),
        ("203.0.113.9", False),
        ("8.8.8.8", True),
        ("192.0.3.0", True),
        ("239.255.255.255", True),
        ("240.0.0.0", False),
        ("8.8.8.8.", True),
        ("08.8.8.8", True),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("2001:db8::1", False),
        ("2a00:1450::1", True),
        ("::ffff:8.8.8.8", True),
        ("::ffff:127.0.0.1", False),
        ("::8.8.8.8", True),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b:1::8.8.8.8", True),
        ("2002:808:808::1", True),
        ("2002:7f00:1::1", False),
        ("2001:0:808:808::f7f7:f7f7", True),
        ("localhost", False),
        ("a.localhost", False),
        ("mail.example.org", False),
        ("MAIL.EXAMPLE.COM.", False),
        ("server.test", False),
        ("no.invalid", False),
        ("mail.firma.example", False),
        ("notexample.org", True),
        ("example.org.evil.de", True),
        ("intranet.firma.local", True),
        ("EX01", True),
        (NAME, True),
        ("", True),
    ],
)
def test_what_names_somebody(text: str, public: bool) -> None:
    """Names and addresses that belong to nobody, or lead nowhere outside, name nobody."""
    assert is_public(text) is public


@given(st.ip_addresses(v=4))
def test_addresses_are_public_when_they_are_routed(address: IPv4Address) -> None:
    """The networks listed are those that Python's own list calls not global."""
    unsure = address.is_multicast or str(address).startswith(("192.0.0.", "192.88.99."))

    assert unsure or is_public(str(address)) is address.is_global


@given(st.text(max_size=40))
def test_a_pseudonym_has_one_form(text: str) -> None:
    """Any text, also one that is no name, gives `p:` and 26 characters of base32."""
    assert re.fullmatch(r"p:[a-z2-7]{26}", pseudonym(KEY, text))


def test_a_pseudonym_is_the_hmac() -> None:
    """It is HMAC-SHA-256 in base32, cut after 26 characters."""
    mac = hmac.digest(KEY, NAME.encode(), "sha256")

    assert pseudonym(KEY, NAME) == "p:" + base64.b32encode(mac).decode().lower()[:26]
    assert Mask(KEY).name(NAME) == pseudonym(KEY, NAME)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mail.Example.DE.", "mail.example.de"),
        ("2A00:1450:0:0::1", "2a00:1450::1"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
    ],
)
def test_spellings_of_one_server_have_one_pseudonym(one: str, other: str) -> None:
    """The pseudonym is that of the canonical spelling; another key gives another pseudonym."""
    assert canonical(one) == canonical(other)
    assert pseudonym(KEY, one) == pseudonym(KEY, other)
    assert pseudonym(KEY, one) != pseudonym(OTHER_KEY, one)


@pytest.mark.parametrize(
    "clue",
    [
        "x_owa_version=15.2.1118.40",
        "owa_path=15.2.1118",
        "smtp_banner=Microsoft ESMTP MAIL Service",
        "ehlo=SMTPUTF8 XRDST",
        "iis=Microsoft-IIS/10.0",
        "greeting=Microsoft Exchange",
        "logon_page={57a118c6-2da9-419d-be9a-f92b0f9a418b}",
        "exchweb=/exchweb/",
        "front=nginx",
        "ms_server_activesync=15.1",
        "alone",
    ],
)
def test_clues_that_name_no_server_stay(clue: str) -> None:
    """Versions, fixed words and products of the knowledge leave as they are."""
    assert Mask(KEY, {"nginx"}).clue(clue) == clue


@pytest.mark.parametrize(
    "rule",
    [
        "x_feserver", "x_calculatedbetarget", "x_feproxyinfo", "x_backendhttpstatus",
        "x_owa_error", "owa_redirect", "error_fe", "owalogon", "foreign_paths", "look_alike",
        "encoded_name", "other_product", "front", "iis", "greeting", "ehlo", "smtp_banner",
        "x_owa_version", "ms_server_activesync", "a_rule_of_tomorrow",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [NAME, NAME.upper(), f"https://{NAME}/owa/", "EX-FRONT-01"])
def test_clues_that_can_name_a_server_leave_as_pseudonyms(rule: str, value: str) -> None:
    """Whatever the rule, a value with a server's name in it is replaced."""
    shown = Mask(KEY, {"nginx"}).clue(f"{rule}={value}")

    assert re.fullmatch(rf"{rule}=p:[a-z2-7]{{26}}", shown)


REPLIES = [
    (EvidenceKind.HTTP_HEADERS, "HTTP/1.1 302 Found\nServer: Microsoft-IIS/10.0 {n}\n"
     "Location: https://{n}/owa/auth/logon.aspx?url=https%3a%2f%2f{n}%2fowa\nX-FEServer: {n}\n"
     "X-CalculatedBETarget: {n}\nX-OWA-Error: {n}\nMS-Server-ActiveSync: {n}\n"
     "X-OWA-Version: 15.2.1118.40"),
    (EvidenceKind.HTTP_HEADERS, "HTTP/1.1 200 OK\nX-BackEndHttpStatus: {n}\nX-FEServer:"),
    (EvidenceKind.HTTP_HEADERS, "HTTP/1.1 302 F\nLocation: //{n}/owa/auth/errorfe.aspx?{n}"),
    (EvidenceKind.HTML, '<form action="https://{n}/x"><img src="//{n}/owa/auth/15.2.1118/x.ico">'),
    (EvidenceKind.SMTP_BANNER, "220 {n} Microsoft ESMTP MAIL Service ready at today"),
    (EvidenceKind.SMTP_BANNER, "220 {n} ESMTP Postfix (3.7) {n}"),
    (EvidenceKind.SMTP_BANNER, "220 stadtwerke-musterhausen-mail 1.2 ESMTP"),
    (EvidenceKind.EHLO, "250-{n} Hello\n250-XRDST\n250-SMTPUTF8\n250 X-EXPS {n}"),
    (EvidenceKind.IMAP, "* OK The Microsoft Exchange IMAP4 service is ready. [{n}]"),
    (EvidenceKind.RECEIVED, "Received: from {n} by {n} with Microsoft SMTP Server id 15.2.1118.40"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), REPLIES, ids=range(len(REPLIES)))
def test_no_clue_of_a_server_that_says_its_name_holds_it(kind: EvidenceKind, text: str) -> None:
    """Whatever the readers take out of an answer full of the server's name, it does not leave."""
    known = knowledge.load()
    mask = Mask(KEY, {each.name for each in known.fingerprints})
    evidence = Evidence(kind, text.replace("{n}", NAME), server_name="other.example.org")
    sighted = identify([evidence], known, known.covered_until)

    clues = [mask.clue(f"{each.rule}={each.value}") for n in sighted.nodes for each in n.evidence]

    assert "musterhausen" not in " ".join(clues).lower()


def test_a_short_key_is_refused() -> None:
    """A key shorter than the digest is a mistake of the caller."""
    with pytest.raises(ValueError):
        Mask(b"short")
