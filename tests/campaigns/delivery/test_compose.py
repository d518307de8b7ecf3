"""A ledger row and its words become what a connector gets."""

from __future__ import annotations

import re
from datetime import datetime
from email import message_from_bytes
from html import escape, unescape
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from campaigns.base import parse_id
from campaigns.database import Database
from campaigns.delivery import compose
from campaigns.delivery.tables import Account
from campaigns.messages import content, messages, render
from campaigns.messages.tables import Message
from campaigns.stakeholders import consent
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies import strategies
from connectors import mail
from connectors.api import Outbound

from .world import LINKS, World


def outbound(database: Database, now: datetime, **more: object) -> Outbound:
    """One mail of a mailing with consent, as the wire got it."""
    world = World(database, now)
    with database.write() as session:
        account = session.get_one(Account, world.account_id)
        account.settings = {"inbox_domain": "in.example"}
    text = str(more.pop("text", "Hello"))
    message_id = world.message(["ann"], purpose="service" if more.get("service") else "survey", text=text)
    world.run()
    assert world.state(message_id) == "finished"
    return world.wire.outbound[0]


def test_everything_outward_derives_from_the_delivery(database: Database, now: datetime) -> None:
    made = outbound(database, now)
    number = parse_id("dlv", made.key)
    assert made.message_id == compose.message_id(number, LINKS) == f"<{made.key.lower()}@mail.example>"
    local, _, domain = made.reply_to.partition("@")
    assert domain == "in.example"
    assert LINKS.read("reply", local.removeprefix("replies+")) == number
    assert made.options["envelope_from"].startswith("bounces+")


def test_a_mailing_always_carries_a_way_out(database: Database, now: datetime) -> None:
    """H4, T14: in its text and in its headers, by https and by mail."""
    made = outbound(database, now)
    ways = made.headers["List-Unsubscribe"]
    token = ways.partition("/u/")[2].partition(">")[0]
    assert LINKS.read("unsubscribe", token) == parse_id("dlv", made.key)
    assert "mailto:unsubscribe+" in ways
    assert made.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"https://dolen.example/u/{token}" in str(made.text)


def test_no_link_is_led_round_by_us_and_no_picture_tells_who_reads(database: Database, now: datetime) -> None:
    """F6: what a letter leads to is what was written, and the ways out."""
    world, link = World(database, now), "https://cyngor.example/a?b=1&c=2"
    with database.write() as session:
        version = strategies.everyday(session, world.programme_id, now)
        item = content.create(session, now, world.programme_id, "Walk")
        content.save_variant(
            session, now, item, channel="email", language="en", author="ann", subject="Walk", text=f"Come: {link}",
            html=f'<p><a href="{escape(link)}">Come</a></p>',
        )  # fmt: skip
        made = messages.create(
            session, now, author="ann", programme_id=world.programme_id, strategy_version_id=version.id,
            content_id=item.id, purpose="survey", accounts=[(world.account_id, "email")],
            recipients=world.people(session, ["ann"]),
        )  # fmt: skip
        messages.submit(session, now, made)
    world.run()
    (letter,) = world.wire.outbound
    for words in (str(letter.text), str(letter.html)):
        links = {unescape(one) for one in re.findall(r"https?://[^\s\"<>]+", words)}
        ours = {one for one in links if one.startswith("https://dolen.example/")}
        assert links - ours == {link} and {urlsplit(one).path[:3] for one in ours} == {"/u/", "/p/"}
        assert not re.search(r"<img|background=|url\(", words, re.IGNORECASE)


def test_a_way_out_in_the_words_is_not_added_again(database: Database, now: datetime) -> None:
    made = outbound(database, now, text="Stop: {{ unsubscribe_url }}")
    assert str(made.text).count("/u/") == 1


def test_a_single_service_mail_carries_none(database: Database, now: datetime) -> None:
    made = outbound(database, now, service=True)
    assert not made.headers and "/u/" not in str(made.text)


@pytest.mark.parametrize(("language", "word"), [("cy", "Atal:"), ("ar", "للإيقاف:"), ("en-GB", "Stop:")])
def test_the_way_out_of_a_text_message_is_one_short_line(language: str, word: str) -> None:
    """H4, D5: each letter of it costs."""
    frame = compose.Frame((language,), bulk=True, broadcast=False, base_url="https://d.example", short=True)
    late = {"unsubscribe_url": "https://d.example/u/1", "preferences_url": "https://d.example/p/1"}
    _, text, _ = frame.finish([render.Rendered("", "Dewch draw\n", "")], late)
    assert text == f"Dewch draw\n{word} https://d.example/u/1"
    own = render.Rendered("", "Dewch draw: https://d.example/u/1", "")
    assert frame.finish([own], late)[1] == own.text


def test_what_is_added_to_a_text_message_is_known_beforehand(database: Database, now: datetime) -> None:
    """D5"""
    outbound(database, now, text="Dewch draw")
    with database.read() as session:
        (account,) = session.scalars(select(Account))
        (message,) = session.scalars(select(Message))
        (variant,) = content.current(session, message.content_id)
        assert compose.added(message, account, "en", LINKS) == ""
        account.channel = "sms"
        letter = compose.Letter(1, {}, variant, "+447700900123")
        text = str(compose.Composer(message, account, LINKS).compose(letter).text)
        assert text.startswith("Dewch draw\nStop: https://dolen.example/u/") and "/p/" not in text
        assert len(text) == len("Dewch draw" + compose.added(message, account, "en", LINKS))
        message.purpose = "service"
        assert compose.added(message, account, "en", LINKS) == ""
        session.rollback()


@pytest.mark.parametrize(("language", "direction"), [("cy", "ltr"), ("ar", "rtl"), ("en-GB", "ltr")])
def test_the_added_words_are_in_the_language_of_the_letter(language: str, direction: str) -> None:
    words = compose.WAY_OUT[language.split("-")[0]]
    text, html = compose._with_way_out("Text", "<p>Html</p>", "https://x.example/u/1", language)
    assert words in text and words in html and f'dir="{direction}"' in html
    whole = compose._document(html, "A <b>", language)
    assert whole.startswith(f'<!doctype html><html lang="{language}" dir="{direction}">')
    assert "<title>A &lt;b&gt;</title>" in whole


def test_what_is_sent_is_one_letter_that_reads_back(database: Database, now: datetime) -> None:
    """D1"""
    made = outbound(database, now, text="Bore da, Siân. مرحبًا")
    read = message_from_bytes(mail.build(made))
    assert read["Message-ID"] == made.message_id
    assert read.get_content_type() == "text/plain"
    body = read.get_payload(decode=True)
    assert isinstance(body, bytes) and "Bore da, Siân. مرحبًا" in body.decode()


def test_an_opt_out_of_surveys_is_honoured(database: Database, now: datetime) -> None:
    """H2, H3"""
    world = World(database, now)
    with database.write() as session:
        ((ann, address),) = world.people(session, ["ann"])
        consent.withdraw(session, now, ann, "survey", "email", source="letter", actor="recipient")
    message_id = world.message([], purpose="survey", recipients=[(ann, address)])
    world.run()
    assert world.states(message_id) == {"ann": "excluded:no_lawful_basis"}


def test_whoever_said_no_language_gets_one_letter_in_two(database: Database, now: datetime) -> None:
    """L6: the first above, the other below, both subjects, each part marked; a known wish gets its own."""
    world = World(database, now)
    with database.write() as session:
        (nobody_knows, first), (sian, second) = world.people(session, ["ann", "sian"])
        session.get_one(Stakeholder, sian).languages = ["cy"]
        version = strategies.everyday(session, world.programme_id, now)
        item = content.create(session, now, world.programme_id, "Walk")
        for language, subject, text in (
            ("en", "Walk", "Come {{ name }}"),
            ("cy", "Cerdded", "Dewch {{ name }}"),
        ):
            html = f"<p>{text}</p>" if language == "cy" else ""
            content.save_variant(
                session, now, item, channel="email", language=language, author="ann", subject=subject, text=text,
                html=html,
            )  # fmt: skip
        content.put_together(session, now, item, ["cy", "en"])
        made = messages.create(
            session, now, author="ann", programme_id=world.programme_id, strategy_version_id=version.id,
            content_id=item.id, purpose="survey", accounts=[(world.account_id, "email")],
            recipients=[(nobody_knows, first), (sian, second)],
        )  # fmt: skip
        messages.submit(session, now, made)
    world.run()
    sent = {one.to: one for one in world.wire.outbound}
    both, one = sent["ann@example.org"], sent["sian@example.org"]
    assert (str(both.subject), both.language) == ("Cerdded / Walk", "cy, en")
    assert str(both.text).index("Cymraeg\n\nDewch ann") < str(both.text).index("English\n\nCome ann")
    assert compose.WAY_OUT["cy"] in str(both.text) and compose.WAY_OUT["en"] in str(both.text)
    assert '<div lang="cy" dir="ltr"><p>Dewch ann</p>' in str(
        both.html
    ) and '<div lang="en" dir="ltr"><p>Come ann' in str(both.html)
    assert (str(one.subject), one.language) == ("Cerdded", "cy") and "Come" not in str(one.text)
    assert mail.build(both).count(b"Content-Language: cy, en") == 1
