"""What may be done while a message is written: look at it, and choose whom and through what.

Rules: a look at words that nobody saved renders them in the process for drafts; it stores nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, select

from campaigns.delivery import accounts, compose, control, outlook, release
from campaigns.delivery.tables import Account, Delivery
from campaigns.errors import BadField
from campaigns.messages import (
    approval,
    blocks,
    content,
    layout,
    lengths,
    media,
    messages,
    parts,
    render,
    render_helper,
)
from campaigns.messages.tables import ContentItem, Media, Message, MessageAccount, MessageRecipient, Variant
from campaigns.stakeholders import segments
from campaigns.stakeholders.tables import Segment, Stakeholder
from campaigns.strategies import programmes
from campaigns.strategies.tables import Programme, Strategy, StrategyVersion

from ..access import involved, scoped
from . import Act, message_parts
from . import accounts as accounts_room
from . import content as words_of
from . import segments as segments_room
from .messages import get, release_named, segment_of, version_of
from .stakeholders import reached

LISTED_MAX = 200
EVERYBODY = {"field": "kind", "op": "is", "value": "person"}
# A group of everybody is offered with how many they are, counted so far.
EVERYBODY_MAX = 1_000
PEOPLE_MAX = 20
# The way out in a preview, and what shows that words bring their own, before and after they are drawn.
EXAMPLE = "/u/example"
WAY_OUT_MARKS = ("unsubscribe_url", EXAMPLE)


@dataclass(frozen=True, slots=True)
class Words:
    """Words that are looked at; `html` is the inside of a body."""

    subject: str = ""
    text: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture beside a post; `alt` is None where nobody has said what it shows in the language of the post."""

    path: str
    name: str
    alt: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """How a version reads for one person, how long it is, and what stands in the way of it."""

    words: Words
    language: str
    missing: list[str]
    wrong: str
    lengths: list[dict[str, Any]]  # {"account", "field", "length", "limit"}, of text messages {"segments"}
    pictures: Sequence[Seen] = ()
    posts: Sequence[str] = ()  # of a thread, each by itself


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody who writes may choose from."""

    programmes: list[Programme]
    accounts: list[Account]
    groups: list[Segment]
    strategies: list[Strategy]
    practice: bool  # practice can be connected by writing


def choice(act: Act, programme_id: int | None) -> Choice:
    """The programmes where the caller writes, and the accounts, groups and strategies that one of them may use."""
    homes = programmes.lineage(act.session, programme_id) if programme_id is not None else []
    mine = scoped(select(Programme), Programme.id, act.caller, "messages:write")
    through = scoped(select(Account), Account.programme_id, act.caller, "connectors:read", shared=True).where(
        Account.state != "disabled", Account.programme_id.is_(None) | Account.programme_id.in_(homes)
    )
    groups = scoped(select(Segment), Segment.programme_id, act.caller, "segments:read").where(
        Segment.state == "active", Segment.programme_id.in_(homes)
    )
    plans = scoped(select(Strategy), Strategy.programme_id, act.caller, "strategies:read").where(
        Strategy.builtin.is_(False), Strategy.state == "active", Strategy.programme_id.in_(homes)
    )
    found = list(act.session.scalars(through.order_by(Account.test, Account.name).limit(LISTED_MAX)))
    return Choice(
        list(act.session.scalars(mine.order_by(Programme.id).limit(LISTED_MAX))),
        found,
        list(act.session.scalars(groups.order_by(Segment.name).limit(LISTED_MAX))),
        list(act.session.scalars(plans.order_by(Strategy.name).limit(LISTED_MAX))),
        act.wiring.settings.practice.enabled and not any(one.test and not one.broadcast for one in found),
    )


def home_of(act: Act, group_id: int | None) -> int | None:
    """The programme of a group, where the caller sees it; None for none."""
    group = act.session.get(Segment, group_id) if group_id is not None else None
    if group is None or not act.caller.may("segments:read", group.programme_id):
        return None
    return group.programme_id


def practice(act: Act) -> Account:
    """The account whose letters reach nobody, made when it is first chosen."""
    act.need("messages:send", programmes.general(act.session, act.now).id)
    return accounts_room.practice(act)


def usual_purpose(act: Act, programme_id: int | None) -> str:
    """What a message of this programme counts as where nobody says otherwise."""
    chosen = act.caller.defaults.get("purpose")
    if chosen or programme_id is None:
        return str(chosen or "service")
    return str(version_of(act, programme_id, None).body["purpose"])


def usual_account(act: Act, offered: Sequence[Account]) -> Account:
    """The one the caller wrote by last, else the one that has worked for longest, of accounts in service."""
    last = (
        select(MessageAccount.account_id)
        .join(Message, Message.id == MessageAccount.message_id)
        .where(Message.author == act.caller.actor, MessageAccount.account_id.in_([one.id for one in offered]))
        .order_by(Message.id.desc())
        .limit(1)
    )
    number = act.session.scalar(last)
    return min(offered, key=lambda one: (one.id != number, one.verified_at is None, one.id))


def mails(act: Act, numbers: Sequence[int]) -> bool:
    """Whether one of these accounts carries mail."""
    asked = select(Account.id).where(Account.id.in_(numbers), Account.channel == "email")
    return act.session.scalar(asked.limit(1)) is not None


def everybody(act: Act, programme_id: int, name: str) -> Segment:
    """The group of all people of a programme, made when it is first chosen."""
    known = _everybody(act, programme_id)
    return known or segments_room.create(act, name=name, programme_id=programme_id, rule=EVERYBODY)


def nobody_grouped(act: Act, programme_id: int | None) -> int | None:
    """How many people a group of everybody would have (EVERYBODY_MAX + 1: more); None where none is to be made."""
    if programme_id is None or not act.caller.may(segments_room.WRITE, programme_id):
        return None
    if _everybody(act, programme_id) is not None:
        return None
    draft = segments.draft(act.session, act.now, programme_id, EVERYBODY)
    some = segments.select_ids(act.session, draft, now=act.now).limit(EVERYBODY_MAX + 1).subquery()
    return act.session.scalar(select(func.count()).select_from(some)) or None


def _everybody(act: Act, programme_id: int) -> Segment | None:
    draft = segments.draft(act.session, act.now, programme_id, EVERYBODY)
    same = select(Segment).where(
        Segment.programme_id == programme_id,
        Segment.state == "active",
        Segment.rule_sha256 == draft.rule_sha256,
    )
    return act.session.scalars(same.order_by(Segment.id).limit(1)).first()


def people_of(act: Act, numbers: Sequence[int]) -> list[Stakeholder]:
    """Those of these stakeholders whom the caller sees."""
    statement = select(Stakeholder).where(
        Stakeholder.id.in_(numbers[:LISTED_MAX]), Stakeholder.state != "erased"
    )
    return list(act.session.scalars(involved(statement, Stakeholder.id, act.caller, "stakeholders:read")))


def recipients(act: Act, message: Message) -> list[Stakeholder]:
    """Who was named one by one, the first of them."""
    mine = select(MessageRecipient.stakeholder_id).where(MessageRecipient.message_id == message.id)
    return list(act.session.scalars(select(Stakeholder).where(Stakeholder.id.in_(mine)).limit(PEOPLE_MAX)))


def practises(act: Act, message: Message) -> bool:
    """Whether it goes by practice accounts alone, those of the sample year too, and so reaches nobody."""
    return all(one.test or one.connector == "simulator" for one in through(act, message))


def through(act: Act, message: Message) -> list[Account]:
    """The accounts a message goes out through."""
    return accounts.of_message(act.session, message.id)


def audience(act: Act, message_id: int, *, most: int) -> outlook.Audience:
    """Who would get it and who is left out, counted over at most about `most` people; sends nothing."""
    return outlook.summary(act.session, get(act, message_id), act.now, most=most)


def look(
    act: Act, message_id: int, *, channel: str, language: str, stakeholder: int | None = None,
    words: Words | None = None, built: Sequence[Mapping[str, Any]] | None = None, both: bool = False,
    shows: Sequence[int] | None = None,
) -> Look:  # fmt: skip
    """One version as a person would read it: as it is saved, or as it is being written. `both`: two in one letter.

    `shows` are the pictures that go with it; None: those that were saved.
    """
    message = get(act, message_id)
    item = act.session.get_one(ContentItem, message.content_id)
    person = (
        reached(act, stakeholder, "stakeholders:read") if stakeholder is not None else _somebody(act, message)
    )
    facts = render.facts(person, item.data, compose.example(act.wiring.links))
    if both and item.together:
        return _both(act, message, item, channel, facts)
    saved = _saved(act, item.id, channel, language)
    if built is not None:
        text, html = blocks.words(
            blocks.check(list(built)), language, layout.dress(act.session, item.programme_id, language)
        )
        words = Words(words.subject if words else "", text, html)
    shown = words or (Words(saved.subject, saved.text, saved.html) if saved else Words())
    numbers = shows if shows is not None else (saved.media or () if saved else ())
    return replace(
        _looked(act, message, channel, language, shown, facts),
        pictures=beside(act, message, numbers, language),
    )


def beside(act: Act, message: Message, numbers: Sequence[int], language: str) -> list[Seen]:
    """Pictures of this message's programme, in their order."""
    mine = {one.id: one for one in pictures(act, message)} if numbers else {}
    return [
        Seen(media.path(mine[one]), mine[one].name, media.alt(mine[one], language))
        for one in numbers
        if one in mine
    ]


def save_blocks(
    act: Act,
    content_id: int,
    channel: str,
    language: str,
    *,
    subject: str,
    built: Sequence[Mapping[str, Any]],
    shows: Sequence[int] = (),
) -> Variant:
    """Save a version that is put together from blocks, in the dress of the house."""
    item = words_of.get(act, content_id, words_of.WRITE)
    dress = layout.dress(act.session, item.programme_id, language)
    return words_of.save_variant(
        act, content_id, channel, language, subject=subject, blocks=built, dress=dress, media=shows,
        options=_options(act, item.id, channel, language),
    )  # fmt: skip


def save_words(
    act: Act,
    content_id: int,
    channel: str,
    language: str,
    *,
    subject: str,
    text: str,
    html: str,
    shows: Sequence[int] = (),
) -> Variant:
    """Save a version in plain words; what its connector was told beside them stays."""
    words_of.get(act, content_id, words_of.WRITE)
    return words_of.save_variant(
        act, content_id, channel, language, subject=subject, text=text, html=html, media=shows,
        options=_options(act, content_id, channel, language),
    )  # fmt: skip


def variants(act: Act, message: Message) -> tuple[list[Variant], set[int]]:
    """The words of a message, the source language first, and the ids of those whose source has changed since."""
    item = act.session.get_one(ContentItem, message.content_id)
    found = content.current(act.session, item.id)
    first = sorted(found, key=lambda one: (one.channel, one.language != item.source_language, one.language))
    return first, content.stale(item, found)


def measured(
    act: Act, message: Message, through: Sequence[Account], channel: str, language: str, *, subject: str, text: str
) -> list[dict[str, Any]]:  # fmt: skip
    """How long words are, as each account of their channel counts, with what it takes."""
    found: list[dict[str, Any]] = []
    for account in through:
        if account.channel != channel:
            continue
        limits, counting = account.limits, account.limits.get("counting") or "codepoints"
        said = any(mark in text for mark in WAY_OUT_MARKS)
        below = "" if said else compose.added(message, account, language, act.wiring.links)
        for field, value, limit, how in (
            ("subject", subject, limits.get("subject_max"), "codepoints"),
            *(("text", one + below, limits.get("text_max"), counting) for one in parts.of(text, limits)),
        ):
            if limit is not None:
                length = lengths.count(how, value)
                cut = {"segments": lengths.segments(value)} if how == "sms" else {}
                found.append(
                    {"account": account.name, "field": field, "length": length, "limit": limit, **cut}
                )
    return found


def readdress(
    act: Act, message_id: int, version: int | None, *, to: Sequence[str], stakeholders: Sequence[int],
    segment: int | None, accounts: Sequence[int], strategy_id: int | None = None, purpose: str | None = None,
) -> Message:  # fmt: skip
    """Choose anew who gets a message and through which accounts, what it counts as and its strategy."""
    message = get(act, message_id, scope="messages:write", lock=True)
    act.unchanged(message, version)
    direct = bool(to or stakeholders or segment is not None)
    chosen = message_parts.carriers(act, message.programme_id, accounts, direct=direct)
    message_parts.stays_practice(message, chosen)
    values: dict[str, Any] = {
        "accounts": [(one.id, one.channel) for one in chosen],
        "segment_id": segment_of(act, message.programme_id, segment),
        "recipients": message_parts.named(act, message.programme_id, to, stakeholders, chosen),
    }
    if strategy_id is not None:
        values["strategy_version_id"] = version_of(act, message.programme_id, strategy_id).id
    if purpose is not None:
        values["purpose"] = purpose
    control.take_back(act.session, act.now, message)
    messages.edit(act.session, act.now, message, by=act.caller.actor, **values)
    release_named(act, message)
    act.note("message.readdressed", "message", message.id, programme_id=message.programme_id)
    return message


def put_together(act: Act, message_id: int, languages: Sequence[str] | None) -> None:
    """Send whoever has said no language one letter in two, or no longer."""
    message = get(act, message_id, scope="messages:write", lock=True)
    item = act.one(ContentItem, message.content_id, lock=True)
    messages.put_together(act.session, act.now, message, languages, by=act.caller.actor)
    act.note(
        "content_item.put_together", "content_item", item.id, programme_id=item.programme_id,
        after={"languages": list(languages or ())},
    )  # fmt: skip


def still_right(act: Act, message_id: int, channel: str, language: str) -> Variant:
    """Say that a version still says what its changed source says."""
    message = get(act, message_id, scope="messages:write")
    item = act.one(ContentItem, message.content_id, lock=True)
    made = content.still_right(act.session, item, channel, language)
    act.note(
        "content_item.still_right", "content_item", item.id, programme_id=item.programme_id,
        after={"channel": channel, "language": language},
    )  # fmt: skip
    return made


def decide_unknown(act: Act, message_id: int, *, outcome: str, evidence: str) -> int:
    """Say of every row of a message whose outcome nobody learnt what became of it; how many."""
    message = get(act, message_id, scope="messages:send", lock=True)
    waiting = select(Delivery).where(
        Delivery.message_id == message.id, Delivery.state == "unknown", Delivery.batch_id.is_(None)
    )
    rows = list(act.session.scalars(waiting.order_by(Delivery.id)))
    for row in rows:
        control.decide(act.session, act.now, row, outcome=outcome, by=act.caller.actor, evidence=evidence)
    act.note(
        "deliveries.decided", "message", message.id, programme_id=message.programme_id,
        after={"outcome": outcome, "evidence": evidence, "rows": len(rows)},
    )  # fmt: skip
    return len(rows)


def pictures(act: Act, message: Message) -> list[Media]:
    """Pictures that may stand in this message, newest first."""
    homes = programmes.lineage(act.session, message.programme_id)
    inside = Media.programme_id.is_(None) | Media.programme_id.in_(homes)
    mine = select(Media).where(Media.kind == "picture", Media.state == "active", inside)
    return list(act.session.scalars(mine.order_by(Media.id.desc()).limit(LISTED_MAX)))


def remove_words(act: Act, message: Message, channel: str, language: str) -> None:
    """Take a version out of a message."""
    words_of.remove_variant(act, message.content_id, channel, language)


def group_of(act: Act, message: Message) -> Segment | None:
    """The group a message goes to, where it goes to one."""
    return act.session.get_one(Segment, message.segment_id) if message.segment_id is not None else None


def strategy_of(act: Act, message: Message) -> Strategy:
    """The strategy a message stands under."""
    version = act.session.get_one(StrategyVersion, message.strategy_version_id)
    return act.session.get_one(Strategy, version.strategy_id)


def digest(act: Act, message: Message) -> str:
    """What an approval of the message as it stands is an approval of."""
    return approval.digest(act.session, message)


def _options(act: Act, content_id: int, channel: str, language: str) -> dict[str, Any]:
    saved = _saved(act, content_id, channel, language)
    return dict(saved.options) if saved else {}


def _saved(act: Act, content_id: int, channel: str, language: str) -> Variant | None:
    found = content.current(act.session, content_id)
    return next((one for one in found if (one.channel, one.language) == (channel, language)), None)


def _somebody(act: Act, message: Message) -> Stakeholder | None:
    """The first who would get it, so that names and fields can be seen filled in."""
    rows = release.sample(act.session, message, act.now, None)
    found = next((row["stakeholder_id"] for row in rows if row["stakeholder_id"]), None)
    return act.session.get(Stakeholder, found) if found else None


def _both(act: Act, message: Message, item: ContentItem, channel: str, facts: dict[str, Any]) -> Look:
    found = content.pair(content.current(act.session, item.id), channel, [], item.together)
    if found is None:
        raise BadField("write both languages first", pointer="/together")
    seen = [render_helper.preview(Words(one.subject, one.text, one.html), [facts])[0] for one in found]
    languages = [one.language for one in found]
    made = _whole(act, message, channel, languages, [one.rendered or render.Rendered() for one in seen])
    missing = [name for one in seen for name in one.missing]
    wrong = next((one.wrong for one in seen if one.wrong), "")
    return Look(made, languages[0], missing, wrong, [])


def _looked(
    act: Act, message: Message, channel: str, language: str, words: Words, facts: dict[str, Any]
) -> Look:
    seen = render_helper.preview(words, [facts])[0]
    made = seen.rendered or render.Rendered(words.subject, words.text, "")
    ways = [one for one in through(act, message) if one.channel == channel]
    counted = measured(act, message, ways, channel, language, subject=made.subject, text=made.text)
    posts = max((parts.of(made.text, one.limits) for one in ways), key=len, default=[])
    whole = _whole(act, message, channel, [language], [made])
    return Look(whole, language, seen.missing, seen.wrong, counted, posts=posts if len(posts) > 1 else ())


def _whole(
    act: Act, message: Message, channel: str, languages: Sequence[str], made: Sequence[render.Rendered]
) -> Words:
    """All that is read in the end: where one account sends letters and another posts, as a letter."""
    ways = sorted(
        (one for one in through(act, message) if one.channel == channel), key=lambda one: one.broadcast
    )
    if ways:
        words = compose.shown(made, languages, message, ways[0], act.wiring.links)
    else:
        words = made[0] if len(made) == 1 else compose.together(made[0], made[1], languages)
    return Words(words.subject, words.text, words.html)
