"""Reads a server from inside: bundles, CLIXML, IIS configuration; opens nothing for writing.

bundle.py    a folder, a zip or single files, as members with limits
clixml.py    what Export-Clixml wrote -> PsObject
markup.py    plain XML -> XmlElement, without DTD, entities or network
certificates.py, diagnostics.py  what an export carries in a form of its own
registry.py  registry.json of the collector -> Registry
iis/         applicationHost.config and web.config: rules, inheritance, what holds where
state.py     the files of a bundle -> ServerState
"""
