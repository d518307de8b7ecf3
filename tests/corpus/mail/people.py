"""What people write back, in Welsh, Arabic and English, above, below and between what their mail programs quote.

Rules: a style is a function from somebody's words to the body of a mail; what it has to give back are those words.
Source: how Outlook, Outlook's phones, Apple Mail, Gmail, Thunderbird, Yahoo, Proton, Roundcube, GMX, Samsung and K-9
quote, as of November 2026. The words are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .shape import DATE, DOMAIN, Expected, Ours, Sample, coded, mail, part, parts, spaceless, word

HELO = f"helo@{DOMAIN}"
ASKED = ("Annwyl gyfaill,", "", "Ddewch chi i'r cyfarfod?", "Sawl un ohonoch?", "", "Cyngor")
QUOTED = "\n".join(f"> {line}".rstrip() for line in ASKED)
PLAIN = "\n".join(ASKED)


@dataclass(frozen=True, slots=True)
class Speech:
    """A language as mail programs speak it, and what people said in it."""

    code: str
    name: str
    gmail: str
    apple: str
    thunderbird: str
    yahoo: str
    sent_from: str
    rule: str  # what Outlook and Samsung write between rules
    forwarded: str
    fields: tuple[str, str, str, str]
    says: tuple[str, ...]


ENGLISH = Speech(
    "en", "Sian Rees",
    f"On Mon, 2 Nov 2026 at 09:00, Cyngor Ynys Môn - Anglesey County Council <{HELO}>\nwrote:",
    f"On 2 Nov 2026, at 09:00, Cyngor <{HELO}> wrote:",
    "On 02/11/2026 09:00, Cyngor wrote:",
    f"On Monday, 2 November 2026 at 09:00:00 GMT, Cyngor <{HELO}> wrote:",
    "Sent from my iPhone", "Original message", "Forwarded message",
    ("From", "Sent", "To", "Subject"),
    (
        "Thank you, I will be there.\nTwo of us, in fact.",
        "On Monday we wrote down what the hall needs:\n- chairs\n- tea\nIs that all right?",
        "No.\n\nFrom the chapel to the hall is too far for my mother: could somebody fetch her at 10:30?",
        "Yes please!",
        "Here is what I said to the group on 30 October: we need a ramp.\nRegards,\nSian",
        "I wrote to you at council@example.org before and got no answer.",
    ),
)  # fmt: skip
WELSH = Speech(
    "cy", "Siân Rees",
    f"Ar Llun, 2 Tach 2026 am 09:00 ysgrifennodd Cyngor Ynys Môn <{HELO}>:",
    f"Ar 2 Tach 2026, am 09:00, ysgrifennodd Cyngor <{HELO}>:",
    "Ar 02/11/2026 am 09:00, ysgrifennodd Cyngor:",
    f"Ar ddydd Llun, 2 Tachwedd 2026 am 09:00:00 GMT, ysgrifennodd Cyngor <{HELO}>:",
    "Anfonwyd o fy iPhone", "Neges wreiddiol", "Neges a anfonwyd ymlaen",
    ("Oddi wrth", "Anfonwyd", "At", "Pwnc"),
    (
        "Diolch yn fawr, fe fyddaf yno.\nDau ohonom, a dweud y gwir.",
        "Ysgrifennais restr o'r hyn sydd ei angen:\n- cadeiriau\n- te\nYdy hynny'n iawn?",
        "Na.\n\nO'r capel i'r neuadd mae'n rhy bell i Mam: all rhywun ei nôl am 10:30?",
        "Gwnaf, â phleser! Ŵyn a ŷd, fel petai.",
        "Dyma a ddywedais wrth y grŵp ar 30 Hydref: mae angen ramp.\nCofion,\nSiân",
        "Fe ysgrifennais atoch o'r blaen i cyngor@example.org a chael dim ateb.",
    ),
)  # fmt: skip
ARABIC = Speech(
    "ar", "سارة علي",
    "\u202bفي الاثنين، 2 نوفمبر 2026 في 9:00 ص تمت كتابة ما يلي بواسطة "
    f"\u202aCyngor\u202c\u200f <\u202a{HELO}\u202c\u200f>:\u202c",
    f"في ٢ نوفمبر ٢٠٢٦، الساعة ٩:٠٠ ص، كتب Cyngor <{HELO}>:",
    "في 2\u200f/11\u200f/2026 9:00 ص، كتب Cyngor:",
    f"في الاثنين، ٢ نوفمبر ٢٠٢٦ في ٩:٠٠:٠٠ ص غرينتش، كتب Cyngor <{HELO}>:",
    "أُرسلت من الـ iPhone", "الرسالة الأصلية", "رسالة معاد توجيهها",
    ("من", "تم الإرسال", "إلى", "الموضوع"),
    (
        "شكرا جزيلا، سأكون هناك.\nنحن اثنان في الحقيقة.",
        "كتبت لكم قائمة بما نحتاجه:\n- كراسي\n- شاي\nهل هذا مناسب؟",
        "لا.\n\nمن الكنيسة إلى القاعة المسافة بعيدة على أمي: هل يمكن لأحد أن يحضرها الساعة 10:30؟",
        "نعم من فضلكم!",
        "هذا ما قلته للمجموعة يوم ٣٠ أكتوبر: نحتاج إلى منحدر.\nمع التحية،\nسارة",
        "كتبت إليكم من قبل على council@example.org ولم أتلق جوابا.",
    ),
)  # fmt: skip
SPEECHES = (ENGLISH, WELSH, ARABIC)

# Somebody's words and a language become a body, its kind, and what of it is new.
Style = Callable[[str, Speech], tuple[str, str, str]]
TEXT, HTML = "text/plain", "text/html"


def alone(said: str, _speech: Speech) -> tuple[str, str, str]:
    """Nothing is quoted."""
    return said, TEXT, said


def gmail(said: str, speech: Speech) -> tuple[str, str, str]:
    """Gmail: above; its line is broken where it is long."""
    return f"{said}\n\n{speech.gmail}\n\n{QUOTED}\n", TEXT, said


def apple(said: str, speech: Speech) -> tuple[str, str, str]:
    """Apple Mail on a phone: above, with the phone's own line."""
    new = f"{said}\n\n{speech.sent_from}"
    return f"{new}\n\n> {speech.apple}\n> \n{QUOTED}\n", TEXT, new


def apple_mac(said: str, speech: Speech) -> tuple[str, str, str]:
    """Apple Mail on a computer: above."""
    return f"{said}\n\n{speech.apple}\n\n{QUOTED}\n", TEXT, said


def thunderbird(said: str, speech: Speech) -> tuple[str, str, str]:
    """Thunderbird: below."""
    return f"{speech.thunderbird}\n{QUOTED}\n\n{said}\n", TEXT, said


def between(said: str, speech: Speech) -> tuple[str, str, str]:
    """Thunderbird, by somebody who answers each question where it stands."""
    first, _, rest = said.partition("\n")
    body = f"{speech.thunderbird}\n> Ddewch chi i'r cyfarfod?\n{first}\n> Sawl un ohonoch?\n{rest}\n"
    return body, TEXT, said


def outlook(said: str, speech: Speech) -> tuple[str, str, str]:
    """Outlook on a computer: above a block of headers, nothing marked."""
    sender, sent, to, subject = speech.fields
    block = (
        f"{sender}: Cyngor <{HELO}>\n{sent}: 02 November 2026 09:00\n{to}: {speech.name}\n{subject}: Cyfarfod"
    )
    return f"{said}\n\n{block}\n\n{PLAIN}\n", TEXT, said


def outlook_ruled(said: str, speech: Speech) -> tuple[str, str, str]:
    """Outlook on the web: the block stands under a rule."""
    body, kind, new = outlook(said, speech)
    start = body.index(f"{speech.fields[0]}: Cyngor")
    return f"{body[:start]}{'_' * 32}\n{body[start:]}", kind, new


def outlook_old(said: str, speech: Speech) -> tuple[str, str, str]:
    """Older Outlook: a name for it between dashes."""
    return f"{said}\n\n-----{speech.rule}-----\n{outlook('', speech)[0].lstrip()}", TEXT, said


def samsung(said: str, speech: Speech) -> tuple[str, str, str]:
    """Samsung's phones."""
    head = f"{speech.fields[0]}: Cyngor <{HELO}>\nDate: 02/11/2026 09:00 (GMT+00:00)"
    return f"{said}\n\n\n-------- {speech.rule} --------\n{head}\n\n{PLAIN}\n", TEXT, said


def yahoo(said: str, speech: Speech) -> tuple[str, str, str]:
    """Yahoo: above, and what follows is indented, not marked."""
    quoted = "\n".join(f" {line}" for line in ASKED)
    return f"{said}\n\n    {speech.yahoo}\n \n {quoted}\n", TEXT, said


def proton(said: str, speech: Speech) -> tuple[str, str, str]:
    """Proton: above, both named and marked."""
    return f"{said}\n\n------- {speech.rule} -------\n{speech.yahoo}\n\n{QUOTED}\n", TEXT, said


def forwarded(said: str, speech: Speech) -> tuple[str, str, str]:
    """Gmail, by somebody who passes it on with a word."""
    head = f"{speech.fields[0]}: Cyngor <{HELO}>\nDate: Mon, 2 Nov 2026 at 09:00\nSubject: Cyfarfod"
    return f"{said}\n\n---------- {speech.forwarded} ---------\n{head}\n\n{PLAIN}\n", TEXT, said


def flowed(said: str, speech: Speech) -> tuple[str, str, str]:
    """K-9: format=flowed, quoted signs without a space behind them."""
    return f"{speech.thunderbird}\n{QUOTED.replace('> ', '>')}\n\n{said}\n", f"{TEXT}; format=flowed", said


def gmail_html(said: str, speech: Speech) -> tuple[str, str, str]:
    """Gmail's HTML alone."""
    said_html = said.replace("\n", "<br>")
    line = speech.gmail.replace("\n", " ").replace("<", "&lt;").replace(">", "&gt;")
    quote = f'<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{line}<br></div>'
    return (
        f'<div dir="auto">{said_html}</div><br>{quote}<blockquote>{_html(PLAIN)}</blockquote></div>',
        HTML,
        said,
    )


def outlook_html(said: str, speech: Speech) -> tuple[str, str, str]:
    """Outlook's HTML alone: a block of headers after a rule."""
    sender, sent, to, subject = speech.fields
    block = f"<b>{sender}:</b> Cyngor &lt;{HELO}&gt;<br><b>{sent}:</b> 02 November 2026 09:00<br>"
    block += f"<b>{to}:</b> {speech.name}<br><b>{subject}:</b> Cyfarfod"
    body = f"<html><head><style>p {{margin: 0}}</style></head><body>{_html(said)}<p>&nbsp;</p>"
    return (
        f"{body}<div style='border-top: solid'><p>{block}</p></div>{_html(PLAIN)}</body></html>",
        HTML,
        said,
    )


def thunderbird_html(said: str, speech: Speech) -> tuple[str, str, str]:
    """Thunderbird's HTML alone, below."""
    line = f'<div class="moz-cite-prefix">{speech.thunderbird}<br></div>'
    return f'{line}<blockquote type="cite">{_html(PLAIN)}</blockquote>{_html(said)}', HTML, said


STYLES: tuple[Style, ...] = (
    alone, gmail, apple, apple_mac, thunderbird, between, outlook, outlook_ruled, outlook_old, samsung, yahoo, proton,
    forwarded, flowed, gmail_html, outlook_html, thunderbird_html,
)  # fmt: skip
CHARSETS = {"en": ("utf-8", "windows-1252"), "cy": ("utf-8", "iso-8859-14"), "ar": ("utf-8", "windows-1256")}
TRANSFERS = ("8bit", "base64", "quoted-printable")


def _html(text: str) -> str:
    return "".join(f"<p>{line or '&nbsp;'}</p>" for line in text.split("\n"))


def samples() -> list[Sample]:
    """Every style in every language, each twice with other words; then people who look like machines."""
    made: list[Sample] = []
    for turn in range(2):
        for style in STYLES:
            made += [_sample(len(made) + n, style, speech, turn) for n, speech in enumerate(SPEECHES)]
    return [*made, *_like_machines()]


def _sample(n: int, style: Style, speech: Speech, turn: int) -> Sample:
    said = speech.says[(n // 3) % len(speech.says)]
    body, kind, new = style(said, speech)
    charset, transfer = _charset(body, speech.code, turn), TRANSFERS[n % 3]
    ours = Ours(5_000 + n, "sian@example.org")
    text, how = coded(body, charset, transfer)
    headers = _headers(ours, speech.name)
    raw = mail((*headers, f"Content-Type: {kind}; charset={charset}", how), text, charset)
    expected = Expected("reply", token=ours.token, words=spaceless(new))
    return Sample(f"{style.__name__} in {speech.code} {turn}", "person", raw, (expected,))


def _charset(body: str, code: str, turn: int) -> str:
    """The older charset of the language on the second turn, where it has all letters."""
    charset = CHARSETS[code][turn]
    try:
        body.encode(charset)
    except UnicodeEncodeError:
        return "utf-8"
    return charset


def _headers(ours: Ours, name: str, subject: str = "Re: Cyfarfod y pentref") -> tuple[str, ...]:
    return (
        "Return-Path: <sian@example.org>",
        f"From: {word(name)} <sian@example.org>",
        f"To: replies+{ours.token}@{DOMAIN}",
        f"Subject: {word(subject)}",
        f"Date: {DATE}",
        f"Message-ID: <person{ours.number}@mail.example.org>",
        f"In-Reply-To: {ours.message_id}",
        f"References: {ours.message_id}",
        "MIME-Version: 1.0",
    )


# People who look like machines: headers more, a subject, their words.
LIKE_MACHINES = (
    (("Auto-Submitted: no",), "Re: Cyfarfod", "I am a person."),
    (("Auto-Submitted: no (sent by hand)",), "Re: Cyfarfod", "Rwy'n berson."),
    (("X-Auto-Response-Suppress: None",), "Re: Cyfarfod", "أنا إنسان."),
    (("Precedence: first-class",), "Re: Cyfarfod", "Byddaf yno."),
    (("Precedence: list", "List-Id: <pentref.groups.example.org>"), "Re: Cyfarfod", "I read this in our group: yes."),
    ((), "Re: Automatic reply: Cyfarfod", "I am back now, and I will come."),
    ((), "Re: Ateb awtomatig: Cyfarfod", "Rwyf yn ôl, ac mi ddof."),
    ((), "Re: رد تلقائي: Cyfarfod", "عدت من الإجازة وسأحضر."),
    ((), "Out of office hours, can we meet?", "Six o'clock would be best."),
    ((), "Automatic doors at the hall", "They do not open."),
    ((), "Re: Undelivered Mail Returned to Sender", "Your last mail came back to me; here I am."),
    ((), "My parcel was undelivered", "It could not be delivered last week. Whom do I ask?"),
    ((), "Failure of notice boards", "Nobody reads them."),
    ((), "Auto parts day", "We bring our old cars."),
    ((), "Absence of buses", "There are none on Sundays."),
)  # fmt: skip


def _like_machines() -> list[Sample]:
    made = []
    for n, (headers, subject, words) in enumerate(LIKE_MACHINES):
        ours = Ours(6_000 + n, "sian@example.org")
        head = (*_headers(ours, "Siân Rees", subject), *headers, "Content-Type: text/plain; charset=utf-8")
        expected = Expected("reply", token=ours.token, words=words)
        made.append(Sample(f"like a machine: {subject} {n}", "person", mail(head, words + "\n"), (expected,)))
    return [*made, _by_hand_from_a_postmaster(), _pictures_and_words()]


def _by_hand_from_a_postmaster() -> Sample:
    """Whoever looks after a mail server is a person, too."""
    ours = Ours(6_100, "postmaster@example.org")
    head = (
        "From: Postmaster <postmaster@example.org>",
        f"To: replies+{ours.token}@{DOMAIN}",
        "Subject: Re: Undeliverable: Cyfarfod",
        f"In-Reply-To: {ours.message_id}",
        "Content-Type: text/plain; charset=utf-8",
    )
    words = "I have mended our server; please send it again."
    expected = Expected("reply", token=ours.token, words=words)
    return Sample("a postmaster by hand", "person", mail(head, words), (expected,))


def _pictures_and_words() -> Sample:
    """Words in two forms, with a picture and a file."""
    ours = Ours(6_101, "sian@example.org")
    both = parts(
        "alt",
        part("text/plain; charset=utf-8", f"Dyma lun o'r neuadd.\n\n{WELSH.gmail}\n\n{QUOTED}\n"),
        part("text/html; charset=utf-8", "<p>Dyma lun o'r neuadd.</p>"),
    )
    body = parts(
        "mix",
        part("multipart/alternative; boundary=alt", both),
        part(
            "image/png",
            "iVBORw0KGgo=\n",
            "Content-Transfer-Encoding: base64",
            "Content-Disposition: attachment",
        ),
        part("text/plain", "nid hwn", 'Content-Disposition: attachment; filename="nodyn.txt"'),
    )
    head = (*_headers(ours, "Siân Rees"), 'Content-Type: multipart/mixed; boundary="mix"')
    expected = Expected("reply", token=ours.token, words="Dyma lun o'r neuadd.")
    return Sample("words and a picture", "person", mail(head, body), (expected,))
