"""Server variables of a request, as the rules before have left them."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field

from patchstand.assess.rewrite.pattern import PatternError
from patchstand.assess.rewrite.template import url_decoded
from patchstand.model.seen_mitigations import WebRequest

RESPONSE = "response_"
_AS_SENT = frozenset({"request_uri", "unencoded_url", "http_url"})


def variable_name(header: str) -> str:
    """`Content-Security-Policy` -> `content_security_policy`."""
    return header.lower().replace("-", "_")


@dataclass(slots=True)
class ServerVariables:
    """What a request says, and what rules have made of it.

    `path`, `query`: the current URL; `response`: headers of the answer by variable name
    without `RESPONSE_`; `own`: variables that inbound rules have set. All names lower case.
    """

    request: WebRequest
    path: str = ""
    query: str = ""
    response: MutableMapping[str, str] = field(default_factory=dict)
    own: MutableMapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        request = self.request
        self.path, self.query = request.path, request.query
        headers = {"Content-Type": request.content_type, **request.answer_headers}
        self.response = {variable_name(name): value for name, value in headers.items()}

    def value(self, name: str) -> str:
        """The value of a variable; a header that was not sent is empty.

        Raises:
            PatternError: it depends on what a request does not say.
        """
        key = name.lower()
        if key in self.own:
            return self.own[key]
        if key.startswith(RESPONSE):
            return self.response.get(key.removeprefix(RESPONSE), "")
        if key in _AS_SENT:
            return self._as_sent()
        if key.startswith("http_"):
            return self._header(key.removeprefix("http_"))
        if (found := self._known().get(key)) is None:
            raise PatternError(f"{{{name[:40]}}}, which no request tells")
        return found

    def _header(self, name: str) -> str:
        headers = self.request.headers
        return next((text for key, text in headers.items() if variable_name(key) == name), "")

    def _known(self) -> dict[str, str]:
        return {
            "url": url_decoded(self.path),
            "query_string": self.query,
            "request_method": self.request.method,
            "https": "on",
            "server_port": "443",
            "server_port_secure": "1",
            "server_name": self._header("host").partition(":")[0],
        }

    def _as_sent(self) -> str:
        """The URL as sent; whether it changes with a rewrite is not documented."""
        request = self.request
        if (self.path, self.query) != (request.path, request.query):
            raise PatternError("{REQUEST_URI} after a rule that rewrote the URL")
        return f"{request.path}?{request.query}" if request.query else request.path
