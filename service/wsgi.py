"""The WSGI application for any server: `granian --interface wsgi service.wsgi:app`."""

from . import garbage
from .app import create_app

garbage.set_aside()
app = create_app()
