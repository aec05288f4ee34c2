"""SVG to PNG, with fonts of a package: the picture is the same on every machine."""

from importlib.resources import files

from patchstand.errors import UsageError

_ZOOM = 2
"""Pixels per unit: sharp in print and on dense screens."""


def png(svg: str) -> bytes:
    """The drawing as PNG, on white.

    Raises:
        UsageError: the extra `report` is not installed.
    """
    try:
        import resvg_py  # noqa: PLC0415  an extra of its own

        fonts = files("font_lato") / "files"
    except ImportError as error:
        raise UsageError(
            "PNG needs the extra `report`: pip install 'patchstand[report]'; SVG works without"
        ) from error
    drawn: bytes = resvg_py.svg_to_bytes(
        svg_string=svg,
        zoom=_ZOOM,
        background="#ffffff",
        skip_system_fonts=True,
        font_files=[str(fonts / f"Lato-{name}.ttf") for name in ("Regular", "Bold")],
        font_family="Lato",
        sans_serif_family="Lato",
    )
    return drawn
