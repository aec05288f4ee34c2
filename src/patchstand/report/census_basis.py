"""What all figures of a census rest on, in words: country, simulation, sources, permits."""

from collections.abc import Iterator, Mapping
from typing import Any

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.clean import clean

NOTHING_KNOWN: Mapping[str, Any] = {
    "simulated": False,
    "sources": {},
    "vulnerable_only": 0,
    "permits": [],
}
"""The basis of a document that does not say what it rests on."""


def basis_of(document: Document) -> Mapping[str, Any]:
    """What the document says of its basis; nothing where it says nothing."""
    return {**NOTHING_KNOWN, **(document.get("basis") or {})}


def country(document: Document, cat: Catalog) -> str:
    """The country that was counted by its name, or by its code where we have none; or nothing."""
    code = document.get("country") or ""
    return cat.either(f"country.name.{code}", clean(code))


def within(document: Document, cat: Catalog) -> str:
    """` in Germany`, as it follows after a word; or nothing."""
    code = document.get("country")
    if not code:
        return ""
    return " " + cat.either(f"country.in.{code}", cat.text("country.in_code", code=clean(code)))


def doubts(document: Document, cat: Catalog) -> list[str]:
    """What has to be said before any figure: no real servers, or vulnerable ones only."""
    basis, found = basis_of(document), []
    if basis["simulated"]:
        found.append(cat.text("census_basis.simulated"))
    if basis["vulnerable_only"]:
        found.append(cat.text("census_basis.vulnerable_only", n=basis["vulnerable_only"]))
    return found


def sources(document: Document, cat: Catalog) -> str:
    """Which source saw how many of the servers."""
    seen: Mapping[str, int] = basis_of(document)["sources"]
    return "; ".join(f"{clean(name)}: {cat.number(n)}" for name, n in seen.items())


def permits(document: Document, cat: Catalog) -> Iterator[str]:
    """By what right the servers were asked, one sentence a permit."""
    for each in basis_of(document)["permits"]:
        key = "line_with_basis" if each["legal_basis"] else "line"
        said = cat.text(
            f"permit.{key}",
            granted_by=_term(each["granted_by"], cat),
            authority=_term(each["authority"], cat),
            legal_basis=clean(each["legal_basis"] or ""),
        )
        purposes = ", ".join(_term(purpose, cat) for purpose in each["purposes"])
        yield f"{said} {cat.text('permit.purposes', purposes=purposes)}" if purposes else said


def _term(word: str, cat: Catalog) -> str:
    return cat.either(f"permit.{word}", clean(word))
