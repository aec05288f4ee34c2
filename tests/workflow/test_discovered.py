import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.errors import UsageError
from patchstand.model import Target
from patchstand.workflow.discovered import SERVICE_OF_PORT, Seen, decoded
from patchstand.workflow.targets import expand

ZMAP_LIST = """192.0.2.1
192.0.2.9
"""
ZMAP_CSV = """saddr,saddr_raw,daddr,sport,classification,success
192.0.2.1,16908480,198.51.100.1,443,synack,1
192.0.2.2,33685696,198.51.100.1,443,rst,0
192.0.2.3,50463152,198.51.100.1,80,synack,1
"""
MASSCAN_LIST = """#masscan
open tcp 443 192.0.2.1 1600000000
open tcp 25 192.0.2.2 1600000001
open tcp 3389 192.0.2.3 1600000002
closed tcp 443 192.0.2.4 1600000003
open udp 443 192.0.2.5 1600000004
banner tcp 443 192.0.2.1 1600000005 ssl TLS/1.2 cipher:0xc02f
# end
"""
MASSCAN_JSON = """[
{   "ip": "192.0.2.1",   "timestamp": "1600000000", "ports": [ {"port": 443, "proto": "tcp", "status": "open", "reason": "syn-ack", "ttl": 57} ] }
,
{   "ip": "192.0.2.2",   "timestamp": "1600000001", "ports": [ {"port": 25, "proto": "tcp", "status": "open", "reason": "syn-ack", "ttl": 57} ] },
{   "ip": "192.0.2.3",   "timestamp": "1600000002", "ports": [ {"port": 53, "proto": "udp", "status": "open"} ] }
]
"""  # noqa: E501
MASSCAN_NDJSON = """{"ip":"192.0.2.1","timestamp":"1600000000","port":443,"proto":"tcp","rec_type":"status","data":{"status":"open","reason":"syn-ack","ttl":57}}
{"ip":"192.0.2.9","timestamp":"1600000000","port":443,"proto":"tcp","rec_type":"status","data":{"status":"closed","reason":"rst","ttl":57}}
"""  # noqa: E501
NMAP = """# Nmap 7.93 scan initiated Sun Nov 22 10:00:00 2026 as: nmap -p 25,443 -oG - 192.0.2.0/29
Host: 192.0.2.1 (mail.example.org)\tStatus: Up
Host: 192.0.2.1 (mail.example.org)\tPorts: 25/open/tcp//smtp///, 443/open/tcp//https///, 80/closed/tcp//http///, 3389/open/tcp//ms-wbt-server///\tIgnored State: filtered (3)
Host: 2001:db8::7 ()\tPorts: 587/open/tcp//submission///, 993/open/tcp//imaps///
# Nmap done at Sun Nov 22 10:00:09 2026 -- 8 IP addresses (2 hosts up) scanned in 9.00 seconds
"""  # noqa: E501


def web(address: str) -> Target:
    return Target(address, 443, None, None, None)


def read(text: str, seen: Seen | None = None) -> list[Target]:
    return list(expand(text.splitlines(keepends=True), seen=seen))


@pytest.mark.parametrize(
    ("text", "targets", "skipped"),
    [
        (ZMAP_LIST, [Target("192.0.2.1"), Target("192.0.2.9")], (0, 0)),
        ("saddr\n192.0.2.1\n", [Target("192.0.2.1")], (0, 0)),
        (ZMAP_CSV, [web("192.0.2.1")], (1, 1)),
        (MASSCAN_LIST, [web("192.0.2.1"), Target("192.0.2.2", None, 25, None, None)], (1, 3)),
        (MASSCAN_JSON, [web("192.0.2.1"), Target("192.0.2.2", None, 25, None, None)], (0, 1)),
        (
            MASSCAN_JSON.replace("\n", " "),
            [web("192.0.2.1"), Target("192.0.2.2", None, 25, None, None)],
            (0, 1),
        ),
        (MASSCAN_NDJSON, [web("192.0.2.1")], (0, 1)),
        (
            NMAP,
            [Target("192.0.2.1", 443, 25, None, None), Target("2001:db8::7", None, 587, 993, None)],
            (1, 1),
        ),
    ],
    ids=["zmap", "zmap-one-column", "zmap-csv", "masscan", "masscan-json", "masscan-json-one-line",
         "masscan-ndjson", "nmap"],
)  # fmt: skip
def test_what_finders_of_ports_write_is_read(
    text: str, targets: list[Target], skipped: tuple[int, int]
) -> None:
    """Open TCP ports we can speak to become targets; the others are counted, nothing else."""
    seen = Seen()

    assert read(text, seen) == targets
    assert (seen.ports_skipped, seen.records_skipped) == skipped
    assert seen.targets == len(targets)


def test_several_ports_of_one_service_are_several_targets() -> None:
    """A target has one port of each service; no open port is lost."""
    line = "Host: 192.0.2.1 ()\tPorts: 8443/open/tcp/////, 443/open/tcp/////, 25/open/tcp/////"

    assert read(line) == [
        Target("192.0.2.1", 443, 25, None, None),
        Target("192.0.2.1", 8443, None, None, None),
    ]


@given(st.lists(st.integers(1, 65535), unique=True))
def test_no_open_port_is_lost(ports: list[int]) -> None:
    """Every open port is in exactly one target, or counted as skipped."""
    entries = ", ".join(f"{port}/open/tcp//x///" for port in ports)
    seen = Seen()

    targets = read(f"Host: 192.0.2.1 ()\tPorts: {entries}\n", seen)

    asked = [p for t in targets for p in (t.https, t.smtp, t.imap, t.pop) if p is not None]
    assert sorted(asked) == sorted(set(ports) & set(SERVICE_OF_PORT))
    assert seen.ports_skipped == len(ports) - len(asked)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<?xml version='1.0'?>\n", "-oG"),
        ("192.0.2.1\nopen tcp 443\n", "line 2"),
        ('[\n{"ip": "192.0.2.1", "ports": [\n', "line 2"),
        ('{"port": 443}\n', "field ip"),
        ("open tcp 99999 192.0.2.1 1\n", "99999"),
        ("open tcp 443 192.0.2.999 1\n", "192.0.2.999"),
        ("a,saddr\n192.0.2.1\n", "line 2"),
        ("Host: \n", "line 1"),
    ],
)
def test_damaged_lines_are_named(text: str, said: str) -> None:
    """A line that looks like a finder's and is not whole is a usage error with its number."""
    with pytest.raises(UsageError, match=said):
        read(text)


@given(st.lists(st.sampled_from([*NMAP.split("\t"), *MASSCAN_JSON.split(), *MASSCAN_LIST.split()])))
def test_any_mixture_is_read_or_refused(parts: list[str]) -> None:
    """However a file is cut, reading ends in targets or in a usage error."""
    try:
        targets = read(" ".join(parts))
    except UsageError:
        return
    assert all(target.name for target in targets)


def test_text_that_is_not_utf8_is_named() -> None:
    """Wrong encoding is a usage error with the line; a byte order mark is none."""
    assert list(decoded([b"\xef\xbb\xbf192.0.2.1\n"])) == ["192.0.2.1\n"]
    with pytest.raises(UsageError, match="line 2"):
        list(decoded([b"192.0.2.1\n", b"m\xfcller.example\n"]))
