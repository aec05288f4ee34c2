"""Names in texts become placeholders, always the same ones, and nothing else changes."""

import base64

from hypothesis import assume, given
from hypothesis import strategies as some

from patchstand.collect.redaction.certificates import without_names
from patchstand.collect.redaction.harvest import Harvest
from patchstand.collect.redaction.pseudonyms import Pseudonyms
from patchstand.collect.redaction.rewrite import Rewriting

KEY = bytes(32)
LABEL = some.text("bcfgjkqvwxz0123456789", min_size=4, max_size=12).filter(
    lambda word: not word.isdecimal()
)
"""Names that are no part of a word of the texts below."""
UNTOUCHED = (
    "Version 15.2 (Build 2562.17)",
    "15.2.2562.17",
    "Microsoft.Exchange.Data, Version=15.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35",
    r"%windir%\System32\RpcProxy",
    r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa",
    "https://officeclient.microsoft.com/GetExchangeMitigations",
    "00000002-0000-0ff1-ce00-000000000000",
    r"NT AUTHORITY\SYSTEM",
    "CN=Microsoft Exchange System Objects",
    "12:34:56",
    "*:444:",
    "0.0.0.0",
    "255.255.255.0",
    "2021-11-24T00:34:03Z",
    "B1 B2 C3",
    "owa (Default Web Site)",
)


def rewriting(*noted: tuple[str, str]) -> Rewriting:
    pseudonyms = Pseudonyms(KEY)
    harvest = Harvest(pseudonyms)
    for called, text in noted:
        harvest.value(called, text)
    return Rewriting(harvest.names, pseudonyms)


@given(server=LABEL, domain=LABEL, user=LABEL)
def test_a_name_that_was_seen_once_is_replaced_everywhere(
    server: str, domain: str, user: str
) -> None:
    """In host names, accounts, addresses, paths and sentences, in any case."""
    assume(len({server, domain, user}) == 3)
    by = rewriting(
        ("Fqdn", f"{server}.{domain}.example"),
        ("IdentityReference", rf"{domain.upper()}\{user}"),
    )

    for text in (
        f"https://{server}.{domain}.example/owa",
        f"{user}@{domain}.example",
        f"CN={server.upper()},CN=Servers,DC={domain},DC=example",
        rf"\\{server}\c$\Users\{user}\x",
        f"The server {server.upper()} of {domain.title()}, says {user}.",
        f"{domain}.example/Users/{user}",
    ):
        found = by.text(text).casefold()
        assert not [name for name in (server, domain, user) if name in found], found
        assert by.text(text) == by.text(text)


@given(server=LABEL, domain=LABEL)
def test_what_is_no_name_stays(server: str, domain: str) -> None:
    """Versions, well-known identifiers, paths of Windows and hosts of Microsoft are untouched."""
    by = rewriting(("Fqdn", f"{server}.{domain}.example"))

    for text in UNTOUCHED:
        if server not in text.casefold() and domain not in text.casefold():
            assert by.text(text) == text


def test_names_that_only_look_alike_are_told_apart() -> None:
    """One name within another is no name: MAIL01 is not MAIL012."""
    by = rewriting(("Fqdn", "mail01.corpnet.example"), ("Fqdn", "mail012.corpnet.example"))

    assert by.text("mail01 mail012 mail0123") == "name-1 name-2 mail0123"


@given(some.binary(max_size=300))
def test_bytes_that_are_no_certificate_are_none(content: bytes) -> None:
    """Whatever stands where a certificate should be: no error, and nothing to hand out."""
    assert without_names(base64.b64encode(content).decode(), Pseudonyms(KEY)) is None


@given(some.text(max_size=300))
def test_any_text_is_rewritten_without_error(text: str) -> None:
    """Rewriting answers whatever a text holds, and the second time as the first."""
    by = rewriting(("Fqdn", "srv01.corpnet.example"), ("Name", text))

    assert by.text(text) == by.text(text)
