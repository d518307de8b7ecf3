"""All that is held on one person, as they may have it: JSON lines for programs, pages for people, and their files.

Source: UK GDPR 15 and 20; capability F14; docs/subject-access.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.messages import layout
from campaigns.responses import attachments, held, held_contacts
from campaigns.responses.held_rows import Reader
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies.tables import Programme

from . import ids, plain_rows, words
from .exports import Part, Recipe
from .tables import Export, User
from .wiring import Wiring

# What the `id` of a section's rows names.
KINDS = {
    "person": "stakeholder", "addresses": "address", "memberships": "membership", "roles": "role",
    "reviews": "review", "consents": "consent", "preferences": "preference", "suppressions": "suppression",
    "signups": "signup", "sending_hours": "sending_hours", "deliveries": "delivery",
    "delivery_events": "delivery_event", "responses": "response", "interactions": "interaction",
    "files": "attachment", "survey_answers": "survey_answer", "intents": "intent", "commitments": "commitment",
    "agreements": "agreement", "parties": "party", "comments": "comment", "tasks": "task", "audit": "audit_entry",
}  # fmt: skip
# Nothing else of a name goes into a path.
_ODD = re.compile(r"[^\w. ()-]+")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
BUFFER = 64


def recipe(wiring: Wiring, export: Export, work: Path) -> Recipe:
    """What the export of one person is made of."""
    parts = [Part("about.json", partial(_about, wiring, export))]
    parts += [Part(f"data/{name}.jsonl", partial(_section, wiring, export, name)) for name in held.sections()]
    for language in _languages(wiring, export):
        parts.append(Part(f"record.{language}.html", partial(_page, wiring, export, work, language)))
    return Recipe(parts, partial(_files, wiring, export))


def _reader(wiring: Wiring, session: Session, export: Export) -> Reader:
    colleagues = session.scalars(select(User.name))
    return Reader(
        session=session, person=session.get_one(Stakeholder, export.ref_id), links=wiring.links,
        within=export.within, others=list(colleagues), notes=not export.withheld,
    )  # fmt: skip


def _about(wiring: Wiring, export: Export, out: IO[bytes], _beat: Callable[[], None]) -> None:
    """What this file is: about whom, as of when, and what is not in it."""
    with wiring.database.read() as session:
        person = session.get_one(Stakeholder, export.ref_id)
        named = select(Programme.name).where(Programme.id.in_(export.within or ()))
        ours = layout.house(session, None)
        about = {
            "about": ids.shown("stakeholder", person.id),
            "name": person.name,
            "organisation": {"name": ours.name, "address": ours.address},
            "installation": wiring.settings.http.base_url,
            "made_at": export.created_at,
            "programmes": None if export.within is None else sorted(session.scalars(named)),
            "notes_withheld_because": export.withheld or None,
            "sections": list(held.sections()),
            "left_out": held.LEFT_OUT,
        }
    out.write(orjson.dumps(plain_rows.told(about), option=orjson.OPT_INDENT_2))


def _section(wiring: Wiring, export: Export, name: str, out: IO[bytes], beat: Callable[[], None]) -> None:
    with wiring.database.read() as session:
        for row in held.sections()[name](_reader(wiring, session, export)):
            out.write(plain_rows.line(plain_rows.told(row, KINDS.get(name))))
            beat()


def _languages(wiring: Wiring, export: Export) -> list[str]:
    """Theirs, where we have words in it, and English."""
    with wiring.database.read() as session:
        spoken = session.get_one(Stakeholder, export.ref_id).languages
    theirs = words.choose(spoken)
    return [theirs] if theirs == words.DEFAULT else [theirs, words.DEFAULT]


def _page(
    wiring: Wiring, export: Export, work: Path, language: str, out: IO[bytes], beat: Callable[[], None]
) -> None:
    """Everything on one page that needs nothing but a browser, drawn from the lines as they were written."""
    from .pages import drawing  # with all pages, which a worker needs for nothing else

    about = orjson.loads((work / "about.json").read_bytes())
    template = drawing.environment(language).get_template("held.html")
    filled = [name for name in about["sections"] if (work / f"data/{name}.jsonl").stat().st_size]
    drawn = template.stream(
        language=language, direction=words.DIRECTIONS[language], zone=ZoneInfo(wiring.settings.workspace.zone),
        about=about, filled=filled, made_at=export.created_at, lines=partial(_lines, work, beat), moment=_moment,
        files=list(_named(wiring, export)),
    )  # fmt: skip
    drawn.enable_buffering(BUFFER)
    drawn.dump(out, encoding="utf-8")


def _lines(work: Path, beat: Callable[[], None], section: str) -> Iterator[dict[str, Any]]:
    with (work / f"data/{section}.jsonl").open("rb") as read:
        for line in read:
            beat()
            yield orjson.loads(line)


def _moment(value: object) -> datetime | None:
    """The instant that a text of a line is; None for any other value."""
    return datetime.fromisoformat(value) if isinstance(value, str) and _INSTANT.fullmatch(value) else None


def _files(wiring: Wiring, export: Export) -> Iterator[tuple[str, Path]]:
    for name, key in _named(wiring, export):
        if (where := attachments.place(wiring.settings.folder, key)).is_file():
            yield name, where


def _named(wiring: Wiring, export: Export) -> Iterator[tuple[str, str]]:
    """The files of contacts with them: the name inside, and the key under which it lies here."""
    with wiring.database.read() as session:
        reader = _reader(wiring, session, export)
        for one in held_contacts.attached(reader):
            yield (
                f"files/{ids.shown('attachment', one.id)} {_ODD.sub('_', held_contacts.file_name(reader, one))}",
                one.key,
            )
