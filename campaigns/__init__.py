"""The domain: who, what was agreed, what goes out, getting it out, what came back.

Rules: a room reads only rooms before it; what a room must ask of a later one is registered here.
"""

from .delivery import accounts, costs, missed, release, rollout, stops
from .messages import blockers, content, media, messages, pair, quiet, templates
from .responses import intents
from .stakeholders import segments

messages.on_accounts(accounts.one_each)
blockers.register(accounts.obstacles)
blockers.register(costs.obstacles)
blockers.register(stops.obstacles)
blockers.register(missed.obstacles)
blockers.register(rollout.obstacles)
blockers.register(pair.obstacles)
blockers.register(quiet.obstacles)
content.on_change(release.words_changed)  # before the message is settled on its new words
content.on_change(messages.content_changed)
content.on_change(media.content_changed)
segments.register_fact("intent", intents.FACT)
segments.on_change(release.rule_changed)  # before the message is settled on its new audience
segments.on_change(messages.rule_changed)
templates.on_approve(messages.template_approved)
