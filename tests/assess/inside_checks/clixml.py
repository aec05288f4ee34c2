"""Exports as PowerShell writes them, for the tests."""

from datetime import datetime
from xml.sax.saxutils import escape

_NAMESPACE = "http://schemas.microsoft.com/powershell/2004/04"


def _value(name: str, value: object) -> str:
    named = f' N="{name}"' if name else ""
    if isinstance(value, bool):
        return f"<B{named}>{str(value).lower()}</B>"
    if isinstance(value, datetime):
        return f"<DT{named}>{value.isoformat()}</DT>"
    if isinstance(value, dict):
        inner = "".join(_value(key, each) for key, each in value.items())
        return f"<Obj{named}><MS>{inner}</MS></Obj>"
    if isinstance(value, list):
        return f"<Obj{named}><LST>{''.join(_value('', each) for each in value)}</LST></Obj>"
    return f"<S{named}>{escape(str(value))}</S>"


def export(*objects: dict[str, object]) -> bytes:
    """A file with these objects; lists and objects may stand inside."""
    inner = "".join(_value("", each) for each in objects)
    return f'<Objs Version="1.1.0.1" xmlns="{_NAMESPACE}">{inner}</Objs>'.encode()
