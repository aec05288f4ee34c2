"""The bytes of HTTP answers."""

import re

from patchstand.lab.answers import Request, Response


def test_headers_keep_their_place() -> None:
    """Date and Content-Length stand where they are named, with their values filled in."""
    answer = Response(200, "OK", (("Date", ""), ("server", "nginx"), ("Content-Length", "")), b"ab")

    text = answer.encode().decode()

    assert re.fullmatch(
        r"HTTP/1.1 200 OK\r\nDate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n"
        r"server: nginx\r\nContent-Length: 2\r\n\r\nab",
        text,
    )


def test_date_and_length_come_last_where_not_named() -> None:
    """As IIS sends them; a HEAD answer has the length and no body, a last one says close."""
    lines = Response(401, "Unauthorized", (), b"body").encode(with_body=False, close=True)

    names = [line.split(b":")[0] for line in lines.split(b"\r\n")[1:-2]]
    assert names == [b"Date", b"Content-Length", b"Connection"]
    assert b"Content-Length: 4\r\n" in lines
    assert lines.endswith(b"\r\n\r\n")


def test_headers_can_be_taken_out_whatever_their_case() -> None:
    """What a front strips is gone, the others keep their order."""
    answer = Response(200, "OK", (("X-FEServer", "EX01"), ("A", "1"), ("x-feserver", "EX02")))

    assert answer.without("x-feserver").adding(("B", "2")).headers == (("A", "1"), ("B", "2"))


def test_without_a_host_the_origin_is_an_inner_address() -> None:
    """As recorded of IIS asked by HTTP/1.0."""
    named = Request("GET", "/", "", "mail.example.org", "127.1.0.1")

    assert named.origin == "https://mail.example.org"
    assert Request("GET", "/", "", None, "127.1.0.1").origin == "https://192.168.5.237"
