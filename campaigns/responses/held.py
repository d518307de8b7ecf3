"""What is held about one stakeholder, table by table: for themselves, who may see it all, and nothing about others.

Rules: nothing is written here; every table that names a stakeholder is told of here or stands in LEFT_OUT with its
reason, which a test holds; what others wrote goes through the veil; rows are read one after the other, so that
somebody with a hundred thousand of them takes no more memory than anybody.
Source: UK GDPR 15; capability F14; docs/subject-access.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, inspect, or_, select, true
from sqlalchemy.orm import Session

from ..audit import AuditEntry
from ..base import Base, parse_id, public_id
from ..delivery import compose, threads
from ..delivery.tables import Account, Attempt, Delivery, DeliveryEvent, HandWork
from ..errors import BadId, DomainError
from ..links import Links
from ..messages.tables import Message, MessageRecipient, SendingHours, Variant
from ..stakeholders import consent, kin
from ..stakeholders.tables import (
    Address,
    Consent,
    Form,
    Import,
    ImportRow,
    Involvement,
    Membership,
    Merge,
    Preference,
    Relation,
    Review,
    Role,
    Segment,
    SegmentMember,
    Signup,
    Stakeholder,
    StakeholderTag,
    Suppression,
    Tag,
    Topic,
)
from ..strategies.tables import Agreement, Party, Programme, Strategy, StrategyComment, StrategyVersion
from .tables import (
    Attachment,
    Commitment,
    Identity,
    Intent,
    Interaction,
    Response,
    ResponseLabel,
    ResponseMatch,
    ResponseNote,
    SurveyAnswer,
    Task,
)
from .veil import ANOTHER, Veil

CHUNK = 500
# Why a table that names stakeholders is not told of.
LEFT_OUT = {
    "response_candidates": "guesses whose a message may be: it may be somebody else's",
    "distinct_pairs": "that two records are of two people: the other one is somebody else's",
}
# Columns that say who did something.
ACTORS = frozenset(
    {"actor", "by", "author", "closed_by", "urgent_by", "sentiment_by", "assignee", "owner", "lifted_by", "ended_by",
     "recorded_by", "undone_by", "answered_by", "settled_by", "deputy"}
)  # fmt: skip
# All text goes through the veil but for what no other person can stand in …
CODES = frozenset(
    {"value", "key", "address_key", "from_key", "from_name", "provider_id", "external_id", "digest", "sha256",
     "shown_text_sha256", "wording_version"}
)  # fmt: skip
# … and for what they wrote themselves.
THEIRS: Mapping[type[Base], frozenset[str]] = {
    Response: frozenset({"subject", "text"}), SurveyAnswer: frozenset({"text"}), StrategyComment: frozenset({"text"}),
    Agreement: frozenset({"reason"}),
}  # fmt: skip
# What evidence names.
FACTS: Mapping[str, tuple[type[Any], str]] = {
    "delivery_id": (Delivery, "dlv"),
    "response_id": (Response, "rsp"),
}
# Ours, and of no meaning outside: places in the queue, and copies for comparing.
INNER = frozenset(
    {"name_fold", "attrs_fold", "token", "deaths", "batch_id", "next_at", "target", "raw_id", "intent_at", "version",
     "owner_id", "deputy_id", "name", "before", "identities"}
)  # fmt: skip

Told = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """Whose record it is, and how far whoever asks may see: in these programmes; None: in all."""

    session: Session
    person: Stakeholder
    links: Links
    within: Collection[int] | None = None
    others: Collection[str] = ()  # names of colleagues
    notes: bool = True  # whether notes of colleagues are told

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """Their record, and those that were merged with it."""
        return kin.records(self.session, self.person.id)

    @cached_property
    def veil(self) -> Veil:
        """What takes others' names out."""
        return Veil(self.session, self.ids, self.others)

    def inside(self, column: Any) -> ColumnElement[bool]:
        """Only what belongs to the programmes, or to none."""
        return true() if self.within is None else or_(column.is_(None), column.in_(self.within))

    def name(self, table: type[Any], number: int | None) -> str | None:
        """What something is called; read once."""
        if not number:
            return None
        found = self.session.get(table, number)
        return None if found is None else found.name


def sections() -> Mapping[str, Any]:
    """What there is to tell, by name, in the order of reading: each a function of a Reader that gives rows."""
    return {
        "person": _person, "addresses": _addresses, "identities": _identities, "memberships": _memberships,
        "relations": _relations, "merges": _merges, "involvements": _involvements, "roles": _roles, "reviews": _reviews,
        "tags": _tags, "groups": _groups,
        "consents": _consents, "preferences": _preferences, "suppressions": _suppressions, "signups": _signups,
        "sending_hours": _hours, "named_in": _named_in, "deliveries": _deliveries, "attempts": _attempts,
        "delivery_events": _events, "responses": _responses, "labels": _labels, "notes": _notes,
        "matches": _matches, "interactions": _interactions, "files": _files, "survey_answers": _answers,
        "intents": _intents, "commitments": _commitments, "agreements": _agreements, "parties": _parties,
        "comments": _comments, "tasks": _tasks, "imports": _imports, "audit": _audit,
    }  # fmt: skip


def files(reader: Reader) -> Iterator[Attachment]:
    """The files of contacts with them."""
    yield from reader.session.scalars(_attachments(reader))


def file_name(reader: Reader, file: Attachment) -> str:
    """What a colleague called it."""
    return reader.veil.text(file.name)


def _rows(reader: Reader, found: Any) -> Iterator[Any]:
    yield from reader.session.execute(found.execution_options(yield_per=CHUNK))


def _plain(reader: Reader, row: Base, *hidden: str, **more: Any) -> Told:
    """A row's columns, with whoever did something told by what they are, and others' words through the veil."""
    keys = [column.key for column in inspect(type(row)).column_attrs]
    seen = [key for key in keys if key not in INNER and key not in hidden]
    told = {key: more[key] if key in more else _veiled(reader, row, key) for key in seen}
    return told | more


def _veiled(reader: Reader, row: Base, key: str) -> Any:
    """One column, as they may have it."""
    value = getattr(row, key)
    if key in ACTORS:
        return reader.veil.who(value)
    if isinstance(value, str) and key not in CODES and key not in THEIRS.get(type(row), ()):
        return reader.veil.text(value)
    if key == "evidence" and isinstance(value, dict):
        return _proof(reader, row, value)
    return value


def _proof(reader: Reader, row: Base, evidence: Told) -> Told:
    """What they told themselves as it is; else without others, who may have the same mailbox."""
    if getattr(row, "actor", None) == consent.RECIPIENT:
        return evidence
    others = {
        name
        for name, (table, prefix) in FACTS.items()
        if not _is_theirs(reader, table, prefix, evidence.get(name))
    }
    return {name: reader.veil.whole(value) for name, value in evidence.items() if name not in others}


def _is_theirs(reader: Reader, table: type[Any], prefix: str, named: object) -> bool:
    with suppress(BadId):
        number = named if isinstance(named, int) else parse_id(prefix, str(named))
        row = reader.session.get(table, number)
        return row is not None and row.stakeholder_id in reader.ids
    return False


def _of(
    reader: Reader, table: type[Any], *hidden: str, at: Any = None, programme: Any = None
) -> Iterator[Told]:
    """The rows of a table that are about them, in the order in which they came."""
    found = select(table).where(table.stakeholder_id.in_(reader.ids))
    if programme is not None:
        found = found.where(reader.inside(programme))
    for (row,) in _rows(reader, found.order_by(at if at is not None else table.id)):
        more = {} if programme is None else {"programme": reader.name(Programme, row.programme_id)}
        yield _plain(reader, row, *hidden, **more)


def _person(reader: Reader) -> Iterator[Told]:
    mine = select(Stakeholder).where(Stakeholder.id.in_(reader.ids)).order_by(Stakeholder.id)
    for (row,) in _rows(reader, mine):
        yield {"id": row.id, "name": row.name, **_plain(reader, row)}


def _addresses(reader: Reader) -> Iterator[Told]:
    return _of(reader, Address, "stakeholder_id")


def _identities(reader: Reader) -> Iterator[Told]:
    return _of(reader, Identity, "stakeholder_id")


def _memberships(reader: Reader) -> Iterator[Told]:
    """What they belong to by name; of who belongs to them, that somebody does."""
    mine = or_(Membership.person_id.in_(reader.ids), Membership.body_id.in_(reader.ids))
    for (row,) in _rows(reader, select(Membership).where(mine).order_by(Membership.id)):
        theirs = row.person_id in reader.ids
        name = reader.name(Stakeholder, row.body_id) if theirs else ANOTHER
        yield _plain(reader, row, "person_id", "body_id", **{"belongs_to" if theirs else "member": name})


def _relations(reader: Reader) -> Iterator[Told]:
    """What they are to others; of people, that there is somebody."""
    mine = or_(Relation.from_id.in_(reader.ids), Relation.to_id.in_(reader.ids))
    for (row,) in _rows(reader, select(Relation).where(mine).order_by(Relation.id)):
        other = reader.session.get_one(Stakeholder, row.to_id if row.from_id in reader.ids else row.from_id)
        name = ANOTHER if other.kind == "person" else other.name
        yield _plain(reader, row, "from_id", "to_id", other=name)


def _merges(reader: Reader) -> Iterator[Told]:
    """That several records were found to be theirs, and by whom."""
    mine = or_(Merge.kept_id.in_(reader.ids), Merge.gone_id.in_(reader.ids))
    for (row,) in _rows(reader, select(Merge).where(mine, Merge.undone_at.is_(None)).order_by(Merge.id)):
        yield _plain(reader, row, "values", "added", "kept_id", "gone_id")


def _involvements(reader: Reader) -> Iterator[Told]:
    return _of(
        reader, Involvement, "stakeholder_id", at=Involvement.programme_id, programme=Involvement.programme_id
    )


def _roles(reader: Reader) -> Iterator[Told]:
    return _of(reader, Role, "stakeholder_id", programme=Role.programme_id)


def _reviews(reader: Reader) -> Iterator[Told]:
    return _of(reader, Review, "stakeholder_id", programme=Review.programme_id)


def _tags(reader: Reader) -> Iterator[Told]:
    found = select(Tag.name).join(StakeholderTag, StakeholderTag.tag_id == Tag.id)
    mine = found.where(StakeholderTag.stakeholder_id.in_(reader.ids)).order_by(Tag.name_fold)
    for (name,) in _rows(reader, mine):
        yield {"tag": reader.veil.text(name)}


def _groups(reader: Reader) -> Iterator[Told]:
    """Groups they were put into by hand; those by rule follow from what else is told."""
    found = (
        select(Segment)
        .join(SegmentMember, SegmentMember.segment_id == Segment.id)
        .where(SegmentMember.stakeholder_id.in_(reader.ids), reader.inside(Segment.programme_id))
    )
    for (row,) in _rows(reader, found.order_by(Segment.id)):
        yield {
            "id": public_id("seg", row.id),
            "group": reader.veil.text(row.name),
            "programme": reader.name(Programme, row.programme_id),
        }


def _consents(reader: Reader) -> Iterator[Told]:
    return _of(reader, Consent, "stakeholder_id", at=Consent.at)


def _preferences(reader: Reader) -> Iterator[Told]:
    """What they chose; of a programme's own topics only where that programme is told of."""
    found = (
        select(Preference, Topic.name)
        .outerjoin(Topic, Topic.id == Preference.topic_id)
        .where(Preference.stakeholder_id.in_(reader.ids), reader.inside(Topic.programme_id))
    )
    for row, topic in _rows(reader, found.order_by(Preference.at, Preference.id)):
        yield _plain(reader, row, "stakeholder_id", topic=topic)


def _suppressions(reader: Reader) -> Iterator[Told]:
    """Those that name them, and those of an address that they have."""
    mine = select(Address.channel, Address.key).where(Address.stakeholder_id.in_(reader.ids))
    pairs = [(channel, key) for channel, key in reader.session.execute(mine)]
    by_address = [
        and_(
            Suppression.channel == channel,
            Suppression.address_key == key,
            Suppression.stakeholder_id.is_(None),
        )
        for channel, key in pairs
    ]
    found = select(Suppression).where(or_(Suppression.stakeholder_id.in_(reader.ids), *by_address))
    for (row,) in _rows(reader, found.order_by(Suppression.at, Suppression.id)):
        yield _plain(reader, row, "stakeholder_id")


def _signups(reader: Reader) -> Iterator[Told]:
    return _on_forms(reader, Signup)


def _on_forms(reader: Reader, table: type[Signup] | type[SurveyAnswer]) -> Iterator[Told]:
    """What they typed into forms; a form is of one programme."""
    found = (
        select(table, Form.name)
        .join(Form, Form.id == table.form_id)
        .where(table.stakeholder_id.in_(reader.ids), reader.inside(Form.programme_id))
    )
    for row, name in _rows(reader, found.order_by(table.id)):
        yield _plain(reader, row, "stakeholder_id", form=name)


def _hours(reader: Reader) -> Iterator[Told]:
    return _of(reader, SendingHours, "stakeholder_id", programme=SendingHours.programme_id)


def _named_in(reader: Reader) -> Iterator[Told]:
    """Messages that name them one by one, those included that have not gone."""
    found = (
        select(Message)
        .join(MessageRecipient, MessageRecipient.message_id == Message.id)
        .where(MessageRecipient.stakeholder_id.in_(reader.ids), reader.inside(Message.programme_id))
    )
    for (row,) in _rows(reader, found.distinct().order_by(Message.id)):
        yield {
            "message_id": row.id, "message": row.name, "state": row.state, "purpose": row.purpose, "at": row.at,
            "programme": reader.name(Programme, row.programme_id),
        }  # fmt: skip


def _deliveries(reader: Reader) -> Iterator[Told]:
    """Everything that went or was to go to them: why it was sent or was not, on what basis, and its words."""
    letters = _Letters(reader)
    # A public answer goes to a network, not to a person: it is told to whoever was answered.
    answered = select(Response.id).where(Response.stakeholder_id.in_(reader.ids))
    public = and_(Delivery.stakeholder_id.is_(None), Message.answers_id.in_(answered))
    # One after the other, and not by id: each is found by an index, and no table is walked in the order of its key.
    for mine in (Delivery.stakeholder_id.in_(reader.ids), public):
        found = (
            select(Delivery, Message, StrategyVersion.n, Strategy.name, HandWork)
            .join(Message, Message.id == Delivery.message_id)
            .join(StrategyVersion, StrategyVersion.id == Message.strategy_version_id)
            .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
            .outerjoin(HandWork, HandWork.delivery_id == Delivery.id)
            .where(mine, reader.inside(Message.programme_id))
        )
        for row, message, version, strategy, hand in _rows(
            reader, found.order_by(Delivery.due_at, Delivery.id)
        ):
            yield _plain(
                reader, row, "stakeholder_id", "slots", message=message.name, purpose=message.purpose,
                kind=message.kind, programme=reader.name(Programme, message.programme_id), strategy=strategy,
                strategy_version=version, strategy_version_id=message.strategy_version_id,
                account=reader.name(Account, row.account_id), values=_own_values(row.slots),
                error=reader.veil.whole(row.error), by_hand=_by_hand(reader, hand), **letters.words(row, message),
            )  # fmt: skip


def _by_hand(reader: Reader, hand: HandWork | None) -> Told | None:
    """What people did with it who carried it out themselves."""
    if hand is None:
        return None
    return {"handed_at": hand.handed_at, "ended_at": hand.ended_at, "done": hand.done,
            "words": reader.veil.text(hand.words or "")}  # fmt: skip


def _own_values(slots: Mapping[str, Any] | None) -> Told:
    """What stood in the words for them alone."""
    return {name: value for name, value in (slots or {}).items() if not name.startswith("_")}


class _Letters:
    """The words of deliveries as they went out; what one message needs is made once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._of: tuple[tuple[int, int], compose.Composer] | None = None

    def words(self, row: Delivery, message: Message) -> Told:
        """Subject and text; nothing of a row that never had words."""
        session = self._reader.session
        variant = session.get(Variant, row.variant_id) if row.variant_id else None
        if variant is None or row.slots is None:
            return {}
        account = session.get_one(Account, row.account_id)
        below = session.get(Variant, row.below_id) if row.below_id else None
        try:
            said = threads.worded(session, account, row.id, variant)
            letter = compose.Letter(row.id, row.slots, said, row.address_key, below)
            made = self._composer(message, account).compose(letter)
        except DomainError:  # words that could not be made then, and cannot now
            return {}
        return {"subject": str(made.subject), "words": str(made.text)}

    def _composer(self, message: Message, account: Account) -> compose.Composer:
        if self._of is None or self._of[0] != (message.id, account.id):
            self._of = (message.id, account.id), compose.Composer(message, account, self._reader.links)
        return self._of[1]


def _attempts(reader: Reader) -> Iterator[Told]:
    found = (
        select(Attempt)
        .join(Delivery, Delivery.id == Attempt.delivery_id)
        .join(Message, Message.id == Delivery.message_id)
        .where(Delivery.stakeholder_id.in_(reader.ids), reader.inside(Message.programme_id))
    )
    for (row,) in _rows(reader, found.order_by(Attempt.delivery_id, Attempt.n, Attempt.seq)):
        yield _plain(reader, row, error=reader.veil.whole(row.error))


def _events(reader: Reader) -> Iterator[Told]:
    found = (
        select(DeliveryEvent)
        .join(Delivery, Delivery.id == DeliveryEvent.delivery_id)
        .join(Message, Message.id == Delivery.message_id)
        .where(DeliveryEvent.stakeholder_id.in_(reader.ids), reader.inside(Message.programme_id))
    )
    for (row,) in _rows(reader, found.order_by(DeliveryEvent.at, DeliveryEvent.id)):
        yield _plain(reader, row, "stakeholder_id", "event_key")


def _mine(reader: Reader) -> ColumnElement[bool]:
    return and_(Response.stakeholder_id.in_(reader.ids), reader.inside(Response.programme_id))


def _responses(reader: Reader) -> Iterator[Told]:
    """What they wrote is theirs as it is."""
    for (row,) in _rows(reader, select(Response).where(_mine(reader)).order_by(Response.at, Response.id)):
        yield _plain(reader, row, "stakeholder_id", meta=reader.veil.whole(row.meta))


def _labels(reader: Reader) -> Iterator[Told]:
    found = (
        select(ResponseLabel).join(Response, Response.id == ResponseLabel.response_id).where(_mine(reader))
    )
    for (row,) in _rows(reader, found.order_by(ResponseLabel.response_id, ResponseLabel.name_fold)):
        yield _plain(reader, row, label=reader.veil.text(row.name))


def _notes(reader: Reader) -> Iterator[Told]:
    """What colleagues noted about what they wrote, unless that is withheld."""
    found = select(ResponseNote).join(Response, Response.id == ResponseNote.response_id).where(_mine(reader))
    for (row,) in _rows(reader, found.order_by(ResponseNote.at, ResponseNote.id)) if reader.notes else ():
        yield _plain(reader, row)


def _matches(reader: Reader) -> Iterator[Told]:
    """By whose decision something that came in was taken to be theirs."""
    found = (
        select(ResponseMatch)
        .join(Response, Response.id == ResponseMatch.response_id)
        .where(ResponseMatch.stakeholder_id.in_(reader.ids), reader.inside(Response.programme_id))
    )
    for (row,) in _rows(reader, found.order_by(ResponseMatch.id)):
        yield _plain(reader, row, "stakeholder_id")


def _interactions(reader: Reader) -> Iterator[Told]:
    found = select(Interaction).where(
        Interaction.stakeholder_id.in_(reader.ids), reader.inside(Interaction.programme_id)
    )
    for (row,) in _rows(reader, found.order_by(Interaction.at, Interaction.id)):
        there, others = reader.veil.names(row.participants)
        told = _plain(
            reader, row, "stakeholder_id", participants=there, notes=reader.veil.text(row.notes, others),
            place=reader.veil.text(row.place, others), programme=reader.name(Programme, row.programme_id),
        )  # fmt: skip
        yield told if reader.notes else told | {"notes": ""}


def _attachments(reader: Reader) -> Select[Any]:
    return (
        select(Attachment)
        .join(Interaction, Interaction.id == Attachment.interaction_id)
        .where(Interaction.stakeholder_id.in_(reader.ids), reader.inside(Interaction.programme_id))
        .order_by(Attachment.id)
    )


def _files(reader: Reader) -> Iterator[Told]:
    for one in files(reader):
        yield _plain(reader, one, "key", file_name=file_name(reader, one))


def _answers(reader: Reader) -> Iterator[Told]:
    return _on_forms(reader, SurveyAnswer)


def _intents(reader: Reader) -> Iterator[Told]:
    return _of(reader, Intent, "stakeholder_id", programme=Intent.programme_id)


def _commitments(reader: Reader) -> Iterator[Told]:
    return _of(reader, Commitment, "stakeholder_id", programme=Commitment.programme_id)


def _agreements(reader: Reader) -> Iterator[Told]:
    """What they decided about strategies; the decision and its reasons are their own."""
    found = (
        select(Agreement, StrategyVersion.n, Strategy)
        .join(StrategyVersion, StrategyVersion.id == Agreement.version_id)
        .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
        .where(Agreement.stakeholder_id.in_(reader.ids), reader.inside(Strategy.programme_id))
    )
    for row, version, strategy in _rows(reader, found.order_by(Agreement.at, Agreement.id)):
        yield _plain(reader, row, "stakeholder_id", strategy=strategy.name, strategy_version=version)


def _theirs(reader: Reader) -> ColumnElement[bool]:
    """Parties that are them: asked by id, in both forms that it is written in."""
    names = [name for number in reader.ids for name in (public_id("stk", number), str(number))]
    return and_(Party.kind == "stakeholder", Party.ref.in_(names), reader.inside(Strategy.programme_id))


def _parties(reader: Reader) -> Iterator[Told]:
    found = select(Party, Strategy).join(Strategy, Strategy.id == Party.strategy_id).where(_theirs(reader))
    for row, strategy in _rows(reader, found.order_by(Party.id)):
        yield _plain(reader, row, "ref", strategy=strategy.name)


def _comments(reader: Reader) -> Iterator[Told]:
    found = (
        select(StrategyComment, Strategy.name)
        .join(Party, Party.id == StrategyComment.party_id)
        .join(Strategy, Strategy.id == Party.strategy_id)
        .where(_theirs(reader))
    )
    for row, strategy in _rows(reader, found.order_by(StrategyComment.at, StrategyComment.id)):
        yield _plain(reader, row, strategy=strategy)


def _tasks(reader: Reader) -> Iterator[Told]:
    """What colleagues are to do about them, or about what they wrote."""
    wrote = select(Response.id).where(_mine(reader))
    about = or_(
        and_(Task.about_kind == "stakeholder", Task.about_id.in_(reader.ids)),
        and_(Task.about_kind == "response", Task.about_id.in_(wrote)),
    )
    found = select(Task).where(about, reader.inside(Task.programme_id)).order_by(Task.id)
    for (row,) in _rows(reader, found) if reader.notes else ():
        yield _plain(reader, row, programme=reader.name(Programme, row.programme_id))


def _imports(reader: Reader) -> Iterator[Told]:
    """The files that told us of them, with what stood there where it is still kept."""
    found = (
        select(ImportRow, Import.filename, Import.created_at)
        .join(Import, Import.id == ImportRow.import_id)
        .where(ImportRow.stakeholder_id.in_(reader.ids), reader.inside(Import.programme_id))
    )
    for row, filename, at in _rows(reader, found.order_by(ImportRow.import_id, ImportRow.line)):
        yield _plain(reader, row, "stakeholder_id", "problems", file_name=reader.veil.text(filename), at=at)


def _audit(reader: Reader) -> Iterator[Told]:
    """What was done to what is held about them, and when."""
    yield from _noted(reader, "stakeholder", AuditEntry.ref.in_(reader.ids))
    for kind, table in (("consent", Consent), ("suppression", Suppression), ("address", Address)):
        theirs = select(table.id).where(table.stakeholder_id.in_(reader.ids))
        yield from _noted(reader, kind, AuditEntry.ref.in_(theirs))


def _noted(reader: Reader, kind: str, about: ColumnElement[bool]) -> Iterator[Told]:
    found = select(AuditEntry).where(AuditEntry.kind == kind, about, reader.inside(AuditEntry.programme_id))
    for (row,) in _rows(reader, found.order_by(AuditEntry.at, AuditEntry.id)):
        yield _plain(reader, row, "before", "after", "request_id")


def count(session: Session, stakeholder_id: int) -> int:
    """About how much there is: what went to them and what they wrote."""
    theirs = kin.records(session, stakeholder_id)
    tables: tuple[type[Any], ...] = (Delivery, DeliveryEvent, Response, Interaction)
    return sum(
        session.scalar(select(func.count()).where(table.stakeholder_id.in_(theirs))) or 0 for table in tables
    )


def weight(session: Session, stakeholder_id: int) -> int:
    """How many bytes the files of contacts with them have."""
    theirs = kin.records(session, stakeholder_id)
    found = select(func.sum(Attachment.bytes)).join(Interaction, Interaction.id == Attachment.interaction_id)
    return session.scalar(found.where(Interaction.stakeholder_id.in_(theirs))) or 0
