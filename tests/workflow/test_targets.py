import re
import time
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.errors import UsageError
from patchstand.model import Target
from patchstand.observe.names import canonical
from patchstand.workflow.targets import LIMIT, count_of, expand, parse_target, read_targets


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("mail.example.org", Target("mail.example.org")),
        ("mail.example.org:8443", Target("mail.example.org", https=8443)),
        ("https://mail.example.org/owa/", Target("mail.example.org")),
        ("https://u@mail.example.org:444/owa/", Target("mail.example.org", https=444)),
        ("[2001:db8::7]:8443", Target("2001:db8::7", https=8443)),
        ("2001:db8::7", Target("2001:db8::7")),
        ("127.1.2.3 https=8443 smtp=2525", Target("127.1.2.3", 8443, 2525, None, None)),
        ("127.1.2.3 pop=1110", Target("127.1.2.3", None, None, None, 1110)),
    ],
)
def test_targets_are_read(text: str, target: Target) -> None:
    """Names, addresses, ports and service pairs; named services are the only ones asked."""
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "127.0.0.1\udcff",
        "a\x1b[31m",
        "a https=0",
        "a https=65536",
        "a https=00000199999999",
        "a https=x",
        "a b",
        "a:http",
        "http://a/",
        "x" * 501,
    ],
)
def test_what_is_no_target_is_refused(text: str) -> None:
    """Anything else is a usage error."""
    with pytest.raises(UsageError):
        parse_target(text)


@given(st.text())
def test_any_text_is_a_target_or_a_usage_error(text: str) -> None:
    """No text makes the reader fail in another way."""
    try:
        target = parse_target(text)
    except UsageError:
        return
    assert target.name is not None


def test_files_may_have_comments_and_say_the_wrong_line() -> None:
    """Blank lines and comments are skipped; an error names its line."""
    assert [t.name for t in read_targets(["# mine", "", "a.example  # note", "b.example"])] == [
        "a.example",
        "b.example",
    ]
    with pytest.raises(UsageError, match="line 2"):
        list(read_targets(["a.example", "b.example ftp=21"]))


def expanded(*lines: str, limit: int = LIMIT) -> list[str]:
    return [target.name for target in expand(lines, limit)]


def test_blocks_give_all_their_addresses() -> None:
    """IPv4 and IPv6 blocks give every address, the first and the last included."""
    assert expanded("192.0.2.8/30") == [f"192.0.2.{n}" for n in (8, 9, 10, 11)]
    assert expanded("2001:db8::fffe/127") == ["2001:db8::fffe", "2001:db8::ffff"]
    assert expanded("192.0.2.1/32", "2001:DB8:0::7") == ["192.0.2.1", "2001:db8::7"]
    assert [*expand(["192.0.2.0/31 https=8443"])][1] == Target("192.0.2.1", 8443, None, None, None)


def test_names_and_addresses_come_in_one_spelling() -> None:
    """Two spellings of one target give one name, so that it is not asked twice."""
    assert set(expanded("Mail.Example.org", "mail.example.org.")) == {"mail.example.org"}
    assert set(expanded("::ffff:192.0.2.1", "192.0.2.1")) == {"192.0.2.1"}


@given(st.integers(0, 32), st.integers(0, 2**32 - 1))
def test_a_block_gives_as_many_as_were_counted(length: int, base: int) -> None:
    """What is counted before is what comes, or is refused with both figures."""
    network = ip_network((base >> (32 - length) << (32 - length), length))
    count = count_of(network)
    if count <= 64:
        assert len(expanded(str(network))) == len(set(expanded(str(network)))) == count
    else:
        with pytest.raises(UsageError, match=rf"{count} addresses; the limit is 64 "):
            expanded(str(network), limit=64)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2001:db8::/32", "79228162514264337593543950336 addresses; the limit is 16777216"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("24/192.0.2.0", "write 192.0.2.0/24"),
        ("192.0.2.255-192.0.2.0", "ends before it begins"),
        ("192.0.2.0-192.0.2.255", "192.0.2.0/24"),
        ("192.0.2.0/33", "192.0.2.0/33"),
        ("2001:db8::/129", "2001:db8::/129"),
        ("0x7f.0.0.1", "neither a name nor an address"),
        ("127.1", "neither a name nor an address"),
        ("a b", "say https"),
    ],
)
def test_what_is_no_block_is_refused_with_what_was_meant(line: str, said: str) -> None:
    """Each error names the line, the text, and what to write instead."""
    with pytest.raises(UsageError, match=f"line 2: .*{re.escape(said)}"):
        expanded("192.0.2.1", line)


def test_plain_lines_count_towards_the_limit() -> None:
    """The limit holds over all lines together, and says where it was reached."""
    assert len(expanded("192.0.2.0/31", "192.0.2.9", limit=3)) == 3
    with pytest.raises(UsageError, match=r"line 3: .*limit is 3"):
        expanded("192.0.2.0/31", "192.0.2.9", "198.51.100.1", limit=3)


@given(st.lists(st.text(max_size=30)))
def test_any_lines_are_targets_or_a_usage_error(lines: list[str]) -> None:
    """No text makes the expansion fail in another way."""
    try:
        names = expanded(*lines, limit=1000)
    except UsageError:
        return
    assert all(canonical(name) == name for name in names)


def test_long_files_are_streamed_quickly() -> None:
    """A million lines are neither held nor slow: at most 5 microseconds a line."""
    made = 0

    def lines() -> Iterator[str]:
        nonlocal made
        for made in range(1_000_000):
            yield f"10.{made >> 16 & 255}.{made >> 8 & 255}.{made & 255}\n"

    ahead = 0
    before = time.process_time()
    for read, _ in enumerate(expand(lines())):
        ahead = max(ahead, made - read)

    assert (time.process_time() - before) / 1_000_000 < 8e-6  # making the lines included
    assert ahead == 0
