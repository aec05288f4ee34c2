"""ServerVersionInfo in a SOAP reply of Exchange Web Services or autodiscover."""

import re
from collections.abc import Iterator

from patchstand.identify.reader import Context, Reader, fingerprint_clues, version_clue
from patchstand.identify.versions import read_version
from patchstand.model import Clue, Evidence, EvidenceKind

_ELEMENT = re.compile(r"(?i)ServerVersionInfo\b([^>]{0,1000})")
_ATTRIBUTE = re.compile(
    r"(?i)\b(MajorVersion|MinorVersion|MajorBuildNumber|MinorBuildNumber)\s*=\s*[\"'](\d{1,5})"
)
_PARTS = ("majorversion", "minorversion", "majorbuildnumber", "minorbuildnumber")
_CHILD = r"(?is)<(?:\w+:)?{}>\s*(\d{{1,5}})\s*</"


def _read(evidence: Evidence, context: Context) -> Iterator[Clue]:
    yield from fingerprint_clues(evidence, context.knowledge)
    versions = [
        version
        for attributes in _ELEMENT.findall(evidence.text)
        if (version := _version(dict(_ATTRIBUTE.findall(attributes)))) is not None
    ]
    if not versions:
        children = {name: re.search(_CHILD.format(name), evidence.text) for name in _PARTS}
        versions = [
            found
            for found in [_version({name: match[1] for name, match in children.items() if match})]
            if found is not None
        ]
    for version in dict.fromkeys(versions):
        reading = read_version(context.knowledge, version, context.on)
        if reading is not None:
            yield version_clue("server_version_info", version, reading)


def _version(attributes: dict[str, str]) -> str | None:
    found = {name.lower(): value for name, value in attributes.items()}
    parts = [found[name] for name in _PARTS if name in found]
    return ".".join(parts) if len(parts) == len(_PARTS) else None


READER = Reader(EvidenceKind.EWS_SOAP, _read)
