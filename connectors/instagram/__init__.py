"""Instagram: posts of one or several pictures by a professional account, and who comments or mentions it.

Instagram fetches the pictures itself, and keeps no key of ours: what may have gone is looked for by its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from .. import hosted, meta, signatures
from ..api import BadSettings, Connector, Findable, Limits, Provider, Setting, app_of
from . import login
from .events import hear, read
from .metrics import metrics
from .poll import poll
from .send import find, send, verify

BASE_URL = login.BASE_URL
LIMITS = Limits(
    text_max=2200,
    media_min=1,
    media_max=10,
    media_types=("image/jpeg",),
    media_bytes_max=8_000_000,
    alt_max=1000,
    in_flight=1,
    per_day=100,
    deadline_s=60.0,
    poll_every_s=300.0,
)
REPEATS = Findable(visible_within_s=60.0, exact=False)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One professional account. BadSettings; nothing is connected to yet."""
    _check(settings)
    door = hosted.door(settings, BASE_URL, secrets=secrets.values(), size_max=5_000_000)
    user_id, token = settings["user_id"], secrets.get("access_token", "")
    graph = meta.Graph(door, login.address(settings), token)
    return Connector(
        name=PROVIDER.name,
        channel="instagram",
        broadcast=True,
        limits=LIMITS,
        repeats=REPEATS,
        verify=partial(verify, graph, user_id),
        send=partial(send, graph, user_id),
        find=partial(find, graph, user_id),
        hooks=partial(
            hear, signatures.held(secrets, "client_secret"), secrets.get("verify_token", ""), user_id
        ),
        read=partial(read, user_id),
        poll=partial(poll, graph, user_id),
        refresh=partial(login.refresh, door, settings, token) if token else None,
        metrics=partial(metrics, graph),
        api=settings["version"],
        app=app_of(settings["client_id"]),
        place=f"{settings['base_url']} {user_id}",
        close=door.close,
    )


def _check(settings: Mapping[str, Any]) -> None:
    wrong = hosted.problems(settings, BASE_URL)
    if settings["user_id"] and not (settings["user_id"].isascii() and settings["user_id"].isdecimal()):
        wrong["user_id"] = "is the account's number, not its name"
    if not meta.is_version(settings["version"]):
        wrong["version"] = "is a version of Meta's interface, such as v24.0"
    if wrong:
        raise BadSettings(wrong)


PROVIDER = Provider(
    name="instagram",
    channels=("instagram",),
    about="Instagram: posts of pictures by a professional account; comments and mentions.",
    settings=(
        Setting("client_id", "the id of the Instagram app at Meta", required=True),
        Setting("client_secret", "the app's secret, which also proves its calls", required=True, secret=True),
        Setting(
            "old_client_secret",
            "the app's secret before, which proves calls while it is changed",
            secret=True,
        ),
        Setting("user_id", "the account's number at Instagram; signing in finds it", default=""),
        Setting("access_token", "the account's token", secret=True),
        Setting("verify_token", "a word of yours that Meta names when it is told where to call", secret=True),
        Setting("version", "the version of Meta's interface that is spoken", default=meta.VERSION),
        *hosted.settings(BASE_URL, LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="findable",
    faces=("find", "hooks", "poll", "refresh", "metrics"),
    events=("reply", "mention"),
    connect=connect,
    sign_in=login.SIGN_IN,
)
