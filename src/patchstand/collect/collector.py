"""The script that exports a server's state; it comes with the package and is only handed out."""

from importlib.resources import files

NAME = "Export-PatchstandBundle.ps1"


def collector() -> bytes:
    """The PowerShell script, as it is reviewed and tested."""
    return (files("patchstand.collect") / "script" / NAME).read_bytes()
