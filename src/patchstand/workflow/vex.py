"""knowledge vex: what is known as a CSAF document, every build judged as of a day."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from patchstand import __version__, knowledge
from patchstand.assess import is_stale, judge_build
from patchstand.errors import UsageError
from patchstand.model import BuildAssessment, Knowledge
from patchstand.report.vex import Heading, file_name, vex

_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[!-~]*)?")


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes the document: a name and a URL of theirs (`document.publisher`)."""

    name: str
    namespace: str

    def __post_init__(self) -> None:
        """Refuse a document that nobody stands for.

        Raises:
            UsageError: the name is empty, or the namespace no http(s) URL.
        """
        if not self.name.strip():
            raise UsageError("say who publishes it: --publisher NAME")
        if not _URL.fullmatch(self.namespace):
            raise UsageError(
                f"--namespace {self.namespace[:60]!r} is no URL like https://example.org"
            )


@dataclass(frozen=True, slots=True)
class Vex:
    """The document, and the file name that the standard asks for."""

    document: dict[str, Any]
    file_name: str


def knowledge_vex(override: Path | None, as_of: date, publisher: Publisher) -> Vex:
    """The knowledge in use as a CSAF 2.0 document of the profile VEX.

    Raises:
        UsageError: nothing was published by that day.
        KnowledgeError: the knowledge cannot be loaded.
    """
    known = knowledge.load(override)
    heading = Heading(
        as_of=as_of,
        publisher=publisher.name.strip(),
        namespace=publisher.namespace,
        engine=__version__,
        sources=tuple(knowledge.about(override).sources.values()),
        stale=is_stale(known, as_of),
    )
    try:
        return Vex(vex(known, _judged(known, as_of), heading), file_name(known, heading))
    except ValueError as error:
        raise UsageError(f"{error}; choose a later day with --as-of") from error


def _judged(known: Knowledge, as_of: date) -> list[BuildAssessment]:
    out = (row.build for row in known.updates if row.released <= as_of)
    return [judged for build in out if (judged := judge_build(known, build, as_of))]
