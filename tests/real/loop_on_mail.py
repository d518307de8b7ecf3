"""The loop by mail through Postfix and Dovecot: what arrives, what people answer, and what their servers report."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest

from connectors import mail, registry
from connectors.api import Connector, Outbound

from .dolen import Loop, until
from .postoffice import OURS, PASSWORD, PEOPLE, REFUSING, PostOffice

HELO, SIAN = f"helo@{OURS}", f"sian@{PEOPLE}"
TEXTS = {
    "cy": "Dewch i’r cyfarfod: ŵyn, ŷd, tŷ ac â’r ŵydd.\n.\nMae llinell o ddim ond dot uwchben.\n",
    "ar": "نلتقي مساء الأربعاء في القاعة.\n\nأهلًا وسهلًا بكم جميعًا\n",
}


@pytest.fixture
def connector(post_office: PostOffice) -> Connector:
    """The account as connected, without the rest of Dolen."""
    return registry.connect("smtp", post_office.settings(), {"password": PASSWORD})


def letter(language: str) -> Outbound:
    """A letter to Siân in one of the languages."""
    text = TEXTS[language]
    return Outbound(
        key=f"dlv_{language}", to=SIAN, subject=text.split("\n")[0], text=text, html=f"<p>{text}</p>",
        language=language, sender=HELO, sender_name="Cyngor Môn · مجلس",
    )  # fmt: skip


@pytest.mark.parametrize("language", TEXTS)
def test_a_letter_arrives_byte_for_byte(connector: Connector, post_office: PostOffice, language: str) -> None:
    """D1, M13"""
    sent = letter(language)
    connector.send(sent)
    (arrived,) = until(lambda: post_office.mails(PEOPLE))
    assert arrived.endswith(mail.build(sent).partition(b"\r\n\r\n")[2])
    for line in mail.build(sent).partition(b"\r\n\r\n")[0].split(b"\r\n"):
        assert line in arrived
    read = email.message_from_bytes(arrived, policy=email.policy.default)
    words = read.get_body(("plain",))
    assert words is not None and words.get_content().replace("\r\n", "\n") == sent.text
    assert read["Subject"] == sent.subject


@pytest.mark.parametrize("transfer", ["8bit", "base64", "quoted-printable"])
@pytest.mark.parametrize("language", TEXTS)
def test_what_somebody_writes_is_kept_byte_for_byte_and_read(
    connector: Connector, post_office: PostOffice, language: str, transfer: str
) -> None:
    """DC3"""
    written = EmailMessage(policy=email.policy.SMTP)
    written["From"], written["To"], written["Subject"] = SIAN, HELO, TEXTS[language].split("\n")[0]
    written.set_content(TEXTS[language], cte=transfer)
    raw = written.as_bytes()
    post_office.post(SIAN, HELO, raw)
    until(lambda: post_office.mails(OURS))
    assert connector.poll is not None
    (event,) = connector.poll(None).events
    assert event.raw.endswith(raw.partition(b"\r\n\r\n")[2])
    assert (event.kind, event.text) == ("reply", TEXTS[language].strip())
    assert (event.sender, event.subject) == (SIAN, written["Subject"])


def test_an_answer_lands_on_the_record_of_who_got_the_letter(loop: Loop, post_office: PostOffice) -> None:
    """DC3, CS7"""
    account = connected(loop, post_office)
    sian = loop.person("Siân Rees", "email", SIAN)
    nia = loop.person("Nia", "email", f"nia@{PEOPLE}")
    sent = loop.post(account, TEXTS["cy"], subject="Cyfarfod", stakeholders=[sian], purpose="service")
    (got,) = until(lambda: post_office.mails(PEOPLE))
    answer = answered(got, "Diolch, fe fyddaf yno.\nوشكرا لكم!")
    post_office.post(SIAN, answer["To"], answer.as_bytes())
    until(lambda: loop.poll())
    (came,) = loop.responses(sian)
    assert (came["what"], came["delivery_id"]) == ("reply", sent["id"])
    assert came["text"] == "Diolch, fe fyddaf yno.\nوشكرا لكم!"
    assert loop.responses(nia) == [] and loop.poll() == 0


def test_a_server_that_refuses_stops_the_address_by_its_own_report(
    loop: Loop, post_office: PostOffice
) -> None:
    """F5, M6, M8"""
    account = connected(loop, post_office)
    gone = loop.person("Gwen", "email", f"gwen@{REFUSING}")
    values = {"subject": "Cyfarfod", "stakeholders": [gone], "purpose": "service"}
    sent = loop.post(account, TEXTS["cy"], **values)
    until(lambda: loop.poll())
    (stopped,) = loop.get("/v1/suppressions")["data"]
    assert (stopped["reason"], stopped["address_key"]) == ("hard_bounce", f"gwen@{REFUSING}")
    (row,) = loop.get(f"/v1/messages/{sent['message_id']}/deliveries")["data"]
    assert (row["state"], row["reason"]) == ("bounced", "address_gone")


def connected(loop: Loop, post_office: PostOffice) -> str:
    """The account of the council, proven by both servers."""
    return loop.connect("smtp", post_office.settings(), {"password": PASSWORD}, sender=HELO)


def answered(got: bytes, words: str) -> EmailMessage:
    """What a mail program makes of an answer: to whom it was told, in the thread, with a quotation."""
    read = email.message_from_bytes(got, policy=email.policy.default)
    body = read.get_body(("plain",))
    assert body is not None
    quoted = "\n".join(f"> {line}" for line in body.get_content().split("\n"))
    made = EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"], made["Subject"] = (
        f"Siân Rees <{SIAN}>",
        read["Reply-To"],
        f"Re: {read['Subject']}",
    )
    made["In-Reply-To"] = made["References"] = read["Message-ID"]
    made.set_content(f"{words}\n\nAr Sul, 22 Tach 2026 am 09:00 ysgrifennodd Cyngor <{HELO}>:\n\n{quoted}\n")
    return made
