"""Answers that machines give in somebody's absence, or instead of somebody, in the languages people set them up in.

Rules: each language comes by every way that programs answer; one way says so by its subject alone, since some gateways
drop the headers.
Source: RFC 3834, RFC 5230 (vacation), RFC 8098 (read receipts), [MS-OXCMAIL] 2.2.3.2.14 (X-Auto-Response-Suppress); the
shapes of Outlook, Gmail, Sieve, cPanel, Notes, Zimbra and help desks, as of November 2026. The sentences are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from .shape import DATE, DOMAIN, Expected, Ours, Sample, coded, mail, part, parts, word


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language: the subject Outlook gives, another one people see, and what somebody wrote for their absence."""

    code: str
    outlook: str
    other: str
    words: str


TONGUES = (
    Tongue("en", "Automatic reply", "Out of office", "I am away until Monday. Ask Nia in the meantime."),
    Tongue("cy", "Ateb awtomatig", "Allan o'r swyddfa", "Rwyf i ffwrdd tan ddydd Llun. Holwch Nia yn y cyfamser."),
    Tongue("ar", "رد تلقائي", "خارج المكتب", "أنا في إجازة حتى يوم الاثنين. اسألوا نيا في غيابي."),
    Tongue("de", "Automatische Antwort", "Abwesenheitsnotiz", "Ich bin bis Montag nicht da. Bitte fragen Sie Nia."),
    Tongue("fr", "Réponse automatique", "Absence du bureau", "Je suis absent jusqu'à lundi. Demandez à Nia."),
    Tongue("es", "Respuesta automática", "Fuera de la oficina", "Estoy fuera hasta el lunes. Pregunte a Nia."),
    Tongue("it", "Risposta automatica", "Fuori sede", "Sono via fino a lunedì. Chiedete a Nia."),
    Tongue("pt", "Resposta automática", "Fora do escritório", "Estou fora até segunda-feira. Fale com a Nia."),
    Tongue("nl", "Automatisch antwoord", "Afwezigheidsbericht", "Ik ben er maandag weer. Vraag het intussen aan Nia."),
    Tongue("pl", "Automatyczna odpowiedź", "Poza biurem", "Wracam w poniedziałek. Proszę pytać Nię."),
    Tongue("sv", "Autosvar", "Frånvarande", "Jag är tillbaka på måndag. Fråga Nia så länge."),
    Tongue("da", "Automatisk svar", "Ikke til stede", "Jeg er tilbage på mandag. Spørg Nia imens."),
    Tongue("fi", "Automaattinen vastaus", "Poissa toimistosta", "Palaan maanantaina. Kysykää Nialta."),
    Tongue("cs", "Automatická odpověď", "Mimo kancelář", "Vrátím se v pondělí. Ptejte se Nii."),
    Tongue("tr", "Otomatik yanıt", "Ofis dışında", "Pazartesi dönüyorum. Nia'ya sorabilirsiniz."),
    Tongue("ru", "Автоматический ответ", "Вне офиса", "Меня нет до понедельника. Спросите Нию."),
    Tongue("uk", "Автоматична відповідь", "Поза офісом", "Мене немає до понеділка. Запитайте Нію."),
    Tongue("el", "Αυτόματη απάντηση", "Εκτός γραφείου", "Λείπω ως τη Δευτέρα. Ρωτήστε τη Νία."),
)  # fmt: skip


def _answer(
    tongue: Tongue, ours: Ours, subject: str, *headers: str, to: str = "", transfer: str = "8bit"
) -> bytes:
    text, how = coded(tongue.words + "\n", "utf-8", transfer)
    return mail(
        (
            *headers,
            f"From: {word('Siân Rees')} <sian@example.org>",
            f"To: {to or f'replies+{ours.token}@{DOMAIN}'}",
            f"Subject: {word(subject)}",
            f"Date: {DATE}",
            f"Message-ID: <auto{ours.number}@mail.example.org>",
            f"In-Reply-To: {ours.message_id}",
            "Content-Type: text/plain; charset=utf-8",
            how,
        ),
        text,
    )


def outlook(tongue: Tongue, ours: Ours) -> bytes:
    """Outlook and Exchange."""
    headers = ("X-Auto-Response-Suppress: All", "X-MS-Exchange-Inbox-Rules-Loop: sian@example.org")
    subject = f"{tongue.outlook}: Cyfarfod y pentref"
    return _answer(tongue, ours, subject, *headers, "Auto-Submitted: auto-generated", transfer="base64")


def gmail(tongue: Tongue, ours: Ours) -> bytes:
    """Gmail: to the return address, under a subject that somebody chose."""
    headers = ("Precedence: bulk", "X-Autoreply: yes", "Auto-Submitted: auto-replied")
    return _answer(tongue, ours, f"{tongue.other} Re: Cyfarfod y pentref", *headers, to=ours.return_path)


def sieve(tongue: Tongue, ours: Ours) -> bytes:
    """Vacation by Sieve: a parameter in its header, an empty return path, our subject after a word of its own."""
    headers = ("Return-Path: <>", "Auto-Submitted: auto-replied (vacation)", "Precedence: junk")
    return _answer(tongue, ours, "Auto: Cyfarfod y pentref", *headers, transfer="quoted-printable")


def panel(tongue: Tongue, ours: Ours) -> bytes:
    """cPanel's autoresponder: it answers under our own subject."""
    headers = ("X-Autorespond: Cyfarfod y pentref", "Precedence: auto_reply", "X-Precedence: auto_reply")
    return _answer(tongue, ours, "Re: Cyfarfod y pentref", *headers)


def by_subject(tongue: Tongue, ours: Ours) -> bytes:
    """Outlook behind a gateway that drops its headers."""
    return _answer(tongue, ours, f"{tongue.outlook}: Re: Cyfarfod y pentref", transfer="base64")


def by_other_subject(tongue: Tongue, ours: Ours) -> bytes:
    """An older program: no header, and the other usual subject."""
    return _answer(tongue, ours, f"{tongue.other}: Cyfarfod y pentref")


WAYS = (outlook, gmail, sieve, panel, by_subject, by_other_subject)


def samples() -> list[Sample]:
    """Every language by every way, then machines that are nobody's absence."""
    made: list[Sample] = []
    for tongue in TONGUES:
        for way in WAYS:
            ours = Ours(3_000 + len(made), "sian@example.org")
            expected = Expected("auto_reply", token=ours.token, words=tongue.words)
            made.append(
                Sample(f"{way.__name__} in {tongue.code}", "auto_reply", way(tongue, ours), (expected,))
            )
    return [*made, *_others()]


# Machines that are nobody's absence: their headers, a subject of theirs, their words.
OTHERS = (
    ("notes", (), "AUTO: Siân Rees is out of the office (returning 09/11/2026)", "I am back on Monday."),
    ("zimbra", ("Auto-Submitted: auto-replied (zimbra; vacation)", "Precedence: bulk"), "Re: Cyfarfod", "Away."),
    ("help desk", ("Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: All"), "[#12] Cyfarfod", "We have it."),
    ("ticket", ("X-Auto-Response-Suppress: DR, OOF, AutoReply",), "Ticket 77 received", "A number was given."),
    ("challenge", ("Auto-Submitted: auto-replied", "Precedence: bulk"), "Please confirm", "Are you a person?"),
    ("moderator", ("Auto-Submitted: auto-generated", "X-List-Administrivia: yes", "Precedence: list"),
     "Your message awaits approval", "A moderator will look."),
    ("left", ("X-Autogenerated: Reply",), "I no longer work here", "Write to Nia instead."),
    ("school", ("X-FC-MachineGenerated: true",), "Diolch am eich neges", "Fe atebwn cyn bo hir."),
    ("marked", (), "[Auto-Reply] Cyfarfod", "We read this on Mondays."),
    ("newsletter", ("Precedence: bulk", "List-Unsubscribe: <https://news.example/out>"), "Newyddion", "Dyma nhw."),
)  # fmt: skip


def _others() -> list[Sample]:
    made = []
    for n, (name, headers, subject, words) in enumerate(OTHERS):
        ours = Ours(3_500 + n, "sian@example.org")
        tongue = Tongue("", "", "", words)
        expected = Expected("auto_reply", token=ours.token, words=words)
        made.append(Sample(name, "auto_reply", _answer(tongue, ours, subject, *headers), (expected,)))
    return [*made, _read_receipt()]


def _read_receipt() -> Sample:
    """A mail program says that a mail was shown."""
    ours = Ours(3_600, "sian@example.org")
    told = f"Reporting-UA: mail.example; Program 1\nFinal-Recipient: rfc822;{ours.to}\n"
    told += (
        f"Original-Message-ID: {ours.message_id}\nDisposition: manual-action/MDN-sent-manually; displayed\n"
    )
    body = parts(
        "mdn",
        part("text/plain; charset=utf-8", "Dangoswyd eich neges."),
        part("message/disposition-notification", told),
    )
    headers = (
        "From: sian@example.org",
        f"To: replies+{ours.token}@{DOMAIN}",
        "Subject: Read: Cyfarfod y pentref",
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="mdn"',
    )
    expected = Expected("auto_reply", token=ours.token, words="Dangoswyd eich neges.")
    return Sample("read receipt", "auto_reply", mail(headers, body), (expected,))
