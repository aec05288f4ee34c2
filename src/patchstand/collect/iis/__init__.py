"""Reads the configuration of IIS: what each file says, and what holds where after inheritance.

host.py     applicationHost.config -> IisConfig
belongs.py  which web.config belongs to which virtual directory, by its name or path
layers.py   the files and `<location>` elements that have a say at a place, in their order
inherit.py  sections over layers: attributes, `<clear/>`, `<remove>`, locks
rules.py    URL Rewrite rules over layers -> RuleSet
read.py     all of it for one bundle

Facts on the order of inheritance: Microsoft Learn, "IIS configuration reference" (location
tags, overrideMode, inheritInChildApplications) and "URL Rewrite Module Configuration
Reference"; own web.config before applicationHost's location before the parent.
"""
