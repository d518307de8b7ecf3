"""Forms: public pages on which people sign up or answer one question; what they said, and who confirmed.

Rules: the words of a form never change, an edit is its next wording, so that every consent keeps what was shown. Nobody
is signed up before they have confirmed from their own mailbox; who is known and who is not gets the same answer.
Source: L7, U12.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from ..base import public_id
from ..canonical import digest
from ..errors import BadField, InUse, LinkNotValid, NotFound, said
from . import addresses, consent, kin, people, topics
from .tables import (
    ANSWERS,
    FORM_KINDS,
    Address,
    Consent,
    Form,
    FormWording,
    Involvement,
    Signup,
    Stakeholder,
    Topic,
)
from .text import TEXT_MAX, clean

# What a form says in each language, and how long each of it may be.
TEXTS = {
    "title": 200,
    "intro": TEXT_MAX,
    "notice": TEXT_MAX,
    "agree": 500,
    "thanks": TEXT_MAX,
    "question": 500,
}
NEEDED = {"signup": ("title", "notice", "agree"), "survey": ("title", "question")}
CHOICES_MIN, CHOICES_MAX = 2, 10
SITES_MAX = 20
CONFIRM_WITHIN = timedelta(days=7)
# One address is asked to confirm so often in a day, whoever types it in.
MAILS_MAX, MAILS_WITHIN = 3, timedelta(hours=24)
CHANNEL, PURPOSE = "email", "direct_marketing"
# Stopped in a way that typing an address into a form does not open again, not even for the question.
CLOSED_FOR = ("spam_complaint", "hard_bounce", "no_contact", "manual")

_SLUG = re.compile(r"[a-z0-9](?:-?[a-z0-9]){1,59}")
_SITE = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?")
RESERVED = ("confirm",)


def create(
    session: Session,
    now: datetime,
    *,
    programme_id: int,
    kind: str,
    slug: str,
    name: str,
    author: str,
    texts: Mapping[str, Mapping[str, Any]],
    answers: str = "",
    **values: Any,
) -> Form:
    """A form with its first wording. `texts` by language; `values` as in `change`."""
    if not _SLUG.fullmatch(slug) or slug in RESERVED:
        raise BadField("write a short name of lower-case letters, digits and hyphens", pointer="/slug")
    if session.scalar(select(Form.id).where(Form.slug == slug)) is not None:
        raise InUse("another form has this name in its address", pointer="/slug")
    made = Form(
        programme_id=programme_id, kind=people.one_of(kind, FORM_KINDS, "/kind"), slug=slug,
        name=clean(name, "/name", length_max=200), topics=[], sites=[], created_at=now, updated_at=now,
        answers=people.one_of(answers, ANSWERS, "/answers") if kind == "survey" else "",
    )  # fmt: skip
    _set(session, made, values)
    session.add(made)
    session.flush()
    _write(session, now, made, texts, author)
    return made


def change(
    session: Session,
    now: datetime,
    form: Form,
    *,
    author: str,
    texts: Mapping[str, Mapping[str, Any]] | None = None,
    **values: Any,
) -> None:
    """Change `name`, `topics`, `account_id`, `sites` or `state`; other texts are the next wording."""
    _set(session, form, values)
    if texts is not None:
        _write(session, now, form, texts, author)
    form.touch(now)
    session.flush()


def get(session: Session, form_id: int) -> Form:
    """The form, or NotFound."""
    found = session.get(Form, form_id)
    if found is None:
        raise NotFound("there is no such form")
    return found


def by_slug(session: Session, slug: str) -> Form:
    """The form at this address, open or not; NotFound."""
    # What cannot be a name is not asked for: PostgreSQL takes no NUL.
    found = session.scalar(select(Form).where(Form.slug == slug)) if _SLUG.fullmatch(slug) else None
    if found is None:
        raise NotFound("there is no such form")
    return found


def wording(session: Session, form: Form, n: int | None = None) -> FormWording:
    """What it says now, or said as its n-th wording."""
    wanted = form.wording if n is None else n
    found = session.scalar(select(FormWording).where(FormWording.form_id == form.id, FormWording.n == wanted))
    if found is None:
        raise NotFound("there is no such wording")
    return found


def topics_of(session: Session, form: Form) -> list[Topic]:
    """The topics it offers that are still in use, in its own order."""
    found = {one.id: one for one in session.scalars(select(Topic).where(Topic.id.in_(form.topics)))}
    return [found[one] for one in form.topics if one in found and found[one].state == "active"]


def ask(
    session: Session,
    now: datetime,
    form: Form,
    *,
    address: str,
    name: str,
    language: str,
    chosen: Sequence[int] = (),
) -> Signup | None:
    """Somebody wants to sign up: what they have to confirm, or None where they are not to be asked again.

    BadAddress for what is no mail address. Nothing tells whether we know them.
    """
    key = addresses.key(CHANNEL, address)
    called = clean(name, "/name", length_max=200, empty=True).strip()
    recent = select(func.count()).where(Signup.address_key == key, Signup.at > now - MAILS_WITHIN)
    if (session.scalar(recent) or 0) >= MAILS_MAX:
        return None
    person = _holder(session, form, key)
    stopped = consent.standing(session, now, CHANNEL, key, person.id if person else None)
    if any(one.reason in CLOSED_FOR for one in stopped):
        return None
    made = person is None
    if person is None:
        person = people.create(
            session, now, kind="person", name=called or address.strip(), languages=[language],
            source=f"form:{form.slug}",
        )  # fmt: skip
        addresses.add(session, now, person.id, CHANNEL, address, own=True)
    offered = {one.id for one in topics_of(session, form)}
    signup = Signup(
        form_id=form.id, address_key=key, stakeholder_id=person.id, wording=form.wording, language=language,
        topics=[one for one in chosen if one in offered], at=now, expires_at=now + CONFIRM_WITHIN, made=made,
    )  # fmt: skip
    session.add(signup)
    session.flush()
    return signup


def pending(session: Session, now: datetime, signup_id: int) -> Signup:
    """What somebody may confirm, or has confirmed; LinkNotValid where it is too late. Reading changes nothing."""
    found = session.get(Signup, signup_id)
    gone = found is None or _whose(session, found).state != "active"
    if found is None or gone or (found.confirmed_at is None and found.expires_at <= now):
        raise LinkNotValid("this is not waiting to be confirmed any more: sign up again")
    return found


def confirm(session: Session, now: datetime, signup_id: int) -> bool:
    """They said yes from their own mailbox: permission with its evidence, and their topics. False a second time."""
    signup = pending(session, now, signup_id)
    won = session.execute(
        update(Signup).where(Signup.id == signup.id, Signup.confirmed_at.is_(None)).values(confirmed_at=now)
    )
    if won.rowcount != 1:  # type: ignore[attr-defined]
        return False
    form, person = get(session, signup.form_id), _whose(session, signup)
    consent.lock(session, [person.id])
    _let_in(session, now, form, signup, person)
    evidence = _evidence(session, now, form, signup)
    _open_again(session, now, signup, person)
    version = f"{form.slug}/{signup.wording}/{signup.language}"
    consent.give(
        session, now, person.id, PURPOSE, CHANNEL, basis="consent", source=f"form:{form.slug}",
        actor=consent.RECIPIENT, wording_version=version, evidence=evidence,
    )  # fmt: skip
    _choose_topics(session, now, form, signup, evidence)
    return True


def forget(session: Session, now: datetime, limit: int = 200) -> list[int]:
    """Take away what nobody confirmed in time, and the people who are known by nothing else; their ids."""
    late = select(Signup).where(Signup.confirmed_at.is_(None), Signup.expires_at <= now).limit(limit)
    gone = list(session.scalars(late))
    made = {one.stakeholder_id for one in gone if one.made}
    session.execute(delete(Signup).where(Signup.id.in_([one.id for one in gone])))
    known: set[int] = set()
    for table in (Signup, Involvement, Consent):
        known |= set(session.scalars(select(table.stakeholder_id).where(table.stakeholder_id.in_(made))))
    for person in session.scalars(select(Stakeholder).where(Stakeholder.id.in_(made - known))):
        session.execute(delete(Address).where(Address.stakeholder_id == person.id))
        person.state, person.name, person.name_fold, person.languages = "erased", "—", "—", []
        person.touch(now)
    session.flush()
    return sorted(made - known)


def counts(session: Session, form: Form) -> tuple[int, int]:
    """How many asked to sign up and can still be counted, and how many of them confirmed."""
    asked = select(func.count(), func.count(Signup.confirmed_at)).where(Signup.form_id == form.id)
    found = session.execute(asked).one()
    return found[0], found[1]


# --- a form -------------------------------------------------------------------------------------------------------


def _set(session: Session, form: Form, values: Mapping[str, Any]) -> None:
    for field, value in values.items():
        match field:
            case "name":
                form.name = clean(value, "/name", length_max=200)
            case "topics":
                known = set(session.scalars(select(Topic.id).where(Topic.id.in_(value))))
                form.topics = [one for one in dict.fromkeys(value) if one in known]
            case "account_id":
                form.account_id = value
            case "sites":
                form.sites = _sites(value)
            case "state":
                form.state = people.one_of(value, ("open", "closed"), "/state")
            case _:
                raise BadField(said("{field} of a form cannot be changed", field=field), pointer=f"/{field}")


def _sites(value: Sequence[str]) -> list[str]:
    """Origins as a browser compares them: nothing else can get into the header that names them."""
    sites = list(dict.fromkeys(one.strip().lower().rstrip("/") for one in value if one.strip()))
    if len(sites) > SITES_MAX or not all(_SITE.fullmatch(one) for one in sites):
        raise BadField(
            "write each site as https://www.example.org, one on a line and twenty at most", pointer="/sites"
        )
    return sites


def _write(
    session: Session, now: datetime, form: Form, texts: Mapping[str, Mapping[str, Any]], author: str
) -> None:
    """The next wording, where it says something else than the one that stands."""
    checked = {
        people.language(language, "/texts"): _texts(form, language, one)
        for language, one in texts.items()
        if any(one.values())
    }
    if not checked:
        raise BadField("write the words in one language at least", pointer="/texts")
    if len({len(one.get("choices", [])) for one in checked.values()}) > 1:
        raise BadField("give as many choices in each language, in the same order", pointer="/texts")
    sha256 = digest(checked)
    if form.wording and wording(session, form).sha256 == sha256:
        return
    form.wording = (form.wording or 0) + 1
    session.add(
        FormWording(form_id=form.id, n=form.wording, texts=checked, sha256=sha256, author=author, at=now)
    )
    session.flush()


def _texts(form: Form, language: str, given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, length_max in TEXTS.items():
        pointer = f"/{name}.{language}"
        needed = name in NEEDED[form.kind]
        text = clean(
            str(given.get(name, "")), pointer, length_max=length_max, lines=length_max == TEXT_MAX, empty=not needed
        )  # fmt: skip
        if text.strip():
            found[name] = text.strip()
    if form.answers == "choice":
        choices = [
            clean(one, f"/choices.{language}", length_max=200).strip()
            for one in given.get("choices", [])
            if one.strip()
        ]
        if not CHOICES_MIN <= len(choices) <= CHOICES_MAX:
            raise BadField("give two to ten choices, one on a line", pointer=f"/choices.{language}")
        found["choices"] = choices
    return found


# --- signing up ---------------------------------------------------------------------------------------------------


def _holder(session: Session, form: Form, key: str) -> Stakeholder | None:
    """Whoever has this address: somebody of the form's programme, else the oldest."""
    held = addresses.holders(session, CHANNEL, key)
    mine = select(Involvement.stakeholder_id).where(
        Involvement.programme_id == form.programme_id, Involvement.stakeholder_id.in_(held)
    )
    inside = set(session.scalars(mine))
    for number in sorted(held, key=lambda one: (one not in inside, one)):
        person = people.get(session, number)
        if person.state == "active":
            return person
    return None


def _whose(session: Session, signup: Signup) -> Stakeholder:
    """Who asked; they may have been merged into another record since."""
    return people.get(session, kin.root(session, signup.stakeholder_id))


def _let_in(session: Session, now: datetime, form: Form, signup: Signup, person: Stakeholder) -> None:
    if session.get(Involvement, (person.id, form.programme_id)) is None:
        people.involve(session, now, person.id, form.programme_id)
    if not person.languages:
        people.change(session, person, now, languages=[signup.language])
    # It may have been taken out of use since; it works, for the mail that asked them came there.
    addresses.add(session, now, person.id, CHANNEL, signup.address_key, own=True).verified_at = now


def _evidence(session: Session, now: datetime, form: Form, signup: Signup) -> dict[str, Any]:
    """What proves the consent: which words were shown, when it was asked for and when it was confirmed."""
    return {
        "form": public_id("frm", form.id),
        "wording": signup.wording,
        "language": signup.language,
        "wording_sha256": wording(session, form, signup.wording).sha256,
        "asked_at": signup.at.isoformat(),
        "confirmed_at": now.isoformat(),
        "signup": public_id("sgn", signup.id),
    }


def _open_again(session: Session, now: datetime, signup: Signup, person: Stakeholder) -> None:
    """Their own earlier opt-out is over; what others stopped, and what a provider told us, stays."""
    for one in consent.standing(session, now, CHANNEL, signup.address_key, person.id):
        # What a file says was theirs too, in another system.
        theirs = one.reason == "opt_out" and one.origin in (consent.RECIPIENT, "import")
        if theirs and one.purpose in (None, PURPOSE):
            consent.lift(session, now, one.id, consent.RECIPIENT, "signed up again and confirmed it")


def _choose_topics(
    session: Session, now: datetime, form: Form, signup: Signup, evidence: dict[str, Any]
) -> None:
    """What they ticked comes. Somebody new gets nothing that they did not tick; others keep what they had chosen."""
    offered = [one.id for one in topics_of(session, form)]
    wanted = {one: topics.ALL for one in offered if one in signup.topics}
    if signup.made and offered:
        wanted = {topics.EVERYTHING: topics.NONE, **{one: topics.NONE for one in offered}, **wanted}
    for topic_id, frequency in wanted.items():
        topics.choose(
            session, now, signup.stakeholder_id, topic_id, CHANNEL, frequency=frequency,
            source=f"form:{form.slug}", actor=consent.RECIPIENT, evidence=evidence,
        )  # fmt: skip
