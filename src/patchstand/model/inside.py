"""The nouns of an audit: what a server's exported state says, and where it says it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

Scalar = str | int | float | bool | datetime | None
Value = "Scalar | PsObject | tuple[Value, ...]"
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
class XmlElement:
    """One element of a plain XML file: tag without namespace, attributes, text, children."""

    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    children: "tuple[XmlElement, ...]" = ()

    def all(self, tag: str) -> "Iterator[XmlElement]":
        """Children of a tag, in their order."""
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> "XmlElement | None":
        """The first child of a tag."""
        return next(self.all(tag), None)

    def under(self, path: str) -> "Iterator[XmlElement]":
        """Every element at a path of tags such as `configuration/system.webServer`."""
        head, _, rest = path.partition("/")
        for child in self.all(head):
            yield from (child.under(rest) if rest else (child,))

    def walk(self) -> "Iterator[XmlElement]":
        """This element and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read where: file, path inside it, and the value as text."""

    file: str
    path: str
    value: str


@dataclass(frozen=True, slots=True)
class Export:
    """The objects of one exported file, in their order; `file` is its path in the bundle."""

    file: str
    objects: "tuple[Value, ...]"
