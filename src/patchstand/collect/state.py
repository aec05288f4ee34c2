"""The files of a bundle become the state of a server: each is read as what it is.

What a file is, its content says; which question it answers, its name does: an export is
called after the cmdlet without hyphen (`GetOrganizationConfig.xml`), as are those of
HealthChecker's test data and of our own collector.
"""

from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from patchstand.collect.bundle import Member
from patchstand.collect.certificates import certificates
from patchstand.collect.clixml import is_clixml, read_clixml
from patchstand.collect.diagnostics import diagnostic
from patchstand.collect.iis.read import read_iis
from patchstand.collect.markup import UnreadableError, read_xml
from patchstand.collect.registry import NAME as REGISTRY
from patchstand.collect.registry import read_registry
from patchstand.model.directories import ExchangeDirectory
from patchstand.model.inside import (
    Export,
    MarkupFile,
    Registry,
    ServerState,
    Skipped,
    StoredCertificate,
)

_MARKUP = (".config", ".xml")
_TEXTS = (".json", ".txt", ".reg", ".ini")
_LONGEST_TEXT = 16 * 1024 * 1024


def server_state(
    name: str, files: Iterable[Member | Skipped], usual: Iterable[ExchangeDirectory] = ()
) -> ServerState:
    """Read every file of a bundle; one that cannot be read is named, the others count.

    `usual`: the virtual directories of a default installation, for a bundle without
    applicationHost.config.
    """
    reading = _Reading()
    for file in files:
        if isinstance(file, Skipped):
            reading.skipped.append(file)
        else:
            reading.add(file)
    return reading.state(name, usual)


class _Reading:
    """What was read so far."""

    def __init__(self) -> None:
        self.exports: dict[str, Export] = {}
        self.markup: dict[str, MarkupFile] = {}
        self.texts: dict[str, tuple[str, str]] = {}
        self.certificates: dict[str, tuple[StoredCertificate, ...]] = {}
        self.registry: Registry | None = None
        self.skipped: list[Skipped] = []
        self.unknown: list[str] = []

    def add(self, file: Member) -> None:
        try:
            self._add(file)
        except UnreadableError as error:
            self.skipped.append(Skipped(file.name, str(error)))

    def _add(self, file: Member) -> None:
        path = PurePosixPath(file.name)
        ending, key = path.suffix.lower(), path.name.lower()
        if not file.content.strip(b"\x00 \r\n\t\xff\xfe\xef\xbb\xbf"):
            raise UnreadableError("empty")
        if is_clixml(file.content):
            self._add_export(path.stem.lower(), file)
        elif ending in _MARKUP:
            key = file.name.lower() if key == "web.config" else key  # every folder has one
            self._new(self.markup, key)
            self.markup[key] = MarkupFile(file.name, read_xml(file.content))
        elif ending in _TEXTS and len(file.content) <= _LONGEST_TEXT:
            self._new(self.texts, key)
            text = _decoded(file.content)
            if key == REGISTRY:
                self.registry = read_registry(text, file.name)
            self.texts[key] = (file.name, text)
        else:
            self.unknown.append(file.name)

    def _add_export(self, key: str, file: Member) -> None:
        self._new(self.exports, key)
        export = Export(file.name, read_clixml(file.content))
        self.exports[key] = export
        found = tuple(certificates(export))
        self.skipped += (each for each in found if isinstance(each, Skipped))
        if read := tuple(each for each in found if isinstance(each, StoredCertificate)):
            self.certificates[key] = read
        if (inner := diagnostic(key, export)) is not None:
            self.markup[key] = inner

    def _new(self, known: Collection[str], key: str) -> None:
        """Two files of one name answer one question: the second is another server's, or old."""
        if key in known:
            raise UnreadableError("a second file of this name; one bundle is one server")

    def state(self, name: str, usual: Iterable[ExchangeDirectory]) -> ServerState:
        iis = read_iis(self.markup.values(), self.skipped, usual)
        return ServerState(
            name,
            self.exports,
            self.markup,
            self.texts,
            (*self.skipped, *iis.refused),
            tuple(self.unknown),
            self.registry,
            self.certificates,
            iis.host,
            iis.web_configs,
            iis.places,
        )


def _decoded(content: bytes) -> str:
    """Text of Windows: with a mark, or UTF-8, or else its Western code page."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
