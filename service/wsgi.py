"""The WSGI application for any server: `granian --interface wsgi service.wsgi:app`."""

from . import garbage, leash
from .app import create_app

leash.hold()  # this process is a child of the server
garbage.set_aside()
app = create_app()
