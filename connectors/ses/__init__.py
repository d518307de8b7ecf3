"""Amazon SES: whole mails by its API (v2), and what becomes of them by calls of Amazon SNS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import esp, hosted
from ..api import BadSettings, Blind, Connector, Provider, Setting, app_of
from .hooks import Topic, hear, prepare, read
from .send import Account, send, verify

REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,2}-[0-9]")
ARN = re.compile(
    r"arn:(?P<partition>aws|aws-cn|aws-us-gov):sns:(?P<region>[a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]{1,256}"
)
# Enough for the certificates of the past and the next key of a topic.
CERTIFICATES = "sns_certificates"


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One account in one region. BadSettings; nothing is connected to yet."""
    _check(settings)
    usual = f"https://email.{settings['region']}.amazonaws.com"
    given = {**settings, "base_url": settings["base_url"] or usual}
    door = esp.door(given, secrets, usual)
    account = Account(
        door,
        given["base_url"].rstrip("/"),
        settings["region"],
        secrets["access_key_id"],
        secrets["secret_access_key"],
        settings["configuration_set"],
        settings["tracking"],
    )
    topic = _topic(given, usual, secrets)
    return Connector(
        name=PROVIDER.name,
        channel="email",
        broadcast=False,
        limits=esp.limits(settings),
        repeats=Blind(),
        verify=partial(verify, account),
        send=partial(send, account),
        hooks=partial(hear, topic) if topic else None,
        read=read,
        prepare=partial(prepare, topic) if topic else None,
        app=app_of(secrets["access_key_id"]),
        close=door.close,
    )


def _check(settings: Mapping[str, Any]) -> None:
    wrong: dict[str, str] = {}
    if not REGION.fullmatch(settings["region"]):
        wrong["region"] = "is a region of Amazon, such as eu-west-2"
    if settings["topic_arn"] and not ARN.fullmatch(settings["topic_arn"]):
        wrong["topic_arn"] = "is the ARN of a topic, such as arn:aws:sns:eu-west-2:123456789012:dolen"
    if wrong:
        raise BadSettings(wrong)


def _topic(given: Mapping[str, Any], usual: str, secrets: Mapping[str, str]) -> Topic | None:
    """The topic whose calls are heard, and the only host that its certificates come from."""
    found = ARN.fullmatch(given["topic_arn"])
    if found is None:
        return None
    host = f"sns.{found['region']}.amazonaws.com" + (".cn" if found["partition"] == "aws-cn" else "")
    practice = given["base_url"] != usual
    door = hosted.door(
        {**given, "base_url": given["base_url"] if practice else f"https://{host}"},
        f"https://{host}",
        secrets=secrets.values(),
    )
    at = given["base_url"].rstrip("/") if practice else f"https://{host}"
    return Topic(given["topic_arn"], host, secrets.get(CERTIFICATES, ""), door, at)


PROVIDER = Provider(
    name="ses",
    channels=("email",),
    about="Amazon SES: mail by its API, in the region you choose; its events come by Amazon SNS.",
    settings=(
        Setting("region", "Amazon's region, such as eu-west-2", required=True, where=True),
        Setting("access_key_id", "the id of the access key", required=True, secret=True),
        Setting("secret_access_key", "the access key itself", required=True, secret=True),
        Setting("configuration_set", "the configuration set that publishes events; empty: none", default=""),
        esp.TRACKING,
        Setting("topic_arn", "the topic at Amazon SNS whose calls are heard; empty: none", default=""),
        Setting(CERTIFICATES, "leave empty: what Amazon signs with, found out by itself", secret=True),
        *(replace(each, default="") if each.name == "base_url" else each for each in esp.settings("")),
    ),
    limits=esp.LIMITS,
    repeats="blind",
    faces=("hooks",),
    events=esp.EVENTS,
    connect=connect,
)
