"""What `Get-ExchangeDiagnosticInfo` returns: XML, as text inside an object."""

from patchstand.collect.markup import UnreadableError, read_xml
from patchstand.model.inside import Export, MarkupFile, PsObject, XmlElement

_NAME = "getexchangediagnosticinfo"
_LONGEST = 16 * 1024 * 1024
"""Characters; the largest seen has 30,000."""


def diagnostic(name: str, export: Export) -> MarkupFile | None:
    """The XML inside a diagnostic export; None where there is none, or it is broken."""
    if not name.startswith(_NAME):
        return None
    for each in export.objects:
        text = each.get("Result") if isinstance(each, PsObject) else each
        if isinstance(text, str) and len(text) <= _LONGEST and (root := _xml(text)) is not None:
            return MarkupFile(export.file, root)
    return None


def _xml(text: str) -> XmlElement | None:
    try:
        return read_xml(text.strip().encode("utf-8", "replace"))
    except UnreadableError:
        return None
