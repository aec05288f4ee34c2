"""Small configurations of IIS, written for the tests, and what an audit makes of them."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

from patchstand import knowledge
from patchstand.assess import judge
from patchstand.assess.inside import Inside
from patchstand.collect.bundle import Member
from patchstand.collect.iis.read import IisRead, read_iis
from patchstand.collect.markup import read_xml
from patchstand.collect.state import server_state
from patchstand.identify import identify
from patchstand.model import Evidence, EvidenceKind, Identity
from patchstand.model.inside import MarkupFile

SHARED = Path(__file__).resolve().parents[4] / "shared"
REAL = SHARED / "real"
FACTS = SHARED / "facts" / "healthchecker_expected.json"
AS_OF = date(2026, 11, 1)
V15 = r"C:\Program Files\Microsoft\Exchange Server\V15"
SECTIONS = """
<configSections>
 <sectionGroup name="system.webServer">
  <section name="globalModules" allowDefinition="AppHostOnly" overrideModeDefault="Deny" />
  <section name="modules" overrideModeDefault="Allow" />
  <section name="httpProtocol" overrideModeDefault="Allow" />
  <sectionGroup name="security">
   <section name="access" overrideModeDefault="Deny" />
   <sectionGroup name="authentication">
    <section name="windowsAuthentication" overrideModeDefault="Deny" />
   </sectionGroup>
  </sectionGroup>
  <sectionGroup name="rewrite">
   <section name="globalRules" allowDefinition="AppHostOnly" overrideModeDefault="Deny" />
   <section name="rules" overrideModeDefault="Allow" />
   <section name="outboundRules" overrideModeDefault="Allow" />
   <section name="allowedServerVariables" overrideModeDefault="Deny" />
  </sectionGroup>
 </sectionGroup>
</configSections>"""
FRONT = {
    "/": r"%SystemDrive%\inetpub\wwwroot",
    "/owa": rf"{V15}\FrontEnd\HttpProxy\owa",
    "/owa/Calendar": rf"{V15}\FrontEnd\HttpProxy\owa",
    "/ecp": rf"{V15}\FrontEnd\HttpProxy\ecp",
    "/Autodiscover": rf"{V15}\FrontEnd\HttpProxy\Autodiscover",
    "/PowerShell": rf"{V15}\FrontEnd\HttpProxy\PowerShell",
    "/Microsoft-Server-ActiveSync": rf"{V15}\FrontEnd\HttpProxy\sync",
    "/API": rf"{V15}\FrontEnd\HttpProxy\Rest",
}
BACK = {
    "/": rf"{V15}\ClientAccess",
    "/owa": rf"{V15}\ClientAccess\owa",
    "/ecp": rf"{V15}\ClientAccess\ecp",
    "/EWS": rf"{V15}\ClientAccess\exchweb\EWS",
    "/mapi/emsmdb": rf"{V15}\ClientAccess\mapi\emsmdb",
}
FRONT_BINDINGS = ("http *:80:", "https :443:", "https 127.0.0.1:443:")
BACK_BINDINGS = ("http *:81:", "https *:444:")


def site(name: str, applications: dict[str, str], bindings: Sequence[str], inside: str = "") -> str:
    """A `<site>`: applications by path with their folders, bindings as `https *:444:`."""
    apps = "".join(
        f'<application path="{path}" applicationPool="P">'
        f'<virtualDirectory path="/" physicalPath="{folder}" /></application>'
        for path, folder in applications.items()
    )
    bound = "".join(
        f'<binding protocol="{each.split()[0]}" bindingInformation="{each.split()[1]}" />'
        for each in bindings
    )
    return f'<site name="{name}">{apps}<bindings>{bound}</bindings>{inside}</site>'


SITES = site("Default Web Site", FRONT, FRONT_BINDINGS) + site(
    "Exchange Back End", BACK, BACK_BINDINGS
)
REWRITE_MODULE = r'<add name="RewriteModule" image="%SystemRoot%\system32\inetsrv\rewrite.dll" />'


def host(
    locations: str = "",
    *,
    server: str = "",
    sites: str = SITES,
    pools: str = "",
    modules: str = REWRITE_MODULE,
) -> bytes:
    """An applicationHost.config: `server` is what stands in its system.webServer."""
    loaded = '<modules><add name="RewriteModule" /></modules>'
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<configuration>{SECTIONS}
<system.applicationHost>
 <applicationPools>{pools}</applicationPools><sites>{sites}</sites>
</system.applicationHost>
<system.webServer><globalModules>{modules}</globalModules>{loaded}{server}</system.webServer>
{locations}
</configuration>""".encode()


def location(path: str, inside: str, **attributes: str) -> str:
    """A `<location>` with what stands in its system.webServer."""
    said = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<location path="{path}"{said}><system.webServer>{inside}</system.webServer></location>'


def web(inside: str, outside: str = "") -> bytes:
    """A web.config with what stands in its system.webServer, and beside it."""
    server = f"<system.webServer>{inside}</system.webServer>" if inside else ""
    return f"<configuration>{server}{outside}</configuration>".encode()


def access(flags: str) -> str:
    """The SSL setting of a place."""
    return f'<security><access sslFlags="{flags}" /></security>'


def protected(checking: str) -> str:
    """The Extended Protection of a place."""
    return (
        "<security><authentication><windowsAuthentication>"
        f'<extendedProtection tokenChecking="{checking}" />'
        "</windowsAuthentication></authentication></security>"
    )


def rewriting(inside: str) -> str:
    """The rewrite section."""
    return f"<rewrite>{inside}</rewrite>"


def rule(name: str, url: str = ".*", action: str = "AbortRequest", **more: str) -> str:
    """An inbound rule; `more`: `target`, `conditions`, and attributes of the rule."""
    target, conditions = more.pop("target", ""), more.pop("conditions", "")
    said = "".join(f' {key}="{value}"' for key, value in more.items())
    aim = f' url="{target}"' if target else ""
    return (
        f'<rule name="{name}"{said}><match url="{url}" />'
        f'<conditions>{conditions}</conditions><action type="{action}"{aim} /></rule>'
    )


def read(files: dict[str, bytes]) -> IisRead:
    """The IIS part of a bundle with these files."""
    markup = [MarkupFile(name, read_xml(content)) for name, content in files.items()]
    return read_iis(markup, (), knowledge.load().directories.directories)


def inside(
    files: dict[str, bytes],
    build: str = "15.2.1118.20",
    role: str | None = None,
    as_of: date = AS_OF,
) -> Inside:
    """A server with these files and a build, as a check looks at it."""
    known = knowledge.load()
    members = [Member(name, content) for name, content in files.items()]
    state = server_state("bundle", members, known.directories.directories)
    identity = _identity(build, as_of)
    return Inside(state, known, identity, judge(known, identity, as_of), role)


@lru_cache
def _identity(build: str, as_of: date) -> Identity:
    evidence = Evidence(EvidenceKind.BUILD, build, source="--build")
    return identify([evidence], knowledge.load(), as_of).nodes[0]
