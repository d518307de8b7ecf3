"""Templates: words with slots in immutable versions; a version can be approved once for use through the API.

Rules: the data of an approved version may vary, its words may not; whoever wrote it does not approve it, except
where a programme is `light`.
Source: C1, B6.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..canonical import digest
from ..errors import AlreadyDone, FourEyes, InUse, NotFound, Stale, said
from ..stakeholders.text import clean
from ..strategies import programmes
from . import render
from .tables import Template, TemplateVersion

Approved = Callable[[Session, datetime, TemplateVersion], None]

_listeners: list[Approved] = []


def on_approve(listener: Approved) -> None:
    """Have `listener(session, now, version)` called after each approval, in its transaction."""
    if listener not in _listeners:
        _listeners.append(listener)


def create(session: Session, now: datetime, *, name: str, programme_id: int | None = None) -> Template:
    """A template of one programme, or shared by all (None); InUse where the name is taken."""
    if programme_id is not None:
        programmes.get(session, programme_id)
    named = clean(name, "/name")
    if session.scalar(select(Template.id).where(Template.name == named)) is not None:
        raise InUse(
            said("a template named {named} exists: choose another name", named=repr(named)), pointer="/name"
        )
    made = Template(name=named, programme_id=programme_id, created_at=now, updated_at=now)
    session.add(made)
    session.flush()
    return made


def get(session: Session, template_id: int) -> Template:
    """The template, or NotFound."""
    found = session.get(Template, template_id)
    if found is None:
        raise NotFound("there is no such template")
    return found


def new_version(
    session: Session,
    now: datetime,
    template: Template,
    *,
    author: str,
    subject: str = "",
    text: str = "",
    html: str = "",
) -> TemplateVersion:
    """The next version of the words; BadTemplate says where they leave the template language."""
    words = render.cleaned(subject, text, html)
    render.check(**words)
    last = latest(session, template)
    made = TemplateVersion(
        template_id=template.id,
        n=last.n + 1 if last else 1,
        sha256=digest(words),
        author=author,
        at=now,
        **words,
    )
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:
        raise Stale("somebody wrote a version at the same moment: read it first") from None
    template.touch(now)
    return made


def version(session: Session, template: Template, n: int) -> TemplateVersion:
    """Version n, or NotFound."""
    found = session.scalar(
        select(TemplateVersion).where(TemplateVersion.template_id == template.id, TemplateVersion.n == n)
    )
    if found is None:
        raise NotFound("there is no such version of this template")
    return found


def latest(session: Session, template: Template, *, approved: bool = False) -> TemplateVersion | None:
    """The newest version; with `approved` the newest that was approved for use through the API."""
    mine = select(TemplateVersion).where(TemplateVersion.template_id == template.id)
    if approved:
        mine = mine.where(TemplateVersion.approved_by.is_not(None))
    return session.scalar(mine.order_by(TemplateVersion.n.desc()).limit(1))


def approve(
    session: Session, now: datetime, version: TemplateVersion, by: str, *, digest: str | None = None
) -> None:
    """Let these words go out through the API with any data. Stale when `digest` is not what was read."""
    if version.approved_by is not None:
        raise AlreadyDone(said("{approved_by} approved this version", approved_by=version.approved_by))
    if digest is not None and digest != version.sha256:
        raise Stale("this is not the text of this version: read it again and decide on what you read")
    template = get(session, version.template_id)
    light = template.programme_id is not None and (
        programmes.get(session, template.programme_id).assurance == "light"
    )
    if by == version.author and not light:
        raise FourEyes("whoever wrote these words does not approve them: ask a second person")
    version.approved_by, version.approved_at = by, now
    session.flush()
    for listener in _listeners:
        listener(session, now, version)


def counts_as_approved(version: TemplateVersion, assurance: str) -> bool:
    """Whether the approval of this version stands for a message: an author's own counts only at `light`."""
    return version.approved_by is not None and (assurance == "light" or version.approved_by != version.author)
