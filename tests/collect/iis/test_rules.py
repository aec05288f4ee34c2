"""URL Rewrite rules of a place as values."""

from tests.collect.iis.configs import host, location, read, rewriting, rule, web

from patchstand.model.iis import Place
from patchstand.model.rewrite import ActionKind, RewriteRule, Syntax


def _rules(inside: str) -> tuple[RewriteRule, ...]:
    place = read({"web.config": web(rewriting(inside))}).places[0]
    return (*place.rules.inbound.rules, *place.rules.outbound.rules)


def _place(files: dict[str, bytes], path: str) -> Place:
    return next(each for each in read(files).places if each.full_path == path)


def test_a_rule_says_all_it_says_and_the_rest_is_default() -> None:
    """Defaults are those of the module's schema."""
    plain, told = _rules(
        "<rules>"
        + rule("plain")
        + '<rule name="told" enabled="false" stopProcessing="true" patternSyntax="Wildcard">'
        '<match url="a*" ignoreCase="false" negate="true" />'
        '<conditions logicalGrouping="MatchAny" trackAllCaptures="true">'
        '<add input="{HTTP_HOST}" pattern="x" negate="true" matchType="IsFile" /></conditions>'
        '<serverVariables><set name="HTTP_X" value="1" replace="false" /></serverVariables>'
        '<action type="CustomResponse" statusCode="403" /></rule></rules>'
    )

    assert (plain.enabled, plain.stop, plain.syntax) == (True, False, Syntax.ECMASCRIPT)
    assert (plain.match.ignore_case, plain.match.negate) == (True, False)
    assert plain.action.kind is ActionKind.ABORT_REQUEST
    assert (told.enabled, told.stop, told.syntax) == (False, True, Syntax.WILDCARD)
    assert (told.match.ignore_case, told.match.negate) == (False, True)
    assert (told.conditions.match_any, told.conditions.track_all) == (True, True)
    assert told.conditions.items[0].kind == "IsFile"
    assert (told.action.kind, told.action.status) == (ActionKind.CUSTOM_RESPONSE, 403)
    assert told.variables[0].replace is False


def test_outbound_rules_have_variable_tags_and_precondition() -> None:
    """A rule on the response is another kind of rule."""
    files = {
        "web.config": web(
            rewriting(
                '<outboundRules><rule name="o" preCondition="Html">'
                '<match serverVariable="RESPONSE_X" pattern="(.*)" />'
                '<action type="Rewrite" value="{R:1}" /></rule>'
                '<rule name="t"><match filterByTags="A, Img" pattern="." /></rule>'
                '<preConditions><preCondition name="Html">'
                '<add input="{RESPONSE_CONTENT_TYPE}" pattern="^text/html" />'
                "</preCondition></preConditions></outboundRules>"
            )
        )
    }
    rules = read(files).places[0].rules

    on_variable, on_tags = rules.outbound.rules
    assert (on_variable.match.variable, on_variable.precondition) == ("RESPONSE_X", "Html")
    assert on_variable.action.target == "{R:1}"
    assert on_tags.match.tags == "A, Img"
    assert list(rules.preconditions) == ["html"]


def test_parent_rules_come_first_and_server_rules_apart() -> None:
    """Rules are tried from the site down; those of the server are a list of their own."""
    files = {
        "applicationHost.config": host(
            location("Default Web Site/ecp", rewriting(f"<rules>{rule('place')}</rules>")),
            server=rewriting(f"<globalRules>{rule('server')}</globalRules>"),
        ),
        "DefaultWebSite_web.config": web(rewriting(f"<rules>{rule('site')}</rules>")),
        "DefaultWebSite-ECP_web.config": web(rewriting(f"<rules>{rule('own')}</rules>")),
    }
    rules = _place(files, "Default Web Site/ecp").rules

    assert [each.name for each in rules.inbound.rules] == ["site", "place", "own"]
    assert [each.level for each in rules.inbound.rules] == [
        "Default Web Site",
        "Default Web Site/ecp",
        "Default Web Site/ecp",
    ]
    assert [each.name for each in rules.server.rules] == ["server"]


def test_server_rules_in_a_web_config_are_refused() -> None:
    """Only applicationHost.config may hold them."""
    files = {
        "applicationHost.config": host(),
        "DefaultWebSite_web.config": web(rewriting(f"<globalRules>{rule('server')}</globalRules>")),
    }
    rules = _place(files, "Default Web Site").rules

    assert rules.server.rules == ()
    assert len(rules.server.doubts) == 1


def test_a_value_that_the_schema_does_not_know_is_a_flaw() -> None:
    """The rule is kept with its name, and says what is wrong."""
    for flaw in ('patternSyntax="Perl"', 'enabled="maybe"', 'stopProcessing="1"'):
        (found,) = _rules(f'<rules><rule name="r" {flaw}><match url="." /></rule></rules>')

        assert (found.name, found.flaw) == ("r", flaw)


def test_maps_of_a_place_are_read() -> None:
    """Keys count in any case unless the map says otherwise."""
    files = {
        "web.config": web(
            rewriting(
                '<rewriteMaps><rewriteMap name="M" defaultValue="d">'
                '<add key="Key" value="v" /></rewriteMap></rewriteMaps>'
            )
        )
    }
    found = read(files).places[0].rules.maps["m"]

    assert (found.entries, found.default) == ({"key": "v"}, "d")
