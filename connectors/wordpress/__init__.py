"""WordPress: posts with pictures on a site of one's own, answers to comments, and the comments themselves.

WordPress takes no key of ours, but the address of a post is ours to choose: by it a post is found again, exactly.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import own_server
from ..api import Connector, Findable, Limits, Provider, Setting
from .client import Client, verify
from .poll import poll
from .send import find, send

PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")
LIMITS = Limits(
    subject_max=200,
    media_max=20,
    media_types=PICTURES,
    media_bytes_max=2_000_000,  # what PHP takes where nobody has set it higher
    in_flight=1,
    deadline_s=60.0,
)
REPEATS = Findable(visible_within_s=5.0)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One user of one site. BadSettings; nothing is connected to yet."""
    url, deadline_s = settings["url"], settings["deadline_s"]
    own_server.check(url, deadline_s)
    password = secrets["application_password"]
    login = b64encode(f"{settings['username']}:{password}".encode()).decode()
    door = own_server.door(
        url, deadline_s=deadline_s, secrets=(password, login), connections=LIMITS.in_flight
    )
    client = Client(door, url, login)
    return Connector(
        name=PROVIDER.name,
        channel="wordpress",
        broadcast=True,
        limits=replace(LIMITS, deadline_s=deadline_s),
        repeats=REPEATS,
        verify=partial(verify, client),
        send=partial(send, client),
        find=partial(find, client),
        poll=partial(poll, client),
        place=url,
        close=door.close,
    )


PROVIDER = Provider(
    name="wordpress",
    channels=("wordpress",),
    about="WordPress: posts with pictures on a site of your own, and the comments on them.",
    settings=(
        Setting("url", "the address of the site", required=True, where=True),
        Setting("username", "the user who posts", required=True),
        Setting("application_password", "an application password of that user", required=True, secret=True),
        Setting("deadline_s", "seconds that one call may take", default=LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="findable",
    faces=("find", "poll"),
    events=("reply",),
    connect=connect,
)
