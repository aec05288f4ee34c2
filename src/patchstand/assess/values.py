"""What a property says, whatever form its export has.

The same property comes as a number, as text, as an enum (text and number), or as a list that
is an object; a hashtable's entries are no properties. Unreadable is None, never a guess.
"""

import re

from patchstand.model import Build
from patchstand.model.inside import PsObject, Value, shown

_TRUTHS = {"true": True, "$true": True, "false": False, "$false": False}
_VERSION = re.compile(r"\d{1,5}(?:\.\d{1,5}){1,3}")
_BUILD = re.compile(r"(\d{1,5})\.(\d{1,5})(?:\.| \(Build )(\d{1,5})\.(\d{1,5})")


def truth(value: Value) -> bool | None:
    """True or False; None where it is neither."""
    if isinstance(value, bool):
        return value
    return _TRUTHS.get(shown(value).strip().lower())


def number(value: Value) -> int | None:
    """A whole number; of an enum its value. A DWORD written as -1 is 0xFFFFFFFF."""
    if isinstance(value, PsObject):
        value = value.number if value.number is not None else value.text
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, int):
        return value
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if re.fullmatch(r"-?[0-9]{1,19}", text) else None


def texts(value: Value) -> tuple[str, ...]:
    """The members of a list as texts; a single value is a list of one, nothing one of none."""
    if value is None:
        return ()
    if isinstance(value, tuple):
        return tuple(map(shown, value))
    if isinstance(value, PsObject) and (value.items or value.text is None):
        return tuple(map(shown, value.items))
    return (shown(value),) if shown(value) else ()


def inner(value: Value, name: str) -> Value:
    """A property of an object, or an entry of a hashtable, by its name in any case."""
    if not isinstance(value, PsObject):
        return None
    if value.has(name):
        return value.get(name)
    found = (of for key, of in value.entries if shown(key).lower() == name.lower())
    return next(found, None)


def members(value: Value) -> tuple[PsObject, ...]:
    """The objects of a list; an object that is no list is a list of one."""
    if isinstance(value, tuple):
        return tuple(each for each in value if isinstance(each, PsObject))
    if isinstance(value, PsObject) and value.items:
        return members(value.items)
    if isinstance(value, PsObject) and value.properties:
        return (value,)
    return ()


def version(value: Value) -> tuple[int, ...] | None:
    """The numbers of `10.0.14393.0 (rs1_release.160715-1616)`: (10, 0, 14393, 0)."""
    found = _VERSION.search(shown(value))
    return tuple(map(int, found[0].split("."))) if found else None


def exchange_build(value: Value) -> Build | None:
    """The build in `15.2.1118.7` or `Version 15.2 (Build 1118.7)`."""
    found = _BUILD.search(shown(value))
    return Build(tuple(map(int, found.groups()))) if found else None
