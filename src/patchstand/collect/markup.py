"""Plain XML as `XmlElement`: no DTD, no entities, no network; limits on size, depth, count.

The guards are ours where libxml2 has none: a document that declares a DTD is refused before
it is parsed, since entities, even those that are never used, come from there.
"""

from lxml import etree

from patchstand.errors import UsageError
from patchstand.model.inside import XmlElement

DEEPEST = 200
"""Levels; the deepest real configuration file seen has 12, the deepest export 40."""
MOST_ELEMENTS = 2_000_000
"""Elements of a file; an export of an organisation with 500 servers has some 300,000."""
LARGEST = 256 * 1024 * 1024
"""Bytes of a file."""
_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


class UnreadableError(UsageError):
    """A file is not what its name says; the text says why in one line."""


def parse(content: bytes) -> etree._Element:
    """The root of an XML document, UTF-8 or UTF-16.

    Raises:
        UnreadableError: it is too large, too deep, has a DTD, or is no XML.
    """
    if len(content) > LARGEST:
        raise UnreadableError(f"larger than {LARGEST >> 20} MB")
    root = _parsed(content)
    _check(root)
    return root


def _parsed(content: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,  # long texts are real (serialised data); our own limits follow
    )
    try:
        if has_dtd(content):
            raise UnreadableError("it declares a DTD, which no export has")
        return etree.fromstring(_without_declared_encoding(content), parser)
    except (etree.XMLSyntaxError, UnicodeDecodeError, ValueError) as error:
        raise UnreadableError(f"no XML: {str(error).splitlines()[0][:200]}") from error


def has_dtd(content: bytes) -> bool:
    """True when `<!DOCTYPE` or `<!ENTITY` stands anywhere in the text.

    In a text both are written `&lt;!`, so that only a DTD (or a CDATA section, which no
    export has) contains them.
    """
    marks = ("<!DOCTYPE", "<!ENTITY")
    wide = (mark.encode(encoding) for mark in marks for encoding in ("utf-16-le", "utf-16-be"))
    return any(mark in content for mark in (*(mark.encode() for mark in marks), *wide))


def _text(content: bytes) -> str:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if content[:4] == b"<\x00?\x00":
        return content.decode("utf-16-le", "replace")
    return content.decode("utf-8", "replace")


def _without_declared_encoding(content: bytes) -> bytes:
    """UTF-16 as UTF-8: some files say utf-8 in their declaration and are UTF-16."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or content[:4] == b"<\x00?\x00":
        text = _text(content)
        end = text.find("?>") if text.lstrip().startswith("<?xml") else -1
        return text[end + 2 if end >= 0 else 0 :].lstrip().encode("utf-8")
    return content


def _check(root: etree._Element) -> None:
    """Refuse what is too deep or has too many elements."""
    count, waiting = 0, [(root, 1)]
    while waiting:
        element, depth = waiting.pop()
        count += 1
        if depth > DEEPEST:
            raise UnreadableError(f"elements nested more than {DEEPEST} deep")
        if count > MOST_ELEMENTS:
            raise UnreadableError(f"more than {MOST_ELEMENTS:,} elements")
        waiting.extend((child, depth + 1) for child in element)


def read_xml(content: bytes) -> XmlElement:
    """A plain XML file.

    Raises:
        UnreadableError: it cannot be read.
    """
    return _element(parse(content))


def _element(element: etree._Element) -> XmlElement:
    return XmlElement(
        tag=local_name(element),
        attributes={_local(str(name)): str(value) for name, value in element.attrib.items()},
        text=(element.text or "").strip(),
        children=tuple(_element(child) for child in element if isinstance(child.tag, str)),
    )


def local_name(element: etree._Element) -> str:
    """The tag without its namespace."""
    return _local(str(element.tag))


def _local(name: str) -> str:
    return name.rpartition("}")[2]
