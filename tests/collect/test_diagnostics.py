"""The XML inside diagnostic exports."""

import pytest

from patchstand.collect.diagnostics import diagnostic
from patchstand.model.inside import Export, PsObject, Value

NAME = "getexchangediagnosticinfo_adtopvariantconfiguration"
XML = '<Diagnostics>\r\n  <Components Updated="x"><A>1</A></Components>\r\n</Diagnostics>'


def export(*objects: Value) -> Export:
    return Export("Exchange/x.xml", objects)


@pytest.mark.parametrize("found", [PsObject(properties={"result": XML}), XML])
def test_the_text_becomes_elements(found: Value) -> None:
    """As a property of the result, or as the text alone."""
    markup = diagnostic(NAME, export(found))

    assert markup is not None
    assert markup.file == "Exchange/x.xml"
    assert [each.text for each in markup.root.under("Components/A")] == ["1"]


@pytest.mark.parametrize(
    "found",
    [None, "", "no xml", "<a>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", PsObject(), 5],
)
def test_what_is_no_xml_is_none(found: Value) -> None:
    """Broken text, a DTD, another object: nothing is read, nothing raises."""
    assert diagnostic(NAME, export(found)) is None


def test_other_exports_are_left_alone() -> None:
    """Only diagnostic ones carry XML."""
    assert diagnostic("getservice", export(PsObject(properties={"result": XML}))) is None
