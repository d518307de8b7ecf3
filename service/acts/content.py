"""What may be done with words: content items, their variants, templates and their versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select

from campaigns.delivery import compose
from campaigns.errors import Forbidden
from campaigns.messages import content, messages, render, render_helper, templates
from campaigns.messages.tables import ContentItem, Template, TemplateVersion, Variant

from .. import paging
from ..access import scoped
from . import Act
from .stakeholders import home, reached

READ, WRITE, APPROVE = "messages:read", "messages:write", "messages:approve"


def listed(act: Act, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """The content items of the caller's programmes."""
    statement = scoped(select(ContentItem), ContentItem.programme_id, act.caller, READ)
    return paging.cut(act.session, statement, ContentItem.id, limit=limit, after=after, before=before)


def get(act: Act, content_id: int, scope: str = READ, *, lock: bool = False) -> ContentItem:
    """One content item; NotFound where the caller has no grant."""
    found = act.one(ContentItem, content_id, lock=lock)
    act.need(scope, found.programme_id)
    return found


def create(act: Act, *, name: str, data: dict[str, Any], programme_id: int | None) -> ContentItem:
    """One idea to publish; its words are saved as variants."""
    programme_id = home(act, WRITE, programme_id)
    made = content.create(act.session, act.now, programme_id, name, data, act.caller.actor)
    act.note("content_item.created", "content_item", made.id, programme_id=programme_id)
    return made


def change(act: Act, content_id: int, version: int | None, **values: Any) -> ContentItem:
    """Another name or other data."""
    item = get(act, content_id, WRITE, lock=True)
    act.unchanged(item, version)
    _may_edit(act, item)
    content.change(act.session, act.now, item, author=act.caller.actor, **values)
    act.note("content_item.changed", "content_item", item.id, programme_id=item.programme_id)
    return item


def _may_edit(act: Act, item: ContentItem) -> None:
    """Words of messages to real people are not a test token's to change: at `light` an edit renews the approval."""
    if act.caller.test and any(not one.test for one in messages.using(act.session, content_id=item.id)):
        raise Forbidden("a test token changes no words of messages to real people")


def variants(act: Act, content_id: int) -> list[Variant]:
    """The words as they stand, by channel and language."""
    return content.current(act.session, get(act, content_id).id)


def save_variant(act: Act, content_id: int, channel: str, language: str, **words: Any) -> Variant:
    """Save the words for one channel and language; messages that use them are asked about again."""
    item = get(act, content_id, WRITE, lock=True)
    _may_edit(act, item)
    made = content.save_variant(
        act.session, act.now, item, channel=channel, language=language, author=act.caller.actor, **words
    )
    act.note(
        "content_item.variant_saved", "content_item", item.id, programme_id=item.programme_id,
        after={"channel": channel, "language": made.language, "n": made.n},
    )  # fmt: skip
    return made


def remove_variant(act: Act, content_id: int, channel: str, language: str) -> None:
    """Take the words for one channel and language out."""
    item = get(act, content_id, WRITE, lock=True)
    _may_edit(act, item)
    content.remove_variant(
        act.session, act.now, item, channel=channel, language=language, author=act.caller.actor
    )
    act.note("content_item.variant_removed", "content_item", item.id, programme_id=item.programme_id)


def list_templates(act: Act, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """The templates of the caller's programmes and those all share."""
    statement = scoped(select(Template), Template.programme_id, act.caller, READ, shared=True)
    return paging.cut(act.session, statement, Template.id, limit=limit, after=after, before=before)


def template(act: Act, template_id: int, scope: str = READ, *, lock: bool = False) -> Template:
    """One template."""
    found = act.one(Template, template_id, lock=lock)
    act.need(scope, found.programme_id)
    return found


def create_template(act: Act, *, name: str, programme_id: int | None) -> Template:
    """A template of one programme, or shared by all."""
    act.need(WRITE, programme_id)
    made = templates.create(act.session, act.now, name=name, programme_id=programme_id)
    act.note("template.created", "template", made.id, programme_id=programme_id)
    return made


def template_versions(act: Act, template_id: int) -> list[TemplateVersion]:
    """Every version, newest first."""
    query = select(TemplateVersion).where(TemplateVersion.template_id == template(act, template_id).id)
    return list(act.session.scalars(query.order_by(TemplateVersion.n.desc())))


def new_template_version(act: Act, template_id: int, **words: str) -> TemplateVersion:
    """The next version of a template; it never changes afterwards."""
    found = template(act, template_id, WRITE, lock=True)
    made = templates.new_version(act.session, act.now, found, author=act.caller.actor, **words)
    act.note(
        "template.version_written", "template", found.id, programme_id=found.programme_id, after={"n": made.n}
    )
    return made


def approve_template(act: Act, template_id: int, n: int, *, digest: str) -> TemplateVersion:
    """Approve these words for use through the API: the data may vary, the words may not."""
    found = template(act, template_id, APPROVE, lock=True)
    version = templates.version(act.session, found, n)
    templates.approve(act.session, act.now, version, act.caller.actor, digest=digest)
    act.note("template.approved", "template", found.id, programme_id=found.programme_id, after={"n": n})
    return version


def render_template(
    act: Act, template_id: int, *, n: int | None, data: dict[str, Any], stakeholder: int | None
) -> render_helper.Preview:
    """A version filled in for one stakeholder, in a process with little memory and time."""
    found = template(act, template_id)
    version = templates.version(act.session, found, n) if n else templates.latest(act.session, found)
    person = reached(act, stakeholder, "stakeholders:read") if stakeholder is not None else None
    if version is None:
        return render_helper.Preview(wrong="this template has no words yet")
    facts = render.facts(person, data, compose.example(act.wiring.links))
    return render_helper.preview(version, [facts])[0]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the versions of one template are: the newest, and the newest that is approved for the API."""

    latest: int | None = None
    approved: int | None = None
    written_at: datetime | None = None


def standings(act: Act, numbers: Sequence[int]) -> dict[int, Standing]:
    """How far the versions of these templates are, in one statement; the caller has been shown the templates."""
    approved = func.max(case((TemplateVersion.approved_by.is_not(None), TemplateVersion.n)))
    rows = act.session.execute(
        select(
            TemplateVersion.template_id, func.max(TemplateVersion.n), approved, func.max(TemplateVersion.at)
        )
        .where(TemplateVersion.template_id.in_(numbers))
        .group_by(TemplateVersion.template_id)
    )
    return {number: Standing(latest, good, at) for number, latest, good, at in rows}


def template_uses(act: Act, template_id: int, limit: int = 50) -> list[ContentItem]:
    """The content whose words are those of one of its versions, newest first, of what the caller sees."""
    found = template(act, template_id)
    versions = select(TemplateVersion.id).where(TemplateVersion.template_id == found.id)
    using = select(Variant.content_id).where(Variant.template_version_id.in_(versions))
    statement = scoped(
        select(ContentItem).where(ContentItem.id.in_(using)), ContentItem.programme_id, act.caller, READ
    )
    return list(act.session.scalars(statement.order_by(ContentItem.id.desc()).limit(limit)))


def preview_words(
    act: Act,
    programme_id: int | None,
    *,
    subject: str,
    text: str,
    html: str,
    data: dict[str, Any],
    person: int | None,
) -> render_helper.Preview:
    """Words that nobody has saved yet, filled in for one stakeholder, in a process with little memory and time."""
    act.need(READ, programme_id)
    who = reached(act, person, "stakeholders:read") if person is not None else None
    words = Words(**render.cleaned(subject, text, html))
    facts = render.facts(who, data, {"unsubscribe_url": "#unsubscribe"})
    return render_helper.preview(words, [facts])[0]


@dataclass(frozen=True, slots=True)
class Words:
    """Words that are not stored."""

    subject: str
    text: str
    html: str
