r"""`registry.json`: values of the Windows registry, as the collector writes them.

One object, key path to values, each value by its name:

    {"HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa": {"LmCompatibilityLevel": 5},
     "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows NT\\RPC": null}

Every key that was looked at is in it: one without values as `{}`, one that does not exist as
null, so that an absent value is told from a key that nobody read. Paths begin with `HKLM\`,
`HKLM:\` or `HKEY_LOCAL_MACHINE\`, in any case. DWORDs are numbers, 0xFFFFFFFF also as -1;
a multi-string is a list of texts; the default value of a key has the empty name.
"""

import re
from collections.abc import Mapping

import msgspec

from patchstand.collect.markup import UnreadableError
from patchstand.model.inside import Registry, Value

NAME = "registry.json"
MOST_VALUES = 100_000
"""Values of a file; the collector asks for fewer than two hundred."""
_ROOT = re.compile(r"(?i)^(?:HKLM:?|HKEY_LOCAL_MACHINE|Registry::HKEY_LOCAL_MACHINE)\\+")

_Scalar = str | int | float | bool | None
_File = dict[str, dict[str, _Scalar | list[_Scalar]] | None]


def read_registry(text: str, file: str) -> Registry:
    """The keys of a file.

    Raises:
        UnreadableError: it is no JSON, or not of the shape above.
    """
    try:
        keys = msgspec.json.decode(text, type=_File)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise UnreadableError(f"no registry export: {str(error)[:200]}") from error
    if sum(len(values or ()) for values in keys.values()) > MOST_VALUES:
        raise UnreadableError(f"more than {MOST_VALUES:,} values")
    return Registry(file, {_path(path): _values(values) for path, values in keys.items()})


def _path(path: str) -> str:
    return _ROOT.sub("", path.strip()).strip("\\").lower()


def _values(
    values: "Mapping[str, _Scalar | list[_Scalar]] | None",
) -> "dict[str, Value] | None":
    if values is None:
        return None
    return {
        name.lower(): tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
    }
