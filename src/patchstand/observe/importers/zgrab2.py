"""zgrab2's output: one JSON object a line, with the modules http, smtp, imap, pop3 and tls.

Modules that asked the same port make one record. Replies of a redirect chain count only
while they come from the address that was asked.
"""

import hashlib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from patchstand.errors import UsageError
from patchstand.model import Evidence, EvidenceKind, Outcome
from patchstand.model.record import Record, Rejected, Source
from patchstand.observe.importer import Importer
from patchstand.observe.importers._opened import OVERLONG, Lines, opened
from patchstand.observe.importers._reading import (
    UnusableError,
    address,
    moment,
    port_number,
    ports,
    readable,
    said,
)
from patchstand.observe.names import canonical_name

LONGEST = 16 << 20
"""Bytes of one line; zgrab2 keeps 256 kB of a page unless told otherwise."""
TEXT_AT_MOST = 1 << 18
_OUTCOMES = {
    "success": Outcome.ANSWERED,
    "connection-refused": Outcome.REFUSED,
    "connection-timeout": Outcome.TIMED_OUT,
    "io-timeout": Outcome.TIMED_OUT,
    "connection-closed": Outcome.RESET,
    "handshake-error": Outcome.TLS_FAILED,
    "post-tls-application-error": Outcome.PROTOCOL_ERROR,
    "protocol-error": Outcome.PROTOCOL_ERROR,
    "application-error": Outcome.PROTOCOL_ERROR,
    "unknown-error": Outcome.PROTOCOL_ERROR,
    "blocklisted-target": Outcome.OUT_OF_SCOPE,
}
"""zgrab2's `ScanStatus`; `invalid-inputs` is no observation."""
_SERVICES = {"http": "http", "tls": "https", "smtp": "smtp", "imap": "imap", "pop3": "pop"}
_USUAL = {"http": 80, "https": 443, "smtp": 25, "imap": 143, "pop": 110}
_WITH_TLS = {"smtp": 465, "imap": 993, "pop": 995}
_TLS_PORTS = (443, 8443)
_MANIFEST = "exporttool"
_Object = dict[str, Any]


class _Response(msgspec.Struct):
    """One reply of the module http; other fields are passed over."""

    status_line: str = ""
    protocol: Any = None
    headers: _Object | None = None
    headers_raw: str | None = None
    body: str = ""
    request: _Object | None = None


class _Result(msgspec.Struct):
    """The fields of all modules together; each has some of them."""

    response: _Response | None = None
    redirect_response_chain: list[_Response] | None = None
    redirects_to_resolved_ips: list[dict[str, str]] | None = None
    banner: str = ""
    ehlo: str = ""
    starttls: str = ""
    implicit_tls: bool = False
    tls: _Object | None = None
    handshake_log: _Object | None = None


class _Module(msgspec.Struct):
    """What one module reports; `result` is read once it is known which module it is."""

    status: str
    protocol: str = ""
    port: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    timestamp: str = ""
    error: str | None = None


class _Grab(msgspec.Struct):
    """One line."""

    ip: str = ""
    domain: str = ""
    port: int | None = None
    data: dict[str, _Module] = {}
    error: str = ""


_GRAB = msgspec.json.Decoder(_Grab)
_RESULT = msgspec.json.Decoder(_Result | None)


def _recognises(name: str, head: bytes) -> bool:
    del name
    start = head.lstrip()
    return start.startswith(b"{") and b'"data"' in head and b'"status"' in head


def _read(path: Path) -> Iterator[Record | Rejected]:
    with opened(path) as file:
        lines = Lines(file, LONGEST)
        number, blank = 0, True
        for number, line in enumerate(lines, 1):
            if number == 1 and line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise UsageError(f"{file.name} is no UTF-8 text; save it as UTF-8")
            if line.strip():
                blank = False
                yield from _line(number, line.removeprefix(b"\xef\xbb\xbf"))
        if file.damage and lines.ended:
            yield Rejected(number + 1, file.damage)
        elif blank:
            raise UsageError(f"{file.name} is empty")


def _line(number: int, line: bytes) -> Iterator[Record | Rejected]:
    if line == OVERLONG:
        yield Rejected(number, f"a line of more than {LONGEST >> 20} MB")
        return
    try:
        grab = _GRAB.decode(line)
        target, name = _target(grab)
    except (msgspec.MsgspecError, UnusableError, UnicodeDecodeError, RecursionError) as error:
        yield Rejected(number, said(f"no line of zgrab2's: {error}"))
        return
    records: dict[str, Record] = {}
    refused = []
    for key, module in grab.data.items():
        try:
            record = _record(key, module, grab, target, name)
        except (msgspec.MsgspecError, UnusableError, UnicodeDecodeError, RecursionError) as error:
            refused.append(f"{said(key)}: {said(str(error))}")
        else:
            before = records.get(record.ports)
            records[record.ports] = record if before is None else _merged(before, record)
    yield from records.values()
    if refused or not records:
        yield Rejected(number, "; ".join(refused) or said(grab.error) or "no module's result")


def _target(grab: _Grab) -> tuple[str, str | None]:
    """The target in canonical form, and the name that was asked for, if any."""
    name = canonical_name(grab.domain) if grab.domain else None
    if grab.ip:
        return address(grab.ip), name
    if name is None:
        raise UnusableError("neither an address nor a name")
    return name, name


def _record(key: str, module: _Module, grab: _Grab, target: str, name: str | None) -> Record:
    kind = _SERVICES.get(module.protocol) or _SERVICES.get(key)
    outcome = _OUTCOMES.get(module.status)
    if kind is None:
        raise UnusableError("a module that is not read")
    if outcome is None:
        raise UnusableError(f"status {module.status[:40]!r}")
    result = _RESULT.decode(module.result) or _Result()
    asked = module.port or grab.port
    is_https = kind == "http" and (_is_https(result) or asked in _TLS_PORTS)
    service = "https" if is_https else kind
    observed_at = moment(module.timestamp)
    texts = _texts(kind, result, {target, name or target})
    evidence = tuple(_evidence(texts, observed_at.date(), name, key))
    certificate = _certificate(kind, result)
    usual = _WITH_TLS.get(service) if result.implicit_tls else None
    port = asked or usual or _USUAL[service]
    if outcome is not Outcome.OUT_OF_SCOPE and (evidence or certificate):
        outcome = Outcome.ANSWERED
    return Record(
        target=target,
        ports=ports(service, port_number(str(port))),
        address=None,
        observed_at=observed_at,
        outcome=outcome,
        evidence=evidence,
        source=Source.ZGRAB2,
        detail="" if module.status == "success" else said(f"{module.status} {module.error or ''}"),
        vantage_point="zgrab2",
        certificate=certificate,
    )


def _merged(one: Record, other: Record) -> Record:
    """One record of two modules that asked the same port."""
    first = max((item.connection for item in one.evidence), default=-1) + 1
    more = tuple(replace(item, connection=item.connection + first) for item in other.evidence)
    answered = one.outcome is Outcome.ANSWERED
    return replace(
        one,
        observed_at=max(one.observed_at, other.observed_at),
        outcome=one.outcome if answered else other.outcome,
        evidence=one.evidence + more,
        detail=one.detail or other.detail,
        certificate=one.certificate or other.certificate,
    )


def _evidence(
    texts: Iterator[tuple[EvidenceKind, str, int]], day: date, name: str | None, module: str
) -> Iterator[Evidence]:
    for kind, text, connection in texts:
        if text.strip():
            yield Evidence(
                kind, text[:TEXT_AT_MOST], day, name, f"zgrab2 {said(module)}", connection
            )


def _texts(kind: str, result: _Result, own: set[str]) -> Iterator[tuple[EvidenceKind, str, int]]:
    """Kind and text of all that the module was told, with the number of the connection."""
    if kind == "smtp":
        yield EvidenceKind.SMTP_BANNER, result.banner, 0
        yield EvidenceKind.EHLO, result.ehlo, 0
    elif kind in ("imap", "pop"):
        yield EvidenceKind.IMAP if kind == "imap" else EvidenceKind.POP, result.banner, 0
    elif kind == "http":
        yield from _replies(result, own)


def _replies(result: _Result, own: set[str]) -> Iterator[tuple[EvidenceKind, str, int]]:
    chain = [*(result.redirect_response_chain or []), result.response]
    for found in result.redirects_to_resolved_ips or []:
        if found.get("ip") in own:
            own = own | {found.get("redirect_name", "").lower()}
    for number, reply in enumerate(chain):
        if reply is None or not _is_own(reply, own):
            continue
        yield EvidenceKind.HTTP_HEADERS, _head(reply), number
        if "<" in reply.body:
            manifest = _MANIFEST in str(_url(reply).get("path", ""))
            yield EvidenceKind.MANIFEST if manifest else EvidenceKind.HTML, reply.body, number


def _url(reply: _Response) -> _Object:
    found = (reply.request or {}).get("url")
    return found if isinstance(found, dict) else {}


def _is_own(reply: _Response, own: set[str]) -> bool:
    """True unless the reply is known to come from another name or address."""
    asked = str(_url(reply).get("host") or (reply.request or {}).get("host") or "").lower()
    if not asked:
        return True
    bare = asked.rpartition(":")[0] if asked.rpartition(":")[2].isdigit() else asked
    names = {asked, bare, bare.strip("[]"), asked.strip("[]")}
    return bool(names & own)


def _head(reply: _Response) -> str:
    """The head of a reply as it was sent where it is kept raw, else from its fields."""
    protocol = reply.protocol
    if isinstance(protocol, dict):  # zgrab2 before 2024
        protocol = protocol.get("name")
    status = reply.status_line
    first = status if status.startswith("HTTP/") else f"{protocol or 'HTTP/1.1'} {status}".strip()
    return "\r\n".join([first, *_header_lines(reply)])


def _header_lines(reply: _Response) -> list[str]:
    if reply.headers_raw:
        try:
            raw = readable(b64decode(reply.headers_raw, validate=True))
        except (Base64Error, ValueError):
            raw = reply.headers_raw
        return [line for line in raw.splitlines() if line.strip()]
    lines = []
    for name, values in (reply.headers or {}).items():
        if name == "unknown" and isinstance(values, list):
            pairs = [(each.get("key"), each.get("value")) for each in values if type(each) is dict]
        else:
            pairs = [(name, values)]
        for key, texts in pairs:
            header = str(key).replace("_", "-")
            values_of = texts if isinstance(texts, list) else [texts]
            lines += [f"{header}: {text}" for text in values_of]
    return lines


def _is_https(result: _Result) -> bool:
    replies = [*(result.redirect_response_chain or []), result.response]
    first = next((reply for reply in replies if reply is not None), None)
    if first is None:
        return False
    return _url(first).get("scheme") == "https" or bool((first.request or {}).get("tls_log"))


def _certificate(kind: str, result: _Result) -> str | None:
    """SHA-256 of the server's certificate, of its DER form."""
    log: object = result.tls
    if kind == _SERVICES["tls"]:
        log = {"handshake_log": result.handshake_log}
    elif kind == "http":
        replies = [*(result.redirect_response_chain or []), result.response]
        first = next((reply for reply in replies if reply is not None), None)
        log = ((first and first.request) or {}).get("tls_log")
    for step in ("handshake_log", "server_certificates", "certificate", "raw"):
        log = log.get(step) if isinstance(log, dict) else None
    if not isinstance(log, str):
        return None
    try:
        return hashlib.sha256(b64decode(log, validate=True)).hexdigest()
    except (Base64Error, ValueError):
        return None


IMPORTER = Importer("zgrab2", "zgrab2 JSON lines (http, smtp, imap, pop3, tls)", _recognises, _read)
