"""A build number that somebody states: a report's column, or AdminDisplayVersion."""

import re
from collections.abc import Iterator

from patchstand.identify.reader import Context, Reader, version_clue
from patchstand.identify.versions import VERSION, read_version
from patchstand.model import Clue, Evidence, EvidenceKind

_DISPLAYED = re.compile(r"(?i)\bversion\s+(\d{1,2}\.\d{1,5})\s*\(build\s+(\d{1,5}\.\d{1,5})\)")


def _read(evidence: Evidence, context: Context) -> Iterator[Clue]:
    displayed = [".".join(parts) for parts in _DISPLAYED.findall(evidence.text)]
    for version in dict.fromkeys(displayed or VERSION.findall(evidence.text)):
        reading = read_version(context.knowledge, version, context.on)
        if reading is not None:
            yield version_clue("stated_build", version, reading)


READER = Reader(EvidenceKind.BUILD, _read)
