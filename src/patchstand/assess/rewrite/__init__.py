"""What IIS' URL Rewrite module does with a request, by its rules alone; pure.

pattern.py   ECMAScript regular expressions, wildcards and exact texts -> a program
machine.py   runs a program over a text, within a limit of steps
template.py  `{R:1}`, `{C:1}`, `{HTTP_COOKIE}`, `{UrlDecode:{REQUEST_URI}}`, maps
evaluate.py  rules and a request -> what happens

What cannot be evaluated (files on the disk, providers, tags of a body, a pattern that is no
ECMAScript, too many steps) is told as such, never as "no effect".
Source of the rules: Microsoft Learn, "URL Rewrite Module Configuration Reference" and
"URL Rewrite Module 2.0 Configuration Reference"; ECMA-262, third edition, section 15.10.
"""
