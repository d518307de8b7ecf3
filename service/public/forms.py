"""`/f/<name>`: sign up, or answer one question; `/f/confirm/<token>`: say from one's own mailbox that it was meant.

Rules: opening a page changes nothing; what programs fill in changes nothing and is not told so; whoever is known gets
the same answer as whoever is not. No cookie, no script, nobody else's service. Source: L7, U11 to U13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from flask import Blueprint, Response, g, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import audit
from campaigns.base import EPOCH, public_id
from campaigns.delivery.tables import Delivery
from campaigns.errors import BadAddress, Conflict, DomainError, Invalid, LinkNotValid, NotFound
from campaigns.links import Links
from campaigns.responses import confirming, surveys
from campaigns.stakeholders import forms, topics
from campaigns.stakeholders.tables import Form, FormWording, Signup, Stakeholder

from .. import knocks, letters, words
from ..wiring import Wiring
from . import page

BODY_MAX = 64 * 1024
NUMBER_MAX = 20
# Nobody reads and fills in a page faster than this; and a page that lay open longer is shown anew.
FASTEST, OPEN_FOR = timedelta(seconds=2), timedelta(hours=24)
# In a quarter of an hour: from one place; where a proxy that nobody told us of stands before us, from all of them.
PLACE, NEAR = knocks.Limit("form", 60), knocks.Limit("form_near", 1200)
# A field that people do not see.
TRAP = "website"


@dataclass(frozen=True, slots=True)
class Seen:
    """A form as its reader has it: which words, in which language, and who they are where their link says so."""

    form: Form
    wording: FormWording
    language: str  # of the words of the form
    delivery_id: int | None = None
    token: str = ""
    languages: tuple[str, ...] = ()

    @property
    def texts(self) -> Mapping[str, Any]:
        """What it says in that language."""
        return _whole(self.wording.texts[self.language])


def blueprint(wiring: Wiring) -> Blueprint:
    """The form, with a personal link or without, and the page that confirms."""
    made = Blueprint("form", __name__)

    @made.get("/f/confirm/<token>")
    def asked(token: str) -> Response:
        return _confirming(wiring, token, _show_confirm)

    @made.post("/f/confirm/<token>")
    def confirmed(token: str) -> Response:
        request.max_content_length = BODY_MAX
        if request.form.get("act") != "confirm":
            return page.show("nothing_changed", page.language(), 400)
        return _confirming(wiring, token, _confirm)

    @made.get("/f/<slug>", defaults={"token": ""})
    @made.get("/f/<slug>/<token>")
    def read(slug: str, token: str) -> Response:
        try:
            with wiring.database.read() as session:
                seen = _seen(session, wiring, slug, token)
                return _show(session, wiring, seen)
        except (NotFound, LinkNotValid):
            return page.link_not_valid()

    @made.post("/f/<slug>", defaults={"token": ""})
    @made.post("/f/<slug>/<token>")
    def act(slug: str, token: str) -> Response:
        request.max_content_length = request.max_form_memory_size = BODY_MAX
        try:
            return _answer(wiring, slug, token)
        except (NotFound, LinkNotValid):
            return page.link_not_valid()

    return made


# --- filling in ---------------------------------------------------------------------------------------------------


def _answer(wiring: Wiring, slug: str, token: str) -> Response:
    with wiring.database.read() as session:
        seen = _seen(session, wiring, slug, token)
        if seen.form.state == "open" and request.form.get(TRAP):
            return _thanks(session, seen)
        if seen.form.state == "open" and not _read_by_somebody(wiring):
            return _show(session, wiring, seen, again=True)
    try:
        _knock(wiring)
    except knocks.TooManyTries:
        with wiring.database.read() as session:
            return _show(session, wiring, seen, problem="busy")
    take = _sign_up if seen.form.kind == "signup" else _tell
    try:
        with wiring.database.write() as session:
            seen = _seen(session, wiring, slug, token)
            take(session, wiring, seen)
    except (NotFound, LinkNotValid):
        raise
    except DomainError as error:
        problem = _problem(error)
        with wiring.database.read() as session:
            return _show(session, wiring, _seen(session, wiring, slug, token), problem=problem)
    with wiring.database.read() as session:
        return _thanks(session, seen)


def _problem(error: DomainError) -> str:
    if isinstance(error, BadAddress):
        return "address"
    if isinstance(error, Invalid):
        return (error.pointer or "").lstrip("/") or "value"
    return "closed"


def _seen(session: Session, wiring: Wiring, slug: str, token: str) -> Seen:
    form = forms.by_slug(session, slug)
    said = forms.wording(session, form)
    delivery = session.get(Delivery, wiring.links.read("reader", token)) if token else None
    if token and (delivery is None or form.kind != "survey"):
        raise LinkNotValid("this link leads nowhere")
    person = (
        session.get(Stakeholder, delivery.stakeholder_id) if delivery and delivery.stakeholder_id else None
    )
    languages = (*(person.languages if person else ()), delivery.language if delivery else "")
    wishes = (request.args.get("language"), *languages, *request.accept_languages.values())
    return Seen(form, said, _best(said.texts, wishes), delivery.id if delivery else None, token, languages)


def _whole(texts: Mapping[str, Any]) -> dict[str, Any]:
    """With what it does not say as nothing."""
    return {**dict.fromkeys(forms.TEXTS, ""), **texts}


def _best(texts: Mapping[str, Any], wishes: tuple[str | None, ...]) -> str:
    """The first language that they wish for and the form has, else English, else its first."""
    for wish in (*wishes, "en"):
        for language in texts:
            if wish and language.split("-")[0] == wish.split("-")[0].lower():
                return language
    return next(iter(texts))


def _sign_up(session: Session, wiring: Wiring, seen: Seen) -> None:
    """Ask them to confirm. That they agree with what they read is a tick of its own."""
    if seen.form.state != "open" or confirming.account(session, seen.form) is None:
        raise Conflict("this form is closed")
    if request.form.get("agree") != "yes":
        raise Invalid("tick that you agree", pointer="/agree")
    chosen = [int(one) for one in request.form.getlist("topic") if one.isdecimal() and len(one) < NUMBER_MAX]
    if forms.topics_of(session, seen.form) and not chosen:
        raise Invalid("choose one topic at least", pointer="/topic")
    signup = forms.ask(
        session, wiring.now(), seen.form, address=request.form.get("email", ""), name=request.form.get("name", ""),
        language=seen.language, chosen=chosen,
    )  # fmt: skip
    if signup is None:
        return
    url = wiring.links.url(f"/f/confirm/{wiring.links.token('confirm', signup.id)}")
    letter = letters.draw(
        "confirm",
        words.choose([seen.language]),
        title=seen.texts["title"],
        url=url,
        days=forms.CONFIRM_WITHIN.days,
    )
    confirming.mail(session, wiring.now(), signup, subject=letter.subject, text=letter.text)


def _tell(session: Session, wiring: Wiring, seen: Seen) -> None:
    surveys.answer(
        session, wiring.now(), seen.form, language=seen.language, value=request.form.get("value", ""),
        text=request.form.get("text", ""), delivery_id=seen.delivery_id,
    )  # fmt: skip


def _read_by_somebody(wiring: Wiring) -> bool:
    """Whether our own page was open for a while: a page of somebody else's, or a program, has no stamp of ours."""
    try:
        seconds = wiring.links.read("form", request.form.get("stamp", ""))
    except LinkNotValid:
        return False
    age = wiring.now() - (EPOCH + timedelta(seconds=seconds))
    return FASTEST <= age <= OPEN_FOR


def _stamp(links: Links, now: datetime) -> str:
    return links.token("form", int((now - EPOCH).total_seconds()))


def _knock(wiring: Wiring) -> None:
    where = knocks.came_from(
        request.remote_addr or "", request.headers.get("X-Forwarded-For", ""), wiring.settings.http.proxies
    )
    knocks.knock(wiring.database, wiring.now(), (NEAR if _is_near(where) else PLACE, where))


def _is_near(where: str) -> bool:
    try:
        return ip_address(where.split("/")[0]).is_private
    except ValueError:
        return False


def _show(
    session: Session, wiring: Wiring, seen: Seen, *, problem: str = "", again: bool = False
) -> Response:
    form = seen.form
    closed = form.state != "open" or (form.kind == "signup" and confirming.account(session, form) is None)
    offered = [(one.id, topics.named(one, seen.language)) for one in forms.topics_of(session, form)]
    typed = request.form if problem or again else {}
    # A box that was ticked for somebody is no consent of theirs; of a single topic there is nothing to choose.
    ticked = (
        set(request.form.getlist("topic"))
        if problem or again
        else {str(one) for one, _ in offered[:1] if len(offered) == 1}
    )
    status = {"": 200, "busy": 429, "closed": 409}.get(problem, 422)
    return _framed(form, page.show(
        "form", words.choose([seen.language]), status, form=form, texts=seen.texts, topics=offered, ticked=ticked,
        typed=typed, ratings=surveys.RATINGS, problem=problem, again=again, closed=closed,
        stamp=_stamp(wiring.links, wiring.now()), trap=TRAP, offered=list(seen.wording.texts),
        code=seen.language, written=page.written(seen.language),
    ))  # fmt: skip


def _thanks(session: Session, seen: Seen) -> Response:
    return _framed(seen.form, page.show(
        "form_thanks", words.choose([seen.language]), form=seen.form, texts=seen.texts, code=seen.language,
        written=page.written(seen.language), days=forms.CONFIRM_WITHIN.days,
    ))  # fmt: skip


def _framed(form: Form, response: Response) -> Response:
    """Sites that the form names may show it in a frame; their names were checked when they were written."""
    if form.sites:
        policy = response.headers["Content-Security-Policy"]
        allowed = f"frame-ancestors 'self' {' '.join(form.sites)}"
        response.headers["Content-Security-Policy"] = policy.replace("frame-ancestors 'none'", allowed)
    return response


# --- confirming ---------------------------------------------------------------------------------------------------


def _confirming(
    wiring: Wiring, token: str, answer: Callable[[Session, Wiring, Signup], Response]
) -> Response:
    try:
        number = wiring.links.read("confirm", token)
        opened = wiring.database.write if answer is _confirm else wiring.database.read
        with opened() as session:
            return answer(session, wiring, forms.pending(session, wiring.now(), number))
    except LinkNotValid:
        return page.link_not_valid()


def _show_confirm(session: Session, wiring: Wiring, signup: Signup) -> Response:
    """What they are about to confirm; a scanner that opens it confirms nothing."""
    done = signup.confirmed_at is not None
    return _confirm_page("form_confirmed" if done else "form_confirm", session, wiring, signup)


def _confirm(session: Session, wiring: Wiring, signup: Signup) -> Response:
    if forms.confirm(session, wiring.now(), signup.id):
        form = forms.get(session, signup.form_id)
        audit.note(
            session, wiring.now(), public_id("stk", signup.stakeholder_id), "form.confirmed", "form", form.id,
            programme_id=form.programme_id, after={"signup": public_id("sgn", signup.id)},
            request_id=g.get("request_id"),
        )  # fmt: skip
    return _confirm_page("form_confirmed", session, wiring, signup)


def _confirm_page(template: str, session: Session, wiring: Wiring, signup: Signup) -> Response:
    form = forms.get(session, signup.form_id)
    texts = forms.wording(session, form, signup.wording).texts
    code = signup.language if signup.language in texts else next(iter(texts))
    wanted = [topics.named(one, code) for one in forms.topics_of(session, form) if one.id in signup.topics]
    return page.show(
        template, page.language(signup.language), texts=_whole(texts[code]), code=code, topics=wanted,
        written=page.written(code), address=page.masked(signup.address_key), choices=_choices(session, wiring, signup),
    )  # fmt: skip


def _choices(session: Session, wiring: Wiring, signup: Signup) -> str:
    """The way to their choices, by the mail that asked them to confirm; "" where it is not there."""
    asked = (
        select(Delivery.id)
        .where(Delivery.stakeholder_id == signup.stakeholder_id)
        .order_by(Delivery.id.desc())
    )
    found = session.scalar(asked.limit(1))
    return f"/p/{wiring.links.token('preferences', found)}" if found is not None else ""
