"""One page for somebody who has no login: rendered in their language, without scripts, never kept.

Rules: a page is made from templates/public/ alone and carries its own headers, whatever is mounted around it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Response, request, url_for
from jinja2 import Environment
from sqlalchemy.orm import Session

from campaigns.delivery.compose import RTL
from campaigns.delivery.tables import Account, Delivery
from campaigns.messages import layout
from campaigns.messages.tables import Message

from .. import words

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Vary": "Accept-Language",
}


def language(*known: str | None) -> str:
    """The reader's language: chosen on the page, else what we know of them, else what their browser asks for."""
    return words.choose((request.args.get("language"), *known, *request.accept_languages.values()))


def show(template: str, language: str, status: int = 200, **values: Any) -> Response:
    """The page as an answer."""
    text = (
        _environment(language)
        .get_template(f"{template}.html")
        .render(
            language=language,
            direction=words.DIRECTIONS[language],
            languages=words.LANGUAGES,
            directions=words.DIRECTIONS,
            stylesheet=url_for("static", filename="public.css"),
            **values,
        )
    )
    response = Response(text, status=status, content_type="text/html; charset=utf-8")
    response.headers.update(HEADERS | {"Content-Language": language})
    return response


def organisation(session: Session, delivery: Delivery) -> str:
    """Who wrote, as readers know them: the name above its mails, else the sender's name of the account."""
    home = session.get_one(Message, delivery.message_id).programme_id
    return layout.house(session, home).name or session.get_one(Account, delivery.account_id).sender_name or ""


def link_not_valid(*known: str | None) -> Response:
    """The answer to a link that is forged, cut off, expired or used: it tells nothing else."""
    return show("link_not_valid", language(*known), 404)


def written(code: str) -> str:
    """The direction in which a language is written."""
    return "rtl" if code.split("-")[0] in RTL else "ltr"


def masked(address: str) -> str:
    """Enough to know one's own address, too little to learn somebody else's from a forwarded mail."""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}" if at and name else f"{address[:2]}…" if address else ""


@cache
def _environment(language: str) -> Environment:
    return words.templates("public", language)
