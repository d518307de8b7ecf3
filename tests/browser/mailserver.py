"""A mail server of the tests' own, a process on loopback: what it accepts lies in a Maildir, which says what went out.

`python -m tests.browser.mailserver FOLDER` prints the port it chose, takes letters for anybody, and ends on SIGTERM.
What an address begins with asks for trouble: `nobody` is refused, `drop` is kept but the line breaks before the
answer, and `slow` waits until the test opens the gate.
"""

from __future__ import annotations

import asyncio
import mailbox
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

PATIENCE_S = 60.0
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class MailServer:
    """Where it listens, and what it took."""

    port: int
    folder: Path

    def letters(self, to: str) -> list[EmailMessage]:
        """What lies in the mailbox of this address, oldest first."""
        return [one for one in self.every_letter() if one["X-Delivered-To"] == to]

    def every_letter(self) -> list[EmailMessage]:
        """What lies in all mailboxes, oldest first."""
        kept = list(mailbox.Maildir(self.folder))
        found = [message_from_bytes(one.as_bytes(), policy=policy.default) for one in kept]
        return sorted(found, key=lambda one: int(one["X-Taken"]))

    def letter(self, to: str, n: int = 1) -> EmailMessage:
        """The letter number `n` to this address, as soon as it lies there; AssertionError when it never comes."""
        deadline = time.monotonic() + PATIENCE_S
        while len(found := self.letters(to)) < n:
            assert time.monotonic() < deadline, f"{len(found)} letters came to {to}, not {n}"
            time.sleep(0.1)
        return found[n - 1]

    def open_gate(self) -> None:
        """Let the slow ones through from now on."""
        _gate(self.folder).touch()


class Door:
    """What happens to a letter: it lies in the mailbox before the sender hears that it was taken."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._box, self._count = folder, mailbox.Maildir(folder), 0

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Take everybody who is somebody."""
        if address.startswith("nobody"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 known"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        """Keep one copy for each mailbox."""
        for address in envelope.rcpt_tos:
            while address.startswith("slow") and not _gate(self._folder).exists():
                await asyncio.sleep(0.05)
            self._count += 1
            head = f"X-Delivered-To: {address}\r\nX-Taken: {self._count}\r\n".encode()
            self._box.add(head + envelope.content)
            if address.startswith("drop"):
                server.transport.abort()
        return "250 2.0.0 taken"


@contextmanager
def mail_server(folder: Path) -> Iterator[MailServer]:
    """A server with an empty mailbox in `folder`, until the end of the block."""
    command = [sys.executable, "-m", "tests.browser.mailserver", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield MailServer(int(process.stdout.readline()), folder)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def text_of(letter: EmailMessage) -> str:
    """The plain words of a letter."""
    part = letter.get_body(("plain",))
    assert part is not None
    words: str = part.get_content()
    return words


def _gate(folder: Path) -> Path:
    return folder.with_name("open")


def main() -> None:
    """Serve until told to end."""
    asyncio.run(_serve(Door(Path(sys.argv[1]))))


async def _serve(door: Door) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await loop.create_server(lambda: SMTP(door, hostname="mail.example"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    main()
