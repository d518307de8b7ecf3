"""What can be told from the words of a mail: whether a machine wrote it, what in it is new, whether it asks
to stop.

Rules: no automatic answer may count as a person's, so a doubtful one counts as automatic; of what a person
wrote nothing is lost but what they quoted.
Source: RFC 3834 (Auto-Submitted), RFC 3676 (quoting); bad input M1–M3, M15, M19.
"""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

import nh3

from .mime import Part

HTML_MAX = 250_000
TEXT_MAX = 100_000

AUTOMATIC_SUBJECTS = (
    "automatic reply", "autoreply", "auto-reply", "auto reply", "auto response", "out of office",
    "out of the office",
    "ateb awtomatig", "ymateb awtomatig", "allan o'r swyddfa", "i ffwrdd o'r swyddfa",
    "رد تلقائي", "الرد التلقائي", "خارج المكتب",
    "automatische antwort", "abwesenheitsnotiz", "abwesenheitsbenachrichtigung", "nicht im büro",
    "réponse automatique", "absence du bureau", "respuesta automática", "fuera de la oficina",
    "risposta automatica", "fuori sede", "resposta automática", "automatisch antwoord", "afwezigheidsbericht",
    "automatyczna odpowiedź", "odpowiedź automatyczna", "automatiskt svar", "autosvar", "automatisk svar",
    "automaattinen vastaus", "automatická odpověď", "automatikus válasz", "otomatik yanit", "răspuns automat",
    "автоответ", "автоматический ответ", "автоматична відповідь", "αυτόματη απάντηση", "freagra uathoibríoch",
    "תשובה אוטומטית", "自動応答", "自动答复", "自動回覆", "자동 회신", "स्वचालित उत्तर", "خودکار جواب",
)  # fmt: skip
# A machine's subject goes on with a colon, a dash or nothing; "Out of office hours?" is a person's.
_AUTOMATIC = re.compile(
    rf"\W*({'|'.join(map(re.escape, AUTOMATIC_SUBJECTS))})\s*([:：\-–—(\[].*)?", re.DOTALL
)

STOP_WORDS = frozenset(
    (
        "stop",
        "unsubscribe",
        "dad-danysgrifio",
        "dad-danysgrifiwch fi",
        "stopio",
        "stopiwch",
        "remove me",
        "opt out",
    )
    + ("إلغاء الاشتراك", "الغاء الاشتراك", "توقف", "stopp", "abmelden", "désabonner", "baja")
)

# What people write, alone, to get no more text messages: the words that networks know, and Welsh and Arabic ones.
STOP_MESSAGES = frozenset(
    ("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out")
    + ("stopio", "stopiwch", "atal", "dad-danysgrifio")
    + ("توقف", "إيقاف", "ايقاف", "إلغاء", "الغاء", "إلغاء الاشتراك", "الغاء الاشتراك")
)  # fmt: skip

# The line a mail program writes above what it quotes, in the languages it speaks.
ATTRIBUTIONS = (
    r"(On|Le|Am|El|Il|Em|Op|Ar|Den|Dnia|W dniu|Dne|У|В) .{4,300}(wrote|a écrit|schrieb.{0,80}|escribió"
    r"|ha scritto|escreveu|schreef.{0,80}|ysgrifennodd.{0,120}|skrev.{0,80}|napisał\(a\)|napisał"
    r"|пишет|написал)\s?:",
    r".{0,120}\bysgrifennodd\b.{0,120}:",
    r"في .{2,300}(كتب|كتبت|تمت كتابة ما يلي بواسطة).{0,200}:",
    r".{0,120}(كتب|كتبت)\s?.{0,120}:",
    r"-{2,}\s?(Original Message|Neges Wreiddiol|Ursprüngliche Nachricht|Message d'origine|Mensaje original"
    r"|الرسالة الأصلية|Forwarded message|Neges a Anfonwyd Ymlaen)\s?-{2,}",
)
_ATTRIBUTION = re.compile("|".join(f"(?:{one})" for one in ATTRIBUTIONS))
# A date or an address stands in it; "I wrote down what we need:" is a person's own line.
_DATED = re.compile(r"[@\d]|^-{2}")
_HEADER_BLOCK = re.compile(r"\*?(From|Oddi wrth|O|Von|De|Da|Van|من)\s?:\*? .+")
_SENT_LINE = re.compile(
    r"\*?(Sent|Date|Anfonwyd|Dyddiad|Gesendet|Datum|Envoyé|Enviado|Inviato|Verzonden|تم الإرسال"
    r"|التاريخ)\s?:\*? .+"
)
_BREAKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "table", "ul", "ol"}


def is_automatic(mail: Part) -> bool:
    """Whether a machine wrote this mail, by its headers or its subject."""
    submitted = re.split(r"[;(\s]", mail.get("auto-submitted").strip().lower(), maxsplit=1)[0]
    if submitted not in ("", "no"):
        return True
    if any(
        mail.all(name) for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from")
    ):
        return True
    if mail.get("x-auto-response-suppress").strip().lower() not in ("", "none"):
        return True
    if mail.get("precedence").strip().lower() in ("bulk", "junk", "list", "auto_reply", "auto-reply"):
        return True
    return (
        mail.kind == "multipart/report" or is_from_nobody(mail) or is_automatic_subject(mail.get("subject"))
    )


def is_from_nobody(mail: Part) -> bool:
    """Whether the envelope sender was empty: nobody can be answered."""
    return any(value.strip() == "<>" for value in mail.all("return-path"))


def is_automatic_subject(subject: str) -> bool:
    """Whether a subject is one that mail programs give to automatic answers, in any of their languages."""
    return bool(_AUTOMATIC.fullmatch(_plain(subject)[:300]))


def asks_to_stop(text: str) -> bool:
    """Whether the first line, alone, asks to be left out: a proposal for a person to decide."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    return _plain(first).strip(" .!?*\"'") in STOP_WORDS


def is_stop_message(text: str) -> bool:
    """Whether a text message is nothing but a word for no more of them."""
    return _plain(text).strip(" .!؟?\"'") in STOP_MESSAGES


def new_words(text: str) -> str:
    """What the writer added: lines quoted with > and everything under an attribution are left out.

    An answer written below or between quoted lines is kept. Where nothing would be left, all of it is.
    """
    lines = text[:TEXT_MAX].split("\n")
    kept: list[str] = []
    at = 0
    while at < len(lines):
        length = _attribution_at(lines, at)
        if length and not _quotes_next(lines, at + length):
            break
        at += length
        if not length:
            if not lines[at].startswith(">"):
                kept.append(lines[at])
            at += 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip().rstrip("_").rstrip() or text[:TEXT_MAX].strip()


def text_of_html(html: str) -> str:
    """The words of an HTML mail, what it quotes marked with >."""
    # nh3 closes and orders what is broken; Python's parser alone can take quadratic time over it.
    clean = nh3.clean(html[:HTML_MAX], tags=_BREAKS | {"blockquote"}, attributes={})
    reader = _Words()
    reader.feed(clean)
    reader.close()
    lines = "".join(reader.out).replace("\xa0", " ").split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(" ".join(line.split()) for line in lines)).strip()


def _attribution_at(lines: list[str], at: int) -> int:
    """How many lines from here are an attribution: 0, 1, or 2 where it was wrapped or has a header block."""
    line = lines[at].strip()
    if not line or line.startswith(">"):
        return 0
    following = lines[at + 1].strip() if at + 1 < len(lines) else ""
    if _is_attribution(line):
        return 1
    if _HEADER_BLOCK.fullmatch(line[:600]) and _SENT_LINE.fullmatch(following[:600]):
        return 2
    if following and not following.startswith(">") and following.endswith(":"):
        return 2 if _is_attribution(f"{line} {following}") else 0
    return 0


def _is_attribution(line: str) -> bool:
    return line[-1] in ":-" and bool(_DATED.search(line)) and bool(_ATTRIBUTION.fullmatch(line[:600]))


def _quotes_next(lines: list[str], at: int) -> bool:
    """Whether what follows is quoted line by line, so that the writer's own lines can be told from it."""
    return next((line.startswith(">") for line in lines[at : at + 5] if line.strip()), False)


def _plain(text: str) -> str:
    """Text to compare: what lower() makes of the Turkish dotless i depends on which way it came."""
    return " ".join(unicodedata.normalize("NFC", text).replace("’", "'").lower().replace("ı", "i").split())


class _Words(HTMLParser):
    """Text of clean HTML; blockquotes become quoted lines."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._quoted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._quoted += tag == "blockquote"
        if tag in _BREAKS or tag == "blockquote":
            self._line()

    def handle_endtag(self, tag: str) -> None:
        if tag == "blockquote":
            self._quoted = max(self._quoted - 1, 0)
        if tag in _BREAKS or tag == "blockquote":
            self._line()

    def handle_data(self, data: str) -> None:
        self.out.append(re.sub(r"\s+", " ", data))

    def _line(self) -> None:
        self.out.append("\n> " if self._quoted else "\n")
