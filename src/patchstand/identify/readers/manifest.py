"""The application manifest of the eDiscovery export tool under /ecp/Current/exporttool/."""

import re
from collections.abc import Iterator

from patchstand.identify.reader import Context, Reader, fingerprint_clues, version_clue
from patchstand.identify.versions import read_version
from patchstand.model import Clue, Evidence, EvidenceKind

_IDENTITY = re.compile(r"(?i)<(?:\w+:)?assemblyIdentity\b([^>]{0,2000})>")
_ATTRIBUTE = re.compile(r"(?i)\b(name|version|publicKeyToken)\s*=\s*[\"']([^\"']{0,200})[\"']")
_TOOL = "microsoft.exchange.ediscovery.exporttool.application"
_SIGNED_BY = "b1d1a6c45aa418ce"
"""Public key token of Microsoft's signature; another one is not Microsoft's file."""


def _read(evidence: Evidence, context: Context) -> Iterator[Clue]:
    products = fingerprint_clues(evidence, context.knowledge)
    yield from products
    for attributes in _IDENTITY.findall(evidence.text):
        found = {name.lower(): value for name, value in _ATTRIBUTE.findall(attributes)}
        if found.get("name", "").lower() != _TOOL or products:
            continue
        token = found.get("publickeytoken", "").lower()
        if token != _SIGNED_BY:
            yield Clue(
                "look_alike",
                token or "(none)",
                "the manifest is not signed by Microsoft's key",
                is_exchange=False,
                lines=frozenset(),
            )
            continue
        reading = read_version(context.knowledge, found.get("version", ""), context.on)
        if reading is not None:
            yield version_clue("manifest", found["version"], reading)


READER = Reader(EvidenceKind.MANIFEST, _read)
