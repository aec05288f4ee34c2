from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.errors import UsageError
from patchstand.model import Scope
from patchstand.observe.attribution import contact_uri, probing_txt, told
from patchstand.observe.session import Prober

TODAY = date(2026, 11, 22)
FIELDS = ["Canonical", "Contact", "Expires", "Preferred-Languages", "Description"]


def scope(contact: str = "https://probe.example/about", **more: object) -> Scope:
    return Scope("own", "", ("inform",), contact, **more)  # type: ignore[arg-type]


def fields(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return dict(line.split(": ", 1) for line in lines)


def test_the_description_file_has_the_fields_of_the_rfc() -> None:
    """RFC 9511 section 2.2: five fields, each one line, an expiry within a year."""
    found = fields(probing_txt(scope(organisation="A\nB", valid_until=date(2026, 12, 31)), TODAY))

    assert list(found) == FIELDS
    assert found["Canonical"] == "https://probe.example/.well-known/probing.txt"
    assert found["Expires"] == "2026-12-31T23:59:59Z"
    assert found["Description"].startswith("A B looks")
    without_end = fields(probing_txt(scope(), TODAY))["Expires"]
    assert (datetime.fromisoformat(without_end) - datetime(2026, 11, 22, tzinfo=UTC)).days < 365


@pytest.mark.parametrize(
    ("contact", "uri"),
    [
        ("soc@example.org", "mailto:soc@example.org"),
        ("SOC <soc@example.org>", "mailto:soc@example.org"),
        ("https://probe.example/about", "https://probe.example/about"),
    ],
)
def test_a_contact_is_a_uri(contact: str, uri: str) -> None:
    """RFC 9116 section 2.5.3 wants a URI; an address of mail becomes `mailto:`."""
    assert contact_uri(contact) == uri


def test_without_a_web_address_the_place_of_the_file_stays_open() -> None:
    """A mail address does not say where the file lies: nothing is made up."""
    assert probing_txt(scope("soc@example.org"), TODAY).startswith("# Canonical: ")


@given(st.text(min_size=1))
def test_any_contact_can_be_told(contact: str) -> None:
    """Whatever the contact is, the user agent stays one valid line, and so does each field."""
    try:
        agent = Prober("0", told(contact)).user_agent
    except UsageError:
        return
    assert agent.isprintable()
    assert set(fields(probing_txt(scope(contact), TODAY))) >= set(FIELDS) - {"Canonical"}
