"""A post office on this machine: Postfix takes and hands on mail, Dovecot keeps it; two domains, a mailbox for each.

Rules: whatever comes to a domain lies in its one mailbox, plus addresses too. Mail for a third domain goes to a server
that refuses every recipient, so Postfix itself writes a report to whoever sent it.
Source: postconf(5), master(5) of Postfix 3.7; Dovecot 2.3.
"""

from __future__ import annotations

import imaplib
import shutil
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.connectors import relay
from tests.postgres import end_with_us

from .ports import free_port, wait_for

OURS, PEOPLE, REFUSING = "cyngor.test", "pobl.test", "reject.test"
PASSWORD = "a-password-of-its-own"
DAEMONS = "/usr/lib/postfix/sbin"

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {daemons}
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
myhostname = mx.cyngor.test
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = {ours}, {people}
virtual_mailbox_maps = static:ok
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
transport_maps = inline:{{{refusing}=smtp:[127.0.0.1]:{refuses}}}
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
"""
# `postfix start-fg` does not end the server when it is ended itself; and the server changes users, which makes it
# forget whose death is to end it. This sees to both.
TETHER = 'trap \'kill "$server"\' INT TERM; setsid "$@" & server=$!; wait "$server"; wait "$server"'
# name, type, private, unprivileged, chroot, wakeup, limit, program
MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%d
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""


@dataclass(frozen=True)
class PostOffice:
    """Where it listens."""

    smtp: int
    imap: int

    def settings(self) -> dict[str, object]:
        """The account of the council."""
        return {
            "host": "127.0.0.1", "port": self.smtp, "security": "off", "inbox_domain": OURS,
            "imap_host": "127.0.0.1", "imap_port": self.imap, "imap_security": "off", "imap_username": f"helo@{OURS}",
        }  # fmt: skip

    def mails(self, domain: str) -> list[bytes]:
        """Everything in the mailbox of a domain, as it lies there."""
        with imaplib.IMAP4("127.0.0.1", self.imap) as box:
            box.login(f"helo@{domain}", PASSWORD)
            box.select("INBOX", readonly=True)
            found = box.uid("FETCH", "1:*", "(BODY.PEEK[])")[1]
        return [one[1] for one in found if isinstance(one, tuple)]

    def post(self, sender: str, to: str, raw: bytes) -> None:
        """Somebody's own program hands over a mail."""
        with smtplib.SMTP("127.0.0.1", self.smtp) as server:
            server.sendmail(sender, [to], raw, ["BODY=8BITMIME"])


@contextmanager
def running() -> Iterator[PostOffice]:
    """A post office with empty mailboxes; it ends with the block."""
    with ExitStack() as stack:
        refuses = stack.enter_context(
            relay.running(steps={"RCPT": "550 5.1.1 nobody of that name lives here"})
        )
        # A folder of their own, which servers that give up root's rights may walk through.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dolen-post-")))
        folder.chmod(0o755)
        values = {
            "folder": folder, "daemons": DAEMONS, "password": PASSWORD, "ours": OURS, "people": PEOPLE,
            "refusing": REFUSING, "refuses": refuses.port,
            **{name: free_port() for name in ("smtp", "imap", "lmtp")},
        }  # fmt: skip
        stack.enter_context(_dovecot(folder, values))
        stack.enter_context(_postfix(folder, values))
        yield PostOffice(int(str(values["smtp"])), int(str(values["imap"])))


@contextmanager
def _dovecot(folder: Path, values: dict[str, object]) -> Iterator[None]:
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", "mail", "mail")
    configuration = folder / "dovecot.conf"
    configuration.write_text(DOVECOT.format(**values), encoding="utf-8")
    server = subprocess.Popen(["dovecot", "-F", "-c", str(configuration)], preexec_fn=end_with_us())
    with _until_the_end(server, int(str(values["imap"]))):
        yield


@contextmanager
def _postfix(folder: Path, values: dict[str, object]) -> Iterator[None]:
    for name in ("queue", "data", "postfix"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    (folder / "postfix" / "main.cf").write_text(MAIN.format(**values), encoding="utf-8")
    (folder / "postfix" / "master.cf").write_text(MASTER.format(**values), encoding="utf-8")
    with open(folder / "postfix" / "log", "wb") as log:
        told: dict[str, Any] = {"stdout": log, "stderr": log}
        subprocess.run(["postfix", "-c", str(folder / "postfix"), "check"], check=True, **told)
        command = ["sh", "-c", TETHER, "sh", f"{DAEMONS}/master", "-s", "-c", str(folder / "postfix")]
        server = subprocess.Popen(command, preexec_fn=end_with_us(), **told)
    with _until_the_end(server, int(str(values["smtp"]))):
        yield


@contextmanager
def _until_the_end(server: subprocess.Popen[bytes], port: int) -> Iterator[None]:
    try:
        wait_for(port, server)
        yield
    finally:
        server.terminate()
        server.wait(30)
