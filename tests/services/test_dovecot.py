"""A real Dovecot: IMAP and POP of another product."""

import contextlib
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.conftest import Check
from tests.services.servers import certificate, free_port, program, started

pytestmark = pytest.mark.services

CONFIGURATION = """
protocols = imap pop3
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
instance_name = patchstand-test
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {group}
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = {hide}
login_trusted_networks =
auth_mechanisms = plain login
passdb {{
  driver = static
  args = nopassword=n password=never
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


@contextlib.contextmanager
def dovecot(folder: Path, *, hide: str = "no") -> Iterator[str]:
    """Run Dovecot; IMAP and POP as a target."""
    imap, pop = free_port(), free_port()
    certificate(folder)
    (folder / "run").mkdir()
    root = os.geteuid() == 0
    me = pwd.getpwuid(os.geteuid()).pw_name
    text = CONFIGURATION.format(
        folder=folder,
        imap=imap,
        pop=pop,
        hide=hide,
        internal="dovecot" if root else me,
        group="dovecot" if root else me,
        login="dovenull" if root else me,
    )
    (folder / "dovecot.conf").write_text(text)
    command = [program("dovecot"), "-F", "-c", str(folder / "dovecot.conf")]
    with started(command, [imap, pop], folder):
        yield f"127.0.0.1 imap={imap} pop={pop}"


def test_dovecot_is_named_and_is_no_exchange_server(folder: Path, check: Check) -> None:
    """IMAP and POP answer, both are named Dovecot, their capabilities tell the log-in methods."""
    with dovecot(folder) as target:
        checked = check(target)

    assert checked.code == 0
    assert checked.server["outcome"] == "answered"
    assert checked.server["requests"] == 2
    assert checked.server["is_exchange"] is False
    assert checked.server["class"] is None
    assert all("Dovecot" in node["identity"]["look_alike"] for node in checked.server["nodes"])
    for service in ("imap", "pop"):
        exposure = checked.exposure(service)
        assert exposure["status"] == "answered"
        assert exposure["login_methods"] == ["PLAIN", "LOGIN"]


def test_each_mailbox_service_is_named_alone(folder: Path, check: Check) -> None:
    """Asked for one service only, IMAP or POP suffices to name Dovecot."""
    with dovecot(folder) as target:
        address, *services = target.split()
        seen = [check(f"{address} {service}") for service in services]

    assert [one.identity["look_alike"] for one in seen] == [seen[0].identity["look_alike"]] * 2
    assert [one.server["requests"] for one in seen] == [1, 1]


def test_smtp_asked_where_imap_answers(folder: Path, check: Check) -> None:
    """Another protocol on the asked port is told apart: no identity, and no crash."""
    with dovecot(folder) as target:
        port = target.partition("imap=")[2].split()[0]
        checked = check(f"127.0.0.1 smtp={port}", "--timeout", "5")

    assert checked.server["outcome"] in {"protocol_error", "timed_out"}
    assert checked.server["is_exchange"] is None
