"""CLIXML, the format of `Export-Clixml` (MS-PSRP section 2.2.5), as `PsObject`.

RefIds of objects and type names hold across all root objects of a file. Lists inside
objects are kept, which other readers lose (`MultiValuedProperty`).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from lxml import etree

from patchstand.collect.markup import UnreadableError, local_name, parse
from patchstand.model.inside import PsObject, Value

NAMESPACE = "http://schemas.microsoft.com/powershell/2004/04"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LISTS = frozenset({"LST", "IE", "STK", "QUE"})
_STRUCTURE = frozenset({"TN", "TNRef", "ToString", "Props", "MS", "DCT"})
_LONGEST_BYTES = 64 * 1024
"""Characters of a byte array that are kept: a certificate with a hundred names has 12,000."""
_UNUSED = frozenset({"SerializationData"})
"""Properties that are left out: the object once more, in a form only .NET reads."""


def read_clixml(content: bytes) -> tuple[Value, ...]:
    """The root objects of a file, in their order.

    Raises:
        UnreadableError: it is no CLIXML, or exceeds a limit.
    """
    root = parse(content)
    if local_name(root) != "Objs":
        raise UnreadableError(f"no CLIXML: its root is <{local_name(root)[:40]}>")
    reader = _Reader()
    return tuple(reader.value(child) for child in root if isinstance(child.tag, str))


def is_clixml(content: bytes) -> bool:
    """True when the beginning of a file names the format."""
    head = content[:512].replace(b"\x00", b"")
    return NAMESPACE.encode() in head and b"<Objs" in head


class _Reader:
    """Reads values of one file; remembers objects and type names by their RefIds."""

    def __init__(self) -> None:
        self._types: dict[str, tuple[str, ...]] = {}
        self._objects: dict[str, Value] = {}

    def value(self, element: etree._Element) -> Value:
        tag = local_name(element)
        if tag == "Obj":
            return self._object(element)
        if tag == "Ref":
            return self._objects.get(element.get("RefId", ""))
        read = _PRIMITIVES.get(tag)
        if read is None:
            return _unescaped(element.text or "")  # a type of a later PowerShell: its text
        return read(element.text or "")

    def _object(self, element: etree._Element) -> Value:
        parts = {local_name(child): child for child in element}
        properties: dict[str, Value] = {}
        for name in ("Props", "MS"):  # a note of the same name says more
            if name in parts:
                self._add(properties, parts[name])
        listed = next((parts[name] for name in _LISTS if name in parts), ())
        found = PsObject(
            types=self._types_of(parts),
            text=_unescaped(parts["ToString"].text or "") if "ToString" in parts else None,
            properties=properties,
            items=tuple(self.value(each) for each in listed),
            entries=tuple(self._pair(each) for each in parts.get("DCT", ())),
            number=self._number(parts),
        )
        if (reference := element.get("RefId")) is not None:
            self._objects[reference] = found
        return found

    def _types_of(self, parts: "dict[str, etree._Element]") -> tuple[str, ...]:
        if "TN" in parts:
            return self._named(parts["TN"])
        return self._types.get(parts["TNRef"].get("RefId", ""), ()) if "TNRef" in parts else ()

    def _number(self, parts: "dict[str, etree._Element]") -> int | float | str | None:
        """What an enum or a boxed primitive amounts to."""
        rest = parts.keys() - _STRUCTURE - _LISTS
        value = self.value(parts[rest.pop()]) if rest else None
        return value if isinstance(value, int | float | str) else None

    def _named(self, element: etree._Element) -> tuple[str, ...]:
        names = tuple(_unescaped(child.text or "") for child in element)
        if (reference := element.get("RefId")) is not None:
            self._types[reference] = names
        return names

    def _add(self, properties: "dict[str, Value]", element: etree._Element) -> None:
        for child in element:
            name = child.get("N")
            if name is not None and name not in _UNUSED:
                properties[_unescaped(name).lower()] = self.value(child)

    def _pair(self, entry: etree._Element) -> "tuple[Value, Value]":
        found: dict[str, Value] = {child.get("N", ""): self.value(child) for child in entry}
        return found.get("Key"), found.get("Value")


def _unescaped(text: str) -> str:
    """`_x000D_` is a carriage return; halves of a pair become the one character they are."""
    if "_x" not in text:
        return text
    found = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _number(text: str) -> Value:
    try:
        return int(text)
    except ValueError:
        return text[:100]


def _float(text: str) -> Value:
    try:
        return float(text)
    except ValueError:
        return text[:100]


def _time(text: str) -> Value:
    """An ISO time with up to seven decimals; one without a zone is taken for UTC."""
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return text[:100]
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _truth(text: str) -> Value:
    return {"true": True, "false": False}.get(text.strip().lower(), text[:100])


def _character(text: str) -> Value:
    return chr(int(text)) if text.isdecimal() and int(text) < 0x110000 else text[:100]


_PRIMITIVES: dict[str, Callable[[str], Value]] = {
    **dict.fromkeys(("S", "SBK", "XD", "URI", "G", "Version", "TS", "SCRIPTBLOCK"), _unescaped),
    **dict.fromkeys(("I16", "I32", "I64", "U16", "U32", "U64", "By", "SB"), _number),
    **dict.fromkeys(("Sg", "Db", "D"), _float),
    "B": _truth,
    "C": _character,
    "DT": _time,
    "BA": lambda text: text[:_LONGEST_BYTES],
    "SS": lambda _: None,  # a protected secret: never kept
    "Nil": lambda _: None,
}
"""By tag; MS-PSRP sections 2.2.5.1 and 2.2.5.2."""
