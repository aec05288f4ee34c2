"""Whatever a bundle holds, every check answers."""

import ast
import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.assess.inside_checks.servers import E2013, E2016, E2016_CU22, E2019, SE, Server

from patchstand import assess
from patchstand.assess.audit import audit
from patchstand.assess.inside import Unread
from patchstand.model import Finding, Status
from patchstand.model.inside import PsObject, Value, XmlElement

WORDS = sorted(
    {
        node.value
        for path in Path(assess.__path__[0]).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[A-Za-z][\w.-]{2,60}", node.value)
    }
)
"""Every name the checks know: exports, properties, values."""
EXPORTS = [word for word in WORDS if re.match(r"Get[A-Z]|Win32_|ExSetup$|WebRequest", word)]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=20)
    | st.datetimes()
)


def _objects(inner: "st.SearchStrategy[Value]") -> "st.SearchStrategy[Value]":
    names = st.sampled_from(WORDS)
    return st.builds(
        PsObject,
        text=st.none() | st.sampled_from(WORDS),
        properties=st.dictionaries(names.map(str.lower), inner, max_size=6),
        items=st.lists(inner, max_size=3).map(tuple),
        entries=st.lists(st.tuples(names, inner), max_size=3).map(tuple),
        number=st.none() | st.integers(-5, 5),
    ) | st.lists(inner, max_size=3).map(tuple)


VALUES: "st.SearchStrategy[Value]" = st.recursive(SCALARS, _objects, max_leaves=12)
KEYS = st.sampled_from(
    [
        r"SYSTEM\CurrentControlSet\Control\Lsa",
        r"SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL",
        r"SOFTWARE\Microsoft\ExchangeServer\v15\Diagnostics",
        r"SOFTWARE\Microsoft\Windows NT\CurrentVersion",
    ]
)
ELEMENTS = st.recursive(
    st.builds(XmlElement, tag=st.sampled_from(WORDS), text=st.sampled_from(WORDS)),
    lambda inner: st.builds(
        XmlElement,
        tag=st.sampled_from([*WORDS, "Configuration", "configuration", "Diagnostics"]),
        attributes=st.dictionaries(st.sampled_from(WORDS), st.text(max_size=5), max_size=2),
        text=st.text(max_size=8),
        children=st.lists(inner, max_size=3).map(tuple),
    ),
    max_leaves=8,
)
SERVERS = st.builds(
    Server,
    build=st.sampled_from([SE, E2019, E2016, E2016_CU22, E2013, "14.3.513.0", "15.2.9999.1"]),
    exports=st.dictionaries(st.sampled_from(EXPORTS), st.lists(VALUES, max_size=2), max_size=12),
    registry=st.none()
    | st.dictionaries(
        KEYS, st.none() | st.dictionaries(st.sampled_from(WORDS), SCALARS, max_size=4), max_size=4
    ),
    markup=st.dictionaries(
        st.sampled_from(["applicationhost.config", "configuration.xml"]), ELEMENTS, max_size=2
    ),
)


@settings(max_examples=150)
@given(SERVERS)
def test_no_check_raises_or_closes_what_the_build_leaves_open(server: Server) -> None:
    """Findings name places; what a build lacks stays affected whatever a bundle claims."""
    inside = server.inside()

    found = audit(inside)

    assert all(isinstance(each, Finding) for each in found.findings)
    assert all(isinstance(each, Unread) for each in found.unread)
    after = {each.id: each.status for each in found.assessment.cves}
    for before in inside.assessment.cves:
        if before.status is Status.AFFECTED:
            assert after[before.id] is Status.AFFECTED
