"""Reads an authority's advisory (CSAF 2.0 or 2.1, JSON): what it says of a situation.

Read are its number, version, date, publisher, title, level and products; the fields are
those of the OASIS standard. Nothing of it changes a verdict.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from patchstand.errors import UsageError
from patchstand.model.situation import PublishedSituation

LARGEST = 10 * 1024 * 1024
"""Bytes of an advisory; the largest that vendors publish have a few megabytes."""
_DEEPEST = 100
"""Levels of branches that are followed; the standard's own validators allow no more."""
_LONGEST = 1000
"""Characters of a text that are kept."""
_VERSIONS = ("2.0", "2.1")
_AFFECTED = ("known_affected", "first_affected", "last_affected")
_TOLD = re.compile(r"(?i)kritikalit|criticality|bedrohungslage|threat level|warnstufe")
_LEVEL = re.compile(r"(?i)\b[1-4]\s*/\s*(?:grau|gelb|orange|rot|gr[ae]y|yellow|red)\b")
Part = dict[str, Any]


def read_advisory(path: Path) -> PublishedSituation:
    """Read one file.

    Raises:
        UsageError: it cannot be read, is too large, no JSON, no CSAF, or lacks a field.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    if len(content) > LARGEST:
        raise UsageError(f"{path}: more than {LARGEST >> 20} MB; that is no advisory")
    try:
        document = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: no JSON: {error}; name a CSAF advisory") from error
    try:
        return situation(document)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def situation(advisory: object) -> PublishedSituation:
    """What a parsed advisory says.

    Raises:
        ValueError: it is no CSAF advisory, or lacks a field; the text names it.
    """
    document = _part(_part(advisory).get("document"))
    if document.get("csaf_version") not in _VERSIONS:
        raise ValueError(f"no CSAF advisory of version {' or '.join(_VERSIONS)}")
    tracking = _part(document.get("tracking"))
    return PublishedSituation(
        number=_wanted(tracking, "id", "document.tracking.id"),
        version=_wanted(tracking, "version", "document.tracking.version"),
        date=_day(
            _wanted(tracking, "current_release_date", "document.tracking.current_release_date")
        ),
        publisher=_wanted(_part(document.get("publisher")), "name", "document.publisher.name"),
        level=_level(document),
        title=_wanted(document, "title", "document.title"),
        products=_products(_part(advisory)),
    )


def _part(value: object) -> Part:
    return value if isinstance(value, dict) else {}


def _parts(value: object) -> list[Part]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return " ".join(value.split())[:_LONGEST] if isinstance(value, str) else ""


def _wanted(part: Part, name: str, place: str) -> str:
    text = _text(part.get(name))
    if not text:
        raise ValueError(f"{place} is missing or no text")
    return text


def _day(text: str) -> date:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"document.tracking.current_release_date is no date: {text[:40]!r}"
        ) from None
    try:
        return moment.astimezone(UTC).date() if moment.tzinfo else moment.date()
    except OverflowError:
        return moment.date()


def _level(document: Part) -> str | None:
    """`aggregate_severity` as it is; else a note on criticality, by its title or its words."""
    stated = _text(_part(document.get("aggregate_severity")).get("text"))
    if stated:
        return stated
    notes = _parts(document.get("notes"))
    for note in notes:
        text = _text(note.get("text"))
        if text and _TOLD.search(_text(note.get("title"))):
            found = _LEVEL.search(text)
            return found[0] if found else text
    for note in notes:
        found = _LEVEL.search(_text(note.get("text")))
        if found:
            return found[0]
    return None


def _products(advisory: Part) -> tuple[str, ...]:
    """Names of the products called affected, each once; all of the tree if none is."""
    named = dict(_named(_part(advisory.get("product_tree"))))
    affected = {
        each
        for vulnerability in _parts(advisory.get("vulnerabilities"))
        for status in _AFFECTED
        for each in _list(_part(vulnerability.get("product_status")).get(status))
        if isinstance(each, str)
    }
    names = [name for key, name in named.items() if key in affected] or named.values()
    return tuple(dict.fromkeys(names))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _named(tree: Part) -> Iterator[tuple[str, str]]:
    """Product ids with names, in the order of the document."""
    for product in _parts(tree.get("full_product_names")):
        yield from _of_product(product)
    waiting = [(each, 1) for each in reversed(_parts(tree.get("branches")))]
    while waiting:
        branch, depth = waiting.pop()
        yield from _of_product(_part(branch.get("product")))
        if depth < _DEEPEST:
            inner = _parts(branch.get("branches"))
            waiting += [(each, depth + 1) for each in reversed(inner)]
    for relation in _parts(tree.get("relationships")):
        yield from _of_product(_part(relation.get("full_product_name")))


def _of_product(product: Part) -> Iterator[tuple[str, str]]:
    key, name = product.get("product_id"), _text(product.get("name"))
    if isinstance(key, str) and name:
        yield key, name
