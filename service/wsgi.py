"""The WSGI application for any server: `granian --interface wsgi service.wsgi:app`."""

import multiprocessing
import signal

from . import garbage, leash
from .app import create_app

if multiprocessing.parent_process() is not None:
    # A child of the server, killed with it: until it answers it has the server's handlers and would not heed SIGTERM.
    leash.hold(signal.SIGKILL)
garbage.set_aside()
app = create_app()
