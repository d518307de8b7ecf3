"""What a demo is played with comes up, also where somebody is faster."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.demo.cast import Cast, _mailbox

KILLED = """
import os, signal, sys
from pathlib import Path
from service.demo.cast import Cast, _outside, free_port

made = Cast(Path(sys.argv[1]), dict(os.environ), "http://127.0.0.1:1", free_port(), "a password for one test")
_outside(made)
print(*[one.pid for one in made.processes.values()], made.practice.process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_mailbox_whose_port_was_taken_opens_on_another(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        made = Cast(tmp_path, dict(os.environ), "http://127.0.0.1:1", port, "a password for one test")
        try:
            _mailbox(made)
            assert made.imap_port != port
            socket.create_connection(("127.0.0.1", made.imap_port), 5).close()
        finally:
            made.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_what_a_demo_has_started_ends_with_it_even_where_it_is_killed(tmp_path: Path) -> None:
    """Providers and mailboxes that nobody knows of would hold their ports."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, timeout=120
    )
    started = [int(one) for one in done.stdout.split()]
    assert done.returncode == -signal.SIGKILL and len(started) == 3
    until = time.monotonic() + 60
    while any(_lives(pid) for pid in started):
        assert time.monotonic() < until, "it lives on"
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
