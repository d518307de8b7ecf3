"""What a demo is played with comes up, also where somebody is faster."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from service.demo.cast import Cast, _mailbox


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
