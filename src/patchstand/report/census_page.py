"""The page of a census."""

from patchstand.report.as_json import Document


def render_census(_document: Document, _lang: str) -> str:
    """To be drawn."""
    return ""
