"""applicationHost.config: sites, pools, native modules, `<location>` elements."""

from collections.abc import Iterator, Mapping

from patchstand.model.iis import (
    Application,
    ApplicationPool,
    Binding,
    GlobalModule,
    IisConfig,
    Location,
    Site,
    VirtualDirectory,
)
from patchstand.model.inside import MarkupFile, XmlElement

_HOST = "system.applicationHost"


def is_host_config(root: XmlElement) -> bool:
    """True when a file is an applicationHost.config, whatever it is called."""
    return root.tag == "configuration" and root.first(_HOST) is not None


def host_config(file: MarkupFile) -> IisConfig:
    """What the file says, before any inheritance."""
    root = file.root
    return IisConfig(
        file=file.file,
        root=root,
        locations=locations(root),
        sites=tuple(_sites(root)),
        pools=tuple(_pools(root)),
        modules=tuple(
            GlobalModule(module.attributes.get("name", ""), module.attributes.get("image", ""))
            for module in root.under("system.webServer/globalModules/add")
        ),
    )


def locations(root: XmlElement) -> tuple[Location, ...]:
    """The `<location>` elements of a file in their order; a missing path is the file's own."""
    return tuple(_location(element) for element in root.all("location"))


def _location(element: XmlElement) -> Location:
    said = element.attributes
    override = said.get("overrideMode", "Inherit")
    if said.get("allowOverride", "").lower() == "false":  # the older spelling
        override = "Deny"
    path = said.get("path", "").replace("\\", "/").strip("/")
    return Location(
        path="" if path == "." else path,
        element=element,
        override=override,
        inherits=said.get("inheritInChildApplications", "true").lower() != "false",
    )


def _sites(root: XmlElement) -> Iterator[Site]:
    for sites in root.under(f"{_HOST}/sites"):
        defaults = _hsts(sites.first("siteDefaults"))
        pool = _default_pool(sites)
        for site in sites.all("site"):
            own = _hsts(site)
            yield Site(
                name=site.attributes.get("name", ""),
                applications=tuple(_application(each, pool) for each in site.all("application")),
                bindings=tuple(_bindings(site)),
                hsts={**(defaults or {}), **(own or {})} if own or defaults else None,
            )


def _default_pool(sites: XmlElement) -> str:
    found = sites.first("applicationDefaults")
    return found.attributes.get("applicationPool", "") if found else ""


def _hsts(owner: XmlElement | None) -> Mapping[str, str] | None:
    found = owner.first("hsts") if owner else None
    return found.attributes if found else None


def _application(element: XmlElement, default_pool: str) -> Application:
    return Application(
        path=element.attributes.get("path", "/"),
        pool=element.attributes.get("applicationPool", default_pool),
        directories=tuple(
            VirtualDirectory(
                each.attributes.get("path", "/"), each.attributes.get("physicalPath", "")
            )
            for each in element.all("virtualDirectory")
        ),
    )


def _bindings(site: XmlElement) -> Iterator[Binding]:
    for binding in site.under("bindings/binding"):
        said = binding.attributes
        yield Binding(said.get("protocol", ""), said.get("bindingInformation", ""))


def _pools(root: XmlElement) -> Iterator[ApplicationPool]:
    for pools in root.under(f"{_HOST}/applicationPools"):
        defaults, times = _restart(pools.first("applicationPoolDefaults"))
        for pool in pools.all("add"):
            own, own_times = _restart(pool)
            yield ApplicationPool(
                pool.attributes.get("name", ""), {**defaults, **own}, (*times, *own_times)
            )


def _restart(owner: XmlElement | None) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Attributes of `recycling/periodicRestart`, and the times of day of its schedule."""
    found = next(owner.under("recycling/periodicRestart"), None) if owner else None
    if found is None:
        return {}, ()
    times = tuple(each.attributes.get("value", "") for each in found.under("schedule/add"))
    return found.attributes, times
