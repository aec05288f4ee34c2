"""IMAP greetings and capabilities."""

from patchstand.identify.reader import Reader
from patchstand.identify.readers._greetings import read_greeting
from patchstand.model import EvidenceKind

READER = Reader(EvidenceKind.IMAP, read_greeting)
