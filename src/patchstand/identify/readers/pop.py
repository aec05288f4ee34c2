"""POP greetings and capabilities."""

from patchstand.identify.reader import Reader
from patchstand.identify.readers._greetings import read_greeting
from patchstand.model import EvidenceKind

READER = Reader(EvidenceKind.POP, read_greeting)
