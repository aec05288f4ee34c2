"""Pages of simulated servers: short texts of our own in the structure of the real ones.

Identification reads the paths, the comments and the titles; the rest is padding, so that a
sign-in page weighs about 15 KB as recorded (15,166 bytes on 2019).
"""

from functools import lru_cache

SIGN_IN_SIZE = 15_000
_MODERN = """\
<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">
<!-- Copyright (c) 2011 Microsoft Corporation.  All rights reserved. -->
<!-- OwaPage = ASP.auth_logon_aspx -->

<!-- {{57A118C6-2DA9-419d-BE9A-F92B0F9A418B}} -->
<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.0 Transitional//EN">
<html>
<head>
<meta http-equiv="X-UA-Compatible" content="IE=10" />
<link rel="shortcut icon" href="{base}/themes/resources/favicon.ico" type="image/x-icon">
<meta http-equiv="Content-Type" content="text/html; CHARSET=utf-8">
<meta name="Robots" content="NOINDEX, NOFOLLOW">
<title>{title}</title>
<style>
@font-face {{
font-family: "Segoe UI WPC";
src: url("{base}/themes/resources/segoeui-regular.eot?#iefix") format("embedded-opentype"),
url("{base}/themes/resources/segoeui-regular.ttf") format("truetype");
}}
{padding}
</style>
<script>var flogon = "{base}/scripts/premium/flogon.js";</script>
</head>
<body class="signInBg">
<form action="{action}" method="POST" name="logonForm" autocomplete="off">
<input type="hidden" name="destination" value="/owa/">
<input type="hidden" name="flags" value="4">
<input type="hidden" name="forcedownlevel" value="0">
<input id="username" name="username" type="text"><input id="password" name="password"
 type="password">
<input name="passwordText" type="text"><input type="hidden" name="isUtf8" value="1">
</form>
</body>
</html>
"""
_CLASSIC = """\
<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.0 Transitional//EN">
<!-- Copyright (c) 2006 Microsoft Corporation.  All rights reserved. -->
<!-- OwaPage = ASP.auth_logon_aspx -->
<html dir="ltr">
<head>
<meta http-equiv="Content-Type" content="text/html; CHARSET=utf-8">
<meta name="Robots" content="NOINDEX, NOFOLLOW">
<title>{title}</title>
<link type="text/css" rel="stylesheet" href="{base}/logon.css">
<link type="text/css" rel="stylesheet" href="{base}/owafont.css">
<link rel="shortcut icon" href="{base}/favicon.ico" type="image/x-icon">
<script type="text/javascript" src="{scripts}/flogon.js"></script>
<style>
{padding}
</style>
</head>
<body class="owaLgnBdy">
<form action="owaauth.dll" method="POST" name="logonForm">
<input type="hidden" name="destination" value="/owa/">
<input type="hidden" name="flags" value="0">
<input id="username" name="username" type="text"><input name="password" type="password">
</form>
</body>
</html>
"""


def _padding(size: int) -> str:
    rows = (f".pad{row:04d} {{ margin: 0; padding: 0 {row % 9}px; }}" for row in range(size // 40))
    return "\n".join(rows)


def _padded(template: str, **values: str) -> bytes:
    return template.format(padding=_padding(SIGN_IN_SIZE - len(template)), **values).encode()


@lru_cache(maxsize=1024)
def modern_sign_in(cu_path: str, title: str) -> bytes:
    """The sign-in page of 2013 and later; `cu_path` such as `15.2.1118`."""
    return _padded(_MODERN, base=f"/owa/auth/{cu_path}", title=title, action="/owa/auth.owa")


@lru_cache(maxsize=1024)
def classic_sign_in(version: str, title: str) -> bytes:
    """The sign-in page of 2007 and 2010; `version` has four parts."""
    folder = "base" if version.startswith("8.") else "resources"
    base = f"/owa/{version}/themes/{folder}"
    return _padded(_CLASSIC, base=base, scripts=f"/owa/{version}/scripts/premium", title=title)


@lru_cache(maxsize=4)
def plain_sign_in() -> bytes:
    """A sign-in page whose version folders an administrator has cut out."""
    return _padded(_MODERN, base="/owa/auth", title="Outlook", action="/owa/auth.owa")


@lru_cache(maxsize=16)
def phishing_copy(victim: str, cu_path: str) -> bytes:
    """A copied sign-in page: the icon of a foreign host, the form goes to a script."""
    base = f"https://{victim}/owa/auth/{cu_path}"
    return _padded(_MODERN, base=base, title="Outlook", action="login.php")


def page(title: str, text: str) -> bytes:
    """A small page of any other product."""
    return (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body>{text}</body></html>\n"
    ).encode()


def manifest(version: str, *, key: str = "b1d1a6c45aa418ce") -> bytes:
    """The ClickOnce manifest of the export tool, which carries the full build."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\r\n<asmv1:assembly'
        ' xmlns:asmv1="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">\r\n'
        '<assemblyIdentity name="microsoft.exchange.ediscovery.exporttool.application"\r\n'
        f' version="{version}" publicKeyToken="{key}" language="neutral"\r\n'
        ' processorArchitecture="msil" xmlns="urn:schemas-microsoft-com:asm.v1" />\r\n'
        "</asmv1:assembly>\r\n"
    ).encode()
