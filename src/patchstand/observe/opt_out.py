"""Who asked not to be asked: a text file, one address, network or domain a line.

    192.0.2.9           # 2026-11-22, asked by mail
    mail.example.org

What follows the `#` is for people: since when, and why. The file is read whole and replaced
whole, so that a scan that starts meanwhile sees the old list or the new one.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from patchstand.errors import UsageError
from patchstand.observe.names import canonical_name, parse_network

try:
    import fcntl
except ImportError:  # Windows: two who edit at the same moment are not kept apart there
    fcntl = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class OptOut:
    """One line: `name` is a block in CIDR notation, an address or a domain, all canonical."""

    name: str
    since: date | None = None
    reason: str = ""

    @property
    def line(self) -> str:
        """The line of the file."""
        words = [str(self.since)] if self.since else []
        note = ", ".join(filter(None, [*words, self.reason]))
        return f"{self.name}  # {note}" if note else self.name


def opt_out_name(text: str) -> str:
    """The canonical spelling of what opts out; a block of one address is written as address.

    Raises:
        UsageError: neither an address nor a network nor a domain.
    """
    first = text.strip()
    if "/" not in first:
        name = canonical_name(first)
        if name is not None:
            return name
    network = parse_network(first.removeprefix("[").removesuffix("]"))
    return str(network[0]) if network.num_addresses == 1 else str(network)


def is_network(name: str) -> bool:
    """Whether an opt-out in canonical spelling is an address or a network, not a domain."""
    return canonical_name(name) is None


def read_opt_outs(path: Path) -> tuple[OptOut, ...]:
    """Read an opt-out file; a line that cannot be understood must not be ignored.

    Raises:
        UsageError: unreadable, or a line is wrong; names it.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"opt-out file {path}: not UTF-8 text") from error
    except FileNotFoundError as error:
        raise UsageError(f"opt-out file {path} is missing; make an empty one") from error
    except OSError as error:
        raise UsageError(f"opt-out file {path}: {error.strerror}") from error
    return tuple(_parsed(path, lines))


def _parsed(path: Path, lines: Iterable[str]) -> Iterator[OptOut]:
    for number, line in enumerate(lines, start=1):
        text, _, note = (part.strip() for part in line.partition("#"))
        if text:
            try:
                name = opt_out_name(text)
            except UsageError as error:
                raise UsageError(f"opt-out file {path}, line {number}: {error}") from error
            yield OptOut(name, *_noted(note))


def _noted(note: str) -> tuple[date | None, str]:
    first, _, rest = note.partition(",")
    try:
        return date.fromisoformat(first.strip()), rest.strip()
    except ValueError:
        return None, note


def add_opt_out(path: Path, entry: OptOut) -> bool:
    """Add a line; False when the same name is there already. Makes the file if need be.

    Raises:
        UsageError: the file cannot be read or written.
    """
    with _alone(path):
        known = read_opt_outs(path) if path.exists() else ()
        if any(each.name == entry.name for each in known):
            return False
        _replace(path, [*_lines(path), entry.line])
    return True


def remove_opt_out(path: Path, name: str) -> bool:
    """Take out the lines of one name; False when it is not there.

    Raises:
        UsageError: the file cannot be read or written.
    """
    with _alone(path):
        if all(each.name != name for each in read_opt_outs(path)):
            return False
        kept = [line for line in _lines(path) if _name_of(line) != name]
        _replace(path, kept)
    return True


def _name_of(line: str) -> str | None:
    text = line.partition("#")[0].strip()
    return opt_out_name(text) if text else None


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _replace(path: Path, lines: list[str]) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep others out between reading and replacing; the lock is on the folder."""
    with contextlib.ExitStack() as at_end:
        if fcntl is not None:
            try:
                folder = os.open(path.parent, os.O_RDONLY)
            except OSError as error:
                raise UsageError(f"cannot write {path}: {error.strerror}") from error
            at_end.callback(os.close, folder)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
