"""Plain XML as values, and what was read where."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


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
