"""Who asks, as the command line says it."""

import re


def told(contact: str) -> str:
    """The contact as requests carry it: the address in it, else its words in plain ASCII."""
    words = contact.replace("<", " ").replace(">", " ").split()
    address = next((word for word in words if "@" in word or "://" in word), contact)
    plain = address.encode("ascii", "ignore").decode()
    return re.sub(r"[^\w@:/.+~?=&%-]+", "-", plain).strip("-")[:200] or "unnamed"
