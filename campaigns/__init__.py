"""The domain: who, what was agreed, what goes out, getting it out, what came back.

Rules: a room reads only rooms before it; what a room must ask of a later one is registered here.
"""

from .delivery import accounts, release, stops
from .messages import blockers, content
from .messages.messages import content_changed

blockers.register(accounts.obstacles)
blockers.register(stops.obstacles)
content.on_change(release.words_changed)  # before the message is settled on its new words
content.on_change(content_changed)
