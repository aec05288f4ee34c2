"""The nouns of an audit: what a server's exported state says, and where it says it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

from patchstand.model.iis import IisConfig, Place, WebConfig
from patchstand.model.markup import Reading, XmlElement

__all__ = [
    "Export",
    "MarkupFile",
    "PsObject",
    "Reading",
    "Registry",
    "RegistryValue",
    "Scalar",
    "ServerState",
    "Skipped",
    "StoredCertificate",
    "Value",
    "XmlElement",
    "shown",
]

Scalar = str | int | float | bool | datetime | None
Value: TypeAlias = "Scalar | PsObject | tuple[Value, ...]"
"""A property's value: text, number, truth, time (UTC), nothing, an object, or a list."""


@dataclass(frozen=True, slots=True)
class PsObject:
    """One object of PowerShell, as `Export-Clixml` wrote it.

    `types`: its type names, the most specific first. `text`: what its ToString said.
    `properties`: by lower-case name, adapted ones and notes. `items`: the members of a list
    or set, `entries` the pairs of a dictionary. `number`: the value of an enum.
    """

    types: tuple[str, ...] = ()
    text: str | None = None
    properties: Mapping[str, "Value"] = field(default_factory=dict)
    items: "tuple[Value, ...]" = ()
    entries: "tuple[tuple[Value, Value], ...]" = ()
    number: int | float | str | None = None

    def get(self, name: str) -> "Value":
        """The property of a name in any case; None when it is not there, or is null."""
        return self.properties.get(name.lower())

    def has(self, name: str) -> bool:
        """True when the property was exported, null or not."""
        return name.lower() in self.properties


@dataclass(frozen=True, slots=True)
class Export:
    """The objects of one exported file, in their order; `file` is its path in the bundle."""

    file: str
    objects: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class MarkupFile:
    """A plain XML file of a bundle and its root element."""

    file: str
    root: XmlElement


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """A certificate as the server keeps it, read from its own bytes (RFC 5280).

    `place` is where in the file it stands (`[0]`). `thumbprint`: SHA-1 in upper-case hex, by
    which Windows names it. `key` reads `RSA` or `EC`, `key_bits` is its size; empty and 0 for
    other kinds and where nobody says it. `signature` is its hash algorithm (`sha256`), empty
    where it names none. `services`: what Exchange uses it for, None where the export does not
    say it. `status`: how Windows judged it, empty where nobody says it.
    """

    file: str
    place: str
    thumbprint: str
    subject: str
    issuer: str
    not_before: date
    not_after: date
    key: str
    key_bits: int
    signature: str
    services: tuple[str, ...] | None = None
    status: str = ""

    @property
    def is_self_signed(self) -> bool:
        """True when the subject named itself as the issuer."""
        return self.subject == self.issuer


@dataclass(frozen=True, slots=True)
class RegistryValue:
    """One value of the registry; `value` None: the key was read and has no such value."""

    value: Value
    reading: Reading


@dataclass(frozen=True, slots=True)
class Registry:
    """What was exported of the Windows registry (`registry.json`).

    `keys`: values by lower-case name, by the key's path below HKEY_LOCAL_MACHINE in lower
    case; None for a key that does not exist. A path that is absent was not read.
    """

    file: str
    keys: Mapping[str, Mapping[str, Value] | None] = field(default_factory=dict)

    def value(self, path: str, name: str) -> RegistryValue | None:
        """One value; None when its key was not read."""
        key = path.lower()
        if key not in self.keys:
            return None
        value = (self.keys[key] or {}).get(name.lower())
        shown_path = f"HKLM\\{path}\\{name}"
        return RegistryValue(value, Reading(self.file, shown_path, shown(value)))


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file of a bundle that was not read, and why, in one line."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class ServerState:
    """All that was read of one server.

    `exports`: by lower-case name without ending (`getorganizationconfig`), what
    `Export-Clixml` wrote. `markup`: plain XML files by lower-case file name
    (`applicationhost.config`), and what a diagnostic export holds, by that export's name.
    `texts`: other files that are known, by lower-case file name. `certificates`: of each
    export that holds some, by its name; one that cannot be read is among `skipped`.
    `skipped`: files that could not be read; `unknown`: files nobody asks for.
    `iis`: applicationHost.config; `web_configs`: each with the places it belongs to;
    `places`: what holds at each virtual directory after inheritance.
    """

    name: str
    exports: Mapping[str, Export] = field(default_factory=dict)
    markup: Mapping[str, MarkupFile] = field(default_factory=dict)
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    unknown: tuple[str, ...] = ()
    registry: Registry | None = None
    certificates: Mapping[str, tuple[StoredCertificate, ...]] = field(default_factory=dict)
    iis: IisConfig | None = None
    web_configs: tuple[WebConfig, ...] = ()
    places: tuple[Place, ...] = ()

    def registry_value(self, path: str, name: str) -> RegistryValue | None:
        """A value below HKEY_LOCAL_MACHINE; None when its key was not read."""
        return self.registry.value(path, name) if self.registry else None

    def place(self, path: str) -> Place | None:
        """The place of a full path such as `Default Web Site/owa`, in any case."""
        wanted = path.lower()
        return next((place for place in self.places if place.full_path.lower() == wanted), None)

    def objects(self, name: str) -> tuple[PsObject, ...]:
        """The objects of an export, lists opened; empty when there is no such file."""
        export = self.exports.get(name.lower())
        return tuple(_opened(export.objects)) if export else ()

    def one(self, name: str) -> PsObject | None:
        """The first object of an export; None when there is none."""
        return next(iter(self.objects(name)), None)

    def has(self, name: str) -> bool:
        """True when the export is there, even if it is empty."""
        return name.lower() in self.exports

    def reading(self, name: str, property_name: str, of: PsObject | None = None) -> Reading | None:
        """What one property says, and where; None when it was not exported."""
        found = of or self.one(name)
        if found is None or not found.has(property_name):
            return None
        file = self.exports[name.lower()].file
        return Reading(file, property_name, shown(found.get(property_name)))


def _opened(values: tuple[Value, ...]) -> Iterator[PsObject]:
    for value in values:
        if isinstance(value, PsObject):
            if value.items and not value.properties:
                yield from _opened(value.items)
            else:
                yield value


def shown(value: Value) -> str:
    """A value as text, as PowerShell's list view would show it."""
    if value is None:
        return ""
    if isinstance(value, PsObject):
        return value.text if value.text is not None else ", ".join(map(shown, value.items))
    if isinstance(value, tuple):
        return ", ".join(map(shown, value))
    return str(value)
