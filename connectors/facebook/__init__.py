"""Facebook: posts of a page with pictures or a link, and who comments, mentions, shares or reacts.

Facebook keeps no key of ours: what may have gone is looked for among the page's posts by its words.
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
    text_max=63_206,
    media_max=10,
    media_types=("image/jpeg", "image/png"),
    media_bytes_max=10_000_000,
    in_flight=1,
    deadline_s=60.0,
    poll_every_s=300.0,
)
REPEATS = Findable(visible_within_s=60.0, exact=False)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One page. BadSettings; nothing is connected to yet."""
    _check(settings)
    door = hosted.door(settings, BASE_URL, secrets=secrets.values(), size_max=5_000_000)
    page_id, token = settings["page_id"], secrets.get("access_token", "")
    graph = meta.Graph(door, login.address(settings), token, secrets["client_secret"])
    return Connector(
        name=PROVIDER.name,
        channel="facebook",
        broadcast=True,
        limits=LIMITS,
        repeats=REPEATS,
        verify=partial(verify, graph, page_id),
        send=partial(send, graph, page_id),
        find=partial(find, graph, page_id),
        hooks=partial(
            hear, signatures.held(secrets, "client_secret"), secrets.get("verify_token", ""), page_id
        ),
        read=partial(read, page_id),
        poll=partial(poll, graph, page_id),
        metrics=partial(metrics, graph),
        api=settings["version"],
        app=app_of(settings["client_id"]),
        place=f"{settings['base_url']} {page_id}",
        close=door.close,
    )


def _check(settings: Mapping[str, Any]) -> None:
    wrong = hosted.problems(settings, BASE_URL)
    if not (settings["page_id"].isascii() and settings["page_id"].isdecimal()):
        wrong["page_id"] = "is the page's number, not its name"
    if not meta.is_version(settings["version"]):
        wrong["version"] = "is a version of Meta's interface, such as v24.0"
    if wrong:
        raise BadSettings(wrong)


PROVIDER = Provider(
    name="facebook",
    channels=("facebook",),
    about="Facebook: posts of a page with pictures or a link; comments, mentions, shares and reactions.",
    settings=(
        Setting("page_id", "the page's number at Facebook", required=True),
        Setting("client_id", "the id of the app at Meta", required=True),
        Setting("client_secret", "the app's secret, which also proves its calls", required=True, secret=True),
        Setting(
            "old_client_secret",
            "the app's secret before, which proves calls while it is changed",
            secret=True,
        ),
        Setting("access_token", "the page's token", secret=True),
        Setting("verify_token", "a word of yours that Meta names when it is told where to call", secret=True),
        Setting("version", "the version of Meta's interface that is spoken", default=meta.VERSION),
        *hosted.settings(BASE_URL, LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="findable",
    faces=("find", "hooks", "poll", "metrics"),
    events=("reply", "mention", "like", "boost"),
    connect=connect,
    sign_in=login.SIGN_IN,
)
