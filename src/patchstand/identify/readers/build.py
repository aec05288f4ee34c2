"""A build number that somebody states: a report's column, or AdminDisplayVersion."""

import re
from collections.abc import Iterator
from dataclasses import replace

from patchstand.identify.reader import Context, Reader, version_clue
from patchstand.identify.versions import VERSION, Reading, read_version
from patchstand.model import Clue, Evidence, EvidenceKind, UpdateKind

_DISPLAYED = re.compile(r"(?i)\bversion\s+(\d{1,2}\.\d{1,5})\s*\(build\s+(\d{1,5}\.\d{1,5})\)")


_PRODUCT = re.compile(r"(?i)\s*Microsoft Exchange\b")


def _read(evidence: Evidence, context: Context) -> Iterator[Clue]:
    text = evidence.text
    displayed = [".".join(parts) for parts in _DISPLAYED.findall(text)]
    found = False
    for version in dict.fromkeys(displayed or VERSION.findall(text)):
        reading = read_version(context.knowledge, version, context.on)
        if reading is not None:
            found = True
            yield version_clue("stated_build", version, _whole_cu(reading, context, displayed))
    if not found and _PRODUCT.match(text):
        yield Clue(
            "stated_product",
            "Microsoft Exchange",
            "somebody says that it is an Exchange server, and no build",
            is_exchange=True,
        )


def _whole_cu(reading: Reading, context: Context, displayed: list[str]) -> Reading:
    """The reading; of a CU's own number in AdminDisplayVersion, all builds of that CU.

    AdminDisplayVersion keeps the number of the CU (up to 2010 of the service pack) when a
    security update is installed on it, so that number tells nothing of security updates.
    """
    builds = reading.builds or frozenset()
    if not displayed or len(builds) != 1 or reading.or_later:
        return reading
    row = context.knowledge.update(next(iter(builds)))
    if row is None or row.kind is not UpdateKind.CU or row.build.is_printed_in_full:
        return reading
    members = context.knowledge.of_cu(row.line, row.cu)
    return replace(
        reading,
        builds=frozenset(each.build for each in members if each.released_from <= context.on),
    )


READER = Reader(EvidenceKind.BUILD, _read)
