"""Reads a server from inside: bundles, CLIXML, IIS configuration; opens nothing for writing.

bundle.py   a folder, a zip or single files, as members with limits
clixml.py   what Export-Clixml wrote -> PsObject
markup.py   plain XML -> XmlElement, without DTD, entities or network
"""
