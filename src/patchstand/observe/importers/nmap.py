"""nmap's XML output (`-oX`): headers, banners, capabilities and certificates it has seen.

Read as a stream, host by host, without entities, DTD or network. One record per address and
port of a web or mail service that says something: an answer with text or a certificate, or
a port that is closed (refused) or filtered (timed out). Every script makes connections of
its own, which may end at different back ends; so each gets a number of its own.
"""

import hashlib
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lxml import etree

from patchstand.errors import UsageError
from patchstand.model import Evidence, EvidenceKind, Outcome
from patchstand.model.record import Record, Rejected, Source
from patchstand.observe.importer import Importer
from patchstand.observe.importers._opened import BLOCK_BYTES, Opened, opened
from patchstand.observe.importers._reading import (
    UnusableError,
    address,
    epoch,
    port_number,
    ports,
    said,
)

LARGEST_HOST = 64 << 20
"""Bytes of XML in one element of the file; a whole host with all ports takes far less."""
_TOP = (
    "host", "hosthint", "target", "taskbegin", "taskprogress", "taskend", "prescript",
    "postscript", "output", "scaninfo", "runstats",
)  # fmt: skip
_BY_NAME = {
    "https": "https", "https-alt": "https", "http": "http", "http-alt": "http",
    "http-proxy": "http", "smtp": "smtp", "smtps": "smtp", "submission": "smtp", "imap": "imap",
    "imaps": "imap", "imap4": "imap", "pop3": "pop", "pop3s": "pop",
}  # fmt: skip
_BY_PORT = {
    80: "http", 443: "https", 8443: "https", 25: "smtp", 465: "smtp", 587: "smtp", 143: "imap",
    993: "imap", 110: "pop", 995: "pop",
}  # fmt: skip
_NO_ANSWER = {"closed": Outcome.REFUSED, "filtered": Outcome.TIMED_OUT}
_GREETING = {
    "smtp": EvidenceKind.SMTP_BANNER, "imap": EvidenceKind.IMAP, "pop": EvidenceKind.POP,
}  # fmt: skip
_YEARS = re.compile(r"\b(?:19|20)\d\d(?:[-/](?:19|20)?\d\d|\+)")
"""`2007-2010`: nmap's guess from a greeting that later versions send as well."""
_REQUEST_TYPE = re.compile(r"(?m)^\s*\(Request type: \w+\)\s*$")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]{1,100000})-----END")
_FAILED = ("ERROR", "false")


def _recognises(name: str, head: bytes) -> bool:
    del name
    return b"<nmaprun" in head or b"<!DOCTYPE nmaprun" in head


def _read(path: Path) -> Iterator[Record | Rejected]:
    with opened(path) as file:
        yield from _hosts(file)


def _hosts(file: Opened) -> Iterator[Record | Rejected]:
    parser = etree.XMLPullParser(
        events=("end",),
        tag=_TOP,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
    )
    try:
        for chunk in _chunks(file):
            try:
                parser.feed(chunk)
            finally:  # what stands before the damage is kept
                for _, element in parser.read_events():
                    yield from _top(element)
        parser.close()
    except etree.XMLSyntaxError as error:
        reason = file.damage or f"no XML from here on, the rest is not read: {error.msg}"
        yield Rejected(max(1, error.lineno or 1), said(reason))


def _chunks(file: Opened) -> Iterator[bytes]:
    """The file in pieces.

    Raises:
        UsageError: it is not nmap's, declares entities, or one host never ends.
    """
    start = file.stream.read(BLOCK_BYTES)
    prolog, root, _ = start.partition(b"<nmaprun")
    if not root or b"<!ENTITY" in prolog:
        raise UsageError(f"{file.name} is not nmap's XML (nmap -oX), or declares entities")
    since_host = 0
    chunk = start
    while chunk:
        since_host = 0 if b"</host>" in chunk else since_host + len(chunk)
        if since_host > LARGEST_HOST:
            raise UsageError(f"{file.name}: one host is larger than {LARGEST_HOST >> 20} MB")
        yield chunk
        chunk = file.stream.read(BLOCK_BYTES)


def _top(element: etree._Element) -> Iterator[Record | Rejected]:
    """The records of one finished element below the root, which is then forgotten."""
    if element.tag == "host":
        yield from _host(element)
    parent = element.getparent()
    element.clear()
    while parent is not None and (before := element.getprevious()) is not None:
        parent.remove(before)


def _host(host: etree._Element) -> Iterator[Record | Rejected]:
    line = int(host.sourceline or 1)
    found = host.findall("ports/port")
    if not found:
        return
    try:
        machine = _machine(host)
    except UnusableError as error:
        yield Rejected(line, str(error))
        return
    for port in found:
        try:
            record = _port(port, machine)
        except UnusableError as error:
            yield Rejected(int(port.sourceline or line), str(error))
        else:
            if record is not None:
                yield record


@dataclass(frozen=True, slots=True)
class _Machine:
    """What holds for all ports of one `host` element."""

    address: str
    name: str | None
    observed_at: datetime


def _machine(host: etree._Element) -> _Machine:
    addresses = [each for each in host.findall("address") if each.get("addrtype") != "mac"]
    if not addresses:
        raise UnusableError("a host without an address")
    root = host.getparent()
    times = (
        host.get("endtime"),
        host.get("starttime"),
        None if root is None else root.get("start"),
    )
    when = next((each for each in times if each), None)
    if when is None:
        raise UnusableError("a host without a time")
    asked = host.find("hostnames/hostname[@type='user']")
    name = None if asked is None else asked.get("name")
    return _Machine(address(str(addresses[0].get("addr", ""))), name, epoch(str(when)))


def _port(port: etree._Element, machine: _Machine) -> Record | None:
    number = port_number(str(port.get("portid", "")))
    service = port.find("service")
    kind = _service(number, service)
    state = port.find("state")
    if kind is None or state is None or port.get("protocol", "tcp") != "tcp":
        return None
    shown = str(state.get("state", ""))
    evidence: tuple[Evidence, ...] = ()
    certificate = None
    if shown == "open":
        texts = _texts(port, kind, service)
        day, name = machine.observed_at.date(), machine.name
        evidence = tuple(
            Evidence(kind_of, text, day, name, f"nmap {source}", connection)
            for connection, (kind_of, text, source) in enumerate(texts)
        )
        certificate = _certificate(port)
    if not (evidence or certificate or shown in _NO_ANSWER):
        return None
    return Record(
        target=machine.address,
        ports=ports(kind, number),
        address=None,
        observed_at=machine.observed_at,
        outcome=_NO_ANSWER.get(shown, Outcome.ANSWERED),
        evidence=evidence,
        source=Source.NMAP,
        detail=said(str(state.get("reason", ""))),
        vantage_point="nmap",
        certificate=certificate,
    )


def _service(number: int, service: etree._Element | None) -> str | None:
    """https, http, smtp, imap or pop; None for what Exchange does not offer."""
    if service is None:
        return _BY_PORT.get(number)
    if service.get("method") != "probed" and number in _BY_PORT:
        return _BY_PORT[number]  # a name from a table says no more than the number
    kind = _BY_NAME.get(str(service.get("name", "")))
    return "https" if kind == "http" and service.get("tunnel") == "ssl" else kind


def _texts(
    port: etree._Element, kind: str, service: etree._Element | None
) -> Iterator[tuple[EvidenceKind, str, str]]:
    """Kind, text and origin of all that the port has said."""
    outputs = {str(each.get("id")): str(each.get("output", "")) for each in port.findall("script")}
    outputs = {name: text for name, text in outputs.items() if not text.strip().startswith(_FAILED)}
    if headers := _headers(outputs.get("http-headers", "")):
        yield EvidenceKind.HTTP_HEADERS, headers, "http-headers"
    if kind in _GREETING and (greeting := _greeting(kind, outputs, service)):
        yield _GREETING[kind], greeting, "banner"
    if commands := outputs.get("smtp-commands", "").strip().partition("\n")[0]:
        yield EvidenceKind.EHLO, commands.replace(", ", "\n"), "smtp-commands"
    for name, text in outputs.items():
        if name.endswith("-ntlm-info") and text.strip():
            yield EvidenceKind.NTLM, text.strip(), name


def _headers(output: str) -> str:
    lines = _REQUEST_TYPE.sub("", output).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def _greeting(kind: str, outputs: dict[str, str], service: etree._Element | None) -> str:
    """The banner itself, else what nmap made of it; for IMAP and POP with the capabilities."""
    parts = [outputs.get("banner", "").strip()]
    if not parts[0] and service is not None:
        words = (service.get("product"), service.get("version"), service.get("extrainfo"))
        parts = [_YEARS.sub("", " ".join(str(word) for word in words if word)).strip()]
    for name in ("imap-capabilities", "pop3-capabilities"):
        if kind != "smtp" and outputs.get(name, "").strip():
            parts.append(f"CAPABILITY {outputs[name].strip()}")
    return "\n".join(part for part in parts if part)


def _certificate(port: etree._Element) -> str | None:
    """SHA-256 of the certificate: of its DER form where it is there, else as nmap says."""
    script = port.find("script[@id='ssl-cert']")
    if script is None:
        return None
    pem = _PEM.search(str(script.findtext("elem[@key='pem']") or script.get("output", "")))
    if pem:
        with suppress(Base64Error):
            return hashlib.sha256(b64decode("".join(pem[1].split()), validate=True)).hexdigest()
    stated = str(script.findtext("elem[@key='sha256']") or "").replace(" ", "").lower()
    return stated if _SHA256.fullmatch(stated) else None


IMPORTER = Importer("nmap", "nmap XML output (-oX)", _recognises, _read)
