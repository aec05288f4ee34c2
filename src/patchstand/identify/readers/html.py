"""Web pages: the version lies in the paths of Outlook on the web's own files."""

import re
from collections.abc import Iterator

from patchstand.identify.reader import (
    SINCE_2007,
    Context,
    Reader,
    fingerprint_clues,
    version_clue,
)
from patchstand.identify.versions import read_version
from patchstand.model import Clue, Evidence, EvidenceKind, Knowledge, ProductLine

_PATH = re.compile(r"/(?:owa|ecp)/(?:auth/|prem/|current/|smime/)?(\d{1,2}(?:\.\d{1,5}){2,3})/")
_HOST_BEFORE = re.compile(r"//([^\s/\"'<>:]{1,255})(?::\d{1,5})?$")
_LONGEST_HOST = 270
_FORM = re.compile(r"(?i)<form\b[^>]{0,300}?\baction\s*=\s*[\"']?([^\"'\s>]{1,500})")
_PASSWORD = re.compile(r"(?i)<input\b[^>]{0,200}?\btype\s*=\s*[\"']?password")
_OWN_FORM = re.compile(r"(?i)(?:auth\.owa|owaauth\.dll|logon\.aspx|CookieAuth\.dll)")
_HOST = re.compile(r"(?i)(?:https?:)?//([^/\s:]+)")
_ENDPOINT = re.compile(r"(?i)\bversion:?\s*(?:</?\w+>\s*)*(\d{1,2}(?:\.\d{1,5}){3})")
_OLD = re.compile(r"(?i)version\s+5\.5\s+SP\d.{0,400}?<!--\s*(\d{4}\.\d{1,4})\s*-->", re.DOTALL)
_LOGON_PAGE = "{57a118c6-2da9-419d-be9a-f92b0f9a418b}"


def _read(evidence: Evidence, context: Context) -> Iterator[Clue]:
    text = evidence.text
    paths = _versioned_paths(text.lower())
    yield from fingerprint_clues(evidence, context.knowledge)
    foreign = _foreign_host(paths, evidence.server_name)
    if foreign is not None:
        yield Clue(
            "foreign_paths",
            foreign,
            f"its files come from {foreign}: they say nothing of this server",
            trusted=False,
        )
        return
    copied = _copied(text, paths)
    if copied is not None:
        yield Clue(
            "look_alike",
            copied,
            f"a copy of a log-in page: {copied}",
            is_exchange=False,
            lines=frozenset(),
        )
        return
    found = False
    for version in dict.fromkeys(version for _, version in paths):
        reading = read_version(context.knowledge, version, context.on)
        if reading is not None:
            found = True
            yield version_clue("owa_path", version, reading)
    yield from _other_pages(text, context)
    if not found and _LOGON_PAGE in text.lower():
        yield Clue(
            "logon_page",
            _LOGON_PAGE,
            "log-in page of Exchange 2007 and later",
            is_exchange=True,
            lines=SINCE_2007,
        )


def _versioned_paths(lowered: str) -> list[tuple[str, str]]:
    """Host (empty for a relative path) and version of every path that carries one."""
    found = []
    for match in _PATH.finditer(lowered):
        before = lowered[max(0, match.start() - _LONGEST_HOST) : match.start()]
        host = _HOST_BEFORE.search(before)
        found.append((host[1] if host else "", match[1]))
    return found


def _foreign_host(paths: list[tuple[str, str]], server_name: str | None) -> str | None:
    """A host of another owner that the versioned paths lead to, if the own name is known."""
    if server_name is None:
        return None
    hosts = sorted({host for host, _ in paths if host})
    own = server_name.lower()
    return next((host for host in hosts if not _same_owner(host, own)), None)


def _copied(text: str, paths: list[tuple[str, str]]) -> str | None:
    """Say what shows that this page is a copy; None when nothing does.

    A log-in page whose form posts the password elsewhere than to Exchange's own handler,
    with versioned paths, is a phishing page; so is one whose form and files have two owners.
    """
    form = _FORM.search(text)
    if not paths or form is None:
        return None
    form_host = _HOST.match(form[1])
    for host, _ in paths:
        if host and form_host and not _same_owner(host, form_host[1].lower()):
            return f"its form posts to {form_host[1][:80]}, its files come from {host[:80]}"
    absolute = any(host for host, _ in paths)
    if (absolute or _PASSWORD.search(text)) and not _OWN_FORM.search(form[1]):
        return f"its form posts to {form[1][:80]}"
    return None


def names_hosts(text: str) -> bool:
    """True when a versioned path of the page is an absolute address."""
    return any(host for host, _ in _versioned_paths(text.lower()))


_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "net", "or", "org"})


def _same_owner(host: str, name: str) -> bool:
    """True when both names lie under the same registered domain, as far as one can tell.

    That is the last two labels, three under a country's second level such as `co.uk`.
    """
    one, other = host.split("."), name.split(".")
    country = len(one[-1]) == 2 and len(one) > 2 and one[-2] in _SECOND_LEVEL
    return one[-(3 if country else 2) :] == other[-(3 if country else 2) :]


def _other_pages(text: str, context: Context) -> Iterator[Clue]:
    lowered = text.lower()
    if "mapi" in lowered and "connectivity endpoint" in lowered:
        for version in _ENDPOINT.findall(text):
            reading = read_version(context.knowledge, version, context.on)
            if reading is not None:
                yield version_clue("endpoint_page", version, reading)
    old = _OLD.search(text)
    if old:
        reading = read_version(context.knowledge, f"5.5.{old[1]}", context.on)
        if reading is not None:
            yield version_clue("owa_comment", f"5.5.{old[1]}", reading)
    elif "/exchweb/" in lowered and ("owalogon" in lowered or "outlook web access" in lowered):
        lines = frozenset({ProductLine.V2000, ProductLine.V2003})
        yield Clue(
            "exchweb",
            "/exchweb/",
            "Outlook Web Access of Exchange 2000 or 2003",
            is_exchange=True,
            lines=lines,
        )


_MARKS = (
    "<form",
    "<input",
    "connectivity endpoint",
    "mapi",
    "owalogon",
    "/exchweb/",
    "outlook web access",
    _LOGON_PAGE,
)
_SHORT = 1024
_AROUND = 400
"""Characters kept on both sides of a mark: as far as the patterns look."""
_MOST_PLACES = 50
_SPACE = re.compile(r"\s")


def _essence(text: str, knowledge: Knowledge) -> str:
    """The surroundings of everything the reader knows; a short page as it is."""
    if len(text) <= _SHORT:
        return text
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter whose lower case is two: places would not fit
        return text
    needles = (needle for needle, _ in knowledge.needles[EvidenceKind.HTML])
    places = [place for mark in (*_MARKS, *needles) for place in _places(lowered, mark)]
    for pattern in (_PATH, _ENDPOINT, _OLD):
        places += [match.span() for match in pattern.finditer(lowered)]
    return "\n".join(text[start:end] for start, end in _merged(text, sorted(places)))


def _places(lowered: str, mark: str) -> Iterator[tuple[int, int]]:
    start = lowered.find(mark)
    for _ in range(_MOST_PLACES):
        if start < 0:
            return
        yield start, start + len(mark)
        start = lowered.find(mark, start + len(mark))


def _merged(text: str, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pieces to keep, cut at white space: half a host name could pass for a product."""
    merged: list[tuple[int, int]] = []
    for place, end in places:
        before = max(text.rfind(space, 0, max(0, place - _AROUND)) for space in "\n\t ")
        after = _SPACE.search(text, end + _AROUND)
        start, stop = before + 1, after.start() if after else len(text)
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return merged


READER = Reader(EvidenceKind.HTML, _read, _essence)
