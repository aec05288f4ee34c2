"""The configuration of IIS: sites, pools, modules, and what holds at each place."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from patchstand.model.markup import Reading, XmlElement
from patchstand.model.rewrite import RuleSet


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a site listens; `information` reads `ADDRESS:PORT:NAME` for http and https."""

    protocol: str
    information: str

    @property
    def port(self) -> str:
        """The port, empty where there is none (`net.pipe`)."""
        parts = self.information.rsplit(":", 2)
        return parts[1] if len(parts) == 3 else ""


@dataclass(frozen=True, slots=True)
class VirtualDirectory:
    """A path of an application (`/` is its root) and the folder it shows."""

    path: str
    physical_path: str


@dataclass(frozen=True, slots=True)
class Application:
    """An application of a site: its path, pool and virtual directories."""

    path: str
    pool: str
    directories: tuple[VirtualDirectory, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """A site; `hsts`: the attributes of its native HSTS setting, None where it has none."""

    name: str
    applications: tuple[Application, ...]
    bindings: tuple[Binding, ...]
    hsts: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ApplicationPool:
    """A pool, when it restarts by itself: attributes of `periodicRestart`, and times of day."""

    name: str
    restart: Mapping[str, str]
    schedule: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GlobalModule:
    """A native module that IIS loads; `image` is its file."""

    name: str
    image: str


@dataclass(frozen=True, slots=True)
class Location:
    """One `<location>` of a file.

    `path`: as written, without slashes at its ends; `override`: Allow, Deny or Inherit;
    `inherits` False: child applications do not get it. `element` holds the sections.
    """

    path: str
    element: XmlElement
    override: str = "Inherit"
    inherits: bool = True


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A web.config; `places`: the paths it belongs to, as `Default Web Site/owa`.

    Several applications can show one folder; `places` is empty where the file's name and
    path do not say where it belongs.
    """

    file: str
    places: tuple[str, ...]
    root: XmlElement
    locations: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class IisConfig:
    """What applicationHost.config says; `root` is its `configuration` element."""

    file: str
    root: XmlElement
    locations: tuple[Location, ...] = ()
    sites: tuple[Site, ...] = ()
    pools: tuple[ApplicationPool, ...] = ()
    modules: tuple[GlobalModule, ...] = ()

    def site(self, name: str) -> Site | None:
        """The site of a name, in any case."""
        return next((site for site in self.sites if site.name.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Entry:
    """A member of a collection such as `customHeaders`; names of attributes in lower case."""

    attributes: Mapping[str, str]
    read: Reading

    def get(self, name: str) -> str:
        """An attribute, empty where it is not set."""
        return self.attributes.get(name.lower(), "")


@dataclass(frozen=True, slots=True)
class Place:
    """What holds at one virtual directory after inheritance.

    `settings`: by `section@attribute` in lower case (`security/access@sslflags`).
    `entries`: the members of collections by section (`httpprotocol/customheaders`).
    `unread`: files that may change what holds here, and were not in the bundle or could
    not be read. `doubts`: settings of which it is not certain that IIS takes them.
    """

    site: str
    path: str
    physical_path: str = ""
    settings: Mapping[str, Reading] = field(default_factory=dict)
    entries: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    rules: RuleSet = field(default_factory=RuleSet)
    unread: tuple[str, ...] = ()
    doubts: tuple[Reading, ...] = ()

    @property
    def full_path(self) -> str:
        """`Default Web Site/owa`, or only the site for its root."""
        return f"{self.site}/{self.path}" if self.path else self.site

    def setting(self, name: str) -> Reading | None:
        """What an attribute is set to, and where; None where no file sets it."""
        return self.settings.get(name.lower())
