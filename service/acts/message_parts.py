"""What a message is made of when one call says it all: programme, accounts, words and recipients."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select

from campaigns.delivery.tables import Account
from campaigns.errors import BadAddress, BadField, Forbidden, said
from campaigns.messages import content, templates
from campaigns.messages.tables import ContentItem, Message, TemplateVersion
from campaigns.stakeholders import addresses, people
from campaigns.stakeholders.tables import Address, Involvement
from campaigns.strategies import programmes
from campaigns.strategies.tables import StrategyVersion

from . import Act
from .accounts import practice
from .stakeholders import reached

NAME_MAX = 60
_NAMED = re.compile(r'"?(?P<name>[^"<>]*)"?\s*<(?P<address>[^<>]+)>')


def carriers(act: Act, programme_id: int, wanted: Sequence[int], *, direct: bool) -> list[Account]:
    """The accounts a message goes through: those named, and for mail without one the token's or the only one."""
    found = [_carrier(act, programme_id, account_id, place) for place, account_id in enumerate(wanted)]
    if direct and not any(not account.broadcast for account in found):
        found.append(_default(act, programme_id))
    if not direct and any(not account.broadcast for account in found):
        raise BadField("say who gets it: people, mail addresses or a group", pointer="/to")
    if not found:
        raise BadField(
            "say who gets it (people, mail addresses or a group), or which connected accounts post it",
            pointer="/to",
        )
    return found


def _carrier(act: Act, programme_id: int, account_id: int, place: int) -> Account:
    account = act.one(Account, account_id)
    act.need("connectors:read", account.programme_id)
    inside = account.programme_id is None or account.programme_id in programmes.lineage(
        act.session, programme_id
    )
    if not inside:
        raise BadField("this account belongs to another programme", pointer=f"/accounts/{place}")
    if act.caller.test and not account.test:
        raise Forbidden("a test token reaches practice accounts only", pointer=f"/accounts/{place}")
    return account


def stays_practice(message: Message, through: Sequence[Account]) -> None:
    """Nobody checks practice, so what a test token wrote goes by practice accounts for ever, whoever edits it."""
    if message.test and not all(account.test for account in through):
        raise BadField("a test token wrote this: it reaches practice accounts only", pointer="/accounts")


def _default(act: Act, programme_id: int) -> Account:
    """The mail account of a message that names none."""
    if act.caller.test:
        return practice(act)
    chosen = act.caller.defaults.get("account_id")
    if chosen:
        return _carrier(act, programme_id, int(chosen), 0)
    homes = or_(
        Account.programme_id.is_(None),
        Account.programme_id.in_(programmes.lineage(act.session, programme_id)),
    )
    mail = select(Account).where(
        Account.channel == "email", Account.state != "disabled", Account.test.is_(False), homes
    )
    found = list(act.session.scalars(mail.order_by(Account.id)))
    if not found:
        raise BadField(
            "no mail account is connected: connect one with POST /v1/connector_accounts", pointer="/accounts"
        )
    if len(found) > 1:
        raise BadField("several mail accounts are connected: name one", pointer="/accounts")
    return found[0]


def words_of(
    act: Act,
    programme_id: int,
    through: Sequence[Account],
    version: StrategyVersion,
    words: Mapping[str, Any],
) -> ContentItem:
    """The content item named, or a new one from inline words or a template, with a variant for each channel."""
    inline = {name: words[name] for name in ("subject", "text", "html") if words[name]}
    given = [bool(words["content_item"]), bool(words["template"]), bool(inline)]
    if given.count(True) != 1:
        raise BadField("give the words once: subject and text, or content_item, or template", pointer="/text")
    media = words["media"] or ()
    if words["content_item"] and media:
        raise BadField("the pictures of a content item are chosen with its words", pointer="/media")
    if words["content_item"]:
        item = act.one(ContentItem, words["content_item"])
        act.need("messages:read", item.programme_id)
        return item
    template = _template(act, words["template"]) if words["template"] else None
    language = words["language"] or str(version.body.get("default_language") or "en")
    name = str(inline.get("subject") or inline.get("text") or (template and template.subject) or "Message")
    item = content.create(
        act.session,
        act.now,
        programme_id,
        _first_line(name)[:NAME_MAX] or "Message",
        words["data"] or {},
        act.caller.actor,
    )
    shown = {account.channel for account in through if account.limits.get("media_max")}
    if media and not shown:
        raise BadField("none of these accounts takes pictures with its posts", pointer="/media")
    for channel in sorted({account.channel for account in through}):
        content.save_variant(
            act.session, act.now, item, channel=channel, language=language, author=act.caller.actor,
            template_version_id=template.id if template else None, media=media if channel in shown else (), **inline,
        )  # fmt: skip
    return item


def _first_line(text: str) -> str:
    return next((" ".join(line.split()) for line in text.splitlines() if line.strip()), "")


def _template(act: Act, template_id: int) -> TemplateVersion:
    """The newest approved version, else the newest: approved words need no further approval."""
    template = templates.get(act.session, template_id)
    act.need("messages:read", template.programme_id)
    version = templates.latest(act.session, template, approved=True) or templates.latest(
        act.session, template
    )
    if version is None:
        raise BadField("this template has no words yet: write a version first", pointer="/template")
    return version


def named(
    act: Act, programme_id: int, to: Sequence[str], stakeholders: Sequence[int], through: Sequence[Account]
) -> list[tuple[int, int]]:
    """Recipients named one by one, as (stakeholder, address) ids; an unknown address makes a stakeholder.

    An address may stand after a name: `Ann Rees <ann@example.org>`.
    """
    channel = next((account.channel for account in through if not account.broadcast), "email")
    found = dict.fromkeys(_holder(act, programme_id, channel, one, place) for place, one in enumerate(to))
    for stakeholder_id in stakeholders:
        reached(act, stakeholder_id, "stakeholders:read")
        found[stakeholder_id, 0] = None
    return list(found)


def _holder(act: Act, programme_id: int, channel: str, value: str, place: int) -> tuple[int, int]:
    """Whoever has this address in the programme, the first of several; else a new stakeholder."""
    name, value = _apart(value)
    try:
        key = addresses.key(channel, value)
    except BadAddress as error:
        why = said("{address}: {why}", address=value, why=error.detail)
        raise BadAddress(why, pointer=f"/to/{place}") from error
    known = act.session.execute(
        select(Address.stakeholder_id, Address.id)
        .join(Involvement, Involvement.stakeholder_id == Address.stakeholder_id)
        .where(
            Address.channel == channel, Address.key == key, Address.state == "active",
            Involvement.programme_id == programme_id,
        )
        .order_by(Address.stakeholder_id)
        .limit(1)
    ).first()  # fmt: skip
    if known is not None:
        return known[0], known[1]
    act.need("stakeholders:write", programme_id)
    person = people.create(act.session, act.now, kind="person", name=name or value, source="api")
    people.involve(act.session, act.now, person.id, programme_id)
    return person.id, addresses.add(act.session, act.now, person.id, channel, value).id


def _apart(typed: str) -> tuple[str, str]:
    """The name and the address of one recipient; no name where the address stands alone."""
    found = _NAMED.fullmatch(typed.strip())
    return (found["name"].strip(), found["address"].strip()) if found else ("", typed.strip())
