"""Any result -> text, JSON or HTML; renders, never sends.

catalog.py        texts in German and English, dates and numbers
clean.py          makes text that a server said fit for paper and terminal
wording.py        what a value is called: product, level, support, exposure
advice.py         findings, remedies, and what to tell a managing director
terminal.py       what the commands print
html.py           one page for printing and for mail
as_json.py        the documents behind `--json`
"""
