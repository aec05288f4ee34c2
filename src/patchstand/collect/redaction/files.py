"""One file of a bundle without names: CLIXML, configuration, JSON; anything else is left out."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import msgspec
from lxml import etree

from patchstand.collect.bundle import Member
from patchstand.collect.clixml import is_clixml
from patchstand.collect.markup import UnreadableError, local_name, parse
from patchstand.collect.redaction.harvest import Harvest
from patchstand.collect.redaction.rewrite import Rewriting

_MARKUP = (".xml", ".config")
_EVENTS = re.compile(r"(?i)^getwinevent")
_LEFT_OUT = frozenset({"SerializationData"})
_TEXTS = frozenset({"S", "ToString", "URI", "G", "SBK", "XD"})
_SECRET_NAME = re.compile(
    r"(?i)^(?:.*password|pwd|.*connectionString|validationKey|decryptionKey|sessionKey|.*secret"
    r"|apiKey|CipherValue)$"
)
_SECRET_WORD = re.compile(
    r"(?i)pass|pwd|secret|token|api.?key|account.?key|credential|authorization|connection.?string"
)
_REDACTED = "REDACTED"


def why_left_out(file: Member) -> str | None:
    """Why a file is not handed out; None when it is."""
    path = PurePosixPath(file.name)
    if _EVENTS.match(path.name):
        return "texts of an event log"
    if path.suffix.lower() in _MARKUP or path.suffix.lower() == ".json":
        return None
    return "of a kind nobody asks for"


def harvest(file: Member, into: Harvest) -> None:
    """Note the names in a file.

    Raises:
        UnreadableError: it is no XML or JSON.
    """
    if file.name.lower().endswith(".json"):
        for called, text in _texts(_json(file)):
            into.value(called, text)
    else:
        into.tree(parse(file.content))


def rewritten(file: Member, by: Rewriting) -> Member:
    """The file with placeholders, its own name too.

    Raises:
        UnreadableError: a name is still in it.
    """
    if file.name.lower().endswith(".json"):
        content = msgspec.json.format(msgspec.json.encode(_replaced(_json(file), "", by)))
    else:
        root = parse(file.content)
        _clixml(root, by) if is_clixml(file.content) else _configuration(root, by)
        content = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    found = Member(by.text(file.name), content)
    remaining = by.remains(content.decode())
    if remaining is not None:
        raise UnreadableError("a name would remain in it")
    return found


def _json(file: Member) -> Any:  # noqa: ANN401  # whatever the file holds
    try:
        return msgspec.json.decode(file.content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise UnreadableError(f"no JSON: {str(error)[:200]}") from error


def _texts(value: object, called: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield called, value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, called)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(each, name)


def _replaced(value: object, called: str, by: Rewriting) -> object:
    if isinstance(value, str):
        return by.text(value, called)
    if isinstance(value, list):
        return [_replaced(each, called, by) for each in value]
    if isinstance(value, dict):
        return {name: _replaced(each, name, by) for name, each in value.items()}
    return value


def _clixml(root: etree._Element, by: Rewriting) -> None:
    for element in list(root.iter(etree.Element)):
        if element.get("N") in _LEFT_OUT:
            _remove(element)
        tag, text = local_name(element), element.text
        if not text:
            continue
        if tag == "BA":
            element.text = by.base64(text)
        elif tag == "SS":
            element.text = ""
        elif tag in _TEXTS:
            element.text = _by_lines(text, _called(element), by)


def _by_lines(text: str, called: str, by: Rewriting) -> str:
    """A text of several lines, each for itself, so that no name grows over a line's end."""
    parts = re.split(r"((?:_x000[DA9]_)+)", text)
    return "".join(part if part.startswith("_x000") else by.text(part, called) for part in parts)


def _called(element: etree._Element) -> str:
    """The property a value belongs to: its own, or that of the list it is in."""
    while (name := element.get("N")) is None:
        above = element.getparent()
        if above is None:
            return ""
        element = above
    return name


def _configuration(root: etree._Element, by: Rewriting) -> None:
    for element in root.iter(etree.Element):
        titles = " ".join(str(element.get(name, "")) for name in ("key", "name"))
        for name, value in element.attrib.items():
            called = str(name).rpartition("}")[2]
            is_titled = called == "value" and _SECRET_WORD.search(titles) is not None
            is_secret = is_titled or _SECRET_NAME.match(called) is not None
            element.set(name, _REDACTED if is_secret else by.text(str(value), called))
        tag = local_name(element)
        if element.text and element.text.strip():
            is_secret = _SECRET_NAME.match(tag) is not None
            element.text = _REDACTED if is_secret else by.text(element.text, tag)


def _remove(element: etree._Element) -> None:
    above = element.getparent()
    if above is not None:
        above.remove(element)
