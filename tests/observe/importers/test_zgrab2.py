import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.observe.importers.samples import ZGRAB2, read, zgrab2_line, zgrab2_module, zgrab2_reply

from patchstand.errors import UsageError
from patchstand.identify import identify
from patchstand.model import EvidenceKind, Knowledge, Outcome
from patchstand.observe.importers.zgrab2 import IMPORTER

FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def test_modules_of_one_port_are_one_record(tmp_path: Path, known: Knowledge) -> None:
    """http and tls on 443 are one record with build and certificate, smtp is another."""
    good, rejected = read(IMPORTER, tmp_path, ZGRAB2)

    assert rejected == []
    assert [(each.target, each.ports) for each in good] == [
        ("192.0.2.20", ""), ("192.0.2.20", "smtp=25"), ("192.0.2.21", "pop=110"),
    ]  # fmt: skip
    assert good[0].certificate == hashlib.sha256(b"certificate").hexdigest()
    assert good[0].observed_at == datetime(2026, 11, 20, 10, 15, 30, tzinfo=UTC)
    (node,) = identify(good[0].evidence, known, date(2026, 11, 22)).nodes
    assert [str(build) for build in node.builds] == ["15.2.1118.40"]
    (node,) = identify(good[1].evidence, known, date(2026, 11, 22)).nodes
    assert [line.value for line in node.lines] == ["2019", "SE"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("success", Outcome.ANSWERED), ("connection-refused", Outcome.REFUSED),
        ("connection-timeout", Outcome.TIMED_OUT), ("io-timeout", Outcome.TIMED_OUT),
        ("connection-closed", Outcome.RESET), ("handshake-error", Outcome.TLS_FAILED),
        ("protocol-error", Outcome.PROTOCOL_ERROR), ("application-error", Outcome.PROTOCOL_ERROR),
        ("blocklisted-target", Outcome.OUT_OF_SCOPE),
    ],
)  # fmt: skip
def test_a_status_is_an_outcome(tmp_path: Path, status: str, outcome: Outcome) -> None:
    """A failed measurement is a result, with zgrab2's word for it as detail."""
    line = zgrab2_line(ip="192.0.2.1", data={"imap": zgrab2_module(status, error="why")})

    (record,), _ = read(IMPORTER, tmp_path, line)

    assert record.outcome is outcome
    assert record.detail == ("" if status == "success" else f"{status} why")


def test_replies_of_other_names_do_not_count(tmp_path: Path) -> None:
    """A redirect that leads elsewhere says nothing of the server that was asked."""
    chain = [zgrab2_reply("192.0.2.1:443"), zgrab2_reply("[2001:db8::1]:443")]
    result = {"redirect_response_chain": chain, "response": zgrab2_reply("login.example.net")}
    line = zgrab2_line(ip="192.0.2.1", data={"http": zgrab2_module(port=443, result=result)})
    result["redirects_to_resolved_ips"] = [
        {"redirect_name": "login.example.net", "ip": "192.0.2.1"}
    ]
    resolved = zgrab2_line(ip="192.0.2.1", data={"http": zgrab2_module(port=443, result=result)})

    (one,), _ = read(IMPORTER, tmp_path, line)
    (two,), _ = read(IMPORTER, tmp_path, resolved)

    assert len(one.evidence) == 1
    assert len(two.evidence) == 2


def test_raw_headers_go_before_named_ones(tmp_path: Path) -> None:
    """Headers kept raw are taken as sent; without them the fields are spelt as headers."""
    raw = zgrab2_reply("192.0.2.1", headers_raw="WC1GRVNlcnZlcjogRVgwOQ0K", body="<html>")
    line = zgrab2_line(ip="192.0.2.1", data={"http": zgrab2_module(result={"response": raw})})
    plain = zgrab2_line(
        ip="192.0.2.1",
        data={"http": zgrab2_module(result={"response": zgrab2_reply("192.0.2.1")})},
    )

    (one,), _ = read(IMPORTER, tmp_path, line)
    (two,), _ = read(IMPORTER, tmp_path, plain)

    assert [item.kind for item in one.evidence] == [EvidenceKind.HTTP_HEADERS, EvidenceKind.HTML]
    assert one.evidence[0].text == "HTTP/1.1 302 Found\r\nX-FEServer: EX09"
    assert "x-owa-version: 15.2.1118.40" in two.evidence[0].text


@pytest.mark.parametrize(
    "line",
    [
        "{", "[]", "null", "nonsense", "{}", '{"ip": "192.0.2.1"}', '{"ip": 5, "data": {}}',
        zgrab2_line(ip="192.0.2.999", data={"tls": zgrab2_module()}),
        zgrab2_line(ip="192.0.2.1", data={"ssh": zgrab2_module()}),
        zgrab2_line(ip="192.0.2.1", data={"tls": zgrab2_module("invalid-inputs")}),
        zgrab2_line(ip="192.0.2.1", data={"tls": zgrab2_module(timestamp="yesterday")}),
        zgrab2_line(ip="192.0.2.1", data={"tls": zgrab2_module(port=70000)}),
        zgrab2_line(ip="192.0.2.1", data={"http": zgrab2_module(result={"response": "x"})}),
        '{"ip": "192.0.2.1", "data": ' + "[" * 5000 + "]" * 5000 + "}",
    ],
)  # fmt: skip
def test_a_bad_line_costs_itself_only(tmp_path: Path, line: str) -> None:
    """A line that cannot be used is rejected with its number; its neighbours are kept."""
    whole, _ = read(IMPORTER, tmp_path, ZGRAB2)

    good, rejected = read(IMPORTER, tmp_path, ZGRAB2 + line.rstrip("\n") + "\n" + ZGRAB2)

    assert good == whole * 2
    assert [each.line for each in rejected] == [3]


def test_one_bad_module_leaves_the_others(tmp_path: Path) -> None:
    """A line with a good and a bad module gives the record, and the reason for the other."""
    data = {"imap": zgrab2_module(), "ssh": zgrab2_module()}

    good, rejected = read(IMPORTER, tmp_path, zgrab2_line(ip="192.0.2.1", data=data))

    assert len(good) == 1
    assert "ssh" in rejected[0].reason


@pytest.mark.parametrize("content", [b"", b"\n", ZGRAB2.encode("utf-16")])
def test_an_empty_file_is_a_usage_error(tmp_path: Path, content: bytes) -> None:
    """Nothing to read, or UTF-16, is one clear line."""
    with pytest.raises(UsageError):
        read(IMPORTER, tmp_path, content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@FOLDER
@given(value=JSON, at=st.integers(0, 60))
def test_any_value_anywhere_is_a_record_or_rejected(tmp_path: Path, value: object, at: int) -> None:
    """Whatever a field holds, its line gives records or a rejection, and the next one is read."""
    line = json.loads(ZGRAB2.splitlines()[0])
    places: list[tuple[dict[str, object], str]] = []
    pending = [line]
    while pending:
        node = pending.pop(0)
        places += [(node, key) for key in node]
        pending += [each for each in node.values() if isinstance(each, dict)]
    node, key = places[at % len(places)]
    node[key] = value

    good, rejected = read(IMPORTER, tmp_path, json.dumps(line) + "\n" + ZGRAB2)

    assert len(good) >= 3
    assert {each.line for each in rejected} <= {1}
