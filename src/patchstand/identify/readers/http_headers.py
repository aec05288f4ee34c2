"""HTTP headers, of one reply or of several hops one after the other."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from patchstand.identify.reader import (
    ONLINE,
    SINCE_2007,
    SINCE_2013,
    Context,
    Reader,
    fingerprint_clues,
    version_clue,
)
from patchstand.identify.versions import VERSION, ZERO_PADDED, read_version
from patchstand.model import Clue, Evidence, EvidenceKind, Knowledge, ProductLine

_TELLING = frozenset(
    {
        "x-owa-version",
        "x-owa-error",
        "x-feserver",
        "x-calculatedbetarget",
        "x-feproxyinfo",
        "x-backendhttpstatus",
        "x-serverapplication",
        "ms-server-activesync",
        "location",
        "server",
    }
)
_FRONT_END_NAMES = ("x-feserver", "x-calculatedbetarget", "x-feproxyinfo", "x-backendhttpstatus")
_ACTIVESYNC_OF_EXCHANGE = {
    "8.0": "2007",
    "8.1": "2007",
    "8.2": "2007",
    "8.3": "2007",
    "14.0": "2010",
    "14.2": "2010",
    "14.3": "2010",
    "15.0": "2013",
    "15.1": "2016",
}
"""MS-Server-ActiveSync carries the server's version; 2.5, 12.1, 16.0 and 16.1 are versions
of the protocol, sent by other products; 14.1 is both and decides nothing."""
_PROTOCOL_VERSIONS = frozenset({"1.0", "2.0", "2.1", "2.5", "12.0", "12.1", "16.0", "16.1"})

_REPLY = re.compile(r"(?m)^(?=HTTP/\d)")
Headers = dict[str, list[str]]


def _read(evidence: Evidence, context: Context) -> Iterator[Clue]:
    blocks = [block for block in _REPLY.split(evidence.text) if block.strip()]
    for number, block in enumerate(blocks):
        headers = _telling_headers(block)
        reply = replace(evidence, text=block)
        clues = _read_reply(reply, headers, context)
        yield from clues if not number else (replace(clue, reply=str(number)) for clue in clues)


def _read_reply(evidence: Evidence, headers: Headers, context: Context) -> Iterator[Clue]:
    yield from fingerprint_clues(evidence, context.knowledge)
    yield from _owa_versions(headers, context)
    yield from _server_application(headers, context)
    yield from _active_sync(headers)
    yield from _names(headers)
    yield from _locations(headers)
    for value in headers["server"]:
        if value.lower().startswith("microsoft-iis/"):
            yield Clue("iis", value, "the web server of Windows")


def _telling_headers(text: str) -> Headers:
    """The headers that say something; words before a name (a log's, a tool's) are ignored."""
    headers: Headers = defaultdict(list)
    for line in text.splitlines():
        before, colon, value = line.partition(":")
        if colon and before.strip():
            name = before.split()[-1].lower()
            if name in _TELLING:
                headers[name].append(value.strip())
    return headers


def _owa_versions(headers: Headers, context: Context) -> Iterator[Clue]:
    for value in dict.fromkeys(headers["x-owa-version"]):
        for text in VERSION.findall(value):
            reading = read_version(context.knowledge, text, context.on)
            if reading is None:
                continue
            if reading.is_online and _has_foreign_names(headers):
                yield Clue(
                    "look_alike",
                    text,
                    "a version of Exchange Online beside a server name of another owner: a decoy",
                    is_exchange=False,
                    lines=ONLINE,
                )
            elif ZERO_PADDED.search(text) and not reading.is_online:
                yield Clue(
                    "version_rewritten",
                    text,
                    "zero-padded: not written by Exchange, so not trusted",
                    trusted=False,
                )
            else:
                yield version_clue("x_owa_version", text, reading)


def _has_foreign_names(headers: Headers) -> bool:
    names = [value for key in ("x-feserver", "x-calculatedbetarget") for value in headers[key]]
    return any("." in name and "outlook" not in name.lower() for name in names) or any(
        "-" in name and "." not in name and not re.fullmatch(r"(?i)[a-z0-9]{6,20}", name)
        for name in names
    )


def _server_application(headers: Headers, context: Context) -> Iterator[Clue]:
    for value in headers["x-serverapplication"]:
        for text in VERSION.findall(value):
            reading = read_version(context.knowledge, text, context.on)
            if reading is not None:
                yield version_clue("x_serverapplication", text, reading)


def _active_sync(headers: Headers) -> Iterator[Clue]:
    for value in headers["ms-server-activesync"]:
        rule = "ms_server_activesync"
        if value in _ACTIVESYNC_OF_EXCHANGE:
            line = ProductLine(_ACTIVESYNC_OF_EXCHANGE[value])
            yield Clue(
                rule,
                value,
                "two parts name the line only",
                is_exchange=True,
                lines=frozenset({line}),
            )
        elif value == "15.2":
            lines = frozenset({ProductLine.V2019, ProductLine.SE})
            yield Clue(rule, value, "two parts name the line only", is_exchange=True, lines=lines)
        elif value in _PROTOCOL_VERSIONS:
            yield Clue(
                "other_product",
                value,
                "a protocol version, which Exchange does not send here",
                is_exchange=False,
                lines=frozenset(),
            )
        else:
            yield Clue(rule, value, "other products send such values too")


def _names(headers: Headers) -> Iterator[Clue]:
    if any("outlook.com" in value.lower() for name in _FRONT_END_NAMES for value in headers[name]):
        return
    for name in _FRONT_END_NAMES:
        if headers[name]:
            yield Clue(
                name.replace("-", "_"),
                headers[name][0],
                "sent by Exchange 2013 and later",
                is_exchange=True,
                lines=SINCE_2013,
                node=_node(headers),
            )
            return
    if headers["x-owa-error"]:
        yield Clue(
            "x_owa_error",
            headers["x-owa-error"][0],
            "sent by Exchange 2013 and later",
            is_exchange=True,
            lines=SINCE_2013,
        )


def _node(headers: Headers) -> str | None:
    names = headers["x-feserver"]
    return names[0].split(".")[0].upper()[:64] or None if names else None


def _locations(headers: Headers) -> Iterator[Clue]:
    for value in dict.fromkeys(headers["location"]):
        lowered = value.lower()
        if "/owa/auth/errorfe.aspx" in lowered:
            yield Clue(
                "error_fe",
                value,
                "error page of Exchange 2013 and later",
                is_exchange=True,
                lines=SINCE_2013,
            )
        elif "/exchweb/bin/auth/owalogon.asp" in lowered:
            yield Clue(
                "owalogon",
                value,
                "log-in page of Exchange 2003",
                is_exchange=True,
                lines=frozenset({ProductLine.V2003}),
            )
        elif "/owa/auth/logon.aspx" in lowered or "/owa/auth.owa" in lowered:
            yield Clue(
                "owa_redirect",
                value,
                "log-in page of Exchange 2007 and later",
                is_exchange=True,
                lines=SINCE_2007,
            )


_CHANGING = frozenset(
    {"age", "content-length", "date", "etag", "expires", "last-modified", "x-correlation-id"}
)
"""Headers whose values differ from answer to answer and say nothing."""
_PERHAPS_MARKED = frozenset({"cf-ray", "request-id", "set-cookie", "x-request-id"})
"""Such headers whose values may carry a product's mark all the same."""


_NAMING = ("x-feserver", "x-beserver", "x-calculated", "x-diaginfo")
"""Headers whose values are names of servers."""


def _essence(text: str, knowledge: Knowledge) -> str:
    """The headers without values that change; a cookie keeps its name."""
    return shortened(text, knowledge, hide=False)[0]


def shortened(text: str, knowledge: Knowledge, *, hide: bool) -> tuple[str, list[str]]:
    """The essence, with the names of servers as their shape if `hide`; and those names."""
    kept: list[str] = []
    names: list[str] = []
    for line in text.splitlines():
        name = line.partition(":")[0]
        lowered = name.strip().lower()
        if lowered in _CHANGING:
            kept.append(name + ":")
        elif lowered in _PERHAPS_MARKED:
            kept.append(line if _is_marked(line.lower(), knowledge) else _without(line, lowered))
        elif lowered.startswith(_NAMING):
            value = line[len(name) + 1 :].strip()
            if lowered == "x-feserver" and value:
                names.append(value.split(".")[0].upper()[:64])
            kept.append(f"{name}: {_shape(value)}" if hide else line)
        else:
            kept.append(line)
    return "\n".join(kept), names


def _without(line: str, lowered: str) -> str:
    """The line without its value; the name of a cookie stays."""
    if lowered == "set-cookie":
        return line.partition("=")[0] + "="
    return line.partition(":")[0] + ":"


def _shape(value: str) -> str:
    """What stands for a name: with a dot or a hyphen where it has one, as decoys are told by it."""
    if "outlook" in value.lower():
        return value
    return ("NO-DE" if "-" in value else "NODE") + (".invalid" if "." in value else "")


def _is_marked(line: str, knowledge: Knowledge) -> bool:
    for needle, _ in knowledge.needles[EvidenceKind.HTTP_HEADERS]:  # noqa: SIM110  # twice as fast
        if needle in line:
            return True
    return False


READER = Reader(EvidenceKind.HTTP_HEADERS, _read, _essence)
