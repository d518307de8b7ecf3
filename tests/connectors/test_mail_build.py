"""What goes out as mail: any words survive, nothing slips into the headers, the same in is the same out."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors import mail
from connectors.api import Filled, Outbound, Refused

LETTER = Outbound(
    key="dlv_01J9ZX0000000",
    to="sioned@example.org",
    subject="Cyfarfod nos Lun",
    text="Annwyl Siôn,\n\nDewch draw.\n",
    html="<p>Annwyl Siôn</p>",
    language="cy",
    sender="helo@cyngor.example",
    sender_name="Cyngor Ynys Môn",
    reply_to="replies+abc234@post.cyngor.example",
    message_id="<dlv_01j9zx0000000@post.cyngor.example>",
    headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    since=datetime(2026, 11, 2, 9, 0, tzinfo=UTC),
)
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
one_line = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=200)


def changed(where: str, value: str) -> Outbound:
    values: dict[str, Any] = {where: value}
    return replace(LETTER, **values)


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None and not part.defects
    return str(part.get_content())


def lines(text: str) -> str:
    """Text as mail carries it: one kind of line end, and one at the end."""
    text = re.sub(r"\r\n?", "\n", text)
    return text if text.endswith("\n") else text + "\n"


@given(subject=one_line, text=anything, html=anything)
@example(subject="Beth nesaf? 🎉", text=".\n..\n.dot\nFrom here\n", html="<p>" + "x" * 5000)
@example(subject="اجتماع مساء الاثنين", text="مرحبا\r\n.\r\nQUIT\r\n", html="سلام " * 300)
@example(subject=" =?utf-8?b?YQ==?=  two", text="trailing  \n\t\n\n", html="ŵ\r.\rŷ")
@example(subject="x" * 5000, text="\x00\x0b\x0c\x1c\x85\u2028", html="=3D=\n=")
@settings(max_examples=150, deadline=None)
def test_any_words_come_out_as_they_went_in(subject: str, text: str, html: str) -> None:
    raw = mail.build(replace(LETTER, subject=subject, text=text, html=html))
    message = parsed(raw)
    assert str(message["Subject"] or "") == subject
    if text:
        assert lines(body(message, "plain")) == lines(text)
    if html:
        assert lines(body(message, "html")) == lines(html)
    assert raw.isascii() and b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@given(outbound=st.builds(Outbound, key=one_line, text=anything, html=anything))
@settings(max_examples=50, deadline=None)
def test_the_same_delivery_gives_the_same_bytes(outbound: Outbound) -> None:
    outbound = replace(outbound, to=LETTER.to, sender=LETTER.sender, since=LETTER.since)
    assert mail.build(outbound) == mail.build(replace(outbound))


def test_every_header_says_what_the_outbound_says() -> None:
    unsubscribe = (
        f"<https://dolen.example/u/{'a' * 300}>, <mailto:unsubscribe+{'b' * 40}@post.example?subject=x>"
    )
    message = parsed(
        mail.build(
            replace(
                LETTER,
                in_reply_to="<abc@gmail.example>",
                headers={**LETTER.headers, "List-Unsubscribe": unsubscribe, "List-Id": "Môn <mon.example>"},
            )
        )
    )
    assert message["From"].addresses[0].display_name == "Cyngor Ynys Môn"
    assert message["From"].addresses[0].addr_spec == "helo@cyngor.example"
    assert str(message["To"]) == "sioned@example.org"
    assert str(message["Reply-To"]) == LETTER.reply_to
    assert message["Message-ID"] == LETTER.message_id
    assert message["In-Reply-To"] == message["References"] == "<abc@gmail.example>"
    assert message["Date"].datetime == LETTER.since
    assert message["Content-Language"] == "cy"
    assert message["List-Unsubscribe"] == unsubscribe
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "Môn <mon.example>"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    "bad", ["\r\nBcc: x@y.example", "\n", "\r", "\x00", "\x1c", "\x7f", "\x85", "\u2028", "\ud800"]
)
@pytest.mark.parametrize(
    "where", ["subject", "sender_name", "language", "sender", "to", "reply_to", "message_id"]
)
def test_a_control_character_never_reaches_a_header(where: str, bad: str) -> None:
    """T13"""
    with pytest.raises(Refused) as refused:
        mail.build(changed(where, f"{getattr(LETTER, where)}{bad}X"))
    assert refused.value.code in ("bad_header", "bad_address")
    with pytest.raises(Refused):
        mail.build(replace(LETTER, headers={"X-Note": f"a{bad}b"}))


@pytest.mark.parametrize("name", ["Bcc", "from", "Subject", "X:y", "X y", "X\r\nBcc", "", "Ŵ"])
def test_a_header_that_is_ours_or_none_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="cannot be set"):
        mail.build(replace(LETTER, headers={name: "x"}))


def test_an_answer_to_something_without_a_name_is_still_sent() -> None:
    message = parsed(mail.build(replace(LETTER, in_reply_to="no name\r\nBcc: x@y.example")))
    assert message["In-Reply-To"] is None and message["Bcc"] is None


def test_a_domain_in_any_script_is_written_as_dns_knows_it() -> None:
    """M18"""
    assert mail.address("siôn@bücher.example") == "siôn@xn--bcher-kva.example"
    assert mail.address('"dau air"@example.org') == '"dau air"@example.org'


@pytest.mark.parametrize(
    "value", ["", "x", "@y", "a b@c.example", "a@b@c.example", "<a@b.example>", "a@[1.2.3.4]", "a@ b"]
)
def test_what_is_no_address_is_refused(value: str) -> None:
    with pytest.raises(Refused) as refused:
        mail.address(value)
    assert refused.value.code == "bad_address"


def test_half_a_character_in_the_text_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(Refused) as refused:
        mail.build(replace(LETTER, text="\ud83d"))
    assert refused.value.code == "bad_text"


def test_only_an_address_outside_ascii_needs_more_of_the_relay() -> None:
    """M18"""
    assert mail.needs_eai(replace(LETTER, to="siôn@example.org"))
    assert not mail.needs_eai(replace(LETTER, to="sion@bücher.example"))
    assert not mail.needs_eai(LETTER)


def test_without_a_name_of_its_own_a_mail_is_named_after_its_key() -> None:
    first = mail.message_id(replace(LETTER, message_id=""))
    assert first == mail.message_id(replace(LETTER, message_id=""))
    assert first != mail.message_id(replace(LETTER, message_id="", key="another"))
    assert first.endswith("@cyngor.example>")


hostile = st.one_of(
    anything,
    st.text(" .\n\t=~-é<ŵمa", max_size=200),
    st.text("a", min_size=1, max_size=3).map(lambda text: text * 90),
)
pieces = st.integers(0, 6).flatmap(
    lambda count: st.builds(
        Filled,
        st.tuples(*[hostile] * (count + 1)),
        st.tuples(*[hostile] * count),
    )
)


@given(
    subject=st.builds(Filled, st.tuples(one_line, one_line), st.tuples(one_line)), text=pieces, html=pieces
)
@example(Filled(("a ", " b"), (" ",)), Filled(("", "", ""), ("\r", "\n")), Filled(("a" * 75, ""), ("b\n",)))
@example(
    Filled(("x", ""), ("",)), Filled(("a" * 76, "." * 80), (".",)), Filled(("م" * 20, "a", ""), ("é", "m"))
)
@example(
    Filled(("",)),
    Filled(("a" * 75 + " \n" + "." * 200,)),
    Filled(("a" * 74 + "\t\nx", ""), ("a" * 75 + " ",)),
)
@example(Filled(("",)), Filled(("\n", ""), ("",)), Filled(("a\n", "", ""), ("", "")))
@settings(max_examples=300, deadline=None)
def test_words_in_pieces_read_back_as_the_same_words_in_one(
    subject: Filled, text: Filled, html: Filled
) -> None:
    """D2: the pieces of letters that share some, encoded once, are the words."""
    raw = mail.build(replace(LETTER, subject=subject, text=text, html=html))
    message = parsed(raw)
    assert str(message["Subject"] or "") == str(subject)
    if text:
        assert lines(body(message, "plain")) == lines(str(text))
    if html:
        assert lines(body(message, "html")) == lines(str(html))
    assert raw.isascii() and b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\r\n." not in raw
    assert max(map(len, raw.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76


def test_words_in_pieces_are_the_same_bytes_on_every_attempt() -> None:
    pieces = Filled(("Annwyl ", ",\n\nDewch i ", ".\n"), ("Siôn", "مركز"))
    first = mail.build(replace(LETTER, text=pieces))
    assert first == mail.build(replace(LETTER, text=Filled(tuple(list(pieces.constants)), pieces.values)))


def test_half_a_character_in_a_value_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(Refused) as refused:
        mail.build(replace(LETTER, text=Filled(("Annwyl ", ""), ("\ud83d",))))
    assert refused.value.code == "bad_text"
