"""What the API takes and gives, written by `make client`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class AccountChange(TypedDict):
    language: NotRequired[str | None]
    name: NotRequired[str]
    on_unknown: NotRequired[Literal["hold", "retry", "assume_sent"]]
    own_limits: NotRequired[OwnLimits | None]
    secrets: NotRequired[dict[str, Any]]
    sender: NotRequired[str]
    sender_name: NotRequired[str]
    settings: NotRequired[dict[str, Any]]
    state: NotRequired[Literal["active", "disabled"]]


class AccountNew(TypedDict):
    connector: str
    language: NotRequired[str | None]
    name: str
    on_unknown: NotRequired[Literal["hold", "retry", "assume_sent"]]
    own_limits: NotRequired[OwnLimits | None]
    programme_id: NotRequired[str | None]
    secrets: NotRequired[dict[str, Any]]
    sender: NotRequired[str]
    sender_name: NotRequired[str]
    settings: NotRequired[dict[str, Any]]


class AccountOut(TypedDict):
    broadcast: bool
    channel: str
    connector: str
    created_at: str
    id: str
    language: str | None
    limited_until_at: str | None
    limits: dict[str, Any]
    login_ends_at: str | None
    name: str
    not_before_at: str | None
    on_unknown: str
    own_limits: dict[str, Any] | None
    programme_id: str | None
    repeats: dict[str, Any]
    secrets: NotRequired[dict[str, Any]]
    sender: str
    sender_name: str
    settings: dict[str, Any]
    state: str
    state_reason: str
    test: bool
    trouble: str | None
    trouble_since_at: str | None
    updated_at: str


class AccountOutPage(TypedDict):
    data: list[AccountOut]
    has_more: bool
    next: str | None
    previous: str | None


class AddressNew(TypedDict):
    channel: str
    corporate: NotRequired[bool]
    value: str


class AddressOut(TypedDict):
    channel: str
    corporate: bool
    created_at: str
    id: str
    key: str
    state: Literal["active", "retired"]
    value: str
    verified_at: str | None


class AddressOutPage(TypedDict):
    data: list[AddressOut]
    has_more: bool
    next: str | None
    previous: str | None


class AddressedAnew(TypedDict):
    accounts: NotRequired[list[str]]
    purpose: NotRequired[Literal["service", "direct_marketing", "survey"] | None]
    segment: NotRequired[str | None]
    stakeholders: NotRequired[list[str]]
    strategy_id: NotRequired[str | None]
    to: NotRequired[str | list[str]]


class AgreementNew(TypedDict):
    by: NotRequired[str]
    decision: Literal["agreed", "refused"]
    digest: str
    evidence: NotRequired[str | None]
    party: str
    reason: NotRequired[str]


class AgreementOut(TypedDict):
    at: str
    by: str
    decision: str
    digest: str
    evidence: str | None
    id: str
    party: str
    reason: str
    recorded_by: str | None


class AimOut(TypedDict):
    missing: list[str]
    objective: ObjectiveOut
    reading: ReadingOut | None
    share: float | None


class AllHours(TypedDict):
    data: list[HoursOut]


class AnswerNew(TypedDict):
    again: NotRequired[bool]
    keep_open: NotRequired[bool]
    subject: NotRequired[str]
    text: str


class AnswerOut(TypedDict):
    at: str
    language: str
    stakeholder_id: str | None
    text: str
    value: str


class AnswerOutPage(TypedDict):
    data: list[AnswerOut]
    has_more: bool
    next: str | None
    previous: str | None


class AnsweredInTimeOut(TypedDict):
    capped: bool
    kept: int
    n: int
    weeks: list[KeptWeekOut]


class AnsweredOut(TypedDict):
    deliveries: NotRequired[str]
    message_id: str
    state: str


class ApproveNew(TypedDict):
    digest: str


class AssessmentNew(TypedDict):
    decision: str
    findings: str
    next_on: str
    rating: Literal["strong", "steady", "strained", "broken"]


class AssessmentOut(TypedDict):
    at: str
    by: str
    decision: str
    findings: str
    next_on: str
    rating: Literal["strong", "steady", "strained", "broken"]


class AssignNew(TypedDict):
    user_id: str | None


class AttachmentNew(TypedDict):
    file: str


class AttachmentOut(TypedDict):
    by: str
    bytes: int
    created_at: str
    id: str
    name: str
    sha256: str


class AttachmentsOut(TypedDict):
    data: list[AttachmentOut]


class AuditOut(TypedDict):
    act: str
    actor: str
    after: dict[str, Any] | None
    at: str
    before: dict[str, Any] | None
    id: str
    kind: str
    programme_id: str | None
    ref: str
    request_id: str | None


class AuditOutPage(TypedDict):
    data: list[AuditOut]
    has_more: bool
    next: str | None
    previous: str | None


class BatchMark(TypedDict):
    evidence: str
    outcome: Literal["sent", "failed"]


class BatchOut(TypedDict):
    account_id: str
    deaths: int
    due_at: str
    id: str
    lane: Literal["urgent", "transactional", "normal", "bulk"]
    message_id: str
    owner: str | None
    rows: int
    until: str | None


class BatchOutPage(TypedDict):
    data: list[BatchOut]
    has_more: bool
    next: str | None
    previous: str | None


class BatchRequeue(TypedDict):
    why: str


class Blockers(TypedDict):
    blockers: list[dict[str, Any]]


class BlocksNew(TypedDict):
    blocks: list[dict[str, Any]]
    subject: NotRequired[str]


class ByWhom(TypedDict):
    machine: int
    person: int
    unsure: int


class CalendarRowOut(TypedDict):
    accounts: list[str]
    languages: list[str]
    line: int
    message_id: str | None
    name: str
    problems: list[CellProblem]
    purpose: str


class CalledOut(TypedDict):
    called: list[str]


class CapInForce(TypedDict):
    days: int
    messages: int
    programme_id: str


class CapabilitiesOut(TypedDict):
    channels: list[str]
    events: list[str]
    faces: list[str]
    limits: dict[str, Any]
    name: str
    repeats: str


class CellProblem(TypedDict):
    cell: str
    column: str
    detail: str


class CheckNew(TypedDict):
    text: str
    user_id: str


class CloseNew(TypedDict):
    why: NotRequired[Literal["done", "thanks", "elsewhere", "not_for_us", "spam", "abuse", "other"]]


class CommentAnswer(TypedDict):
    text: str


class CommentNew(TypedDict):
    asks: NotRequired[bool]
    section: str
    text: str


class CommentOut(TypedDict):
    answer: str | None
    answered_at: str | None
    answered_by: str | None
    asks: bool
    at: str
    by: str
    id: str
    section: str
    settled_at: str | None
    settled_by: str | None
    text: str


class Comments(TypedDict):
    data: list[CommentOut]


class CommitmentEnd(TypedDict):
    evidence: NotRequired[str]
    evidence_id: NotRequired[str | None]
    outcome: Literal["kept", "dropped"]


class CommitmentNew(TypedDict):
    due_on: str
    interaction_id: NotRequired[str | None]
    ours: bool
    text: str


class CommitmentOut(TypedDict):
    at: str
    by: str
    due_on: str
    ended_at: str | None
    ended_by: str | None
    evidence: str | None
    evidence_id: str | None
    id: str
    interaction_id: str | None
    ours: bool
    outcome: Literal["kept", "dropped"] | None
    programme_id: str
    stakeholder_id: str
    text: str


class CommitmentOutPage(TypedDict):
    data: list[CommitmentOut]
    has_more: bool
    next: str | None
    previous: str | None


class CommitmentsOut(TypedDict):
    data: list[CommitmentOut]


class ConnectorOut(TypedDict):
    about: str
    channels: list[str]
    name: str
    settings: list[SettingOut]


class ConnectorsOut(TypedDict):
    data: list[ConnectorOut]


class ConsentNew(TypedDict):
    at: NotRequired[str | None]
    basis: Literal[
        "consent", "soft_opt_in_sale", "soft_opt_in_charity", "legitimate_interest", "public_task", "contract"
    ]
    channel: str
    evidence: NotRequired[dict[str, Any]]
    expires_at: NotRequired[str | None]
    purpose: Literal["service", "direct_marketing", "survey"]
    source: str
    stakeholder_id: str
    wording_version: NotRequired[str | None]


class ConsentOut(TypedDict):
    act: Literal["given", "withdrawn"]
    actor: str
    at: str
    basis: str
    channel: str
    evidence: dict[str, Any]
    expires_at: str | None
    id: str
    purpose: Literal["service", "direct_marketing", "survey"]
    source: str
    stakeholder_id: str
    wording_version: str | None


class ConsentOutPage(TypedDict):
    data: list[ConsentOut]
    has_more: bool
    next: str | None
    previous: str | None


class ContentCalendarNew(TypedDict):
    columns: NotRequired[str | None]
    file: str
    make: NotRequired[Literal["yes", "no"]]
    programme_id: NotRequired[str | None]
    sheet: NotRequired[str | None]
    zone: NotRequired[str | None]


class ContentCalendarOut(TypedDict):
    data: list[CalendarRowOut]


class ContentChange(TypedDict):
    data: NotRequired[dict[str, Any]]
    name: NotRequired[str]


class ContentNew(TypedDict):
    data: NotRequired[dict[str, Any]]
    name: str
    programme_id: NotRequired[str | None]


class ContentOut(TypedDict):
    created_at: str
    data: dict[str, Any]
    id: str
    name: str
    programme_id: str
    state: str
    updated_at: str


class ContentOutPage(TypedDict):
    data: list[ContentOut]
    has_more: bool
    next: str | None
    previous: str | None


class CostOut(TypedDict):
    account: str
    account_id: str
    amount: float
    currency: str
    source: str


class Count(TypedDict):
    count: int


class CountedOccurrence(TypedDict):
    counts: dict[str, Any]
    due_at: str
    finished_at: str | None
    id: str
    kind: str
    local: str
    moved_by: str | None
    released_at: str | None
    roll_out: RollOutOut | None
    state: str
    zone: str


class Counts(TypedDict):
    counts: dict[str, Any]


class DecideNew(TypedDict):
    evidence: str
    outcome: Literal["sent", "failed", "queued"]


class DecisionNew(TypedDict):
    decision: Literal["approved", "refused"]
    digest: str
    reason: NotRequired[str]


class DecisionOut(TypedDict):
    at: str
    by: str
    decision: str
    digest: str
    id: str
    reason: str


class Decisions(TypedDict):
    data: list[DecisionOut]


class DeliveryOut(TypedDict):
    account_id: str
    address: str
    attempt: int
    basis: str | None
    channel: str
    consent_id: str | None
    due_at: str
    error: dict[str, Any] | None
    id: str
    message_id: str
    next_at: str | None
    occurrence_id: str
    part: int
    provider_id: str | None
    reason: str | None
    sent_at: str | None
    settled_at: str | None
    stakeholder_id: str | None
    state: Literal[
        "excluded", "queued", "sending", "deferred", "sent", "bounced", "failed", "cancelled", "unknown"
    ]
    variant_id: str | None


class DeliveryOutPage(TypedDict):
    data: list[DeliveryOut]
    has_more: bool
    next: str | None
    previous: str | None


class Detected(TypedDict):
    candidates: list[dict[str, Any]]
    country: NotRequired[str | None]
    delimiter: str
    doubts: list[str]
    encoding: str
    exporter: NotRequired[Literal["mailchimp", "listmonk", "mautic"] | None]
    header: list[str]
    kind: NotRequired[Literal["csv", "workbook", "zip", "json"]]
    sheet: NotRequired[str | None]
    sheets: NotRequired[list[str]]


class Distinct(TypedDict):
    one_id: str
    other_id: str


class Done(TypedDict):
    photo: NotRequired[str]
    where: NotRequired[str]
    words: NotRequired[str]


class DraftNew(TypedDict):
    text: str


class DuplicateOut(TypedDict):
    one: Known
    other: Known
    score: int
    shared: list[Literal["address", "name", "near_name", "field", "body"]]


class DuplicateOutPage(TypedDict):
    data: list[DuplicateOut]
    has_more: bool
    next: str | None
    previous: str | None


class EndpointChange(TypedDict):
    about: NotRequired[str]
    kinds: NotRequired[list[str]]
    state: NotRequired[Literal["active", "disabled"]]
    url: NotRequired[str]


class EndpointNew(TypedDict):
    about: NotRequired[str]
    kinds: list[str]
    programme_id: NotRequired[str | None]
    url: str


class EndpointOut(TypedDict):
    about: str
    created_at: str
    disabled_at: str | None
    id: str
    kinds: list[str]
    programme_id: str | None
    state: Literal["active", "disabled"]
    state_reason: str
    updated_at: str
    url: str


class EndpointOutPage(TypedDict):
    data: list[EndpointOut]
    has_more: bool
    next: str | None
    previous: str | None


class EndpointShown(TypedDict):
    about: str
    created_at: str
    disabled_at: str | None
    id: str
    kinds: list[str]
    programme_id: str | None
    secret: str
    state: Literal["active", "disabled"]
    state_reason: str
    updated_at: str
    url: str


class EntryOut(TypedDict):
    at: str
    evidence: NotRequired[dict[str, Any]]
    id: NotRequired[str]
    kind: Literal[
        "delivery",
        "delivery_event",
        "response",
        "interaction",
        "consent",
        "preference",
        "suppression",
        "agreement",
        "role",
        "intent",
        "review",
        "commitment",
    ]
    source: str


class EntryOutPage(TypedDict):
    data: list[EntryOut]
    has_more: bool
    next: str | None
    previous: str | None


class EraseNew(TypedDict):
    reason: str


class ErrorEntry(TypedDict):
    code: str
    detail: str
    parameter: NotRequired[str]
    pointer: NotRequired[str]


class Explanation(TypedDict):
    active: bool
    involved: bool
    member: bool
    picked: NotRequired[bool]
    rule: NotRequired[dict[str, Any]]


class ExportNew(TypedDict):
    programme_id: NotRequired[str | None]


class ExportOut(TypedDict):
    actor: str
    bytes: int | None
    created_at: str
    done: int
    error: str | None
    expires_at: str | None
    finished_at: str | None
    id: str
    kind: Literal["person", "programme", "installation"]
    programmes: list[str] | None
    sha256: str | None
    state: Literal["waiting", "finished", "failed", "cancelled"]
    total: int
    withheld: str


class FeedOut(TypedDict):
    url: str


class FeelNew(TypedDict):
    sentiment: Literal["negative", "neutral", "positive", "unknown"] | None


class FieldNew(TypedDict):
    choices: NotRequired[list[str]]
    name: str
    type: Literal["text", "number", "date", "choice", "multi", "bool"]


class FieldOut(TypedDict):
    choices: list[str]
    created_at: str
    id: str
    name: str
    type: Literal["text", "number", "date", "choice", "multi", "bool"]


class FieldOutPage(TypedDict):
    data: list[FieldOut]
    has_more: bool
    next: str | None
    previous: str | None


class FigureOut(TypedDict):
    figure: Literal["impressions", "reach", "likes", "boosts", "replies", "clicks", "saves", "views"]
    told_at: str | None
    value: int | None


class FigureToldOut(TypedDict):
    api: str
    delivery_id: str
    figure: Literal["impressions", "reach", "likes", "boosts", "replies", "clicks", "saves", "views"]
    source: str
    told_at: str
    value: int


class FigureToldOutPage(TypedDict):
    data: list[FigureToldOut]
    has_more: bool
    next: str | None
    previous: str | None


class FiguresOut(TypedDict):
    clicked: ByWhom
    opened: ByWhom
    posts: list[PostOut]


class ForWhom(TypedDict):
    stakeholder: NotRequired[str | None]


class FormChange(TypedDict):
    account_id: NotRequired[str | None]
    name: NotRequired[str]
    sites: NotRequired[list[str]]
    state: NotRequired[Literal["open", "closed"]]
    texts: NotRequired[dict[str, Any]]
    topics: NotRequired[list[str]]


class FormNew(TypedDict):
    account_id: NotRequired[str | None]
    answers: NotRequired[Literal["", "rating", "choice", "text"]]
    kind: Literal["signup", "survey"]
    name: str
    programme_id: NotRequired[str | None]
    sites: NotRequired[list[str]]
    slug: str
    texts: dict[str, Any]
    topics: NotRequired[list[str]]


class FormOut(TypedDict):
    account_id: str | None
    answers: str
    created_at: str
    id: str
    kind: Literal["signup", "survey"]
    name: str
    programme_id: str
    sites: list[str]
    slug: str
    state: Literal["open", "closed"]
    topics: list[str]
    updated_at: str
    wording: int


class FormOutPage(TypedDict):
    data: list[FormOut]
    has_more: bool
    next: str | None
    previous: str | None


class FormStanding(TypedDict):
    asked: int
    confirmed: int
    results: dict[str, Any] | None
    texts: dict[str, Any]


class FrequencyCap(TypedDict):
    days: int
    messages: int


class GrantNew(TypedDict):
    programme_id: str | None
    role: Literal[
        "viewer",
        "responder",
        "author",
        "approver",
        "community_manager",
        "moderator",
        "steward",
        "administrator",
        "auditor",
    ]
    token_id: NotRequired[str | None]
    user_id: NotRequired[str | None]


class GrantOut(TypedDict):
    created_at: str
    id: str
    programme_id: str | None
    role: Literal[
        "viewer",
        "responder",
        "author",
        "approver",
        "community_manager",
        "moderator",
        "steward",
        "administrator",
        "auditor",
    ]
    token_id: str | None
    user_id: str | None


class GrantOutPage(TypedDict):
    data: list[GrantOut]
    has_more: bool
    next: str | None
    previous: str | None


class GraphOut(TypedDict):
    edges: list[Line]
    nodes: list[Node]
    on: str
    whole: bool


class HoursNew(TypedDict):
    bank_holidays: NotRequired[Literal["", "england_and_wales"]]
    closes: int
    opens: int
    outside: NotRequired[Literal["wait", "leave_out"]]
    programme_id: NotRequired[str | None]
    stakeholder: NotRequired[str | None]
    weekdays: list[int]
    zone: str


class HoursOut(TypedDict):
    bank_holidays: str
    closes: int
    id: str
    opens: int
    outside: str
    programme_id: str | None
    stakeholder: str | None
    weekdays: list[int]
    zone: str


class HouseLayoutNew(TypedDict):
    address: NotRequired[str]
    colour: NotRequired[str]
    footer: NotRequired[str]
    logo_media_id: NotRequired[str | None]
    name: NotRequired[str]
    programme_id: str | None


class HouseLayoutOut(TypedDict):
    address: str
    colour: str
    footer: str
    logo_media_id: str | None
    name: str
    own: bool


class ImportNew(TypedDict):
    country: NotRequired[str | None]
    declaration: NotRequired[str | None]
    delimiter: NotRequired[Literal[",", ";", "\t", "|"] | None]
    encoding: NotRequired[str | None]
    file: str
    mapping: NotRequired[str | None]
    programme_id: NotRequired[str | None]
    sheet: NotRequired[str | None]


class ImportOut(TypedDict):
    actor: str
    counts: dict[str, Any]
    created_at: str
    declaration: dict[str, Any] | None
    detected: Detected
    done: int
    filename: str
    id: str
    mapping: dict[str, Any]
    programme_id: str
    sha256: str
    state: Literal["checking", "checked", "running", "finished", "cancelled"]
    total: int
    updated_at: str


class ImportRowOut(TypedDict):
    changes: NotRequired[list[str] | None]
    line: int
    outcome: Literal["created", "updated", "unchanged", "refused", "held"]
    problems: list[RowProblem]
    stakeholder_id: str | None


class ImportRowOutPage(TypedDict):
    data: list[ImportRowOut]
    has_more: bool
    next: str | None
    previous: str | None


class InForce(TypedDict):
    formats: bool
    frequency_caps: list[CapInForce]
    languages: list[str]


class InstallationIn(TypedDict):
    second_step_for: Literal["nobody", "deciders", "everybody"]


class IntentNew(TypedDict):
    contribution: NotRequired[str]
    intent: Literal["unknown", "unwilling", "exploring", "committed", "delivering", "withdrawn"]
    interaction_id: NotRequired[str | None]


class IntentOut(TypedDict):
    at: str
    by: str
    contribution: str
    intent: Literal["unknown", "unwilling", "exploring", "committed", "delivering", "withdrawn"]
    interaction_id: str | None
    programme_id: str
    stakeholder_id: str


class IntentOutPage(TypedDict):
    data: list[IntentOut]
    has_more: bool
    next: str | None
    previous: str | None


class InteractionChange(TypedDict):
    at: NotRequired[str]
    kind: NotRequired[Literal["meeting", "call", "letter", "event", "visit", "other"]]
    notes: NotRequired[str]
    participants: NotRequired[str]
    place: NotRequired[str]


class InteractionNew(TypedDict):
    at: str
    kind: Literal["meeting", "call", "letter", "event", "visit", "other"]
    notes: NotRequired[str]
    participants: NotRequired[str]
    place: NotRequired[str]
    programme_id: NotRequired[str | None]
    stakeholder: str


class InteractionOut(TypedDict):
    at: str
    by: str
    corrects: str | None
    created_at: str
    id: str
    kind: str
    notes: str
    participants: str
    place: str
    programme_id: str
    stakeholder_id: str


class InteractionOutPage(TypedDict):
    data: list[InteractionOut]
    has_more: bool
    next: str | None
    previous: str | None


class InvolvementOut(TypedDict):
    connection: Literal["involved", "affected", "both"]
    note: str
    programme_id: str
    rank: Literal["primary", "secondary"] | None
    since_at: str
    stakeholder_id: str


class InvolvementOutPage(TypedDict):
    data: list[InvolvementOut]
    has_more: bool
    next: str | None
    previous: str | None


class InvolvementSet(TypedDict):
    connection: NotRequired[Literal["involved", "affected", "both"]]
    note: NotRequired[str]
    rank: NotRequired[Literal["primary", "secondary"] | None]


class JobOut(TypedDict):
    about: str
    actor: str
    created_at: str
    done: int
    error: str | None
    file: str | None
    id: str
    kind: Literal["import", "export"]
    problems: int
    ref: str
    state: Literal["waiting", "running", "finished", "failed", "cancelled"]
    total: int
    what: Literal["people", "person", "programme", "installation"]


class JobsOut(TypedDict):
    data: list[JobOut]


class KeptOut(TypedDict):
    promise: PromiseOut
    weeks: list[WeekOut]


class KeptWeekOut(TypedDict):
    begins: str
    kept: int
    n: int


class Known(TypedDict):
    id: str
    kind: str
    name: str


class LabelNew(TypedDict):
    name: str


class LeftOut(TypedDict):
    code: str
    detail: str


class Lift(TypedDict):
    why: str


class LiftStops(TypedDict):
    why: str


class LimitOut(TypedDict):
    limit: Literal[
        "per_second",
        "per_day",
        "per_month",
        "app_per_second",
        "app_per_day",
        "app_per_month",
        "domain_per_minute",
        "cost_per_month",
    ]
    most: float
    used: float | None


class LimitsOut(TypedDict):
    data: list[LimitOut]


class Line(TypedDict):
    both_ways: bool
    from_id: str
    from_on: str | None
    id: str | None
    source: str
    to_id: str
    to_on: str | None
    type: Literal[
        "influences",
        "advises",
        "funds",
        "reports_to",
        "works_with",
        "partner",
        "opposes",
        "family",
        "other",
        "member",
    ]


class LinkNew(TypedDict):
    days: NotRequired[int]
    party: str


class LinkOut(TypedDict):
    expires_at: str
    party: str
    url: str


class ManyNew(TypedDict):
    act: Literal["take", "assign", "close", "snooze", "label", "urgent", "reopen"]
    name: NotRequired[str]
    responses: list[str]
    until: NotRequired[str | None]
    user_id: NotRequired[str | None]
    why: NotRequired[Literal["done", "thanks", "elsewhere", "not_for_us", "spam", "abuse", "other"]]


class ManyOut(TypedDict):
    done: int
    refused: list[LeftOut]


class MarkedOut(TypedDict):
    rows: int


class MatchNew(TypedDict):
    stakeholder: str


class MeChange(TypedDict):
    answers_in: NotRequired[list[Literal["en", "cy", "ar"]] | None]
    language: NotRequired[Literal["en", "cy", "ar"]]
    name: NotRequired[str]
    zone: NotRequired[str | None]


class MeOut(TypedDict):
    answers_in: list[str] | None
    email: str | None
    id: str
    language: str
    name: str
    zone: str | None


class MediaChange(TypedDict):
    alts: NotRequired[dict[str, Any]]
    captions_url: NotRequired[str]
    decorative: NotRequired[bool]
    name: NotRequired[str]
    transcript: NotRequired[str]


class MediaLinkNew(TypedDict):
    captions_url: NotRequired[str]
    kind: Literal["film", "recording"]
    name: str
    programme_id: NotRequired[str | None]
    transcript: NotRequired[str]
    url: str


class MediaOut(TypedDict):
    alts: dict[str, Any]
    bytes: int
    captions_url: str
    created_at: str
    decorative: bool
    height: int
    id: str
    kind: Literal["picture", "film", "recording"]
    name: str
    path: str
    programme_id: str | None
    sha256: str | None
    state: Literal["active", "archived", "evidence"]
    transcript: str
    type: str
    updated_at: str
    width: int


class MediaOutPage(TypedDict):
    data: list[MediaOut]
    has_more: bool
    next: str | None
    previous: str | None


class MembershipNew(TypedDict):
    body_id: NotRequired[str]
    from_on: NotRequired[str | None]
    person_id: NotRequired[str]
    role: NotRequired[str]
    to_on: NotRequired[str | None]


class MembershipOut(TypedDict):
    body_id: str
    from_on: str | None
    id: str
    person_id: str
    role: str
    to_on: str | None


class MembershipOutPage(TypedDict):
    data: list[MembershipOut]
    has_more: bool
    next: str | None
    previous: str | None


class MergeNew(TypedDict):
    gone_id: str
    kept_id: str
    reason: NotRequired[str]
    take: NotRequired[dict[str, Any]]


class MergeOut(TypedDict):
    at: str
    by: str
    changed: dict[str, Any]
    gone_id: str
    id: str
    kept_id: str
    left: list[str]
    reason: str
    undone_at: str | None
    undone_by: str | None
    undone_why: str


class MergeUndo(TypedDict):
    reason: NotRequired[str]


class MergesOut(TypedDict):
    data: list[MergeOut]


class MessageChange(TypedDict):
    ceiling: NotRequired[int | None]
    lane: NotRequired[Literal["urgent", "transactional", "normal", "bulk"]]
    name: NotRequired[str]
    purpose: NotRequired[Literal["service", "direct_marketing", "survey"]]
    send_at: NotRequired[str | dict[str, Any]]
    timing: NotRequired[TimingIn]
    topic_id: NotRequired[str | None]
    useful_until_s: NotRequired[int | None]


class MessageCommentNew(TypedDict):
    asks: NotRequired[bool]
    digest: str
    text: str


class MessageCommentOut(TypedDict):
    asks: bool
    at: str
    by: str
    digest: str
    id: str
    settled_at: str | None
    settled_by: str | None
    text: str


class MessageCommentsOut(TypedDict):
    data: list[MessageCommentOut]


class MessageNew(TypedDict):
    accounts: NotRequired[list[str]]
    ceiling: NotRequired[int | None]
    content_item: NotRequired[str | None]
    data: NotRequired[dict[str, Any] | None]
    draft: NotRequired[bool]
    html: NotRequired[str | None]
    lane: NotRequired[Literal["urgent", "transactional", "normal", "bulk"]]
    language: NotRequired[str | None]
    media: NotRequired[list[str]]
    name: NotRequired[str]
    on_blocked: NotRequired[Literal["hold", "refuse"]]
    programme_id: NotRequired[str | None]
    purpose: NotRequired[Literal["service", "direct_marketing", "survey"] | None]
    segment: NotRequired[str | None]
    send_at: NotRequired[str | dict[str, Any]]
    stakeholders: NotRequired[list[str]]
    strategy_id: NotRequired[str | None]
    subject: NotRequired[str | None]
    template: NotRequired[str | None]
    text: NotRequired[str | None]
    timing: NotRequired[TimingIn | None]
    to: NotRequired[str | list[str]]
    useful_until_s: NotRequired[int | None]


class MessageOut(TypedDict):
    assurance: str
    assurance_words: str
    author: str
    ceiling: int | None
    content_item: str
    costs: list[CostOut]
    counts: dict[str, Any]
    created_at: str
    deliveries: str
    digest: str
    held_by: list[dict[str, Any]]
    id: str
    kind: str
    lane: str
    local: str | None
    name: str
    programme_id: str
    purpose: str
    reasons: dict[str, Any]
    segment: str | None
    send_at: str | None
    state: Literal["draft", "waiting", "scheduled", "held", "sending", "paused", "finished", "cancelled"]
    test: bool
    timing: TimingOut | None
    updated_at: str
    useful_until_s: int | None
    zone: str | None


class MessageOutPage(TypedDict):
    data: list[MessageOut]
    has_more: bool
    next: str | None
    previous: str | None


class MissedRunOut(TypedDict):
    decided_at: str | None
    decided_by: str | None
    done: Literal["late", "skipped", "held"]
    due_at: str
    found_at: str
    message: str
    occurrence: str


class MissedRunOutPage(TypedDict):
    data: list[MissedRunOut]
    has_more: bool
    next: str | None
    previous: str | None


class MixNew(TypedDict):
    programme_id: str
    quarter: str
    shares: dict[str, Any]


class MixOut(TypedDict):
    data: list[ShareOut]


class MixTargetOut(TypedDict):
    programme_id: str
    quarter: str
    shares: dict[str, Any]


class Node(TypedDict):
    id: str
    kind: Literal["person", "group", "community", "organisation"]
    name: str


class NotDone(TypedDict):
    words: str


class NoteNew(TypedDict):
    call: NotRequired[str | None]
    text: str


class NoteOut(TypedDict):
    at: str
    by: str
    text: str


class NoticesNew(TypedDict):
    wanted: list[str]


class NoticesOut(TypedDict):
    wanted: dict[str, Any]


class ObjectiveChange(TypedDict):
    achievable: NotRequired[str]
    baseline: NotRequired[float | None]
    deadline_on: NotRequired[str | None]
    goal: NotRequired[str]
    metric: NotRequired[str]
    name: NotRequired[str]
    owner: NotRequired[str]
    target: NotRequired[float | None]
    unit: NotRequired[str]


class ObjectiveNew(TypedDict):
    achievable: NotRequired[str]
    baseline: NotRequired[float | None]
    deadline_on: NotRequired[str | None]
    goal: NotRequired[str]
    metric: NotRequired[str]
    name: str
    owner: NotRequired[str]
    target: NotRequired[float | None]
    unit: NotRequired[str]


class ObjectiveOut(TypedDict):
    achievable: str
    baseline: float | None
    created_at: str
    deadline_on: str | None
    goal: str
    id: str
    metric: str
    name: str
    owner: str
    programme_id: str
    state: str
    target: float | None
    unit: str
    updated_at: str


class OccurrenceOut(TypedDict):
    due_at: str
    finished_at: str | None
    id: str
    kind: str
    local: str
    released_at: str | None
    state: str
    zone: str


class Occurrences(TypedDict):
    data: list[CountedOccurrence]


class Overlap(TypedDict):
    overlap_s: NotRequired[int]


class OwnLimits(TypedDict):
    app_per_day: NotRequired[int | None]
    app_per_month: NotRequired[int | None]
    app_per_second: NotRequired[float | None]
    cost_per_month: NotRequired[float | None]
    domain_per_minute: NotRequired[int | None]
    per_day: NotRequired[int | None]
    per_month: NotRequired[int | None]
    per_second: NotRequired[float | None]


class OwnersNew(TypedDict):
    deputy_id: str | None
    owner_id: str | None


class PaginationMetadata(TypedDict):
    first_page: NotRequired[int]
    last_page: NotRequired[int]
    next_page: NotRequired[int]
    page: NotRequired[int]
    previous_page: NotRequired[int]
    total: NotRequired[int]
    total_pages: NotRequired[int]


class Parties(TypedDict):
    data: list[PartyOut]


class PartiesNew(TypedDict):
    parties: list[PartyNew]


class PartnerLinkNew(TypedDict):
    days: NotRequired[int]
    partner: str


class PartnerLinkOut(TypedDict):
    url: str


class PartyNew(TypedDict):
    answer_by_at: NotRequired[str | None]
    deputy: NotRequired[str | None]
    kind: Literal["role", "user", "stakeholder"]
    label: NotRequired[str]
    part: NotRequired[Literal["required", "consulted", "informed"]]
    ref: str


class PartyOut(TypedDict):
    answer_by_at: str | None
    deputy: str | None
    id: str
    kind: str
    label: str
    part: str
    ref: NotRequired[str]


class PersonExportNew(TypedDict):
    withheld: NotRequired[str]


class PersonNew(TypedDict):
    name: str


class Pick(TypedDict):
    stakeholders: list[str]


class PictureNew(TypedDict):
    alts: NotRequired[str | None]
    decorative: NotRequired[str]
    file: str
    name: NotRequired[str | None]
    programme_id: NotRequired[str | None]


class PlanOut(TypedDict):
    missing: list[str]
    objectives: list[AimOut]
    priorities: list[PriorityOut]
    risks: list[RiskOut]


class PlannedOut(TypedDict):
    id: str
    segment: str | None
    state: str


class PoliciesIn(TypedDict):
    formats: bool
    frequency_cap: FrequencyCap | None
    languages: list[str]


class PoliciesOut(TypedDict):
    formats: bool
    frequency_cap: FrequencyCap | None
    in_force: InForce
    languages: list[str]


class PositionOut(TypedDict):
    agreement: AgreementOut | None
    party: PartyOut


class Positions(TypedDict):
    data: list[PositionOut]


class PostOut(TypedDict):
    account_id: str
    delivery_id: str
    figures: list[FigureOut]
    looked_at: str | None
    part: int
    sent_at: str | None
    source: str


class PreviewOut(TypedDict):
    channel: str
    html: str
    language: str
    missing: list[str]
    subject: str
    text: str
    wrong: str


class Previews(TypedDict):
    data: list[PreviewOut]


class PriorityNew(TypedDict):
    evidence: NotRequired[str]
    name: str
    raised_by: NotRequired[str]
    reach: Literal["community", "national", "regional", "international"]
    reason: NotRequired[str]
    suits: NotRequired[bool | None]


class PriorityOut(TypedDict):
    created_at: str
    evidence: str
    id: str
    name: str
    raised_by: str
    reach: Literal["community", "national", "regional", "international"]
    reason: str
    suits: bool | None
    updated_at: str


class Problem(TypedDict):
    blockers: NotRequired[list[dict[str, Any]]]
    code: str
    detail: str
    errors: NotRequired[list[ErrorEntry]]
    instance: str
    request_id: str
    status: int
    title: str
    type: str


class ProgrammeChange(TypedDict):
    approach: NotRequired[str]
    assurance: NotRequired[Literal["light", "reviewed", "agreed"]]
    ends_on: NotRequired[str | None]
    held_values: NotRequired[str]
    mission: NotRequired[str]
    name: NotRequired[str]
    parent_id: NotRequired[str | None]
    reason: NotRequired[str]
    starts_on: NotRequired[str]
    vision: NotRequired[str]


class ProgrammeNew(TypedDict):
    assurance: NotRequired[Literal["light", "reviewed", "agreed"]]
    ends_on: NotRequired[str | None]
    name: str
    parent_id: NotRequired[str | None]
    starts_on: str


class ProgrammeOut(TypedDict):
    approach: str
    assurance: Literal["light", "reviewed", "agreed"]
    assurance_words: NotRequired[str]
    builtin: bool
    created_at: str
    ends_on: str | None
    held_values: str
    horizon: NotRequired[Literal["plan", "campaign", "programme"]]
    id: str
    mission: str
    name: str
    parent_id: str | None
    starts_on: str
    updated_at: str
    vision: str


class ProgrammeOutPage(TypedDict):
    data: list[ProgrammeOut]
    has_more: bool
    next: str | None
    previous: str | None


class PromiseNew(TypedDict):
    channel: str
    strategy_id: str
    times: int
    warn_days: int
    zone: str


class PromiseOut(TypedDict):
    channel: str
    id: str
    strategy_id: str
    times: int
    warn_days: int
    zone: str


class PromisesOut(TypedDict):
    data: list[KeptOut]


class PurposeNew(TypedDict):
    aim: Literal["informative", "educational", "entertaining", "recognition", "call_to_act"] | None


class PurposeOut(TypedDict):
    aim: Literal["informative", "educational", "entertaining", "recognition", "call_to_act"] | None
    content_id: str


class QueuedOut(TypedDict):
    at: str
    id: str
    state: str


class QuietEnd(TypedDict):
    why: str


QuietNew = TypedDict(
    "QuietNew",
    {
        "except_service": "NotRequired[bool]",
        "except_urgent": "NotRequired[bool]",
        "from": "str",
        "name": "str",
        "programme_id": "NotRequired[str | None]",
        "reason": "str",
        "until": "str",
    },
)


QuietOut = TypedDict(
    "QuietOut",
    {
        "by": "str",
        "ended_at": "str | None",
        "ended_by": "str | None",
        "ended_why": "str | None",
        "except_service": "bool",
        "except_urgent": "bool",
        "from": "str",
        "id": "str",
        "made_at": "str",
        "name": "str",
        "programme_id": "str | None",
        "reason": "str",
        "until": "str",
    },
)


class QuietPeriodsOut(TypedDict):
    data: list[QuietOut]


class ReadingNew(TypedDict):
    note: NotRequired[str]
    on: str
    value: float


class ReadingOut(TypedDict):
    at: str
    by: str
    note: str
    on: str
    value: float


class ReadingsOut(TypedDict):
    data: list[ReadingOut]


class Rehearsed(TypedDict):
    data: list[RehearsedRow]


class RehearsedRow(TypedDict):
    account_id: str
    address: str
    channel: str
    due_at: str | None
    part: int
    reason: str | None
    stakeholder_id: str | None
    state: str
    variant_id: str | None


class RelationEnd(TypedDict):
    on: NotRequired[str | None]


class RelationNew(TypedDict):
    both_ways: NotRequired[bool]
    from_id: str
    from_on: NotRequired[str | None]
    note: NotRequired[str]
    source: str
    to_id: str
    to_on: NotRequired[str | None]
    type: Literal[
        "influences", "advises", "funds", "reports_to", "works_with", "partner", "opposes", "family", "other"
    ]


class RelationOut(TypedDict):
    at: str
    both_ways: bool
    by: str
    from_id: str
    from_on: str | None
    id: str
    note: str
    source: str
    to_id: str
    to_on: str | None
    type: Literal[
        "influences", "advises", "funds", "reports_to", "works_with", "partner", "opposes", "family", "other"
    ]


class RelationsOut(TypedDict):
    data: list[RelationOut]


class RelationshipOut(TypedDict):
    connection: str
    deputy_id: str | None
    owner_id: str | None
    programme_id: str
    rank: Literal["primary", "secondary"] | None
    review_on: str | None
    role: Literal["target", "intermediary", "partner", "gatekeeper", "critic", "other"] | None
    stakeholder_id: str


class RelationshipOutPage(TypedDict):
    data: list[RelationshipOut]
    has_more: bool
    next: str | None
    previous: str | None


class RenderNew(TypedDict):
    data: NotRequired[dict[str, Any]]
    n: NotRequired[int | None]
    stakeholder: NotRequired[str | None]


class RenderedOut(TypedDict):
    html: str
    missing: list[str]
    subject: str
    text: str
    wrong: str


class Replayed(TypedDict):
    count: int


class RepliesOut(TypedDict):
    data: list[ReplyOut]


class ReplyChange(TypedDict):
    language: str
    name: str
    text: str


class ReplyNew(TypedDict):
    language: str
    name: str
    programme_id: NotRequired[str | None]
    text: str


class ReplyOut(TypedDict):
    id: str
    language: str
    name: str
    programme_id: str | None
    text: str


class ResponseOut(TypedDict):
    account_id: str
    answer_message_id: str | None
    answered_at: str | None
    asks_to_stop: NotRequired[Literal["", "asked", "stopped"]]
    assignee: str | None
    at: str
    candidates: NotRequired[list[dict[str, Any]]]
    channel: str
    closed_at: str | None
    closed_why: (
        Literal["answered", "done", "together", "thanks", "elsewhere", "not_for_us", "spam", "abuse", "other"]
        | None
    )
    delivery_id: str | None
    id: str
    kind: Literal["reply", "mention", "like", "boost", "bounce", "complaint", "opt_out", "auto_reply"]
    matched_by: str | None
    message_id: str | None
    programme_id: str | None
    sender: str
    sender_name: str
    sentiment: Literal["negative", "neutral", "positive", "unknown"] | None
    snoozed_until_at: str | None
    stakeholder_id: str | None
    subject: str
    text: str
    urgent_at: str | None
    verified: NotRequired[bool]


class ResponseOutPage(TypedDict):
    data: list[ResponseOut]
    has_more: bool
    next: str | None
    previous: str | None


class ResponsePromiseNew(TypedDict):
    bank_holidays: NotRequired[Literal["", "england_and_wales"]]
    closes: int
    days_off: NotRequired[list[str]]
    opens: int
    programme_id: str | None
    rules: str
    urgent_to: NotRequired[list[str]]
    weekdays: list[int]
    zone: str


class ResponsePromiseOut(TypedDict):
    bank_holidays: str
    closes: int
    days_off: list[str]
    opens: int
    rules: str
    urgent_to: list[str]
    weekdays: list[int]
    zone: str


class ReviewNew(TypedDict):
    review: str


class RiskNew(TypedDict):
    due_on: NotRequired[str | None]
    kind: Literal["threat", "opportunity", "barrier"]
    likelihood: int
    mitigation: NotRequired[str]
    name: str
    owner: NotRequired[str]
    severity: int


class RiskOut(TypedDict):
    created_at: str
    due_on: str | None
    id: str
    kind: Literal["threat", "opportunity", "barrier"]
    likelihood: int
    mitigation: str
    name: str
    owner: str
    severity: int
    state: Literal["open", "closed"]
    updated_at: str


class RiskState(TypedDict):
    state: Literal["open", "closed"]


class RoleNew(TypedDict):
    rank: Literal["primary", "secondary"]
    rationale: str
    role: Literal["target", "intermediary", "partner", "gatekeeper", "critic", "other"]


class RoleOut(TypedDict):
    at: str
    by: str
    rank: Literal["primary", "secondary"]
    rationale: str
    role: Literal["target", "intermediary", "partner", "gatekeeper", "critic", "other"]


class RollOutOut(TypedDict):
    bounced: int
    complained: int
    decide_at: str
    done: Literal["going", "stopped"] | None
    overruled_by: str | None
    tried: int


class Rotation(TypedDict):
    overlap_s: NotRequired[int]


class RowProblem(TypedDict):
    code: str
    column: str | None
    detail: str


class ScheduleNew(TypedDict):
    send_at: str | dict[str, Any]


class SegmentChange(TypedDict):
    name: NotRequired[str]
    rule: NotRequired[dict[str, Any]]


class SegmentNew(TypedDict):
    name: str
    programme_id: NotRequired[str | None]
    rule: NotRequired[dict[str, Any] | None]


class SegmentOut(TypedDict):
    created_at: str
    id: str
    kind: Literal["rule", "picked"]
    name: str
    programme_id: str
    rule: dict[str, Any] | None
    state: Literal["active", "archived"]
    updated_at: str


class SegmentOutPage(TypedDict):
    data: list[SegmentOut]
    has_more: bool
    next: str | None
    previous: str | None


class SettingOut(TypedDict):
    about: str
    default: Any
    name: str
    required: bool
    secret: bool
    where: bool


class ShareOut(TypedDict):
    aim: Literal["informative", "educational", "entertaining", "recognition", "call_to_act"] | None
    planned: int
    target: int | None
    went: int


class ShownOut(TypedDict):
    alt: str
    type: str
    url: str


class Since(TypedDict):
    since: str


class SlotNew(TypedDict):
    account_id: str
    wall: str
    weekday: int
    zone: str


class SlotOut(TypedDict):
    account_id: str
    id: str
    wall: str
    weekday: int
    zone: str


class SlotsOut(TypedDict):
    data: list[SlotOut]


class SnoozeNew(TypedDict):
    until: str


class StakeholderChange(TypedDict):
    attrs: NotRequired[dict[str, Any]]
    external_id: NotRequired[str | None]
    kind: NotRequired[Literal["person", "group", "community", "organisation"]]
    languages: NotRequired[list[str]]
    name: NotRequired[str]
    zone: NotRequired[str | None]


class StakeholderNew(TypedDict):
    addresses: NotRequired[list[AddressNew]]
    attrs: NotRequired[dict[str, Any]]
    external_id: NotRequired[str | None]
    kind: NotRequired[Literal["person", "group", "community", "organisation"]]
    languages: NotRequired[list[str]]
    name: str
    programme_id: NotRequired[str]
    tags: NotRequired[list[str]]
    zone: NotRequired[str | None]


class StakeholderOut(TypedDict):
    attrs: dict[str, Any]
    created_at: str
    external_id: str | None
    id: str
    kind: Literal["person", "group", "community", "organisation"]
    languages: list[str]
    name: str
    name_flags: NotRequired[list[str]]
    source: str
    state: Literal["active", "archived"]
    updated_at: str
    zone: str | None


class StakeholderOutPage(TypedDict):
    data: list[StakeholderOut]
    has_more: bool
    next: str | None
    previous: str | None


class StakeholderUpsert(TypedDict):
    addresses: NotRequired[list[AddressNew]]
    attrs: NotRequired[dict[str, Any]]
    kind: NotRequired[Literal["person", "group", "community", "organisation"]]
    languages: NotRequired[list[str]]
    name: NotRequired[str]
    programme_id: NotRequired[str]
    tags: NotRequired[list[str]]
    zone: NotRequired[str | None]


class StillRightNew(TypedDict):
    channel: str
    language: str


class StopLift(TypedDict):
    why: str


class StopNew(TypedDict):
    reason: str
    ref: NotRequired[str | None]
    scope: Literal["all", "account", "programme", "segment"]


class StopOut(TypedDict):
    at: str
    by: str
    id: str
    lifted_at: str | None
    lifted_by: str | None
    lifted_why: str | None
    reason: str
    ref: NotRequired[str | None]
    scope: Literal["all", "account", "programme", "segment"]


class StopOutPage(TypedDict):
    data: list[StopOut]
    has_more: bool
    next: str | None
    previous: str | None


class StopsLifted(TypedDict):
    lifted: int


class StrategyDraftOut(TypedDict):
    at: str
    body: dict[str, Any]


class StrategyNew(TypedDict):
    name: str
    programme_id: NotRequired[str | None]
    segment_id: NotRequired[str | None]


class StrategyOut(TypedDict):
    builtin: bool
    created_at: str
    id: str
    in_force: NotRequired[int | None]
    name: str
    programme_id: str
    segment_id: NotRequired[str | None]
    state: str
    updated_at: str


class StrategyOutPage(TypedDict):
    data: list[StrategyOut]
    has_more: bool
    next: str | None
    previous: str | None


class Subject(TypedDict):
    channel: str
    evidence: NotRequired[dict[str, Any]]
    purpose: Literal["service", "direct_marketing", "survey"]
    source: str
    stakeholder_id: str


class SuppressionNew(TypedDict):
    address: NotRequired[str]
    channel: str
    evidence: NotRequired[dict[str, Any]]
    origin: NotRequired[Literal["recipient", "customer", "admin", "import"]]
    purpose: NotRequired[Literal["service", "direct_marketing", "survey"] | None]
    reason: NotRequired[Literal["hard_bounce", "spam_complaint", "opt_out", "no_contact", "manual"]]
    stakeholder_id: NotRequired[str]
    until_at: NotRequired[str | None]


class SuppressionOut(TypedDict):
    address_key: str | None
    at: str
    channel: str
    evidence: dict[str, Any]
    id: str
    import_id: NotRequired[str | None]
    lifted_at: str | None
    lifted_by: str | None
    lifted_why: str | None
    origin: Literal["recipient", "customer", "admin", "import"]
    purpose: Literal["service", "direct_marketing", "survey"] | None
    reason: Literal["hard_bounce", "spam_complaint", "opt_out", "no_contact", "manual"]
    stakeholder_id: str | None
    until_at: str | None


class SuppressionOutPage(TypedDict):
    data: list[SuppressionOut]
    has_more: bool
    next: str | None
    previous: str | None


class TagOut(TypedDict):
    name: str


class TagOutPage(TypedDict):
    data: list[TagOut]
    has_more: bool
    next: str | None
    previous: str | None


class TaskEnd(TypedDict):
    state: Literal["done", "dropped"]


class TaskNew(TypedDict):
    about: NotRequired[str | None]
    clock: NotRequired[str]
    on: str
    owner: str
    programme_id: str
    remind: NotRequired[Literal["", "hour", "day", "week"]]
    title: str
    zone: NotRequired[str]


class TaskOut(TypedDict):
    about: str | None
    by: str
    created_at: str
    due_at: str
    ended_at: str | None
    ended_by: str | None
    given_at: str
    id: str
    owner: str
    programme_id: str
    remind_at: str | None
    state: Literal["open", "done", "dropped"]
    title: str
    updated_at: str
    whole_day: bool
    zone: str


class TaskOutPage(TypedDict):
    data: list[TaskOut]
    has_more: bool
    next: str | None
    previous: str | None


class TaskValues(TypedDict):
    clock: NotRequired[str]
    on: str
    owner: str
    remind: NotRequired[Literal["", "hour", "day", "week"]]
    title: str
    zone: NotRequired[str]


class TemplateNew(TypedDict):
    name: str
    programme_id: NotRequired[str | None]


class TemplateOut(TypedDict):
    created_at: str
    id: str
    name: str
    programme_id: str | None
    updated_at: str


class TemplateOutPage(TypedDict):
    data: list[TemplateOut]
    has_more: bool
    next: str | None
    previous: str | None


class TemplateVersionNew(TypedDict):
    html: NotRequired[str]
    subject: NotRequired[str]
    text: NotRequired[str]


class TemplateVersionOut(TypedDict):
    approved_at: str | None
    approved_by: str | None
    at: str
    author: str
    digest: str
    html: str
    id: str
    n: int
    subject: str
    text: str


class TemplateVersions(TypedDict):
    data: list[TemplateVersionOut]


class TestNew(TypedDict):
    stakeholder: NotRequired[str | None]
    to: NotRequired[list[str]]


class TimingIn(TypedDict):
    after: NotRequired[str | None]
    after_s: NotRequired[int]
    asks: NotRequired[Literal["answered", "not_answered", "clicked", "not_clicked"]]
    bounced_pm: NotRequired[int]
    complained_pm: NotRequired[int]
    first_share: NotRequired[int | None]
    late_s: NotRequired[int]
    missed: NotRequired[Literal["late", "skip", "hold"]]
    own_zone: NotRequired[bool]
    passed: NotRequired[Literal["at_once", "next_day"]]
    rule: NotRequired[str | None]
    then_s: NotRequired[int]


class TimingOut(TypedDict):
    after: str | None
    after_s: int
    asks: Literal["answered", "not_answered", "clicked", "not_clicked"]
    bounced_pm: int
    complained_pm: int
    first_share: int | None
    late_s: int
    missed: Literal["late", "skip", "hold"]
    own_zone: bool
    passed: Literal["at_once", "next_day"]
    rule: str | None
    then_s: int


class TogetherNew(TypedDict):
    languages: list[str] | None


class TokenDefaults(TypedDict):
    account_id: NotRequired[str | None]
    programme_id: NotRequired[str | None]
    purpose: NotRequired[Literal["service", "direct_marketing", "survey"] | None]


class TokenGrant(TypedDict):
    programme_id: str | None
    role: Literal[
        "viewer",
        "responder",
        "author",
        "approver",
        "community_manager",
        "moderator",
        "steward",
        "administrator",
        "auditor",
    ]


class TokenNew(TypedDict):
    defaults: NotRequired[TokenDefaults]
    expires_at: NotRequired[str | None]
    grants: NotRequired[list[TokenGrant]]
    kind: NotRequired[Literal["person", "machine", "test"]]
    name: str
    scopes: NotRequired[list[str] | None]
    user_id: NotRequired[str | None]


class TokenOut(TypedDict):
    created_at: str
    defaults: TokenDefaults
    expires_at: str
    id: str
    kind: Literal["person", "machine", "test"]
    last_used_at: str | None
    name: str
    prefix: str
    replaces_id: str | None
    revoked_at: str | None
    scopes: list[str]
    user_id: str | None


class TokenOutPage(TypedDict):
    data: list[TokenOut]
    has_more: bool
    next: str | None
    previous: str | None


class TokenShown(TypedDict):
    created_at: str
    defaults: TokenDefaults
    expires_at: str
    id: str
    kind: Literal["person", "machine", "test"]
    last_used_at: str | None
    name: str
    prefix: str
    replaces_id: str | None
    revoked_at: str | None
    scopes: list[str]
    token: str
    user_id: str | None


class ToldOut(TypedDict):
    at: str
    body: dict[str, Any]
    id: str
    key: str
    kind: str
    log: list[TryOut]
    next_at: str
    settled_at: str | None
    state: Literal["waiting", "sent", "failed"]
    tries: int


class ToldOutPage(TypedDict):
    data: list[ToldOut]
    has_more: bool
    next: str | None
    previous: str | None


class TopicChange(TypedDict):
    names: NotRequired[dict[str, Any]]
    state: NotRequired[Literal["active", "archived"]]


class TopicNew(TypedDict):
    names: dict[str, Any]
    programme_id: NotRequired[str | None]


class TopicOut(TypedDict):
    created_at: str
    id: str
    name: str
    names: dict[str, Any]
    programme_id: str | None
    state: Literal["active", "archived"]
    updated_at: str


class TopicsOut(TypedDict):
    data: list[TopicOut]


class TryOut(TypedDict):
    at: str
    error: str
    status: int | None


class UrgentGoOut(TypedDict):
    at: str
    by: str
    digest: str
    id: str
    message_id: str
    passed_over: list[dict[str, Any]]
    reason: str
    review: str | None
    review_due_at: str
    reviewed_at: str | None
    reviewed_by: str | None


class UrgentGoOutPage(TypedDict):
    data: list[UrgentGoOut]
    has_more: bool
    next: str | None
    previous: str | None


class UrgentNew(TypedDict):
    digest: str
    reason: str


class UrgentOut(TypedDict):
    at: str
    by: str
    review_due_at: str


class UseOut(TypedDict):
    id: str
    name: str


class UserChange(TypedDict):
    email: NotRequired[str | None]
    language: NotRequired[str]
    name: NotRequired[str]
    state: NotRequired[Literal["active", "disabled"]]


class UserNew(TypedDict):
    email: NotRequired[str | None]
    language: NotRequired[str]
    name: str


class UserOut(TypedDict):
    created_at: str
    email: str | None
    id: str
    language: str
    name: str
    state: Literal["active", "disabled"]
    updated_at: str


class UserOutPage(TypedDict):
    data: list[UserOut]
    has_more: bool
    next: str | None
    previous: str | None


class UsesOut(TypedDict):
    data: list[UseOut]


class VariantNew(TypedDict):
    html: NotRequired[str]
    media: NotRequired[list[str]]
    options: NotRequired[dict[str, Any]]
    subject: NotRequired[str]
    template_version_id: NotRequired[str | None]
    text: NotRequired[str]


class VariantOut(TypedDict):
    at: str
    author: str
    blocks: NotRequired[list[dict[str, Any]] | None]
    channel: str
    html: str
    id: str
    language: str
    media: NotRequired[list[str]]
    n: int
    options: dict[str, Any]
    slots: list[str]
    subject: str
    template_version_id: str | None
    text: str


class Variants(TypedDict):
    data: list[VariantOut]


class Verdict(TypedDict):
    go: bool


class Verified(TypedDict):
    ok: bool
    problem: str
    state: str


class VersionNew(TypedDict):
    aims: NotRequired[str]
    cadence: NotRequired[str]
    calls_to_action: NotRequired[list[str]]
    channels: NotRequired[list[str]]
    default_language: NotRequired[str]
    key_messages: NotRequired[list[str]]
    purpose: NotRequired[str]
    response_rules: NotRequired[str]
    responsible: NotRequired[list[str]]
    tone: NotRequired[str]


class VersionOut(TypedDict):
    at: str
    author: str
    body: dict[str, Any]
    digest: str
    id: str
    n: int
    strategy_id: str


class Versions(TypedDict):
    data: list[VersionOut]


class WeekOut(TypedDict):
    count: int
    starts_on: str
    state: Literal["kept", "missed", "gap", "open"]


class WordsOut(TypedDict):
    html: str
    language: str
    media: list[ShownOut]
    subject: str
    text: str


class WorkOut(TypedDict):
    account_id: str
    delivery_id: str
    ended_at: str | None
    ended_by: str | None
    handed_at: str
    link_ends_at: str | None
    message_id: str
    partner: str
    photo_id: str | None
    standing: Literal["waiting", "done", "not_done", "withdrawn"]
    where: str | None
    words: str | None


class WorksOut(TypedDict):
    data: list[WorkOut]
