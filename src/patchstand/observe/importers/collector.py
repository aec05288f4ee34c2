"""What administrators send: files of HealthChecker or of `Get-ExchangeServer`, alone or zipped.

Here only a server's name and its build are read. Text, JSON and CLIXML are taken, in UTF-8
or in UTF-16, which PowerShell writes. A zip is read within limits or not at all.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from lxml import etree

from patchstand.errors import UsageError
from patchstand.model import Evidence, EvidenceKind, Outcome
from patchstand.model.record import Record, Rejected, Source
from patchstand.observe.importer import Importer
from patchstand.observe.importers._opened import RATIO_AT_MOST, RATIO_FREE_BYTES, bomb, opened
from patchstand.observe.importers._reading import (
    UnusableError,
    in_utc,
    moment,
    readable,
    said,
)
from patchstand.observe.names import canonical_name

MEMBER_BYTES = 64 << 20
BUNDLE_BYTES = 256 << 20
MEMBERS = 10_000
NESTING = 60
NODES = 2_000_000
_ZIP = b"PK\x03\x04"
_ENDINGS = (".txt", ".log", ".json", ".xml", ".clixml")
_DISPLAYED = re.compile(r"(?i)\bversion\s+\d{1,2}\.\d{1,5}\s*\(build\s+\d{1,5}\.\d{1,5}\)")
_NUMBER = re.compile(r"\d{1,2}(?:\.\d{1,5}){3}", re.ASCII)
_BUILD_NUMBER = re.compile(r"Build Number\W[^\d]{0,40}(\d{1,2}(?:\.\d{1,5}){3})(?![\d.])")
_STAMP = re.compile(r"(?<!\d)(20\d{12})(?!\d)")
_PAIR = re.compile(r"\s*([A-Za-z][A-Za-z ]{0,40}?)\s{0,40}:\s*(\S.{0,300})")
_ROW = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]{0,250})\s")
_MARKS = (b"AdminDisplayVersion", b"HealthChecker", b"ExSetup", b"Exchange Health Checker")
_CLIXML = "{http://schemas.microsoft.com/powershell/2004/04}"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class _Stated:
    """One build as one file states it; `server` is empty where the file names none."""

    server: str
    text: str
    observed_at: datetime
    line: int
    file: str


@dataclass(frozen=True, slots=True)
class _File:
    """One unpacked file, and when it was written as far as that can be told."""

    name: str
    content: bytes
    written: datetime


def _recognises(name: str, head: bytes) -> bool:
    if head.startswith(_ZIP):
        return True
    text = head.replace(b"\0", b"")  # UTF-16 of ASCII letters
    return name.lower().endswith(_ENDINGS) and any(mark in text for mark in _MARKS)


def _read(path: Path) -> Iterator[Record | Rejected]:
    files = _files(path)
    stated: list[_Stated] = []
    problems: list[Rejected] = []
    for file in files:
        try:
            stated += _statements(file)
        except (etree.XMLSyntaxError, msgspec.MsgspecError, UnusableError, RecursionError) as error:
            line = getattr(error, "lineno", None) or 1
            problems.append(Rejected(line, said(f"{file.name} cannot be read: {error}")))
    if not stated and not problems:
        raise UsageError(f"{path.name} names no Exchange server with its build")
    yield from problems
    yield from _records(stated)


def _files(path: Path) -> list[_File]:
    """All files of a bundle that may say something, unpacked; none of them on disk.

    Raises:
        UsageError: the file cannot be read, or goes beyond a limit.
    """
    try:
        with path.open("rb") as stream:
            is_zip = stream.read(4) == _ZIP
        if is_zip:
            with zipfile.ZipFile(path) as archive:
                return [*_members(archive, path.name)]
        with opened(path) as file:
            content = file.stream.read(MEMBER_BYTES + 1)
            if len(content) > MEMBER_BYTES or file.damage:
                raise UsageError(file.damage or f"{path} is larger than {MEMBER_BYTES >> 20} MB")
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            return [_File(file.name, content, _stamp(file.name) or written)]
    except (OSError, EOFError, zlib.error, RuntimeError, zipfile.BadZipFile) as error:
        raise UsageError(f"cannot read {path}: {error}") from error


def _members(archive: zipfile.ZipFile, name: str) -> Iterator[_File]:
    members = archive.infolist()
    if len(members) > MEMBERS:
        raise UsageError(f"{name} holds more than {MEMBERS} files")
    given = 0
    for member in members:
        if member.is_dir() or not member.filename.lower().endswith(_ENDINGS):
            continue
        with archive.open(member) as stream:
            content = stream.read(MEMBER_BYTES + 1)
        given += len(content)
        if len(content) > MEMBER_BYTES or given > BUNDLE_BYTES:
            raise UsageError(f"{name} unpacks to more than {BUNDLE_BYTES >> 20} MB")
        grown = len(content) > RATIO_AT_MOST * max(1, member.compress_size)
        if grown and len(content) > RATIO_FREE_BYTES:
            raise UsageError(bomb(name))
        if any(mark in content.replace(b"\0", b"") for mark in _MARKS):
            short = said(member.filename.rpartition("/")[2])
            yield _File(short, content, _stamp(short) or _member_time(member))


def _stamp(name: str) -> datetime | None:
    """The moment in a file's name, as HealthChecker writes it: `-20260916140211`."""
    found = _STAMP.search(name)
    try:
        return in_utc(datetime.strptime(found[1] + "+0000", "%Y%m%d%H%M%S%z")) if found else None
    except (ValueError, UnusableError):
        return None


def _member_time(member: zipfile.ZipInfo) -> datetime:
    try:
        return in_utc(datetime(*member.date_time, tzinfo=UTC))
    except ValueError:
        return datetime(1996, 1, 1, tzinfo=UTC)


def _statements(file: _File) -> Iterator[_Stated]:
    text = _decoded(file.content)
    start = text.lstrip()[:1]
    if start == "<":
        yield from _walk(_clixml(text), file)
    elif start in {"{", "["}:
        yield from _walk(msgspec.json.decode(text), file)
    else:
        yield from _blocks(text, file)


def _decoded(content: bytes) -> str:
    """PowerShell writes UTF-16 with a mark, UTF-8 with or without one, or the code page."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    return readable(content.removeprefix(b"\xef\xbb\xbf"))


def _clixml(text: str) -> object:
    """The objects of a CLIXML file as dictionaries, lists and strings (MS-PSRP 2.2.5)."""
    if "<!ENTITY" in text[:65536]:
        raise UnusableError("it declares entities")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    root = etree.fromstring(text.encode("utf-8"), parser)
    return [_value(child, 0) for child in root]


def _value(element: etree._Element, depth: int) -> object:
    if depth > NESTING:
        return None
    tag = str(element.tag).removeprefix(_CLIXML)
    if tag != "Obj":
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), element.text or "")
    named: dict[str, object] = {}
    for part in element:
        kind = str(part.tag).removeprefix(_CLIXML)
        if kind in {"Props", "MS"}:
            named.update({str(each.get("N")): _value(each, depth + 1) for each in part})
        elif kind == "ToString":
            named.setdefault("ToString", part.text or "")
        elif kind == "DCT":
            named.update(_entries(part, depth + 1))
        elif kind in {"LST", "IE", "STK", "QUE"}:
            named["Items"] = [_value(each, depth + 1) for each in part]
    return named


def _entries(dictionary: etree._Element, depth: int) -> Iterator[tuple[str, object]]:
    for entry in dictionary:
        pair = {str(each.get("N")): _value(each, depth) for each in entry}
        if {"Key", "Value"} <= pair.keys():
            yield str(pair["Key"]), pair["Value"]


def _walk(top: object, file: _File) -> Iterator[_Stated]:
    """Every build in a tree of dictionaries and lists, with the server it lies under."""
    pending: list[tuple[object, str, datetime, str]] = [(top, "", file.written, "")]
    seen = 0
    while pending and seen < NODES:
        node, server, when, under = pending.pop()
        seen += 1
        if isinstance(node, dict):
            server = _name_in(node) or server
            when = _time_in(node) or when
            found = _build_in(node, under)
            if found:
                yield _Stated(server, found, when, 1, file.name)
            pending += [(value, server, when, str(key)) for key, value in node.items()]
        elif isinstance(node, list):
            pending += [(value, server, when, under) for value in node]
        elif isinstance(node, str) and (number := _BUILD_NUMBER.search(node)):
            yield _Stated(server, number[1], when, 1, file.name)


def _name_in(node: dict[str, object]) -> str:
    keys = ("Fqdn", "ServerName", "Server", *(("Name",) if "AdminDisplayVersion" in node else ()))
    return next((str(node[key]) for key in keys if isinstance(node.get(key), str)), "")


def _time_in(node: dict[str, object]) -> datetime | None:
    try:
        return moment(str(node.get("GenerationTime", "")))
    except UnusableError:
        return None


def _build_in(node: dict[str, object], under: str) -> str:
    """What this object says of the build; a FileVersion counts for ExSetup.exe only."""
    shown = node.get("AdminDisplayVersion")
    if isinstance(shown, dict):
        parts = [shown.get(part) for part in ("Major", "Minor", "Build", "Revision")]
        joined = "Version {}.{} (Build {}.{})".format(*parts)
        shown = shown.get("ToString") or joined
    if isinstance(shown, str) and (found := _DISPLAYED.search(shown)):
        return found[0]
    is_setup = under == "ExchangeSetup" or "exsetup" in str(node.get("FileName", "")).lower()
    version = str(node.get("FileVersion", "")).strip()
    if is_setup and _NUMBER.fullmatch(version):
        return version
    named = str(node.get("Name", "")) == "Build Number"
    values = [str(value).strip() for value in node.values()] if named else []
    return next((value for value in values if _NUMBER.fullmatch(value)), "")


def _blocks(text: str, file: _File) -> Iterator[_Stated]:
    """Builds in lists (`Name : X`) whose blocks are parted by blank lines, and in tables."""
    pairs: dict[str, tuple[int, str]] = {}
    for number, line in enumerate([*text.splitlines(), ""], 1):
        pair = _PAIR.match(line)
        displayed = _DISPLAYED.search(line)
        if pair:
            pairs.setdefault(pair[1], (number, pair[2].strip()))
        elif displayed and (row := _ROW.match(line)):
            yield _Stated(row[1], displayed[0], file.written, number, file.name)
        elif not line.strip():
            yield from _block(pairs, file)
            pairs = {}


def _block(pairs: dict[str, tuple[int, str]], file: _File) -> Iterator[_Stated]:
    server = next((pairs[key][1] for key in ("Fqdn", "ServerName", "Name") if key in pairs), "")
    for key in ("AdminDisplayVersion", "Build Number", "FileVersion"):
        number, value = pairs.get(key, (0, ""))
        found = _DISPLAYED.search(value) or _NUMBER.match(value)
        if found and (key != "FileVersion" or "exsetup" in str(pairs).lower()):
            yield _Stated(server, found[0], file.written, number, file.name)


def _records(stated: list[_Stated]) -> Iterator[Record | Rejected]:
    """One record per server; what names no server is the only server's, where there is one."""
    servers: dict[str, list[_Stated]] = {}
    nameless = []
    for each in stated:
        name = canonical_name(each.server) if each.server else None
        if name is None:
            nameless.append(each)
        else:
            servers.setdefault(name.partition(".")[0], []).append(each)
    if len(servers) == 1:
        next(iter(servers.values())).extend(nameless)
    else:
        for each in nameless:
            reason = f"{each.file}: {each.text} belongs to no server that is named"
            yield Rejected(each.line, said(reason))
    for own in servers.values():
        yield _record(own)


def _record(stated: list[_Stated]) -> Record:
    names = [canonical_name(each.server) or "" for each in stated if each.server]
    target = max(names, key=len)
    evidence = {
        each.text: Evidence(
            EvidenceKind.BUILD,
            each.text,
            each.observed_at.date(),
            target,
            f"collector {each.file}",
        )
        for each in sorted(stated, key=lambda each: each.observed_at)
    }
    return Record(
        target=target,
        ports="",
        address=None,
        observed_at=max(each.observed_at for each in stated),
        outcome=Outcome.ANSWERED,
        evidence=tuple(evidence.values()),
        source=Source.COLLECTOR,
        vantage_point="collector",
    )


IMPORTER = Importer(
    "collector", "HealthChecker, Get-ExchangeServer (text, JSON, CLIXML, zip)", _recognises, _read
)
