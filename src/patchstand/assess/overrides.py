"""Setting overrides: what a server applies, read once for all checks.

What the server itself lists (`Get-ExchangeDiagnosticInfo`, component VariantConfiguration) is
what holds. What the directory lists (`Get-SettingOverride`) is used where the server's own
list is absent or empty, unless it was refused, or is meant for other servers or builds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from patchstand.assess.inside import Inside
from patchstand.assess.values import exchange_build, texts, truth
from patchstand.model.inside import PsObject, Reading, ServerState, XmlElement, shown

ON_SERVER = "GetExchangeDiagnosticInfo_ADTopVariantConfiguration"
IN_DIRECTORY = "GetSettingOverride"
_LIST = "Components/VariantConfiguration/Overrides"


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter of one override. `holds` False: the server does not list it (yet)."""

    override: str
    component: str
    section: str
    parameter: str
    value: str
    holds: bool
    reading: Reading

    @property
    def switch(self) -> bool | None:
        """True or False where the value is one."""
        return truth(self.value)


@dataclass(frozen=True, slots=True)
class Overrides:
    """All settings for this server, of the server's own list first."""

    settings: tuple[Setting, ...]
    read: tuple[Reading, ...]

    def of(self, component: str, section: str, parameter: str | None = None) -> "list[Setting]":
        """The settings of a section, in any case; of one parameter where it is named."""
        wanted = (component.lower(), section.lower())
        return [
            each
            for each in self.settings
            if (each.component.lower(), each.section.lower()) == wanted
            and (parameter is None or each.parameter.lower() == parameter.lower())
        ]

    def says(
        self, component: str, section: str, parameter: str, value: bool
    ) -> "tuple[Setting, ...]":
        """Where a switch is set to a value."""
        found = self.of(component, section, parameter)
        return tuple(each for each in found if each.switch is value)


def overrides(inside: Inside) -> Overrides | None:
    """The overrides of a server; None when neither list was exported."""
    state = inside.state
    own = _own_list(state)
    listed = tuple(_on_server(state)) if own is not None else ()
    read = [own] if own is not None else []
    if state.has(IN_DIRECTORY):
        file = state.exports[IN_DIRECTORY.lower()].file
        found = [*_in_directory(inside, holds=own is None)]
        read.append(Reading(file, "count", str(len(state.objects(IN_DIRECTORY)))))
        if not listed:
            return Overrides(tuple(found), tuple(read))
    return Overrides(listed, tuple(read)) if read else None


def _own_list(state: ServerState) -> Reading | None:
    """That the server listed its overrides, even if there are none."""
    markup = state.markup.get(ON_SERVER.lower())
    if markup is None:
        return None
    found = next(markup.root.under(_LIST), None)
    if found is None:
        return None
    count = sum(1 for _ in found.all("SettingOverride"))
    return Reading(markup.file, f"{_LIST}/SettingOverride (count)", str(count))


def _on_server(state: ServerState) -> Iterator[Setting]:
    markup = state.markup[ON_SERVER.lower()]
    for number, override in enumerate(markup.root.under(f"{_LIST}/SettingOverride"), 1):
        if _text(override, "Status") != "Accepted":
            continue
        for parameter in override.under("Parameters/Parameter"):
            name, _, value = parameter.text.partition("=")
            path = f"SettingOverride[{number}]/Parameters"
            yield Setting(
                override=_text(override, "Name"),
                component=_text(override, "ComponentName"),
                section=_text(override, "SectionName"),
                parameter=name.strip(),
                value=value.strip(),
                holds=True,
                reading=Reading(markup.file, path, parameter.text),
            )


def _text(element: XmlElement, tag: str) -> str:
    found = element.first(tag)
    return found.text if found else ""


def _in_directory(inside: Inside, *, holds: bool) -> Iterator[Setting]:
    for override in inside.state.objects(IN_DIRECTORY):
        is_refused = override.has("Status") and shown(override.get("Status")) != "Accepted"
        if is_refused or not _applies(inside, override):
            continue
        for said in texts(override.get("Parameters")):
            name, _, value = said.partition("=")
            file = inside.state.exports[IN_DIRECTORY.lower()].file
            title = shown(override.get("Name"))
            yield Setting(
                override=title,
                component=shown(override.get("ComponentName")),
                section=shown(override.get("SectionName")),
                parameter=name.strip(),
                value=value.strip(),
                holds=holds,
                reading=Reading(file, f"{title} Parameters", said),
            )


def _applies(inside: Inside, override: PsObject) -> bool:
    """Meant for this server and this build; a bound that nobody can read does not exclude."""
    servers = {name.partition(".")[0].lower() for name in texts(override.get("Server"))}
    names = inside.state.reading("GetExchangeServer", "Name")
    if servers and names is not None and names.value.lower() not in servers:
        return False
    build = inside.build
    least, most = (exchange_build(override.get(name)) for name in ("MinVersion", "MaxVersion"))
    if build is None:
        return True
    return not ((least is not None and build < least) or (most is not None and build > most))
