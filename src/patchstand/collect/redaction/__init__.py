"""A bundle without names, for a third party: the same structure, placeholders for who it is.

pseudonyms.py    one placeholder for one name, whatever its kind
harvest.py       first reading: which words of this bundle are names
rewrite.py       second reading: names in a text become placeholders
certificates.py  certificates keep their form and lose their names and keys
files.py         one file of a bundle, CLIXML, configuration or JSON
"""
