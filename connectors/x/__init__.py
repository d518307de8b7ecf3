"""X (formerly Twitter): posts, pictures, threads, mentions and replies, by API v2 with a user's tokens (OAuth 1.0a).

X keeps no key of ours: what may have gone is looked for by its words, which is never exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from .. import hosted
from ..api import AccountGone, BadSettings, Connector, Findable, Limits, Prices, Provider, Setting, app_of
from . import pictures
from .client import HOST, Client
from .metrics import metrics
from .poll import poll
from .send import find, send

# A picture costs what it costs to say what it shows.
PRICES = Prices(
    currency="USD", post=0.015, link=0.2, answer=0.01, picture=0.005,
    source="docs.x.com/x-api/getting-started/pricing, November 2026",
)  # fmt: skip
# X refuses a post that repeats a recent one and does not say how long it remembers: a day is on the safe side.
LIMITS = Limits(
    text_max=280, counting="x", media_max=4, media_types=pictures.TYPES, media_bytes_max=pictures.BYTES_MAX,
    alt_max=pictures.ALT_MAX, parts_max=25, in_flight=1, deadline_s=30.0, same_within_s=86_400, prices=PRICES,
)  # fmt: skip
REPEATS = Findable(visible_within_s=30.0, exact=False)
BASE_URL = f"https://{HOST}"


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One user's account. BadSettings; nothing is connected to yet."""
    _check(settings)
    door = hosted.door(settings, BASE_URL, secrets=secrets.values(), connections=LIMITS.in_flight)
    client = Client(door, settings["base_url"], settings["user_id"], secrets)
    return Connector(
        name=PROVIDER.name,
        channel="x",
        broadcast=True,
        limits=LIMITS,
        repeats=REPEATS,
        verify=partial(_verify, client),
        send=partial(send, client),
        find=partial(find, client),
        poll=partial(poll, client),
        metrics=partial(metrics, client),
        api="2",
        app=app_of(secrets["consumer_key"]),
        place=f"{settings['base_url']} {client.user_id}",
        close=door.close,
    )


def _verify(client: Client) -> None:
    """The tokens work and are those of this user."""
    data = client.read(client.api.get_me).get("data")
    if not isinstance(data, dict) or str(data.get("id")) != client.user_id:
        raise AccountGone("these tokens belong to another user than user_id", code="user_id", phase="answer")


def _check(settings: Mapping[str, Any]) -> None:
    wrong = hosted.problems(settings, BASE_URL)
    if not (settings["user_id"].isascii() and settings["user_id"].isdecimal()):
        wrong["user_id"] = "is the account's number, not its name"
    if wrong:
        raise BadSettings(wrong)


PROVIDER = Provider(
    name="x",
    channels=("x",),
    about="X: posts with pictures, threads, mentions and replies; each post and each reading costs money at X.",
    settings=(
        Setting("user_id", "the account's number at X", required=True),
        Setting("consumer_key", "the app's API key", required=True, secret=True),
        Setting("consumer_secret", "the app's API key secret", required=True, secret=True),
        Setting("access_token", "the user's access token, with read and write", required=True, secret=True),
        Setting("access_token_secret", "its secret", required=True, secret=True),
        *hosted.settings(BASE_URL, LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="findable",
    faces=("find", "poll", "metrics"),
    events=("reply", "mention", "boost"),
    connect=connect,
)
