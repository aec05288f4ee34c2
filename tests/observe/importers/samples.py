"""Sample files in the documented formats; addresses and names are those of RFC 5737 and 2606."""

import json
from pathlib import Path

from patchstand.model.record import Record, Rejected
from patchstand.observe.importer import Importer

SHADOWSERVER_COLUMNS = (
    "timestamp", "severity", "ip", "protocol", "port", "hostname", "tag", "asn", "geo", "region",
    "city", "naics", "hostname_source", "sector", "version", "servername", "url",
)  # fmt: skip
SHADOWSERVER_COLUMNS_2021 = (
    "timestamp", "ip", "port", "hostname", "tag", "asn", "geo", "region", "city", "naics", "sic",
    "sector", "version", "servername", "url",
)  # fmt: skip


def shadowserver_row(**values: str) -> dict[str, str]:
    """One row of the report; the values given replace the usual ones."""
    usual = {
        "timestamp": "2026-11-20 03:14:15",
        "severity": "critical",
        "ip": "192.0.2.7",
        "protocol": "tcp",
        "port": "443",
        "hostname": "mail.example.org",
        "tag": "exchange;cve-2021-26855",
        "asn": "64500",
        "geo": "DE",
        "region": "BAYERN",
        "city": "MUENCHEN",
        "naics": "517311",
        "sic": "481302",
        "hostname_source": "ptr",
        "sector": "Government",
        "version": "15.2.721",
        "servername": "EX01",
        "url": "https://192.0.2.7/owa/",
    }
    return usual | values


def csv_line(values: list[str]) -> str:
    """All fields quoted, as Shadowserver writes them."""
    return ",".join('"' + value.replace('"', '""') + '"' for value in values) + "\n"


def shadowserver_report(
    *rows: dict[str, str], columns: tuple[str, ...] = SHADOWSERVER_COLUMNS
) -> str:
    """A whole report."""
    lines = [csv_line(list(columns))]
    return "".join(lines + [csv_line([row[name] for name in columns]) for row in rows])


NMAP = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE nmaprun>
<?xml-stylesheet href="file:///usr/share/nmap/nmap.xsl" type="text/xsl"?>
<nmaprun scanner="nmap" args="nmap -oX" start="1795000000" version="7.93" xmloutputversion="1.05">
<scaninfo type="connect" protocol="tcp" numservices="3" services="25,443,8443"/>
<host starttime="1795000001" endtime="1795000060"><status state="up" reason="syn-ack"/>
<address addr="192.0.2.10" addrtype="ipv4"/>
<address addr="00:00:5E:00:53:01" addrtype="mac"/>
<hostnames><hostname name="mail.example.org" type="user"/></hostnames>
<ports>
<port protocol="tcp" portid="25"><state state="open" reason="syn-ack"/>
<service name="smtp" product="Microsoft Exchange smtpd" method="probed" conf="10"/>
<script id="smtp-commands" output="mail.example.org Hello [192.0.2.9], SIZE 37748736, CHUNKING, \
SMTPUTF8, XRDST&#xa; This server supports the following commands: HELO EHLO"/></port>
<port protocol="tcp" portid="143"><state state="open" reason="syn-ack"/>
<service name="imap" product="Microsoft Exchange 2007-2010 imapd" method="probed" conf="10"/>
<script id="imap-capabilities" output="IMAP4 IMAP4rev1 MOVE ID UNSELECT IDLE"/></port>
<port protocol="tcp" portid="443"><state state="open" reason="syn-ack"/>
<service name="http" tunnel="ssl" product="Microsoft IIS httpd" version="10.0" method="probed"/>
<script id="http-headers" output="&#xa;  Server: Microsoft-IIS/10.0&#xa;  X-OWA-Version: \
15.2.1118.40&#xa;  X-FEServer: EX01&#xa;  &#xa;  (Request type: GET)&#xa;"/>
<script id="ssl-cert" output="Subject: commonName=mail.example.org"><elem key="pem">\
-----BEGIN CERTIFICATE-----
Y2VydGlmaWNhdGU=
-----END CERTIFICATE-----
</elem></script></port>
<port protocol="tcp" portid="8443"><state state="filtered" reason="no-response"/>
<service name="https-alt" method="table" conf="3"/></port>
<port protocol="tcp" portid="22"><state state="open" reason="syn-ack"/>
<service name="ssh" product="OpenSSH" method="probed"/></port>
</ports></host>
<host starttime="1795000061" endtime="1795000070"><status state="up" reason="syn-ack"/>
<address addr="2001:DB8::0:1" addrtype="ipv6"/>
<ports><port protocol="tcp" portid="443"><state state="closed" reason="conn-refused"/>
<service name="https" method="table" conf="3"/></port></ports></host>
<runstats><finished time="1795000080"/></runstats>
</nmaprun>
"""


def zgrab2_line(**fields: object) -> str:
    """One line of zgrab2's output."""
    return json.dumps(fields) + "\n"


def zgrab2_module(status: str = "success", **fields: object) -> dict[str, object]:
    """What one module reports."""
    return {"status": status, "timestamp": "2026-11-20T10:15:30Z"} | fields


def zgrab2_reply(host: str, **fields: object) -> dict[str, object]:
    """One reply of the module http, from `host`."""
    url = {"scheme": "https", "host": host, "path": "/owa/"}
    usual = {
        "status_line": "302 Found",
        "status_code": 302,
        "protocol": "HTTP/1.1",
        "headers": {
            "server": ["Microsoft-IIS/10.0"],
            "unknown": [{"key": "x_owa_version", "value": ["15.2.1118.40"]}],
        },
        "request": {"url": url, "method": "GET"},
    }
    return usual | fields


ZGRAB2 = zgrab2_line(
    ip="192.0.2.20",
    domain="mail.example.org",
    data={
        "http": zgrab2_module(
            protocol="http", port=443, result={"response": zgrab2_reply("mail.example.org")}
        ),
        "tls": zgrab2_module(
            protocol="tls",
            port=443,
            result={
                "handshake_log": {
                    "server_certificates": {"certificate": {"raw": "Y2VydGlmaWNhdGU="}}
                }
            },
        ),
        "smtp": zgrab2_module(
            protocol="smtp",
            port=25,
            result={
                "banner": "220 mail.example.org Microsoft ESMTP MAIL Service ready at Fri\r\n",
                "ehlo": "250-EX01 Hello\r\n250-CHUNKING\r\n250-SMTPUTF8\r\n250 XRDST\r\n",
            },
        ),
    },
) + zgrab2_line(
    ip="192.0.2.21",
    data={"pop3": zgrab2_module("connection-timeout", error="dial tcp: i/o timeout")},
)

EX01 = (
    "Received: from EX02.example.org (2001:db8::2) by EX01.example.org\r\n"
    " (2001:db8::1) with Microsoft SMTP Server (version=TLS1_2,\r\n"
    " cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.2.1118.40; Fri, 20 Nov 2026\r\n"
    " 10:00:05 +0100\r\n"
)
EX02 = (
    "Received: from EX02.example.org ([192.0.2.2]) by EX02.example.org ([192.0.2.2]) with mapi\r\n"
    " id 15.1.2507.039; Fri, 20 Nov 2026 10:00:04 +0100\r\n"
)
ONLINE = (
    "Received: from AM0PR0101.eurprd01.prod.outlook.com by AM0PR0102.eurprd01.prod.outlook.com\r\n"
    " with Microsoft SMTP Server (version=TLS1_3) id 15.20.9000.1;\r\n"
    " Fri, 20 Nov 2026 09:00:00 +0000\r\n"
)
POSTFIX = (
    "Received: from a.example.net (a.example.net [192.0.2.3])\r\n"
    "\tby mx.example.net (Postfix) with ESMTPS id 4ABC for <alice@example.org>;\r\n"
    "\tFri, 20 Nov 2026 09:00:00 +0000 (UTC)\r\n"
)


def mail(*received: str, body: str = "Hello,\r\nReceived: by hand\r\n") -> str:
    """One mail."""
    fields = "From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: secret\r\n"
    return "".join(received) + fields + "\r\n" + body


COLLECTED = """
Name                : EX01
AdminDisplayVersion : Version 15.2 (Build 1118.7)

Name                : EX02
AdminDisplayVersion : Version 15.1 (Build 2507.6)

"""
HEALTH_CHECKER = {
    "HealthCheckerExchangeServer": {
        "ServerName": "EX03.example.org",
        "GenerationTime": "2026-11-20T10:00:00+01:00",
        "ExchangeInformation": {
            "BuildInformation": {"ExchangeSetup": {"FileVersion": "15.02.1748.036"}}
        },
    }
}


def read(
    importer: Importer, folder: Path, content: str | bytes, name: str = "file"
) -> tuple[list[Record], list[Rejected]]:
    """The good and the rejected rows of a file with this content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    rows = list(importer.read(path))
    good = [row for row in rows if isinstance(row, Record)]
    return good, [row for row in rows if isinstance(row, Rejected)]
