"""LinkedIn: posts of an organisation with pictures, and who comments, mentions, shares or likes.

LinkedIn keeps no key of ours and drops repeats, at times while it says yes: what may have gone is looked for by its
words, and what it took is looked at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from .. import hosted, signatures
from ..api import BadSettings, Connector, Findable, Limits, Provider, Setting, app_of
from . import login
from .client import BASE_URL, WEB_HOST, Client
from .hooks import hear, read
from .metrics import metrics
from .poll import poll
from .send import find, send, verify

LIMITS = Limits(
    text_max=3000,
    media_max=20,
    media_types=("image/jpeg", "image/png", "image/gif"),
    alt_max=4086,
    in_flight=1,
    per_day=150,
    deadline_s=30.0,
    same_within_s=86_400,
    poll_every_s=600.0,
)
REPEATS = Findable(visible_within_s=60.0, exact=False)
# The newest whose page LinkedIn's documentation shows; each works for a year at least.
VERSION = "202607"


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One organisation's page. BadSettings; nothing is connected to yet."""
    _check(settings)
    door = hosted.door(settings, BASE_URL, secrets=secrets.values(), others=(WEB_HOST,))
    client = Client(door, settings, secrets.get("access_token", ""))
    renews = bool(secrets.get("refresh_token"))
    return Connector(
        name=PROVIDER.name,
        channel="linkedin",
        broadcast=True,
        limits=LIMITS,
        repeats=REPEATS,
        verify=partial(verify, client),
        send=partial(send, client),
        find=partial(find, client),
        hooks=partial(hear, signatures.held(secrets, "client_secret"), client.organisation),
        read=partial(read, client.organisation),
        poll=partial(poll, client),
        refresh=partial(login.refresh, door, settings, secrets) if renews else None,
        metrics=partial(metrics, client),
        api=settings["version"],
        app=app_of(settings["client_id"]),
        place=f"{settings['base_url']} {settings['organization_id']}",
        close=door.close,
    )


def _check(settings: Mapping[str, Any]) -> None:
    wrong = hosted.problems(settings, BASE_URL)
    number, version = settings["organization_id"], settings["version"]
    if not (number.isascii() and number.isdecimal()):
        wrong["organization_id"] = "is the number in the address of the page's administration"
    if not (version.isascii() and version.isdecimal() and len(version) == 6):
        wrong["version"] = "is a year and a month, such as 202607"
    if wrong:
        raise BadSettings(wrong)


PROVIDER = Provider(
    name="linkedin",
    channels=("linkedin",),
    about="LinkedIn: posts of an organisation's page with pictures; comments, mentions, shares and likes.",
    settings=(
        Setting("organization_id", "the number of the organisation's page at LinkedIn", required=True),
        Setting("client_id", "the id of the app at LinkedIn", required=True),
        Setting("client_secret", "the app's secret, which also proves its calls", required=True, secret=True),
        Setting(
            "old_client_secret",
            "the app's secret before, which proves calls while it is changed",
            secret=True,
        ),
        Setting("access_token", "the token of somebody who looks after the page", secret=True),
        Setting("refresh_token", "what renews the token, where LinkedIn gives one", secret=True),
        Setting("version", "the month of LinkedIn's interface that is spoken", default=VERSION),
        *hosted.settings(BASE_URL, LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="findable",
    faces=("find", "hooks", "poll", "refresh", "metrics"),
    events=("reply", "mention", "like", "boost"),
    connect=connect,
    sign_in=login.SIGN_IN,
)
