"""Vulnerable servers in the form of Shadowserver's report `scan_exchange`.

The columns, their order and the name of the file are those of its published report schema
(The-Shadowserver-Foundation/report_schema, 2026-03-24); times are UTC without a zone. The
form is CSV with every cell in quotes (dialect `unix`), which the caller writes.
"""

import re
from datetime import UTC, date
from functools import lru_cache
from ipaddress import ip_address

from patchstand.model import Build
from patchstand.model.judged import JudgedServer, Verdict

COLUMNS = (
    "timestamp", "severity", "ip", "protocol", "port", "hostname", "tag", "asn", "geo", "region",
    "city", "naics", "hostname_source", "sector", "version", "servername", "url",
)  # fmt: skip
_IDENTIFIER = re.compile(r"[^A-Za-z0-9_]+")


def row(server: JudgedServer) -> tuple[str, ...]:
    """One server in the order of `COLUMNS`; cells that nothing is known for are empty.

    Under pseudonyms `ip` and `hostname` carry them, and `servername` and `url` are empty.
    """
    _, port = server.service
    place = server.place
    return (
        f"{server.observed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        server.verdict.severity.value,
        server.address or "",
        "tcp",
        str(port),
        server.target if server.target != server.address else "",
        _tag(server.verdict),
        str(place.asn or ""),
        place.country or "",
        place.state or "",
        "",
        "",
        "",
        place.sector or "",
        version(server.verdict.identity.builds),
        server.nodes[0] if server.named and len(server.nodes) == 1 else "",
        _url(server),
    )


@lru_cache(maxsize=1024)
def _tag(verdict: Verdict) -> str:
    return ";".join(("exchange", *verdict.open_cves))


def version(builds: tuple[Build, ...]) -> str:
    """The build; of several the first three parts, where they share them, else nothing.

    Three parts are how Shadowserver writes a server whose security update cannot be told.
    """
    if len(builds) == 1:
        return str(builds[0])
    shared = {build.cu_key for build in builds}
    return str(Build(*shared)) if len(shared) == 1 else ""


def file_name(as_of: date, identifier: str) -> str:
    """The name under which readers recognise the report: `2026-11-22-scan_exchange-ours.csv`."""
    return (
        f"{as_of}-scan_exchange-{_IDENTIFIER.sub('_', identifier).strip('_') or 'patchstand'}.csv"
    )


def _url(server: JudgedServer) -> str:
    service, port = server.service
    if not server.named or service != "https":
        return ""
    at = "" if port == 443 else f":{port}"
    return f"https://{_bracketed(server.target)}{at}/"


def _bracketed(name: str) -> str:
    try:
        return f"[{name}]" if ip_address(name).version == 6 else name
    except ValueError:
        return name
