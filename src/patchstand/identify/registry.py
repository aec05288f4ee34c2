"""All readers by the kind of evidence they read."""

from functools import cache

from patchstand.identify import readers as folder
from patchstand.identify.reader import Reader
from patchstand.model import EvidenceKind
from patchstand.plugins import declared


@cache
def readers() -> dict[EvidenceKind, Reader]:
    """Each kind's reader, found in `readers/`."""
    return {reader.kind: reader for reader in declared(folder, "READER").values()}
