"""Reads what finders of open ports write, line by line: zmap, masscan, nmap.

    zmap                    one address a line, or CSV with a column `saddr`
    masscan -oL             open tcp 443 192.0.2.1 1600000000
    masscan -oJ, -oD        {"ip": "192.0.2.1", "ports": [{"port": 443, "proto": "tcp"}]}
    nmap -oG                Host: 192.0.2.1 ()  Ports: 443/open/tcp//https///

Only open TCP ports count, and of these the ports whose protocol we speak.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from patchstand.errors import UsageError
from patchstand.model import Target

SERVICE_OF_PORT = {
    443: "https", 8443: "https",
    25: "smtp", 587: "smtp", 465: "smtp",
    143: "imap", 993: "imap",
    110: "pop", 995: "pop",
}  # fmt: skip
"""In order of preference where a server has several ports of one service."""
_RANKED = list(SERVICE_OF_PORT)
_NO_JSON_RECORD = frozenset({"", "[", "]", "{finished: 1}"})


@dataclass(slots=True)
class Seen:
    """What reading came across; grows while the targets are read.

    `ports_skipped`: open ports nobody here can speak to; `records_skipped`: records of a
    finder without an open TCP port.
    """

    targets: int = 0
    ports_skipped: int = 0
    records_skipped: int = 0


class Discovered:
    """Recognises the lines of finders; `targets` gives None for a line that is none of theirs."""

    def __init__(self, seen: Seen) -> None:
        """Count into `seen` what is skipped."""
        self._seen = seen
        self._columns: dict[str, int] | None = None

    @property
    def in_table(self) -> bool:
        """True once a CSV header was read: every line is a row of it."""
        return self._columns is not None

    def targets(self, line: str) -> Iterable[Target] | None:
        """The targets of one line.

        Raises:
            UsageError: a line that looks like a finder's and is damaged, or nmap's XML.
        """
        if self._columns is not None:
            return self._of_csv(line)
        if line.startswith("Host: "):
            return self._of_nmap(line)
        if line[0] in "{[],":
            return self._of_json(line)
        if line.startswith(("open ", "closed ", "banner ")):
            return self._of_masscan(line)
        if line.startswith("<"):
            raise UsageError("this is XML: let nmap write -oG, or use `patchstand import` for it")
        return self._header(line)

    def _header(self, line: str) -> Iterable[Target] | None:
        names = [name.strip() for name in line.split(",")]
        if "saddr" not in names:
            return None
        self._columns = {name: at for at, name in enumerate(names)}
        return ()

    def _of_csv(self, line: str) -> Iterable[Target]:
        assert self._columns is not None
        if len(self._columns) == 1:
            return (Target(line),)
        row = next(csv.reader([line]))
        cells = {name: row[at].strip() for name, at in self._columns.items() if at < len(row)}
        if "saddr" not in cells:
            raise UsageError("the row ends before the column saddr")
        refused = cells.get("success") in {"0", "false"} or cells.get("classification") == "rst"
        if refused:
            return self._with_ports(cells["saddr"], [])
        if "sport" not in cells:
            return (Target(cells["saddr"]),)
        return self._with_ports(cells["saddr"], [_port(cells["sport"])])

    def _of_masscan(self, line: str) -> Iterable[Target]:
        words = line.split()
        if len(words) < 4:
            raise UsageError("masscan's line ends early")
        state, protocol, port, address = words[:4]
        is_open = state == "open" and protocol == "tcp"
        return self._with_ports(address, [_port(port)] if is_open else [])

    def _of_json(self, line: str) -> Iterable[Target]:
        text = line.strip().strip(",")
        if text in _NO_JSON_RECORD:
            return ()
        if not (text[0] == "[" and text[-1] == "]"):  # the first or last line of the array
            text = text.removeprefix("[").removesuffix("]")
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise UsageError(f"no JSON record of masscan: {error}") from error
        records = value if isinstance(value, list) else [value]
        return [target for record in records for target in self._of_record(record)]

    def _of_record(self, record: Any) -> Iterable[Target]:  # noqa: ANN401  # any JSON
        if not isinstance(record, dict) or not isinstance(record.get("ip"), str):
            raise UsageError("a JSON record of masscan has a field ip")
        ports = record.get("ports", [record])
        found = ports if isinstance(ports, list) else []
        return self._with_ports(record["ip"], [_port(each["port"]) for each in found if _up(each)])

    def _of_nmap(self, line: str) -> Iterable[Target]:
        head, ports, rest = line.partition("Ports: ")
        words = head.split()
        if len(words) < 2:
            raise UsageError("nmap's line names no address")
        found = []
        for entry in rest.partition("\t")[0].split(",") if ports else ():
            number, state, protocol = (*entry.strip().split("/"), "", "", "")[:3]
            if state == "open" and protocol == "tcp":
                found.append(_port(number))
        return self._with_ports(words[1], found)

    def _with_ports(self, address: str, ports: list[int]) -> list[Target]:
        """One target; more where a service has several ports, as a target has one of each."""
        known = sorted({port for port in ports if port in SERVICE_OF_PORT}, key=_RANKED.index)
        self._seen.ports_skipped += len(set(ports)) - len(known)
        self._seen.records_skipped += not ports
        rounds: list[dict[str, int]] = []
        for port in known:
            service = SERVICE_OF_PORT[port]
            free = next((each for each in rounds if service not in each), None)
            if free is None:
                rounds.append(free := {})
            free[service] = port
        return [_target(address, services) for services in rounds]


def _target(address: str, services: dict[str, int]) -> Target:
    names = ("https", "smtp", "imap", "pop")
    return Target(address, *(services.get(name) for name in names))


def _up(entry: Any) -> bool:  # noqa: ANN401  # any JSON
    """A port is open unless the record says otherwise; banners are no ports of their own."""
    if not isinstance(entry, dict) or "port" not in entry:
        return False
    details = entry.get("data", entry)
    status = details.get("status", "open") if isinstance(details, dict) else "open"
    return entry.get("proto", "tcp") == "tcp" and status == "open"


def _port(value: object) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) <= 65535):
        raise UsageError(f"{text[:20]!r} is not a port")
    return int(text)


def decoded(lines: Iterable[bytes]) -> Iterator[str]:
    """The lines of a file as text, one at a time.

    Raises:
        UsageError: a line is not UTF-8; names its number.
    """
    for number, line in enumerate(lines, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"line {number}: not UTF-8 text") from error
