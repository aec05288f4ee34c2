"""What a manifest says, and the files beside it."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from patchstand.collect.bundle import Member
from patchstand.collect.manifest import CHANGED, MISSING, NAME, UNLISTED, compared, read_manifest
from patchstand.collect.markup import UnreadableError
from patchstand.model.inside import Skipped


def manifest(*files: Member) -> bytes:
    listed = [
        {
            "name": file.name,
            "sha256": hashlib.sha256(file.content).hexdigest().upper(),
            "size": len(file.content),
        }
        for file in files
    ]
    return b"\xef\xbb\xbf" + json.dumps({"schema": "patchstand/bundle/1", "files": listed}).encode()


def test_files_as_listed_pass_and_others_say_how_they_differ() -> None:
    """Unchanged files and the manifest itself pass; changed, added and missing ones do not."""
    same, other, gone, added = (Member(name, name.encode()) for name in "abcd")
    found = read_manifest(manifest(same, other, gone))
    changed = Member("b", b"B")

    result = list(compared([same, changed, added, Member(NAME, b"")], found))

    assert result == [
        same,
        Skipped("b", CHANGED),
        Skipped("d", UNLISTED),
        Member(NAME, b""),
        Skipped("c", MISSING),
    ]


@given(some.binary(max_size=300) | some.text(max_size=100).map(str.encode))
def test_any_bytes_are_a_manifest_or_unreadable(content: bytes) -> None:
    """Whatever the file holds, the reader answers or says why not."""
    with pytest.raises(UnreadableError):
        read_manifest(content)


def test_another_schema_is_no_manifest() -> None:
    """A manifest of some other program is not taken for ours."""
    with pytest.raises(UnreadableError):
        read_manifest(b'{"schema": "patchstand/bundle/2", "files": []}')
