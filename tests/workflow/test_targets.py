import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.errors import UsageError
from patchstand.model import Target
from patchstand.workflow.targets import parse_target, read_targets


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
