"""What an event may hold, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.report.harmonization import FIELDS, REQUIRED, TYPES, problems

EVENT: dict[str, Any] = {
    "feed.name": "patchstand",
    "classification.taxonomy": "vulnerable",
    "classification.type": "vulnerable-system",
    "classification.identifier": "vulnerable-exchange-server",
    "time.source": "2024-09-10T08:30:00+00:00",
    "source.ip": "192.0.2.1",
    "source.port": 443,
    "source.fqdn": "mail.example.org",
    "source.asn": 64500,
    "source.geolocation.cc": "DE",
    "severity": "critical",
    "product.vulnerabilities": "cve-2024-21410;cve-2024-26198",
    "tlp": "AMBER",
    "extra.cves": ["CVE-2024-26198"],
}


def test_a_whole_event_is_valid() -> None:
    """Nothing is said of an event that keeps to the table."""
    assert problems(EVENT) == []


@pytest.mark.parametrize("name", REQUIRED)
def test_required_fields_are_missed(name: str) -> None:
    """An event without a required field is told so."""
    event = {key: value for key, value in EVENT.items() if key != name}

    assert problems(event) == [f"{name} is missing"]


def test_an_event_says_which_server() -> None:
    """Without address, name, URL and pseudonym an event is useless."""
    event = {key: EVENT[key] for key in REQUIRED}

    assert len(problems(event)) == 1
    assert problems(event | {"extra.pseudonym": "p:x"}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source.ip", "p:abcdefghijklmnopqrstuvwxyz"),
        ("source.ip", "192.0.2.256"),
        ("source.ip", "2001:DB8::1"),
        ("source.ip", "fe80::1%eth0"),
        ("source.port", 0),
        ("source.port", 65536),
        ("source.port", "443"),
        ("source.port", True),
        ("source.asn", 0),
        ("source.asn", 1 << 32),
        ("source.fqdn", "Mail.example.org"),
        ("source.fqdn", "mail.example.org."),
        ("source.fqdn", "192.0.2.1"),
        ("source.fqdn", "localhost"),
        ("source.fqdn", "a" * 64 + ".de"),
        ("source.url", "ftp://example.org/"),
        ("source.url", "https://exa mple.org/"),
        ("source.url", "https://"),
        ("source.geolocation.cc", "de"),
        ("source.geolocation.region", ""),
        ("source.geolocation.region", " x"),
        ("severity", "Critical"),
        ("classification.type", "vulnerable system"),
        ("classification.identifier", "Vulnerable"),
        ("classification.taxonomy", "intrusions"),
        ("product.name", "Exchange"),
        ("product.vulnerabilities", "CVE-2024-26198"),
        ("product.vulnerabilities", "cve-2024-26198;cve-2024-21410"),
        ("product.vulnerabilities", "cve-2024-26198;cve-2024-26198"),
        ("product.vulnerabilities", "adv190004"),
        ("time.source", "2024-09-10 08:30:00"),
        ("time.source", "2024-09-10T08:30:00+02:00"),
        ("time.source", "2024-13-10T08:30:00+00:00"),
        ("tlp", "AMBER+STRICT"),
        ("tlp", "amber"),
        ("feed.accuracy", 101),
        ("feed.accuracy", "high"),
        ("source.name", "x"),
        ("extra.Cves", "x"),
        ("extra.", "x"),
        ("extra.x", {"a": 1}),
        ("extra.x", None),
        ("extra.x", [[1]]),
    ],
)
def test_wrong_values_are_told(name: str, value: object) -> None:
    """A value that breaks its rule is one line that names the field."""
    (problem,) = problems(EVENT | {name: value})

    assert name in problem


@given(
    event=st.dictionaries(
        st.sampled_from([*FIELDS, "extra.x"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    )
)
def test_nothing_breaks_the_check(event: dict[str, Any]) -> None:
    """Whatever stands in an event, the answer is a list; it is empty only with all required."""
    found = problems(event)

    assert all(isinstance(each, str) for each in found)
    assert found or set(REQUIRED) <= set(event)


def test_types_and_taxonomies_are_lower_case() -> None:
    """The vocabulary itself keeps to its own rule."""
    assert all(each == each.lower() for pair in TYPES.items() for each in pair)
