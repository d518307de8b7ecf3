"""The columns of an imported file: what each one means, and how a record becomes values we can store.

Rules: an empty cell says nothing, so it never takes anything away; a value that cannot be stored is left out and told
with its column, and refuses its row where nobody would be known by the rest, or it may say that they opted out; a
consent column says only who is covered by the declaration, never that there is one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..errors import BadField, BadImport, Invalid, said
from . import addresses, calling, exporters, fields, people
from .files import CELL_MAX, Record
from .tables import CONNECTIONS, RANKS, Field
from .text import TEXT_MAX, clean, fold

PLAIN = (
    "name",
    "external_id",
    "kind",
    "zone",
    "languages",
    "tags",
    "connection",
    "rank",
    "consent",
    "consent_at",
    "opt_out",
    "bounced",
    "lists",
    "attrs",
    "ignore",
)
# Several columns may make up a name, hold an address or say that somebody opted out; of everything else there is one.
REPEATABLE = ("name", "opt_out", "bounced", "ignore")
# A row whose cell of these cannot be read is not taken in without it: it says who they are, or that they opted out.
NEEDED = ("name", "external_id", "opt_out", "bounced", "lists")

HEADERS = {
    "name": "name", "full name": "name", "first name": "name", "last name": "name", "surname": "name",
    "enw": "name", "enw llawn": "name", "enw cyntaf": "name", "cyfenw": "name", "الاسم": "name",
    "external id": "external_id", "id": "external_id", "crm id": "external_id",
    "kind": "kind", "math": "kind",
    "email": "address.email", "e-mail": "address.email", "email address": "address.email",
    "ebost": "address.email", "e-bost": "address.email", "cyfeiriad e-bost": "address.email",
    "البريد الإلكتروني": "address.email",
    "preferred language": "languages", "iaith ddewisol": "languages", "اللغة المفضلة": "languages",
    "newsletter consent": "consent", "newsletter": "consent", "marketing consent": "consent",
    "date of consent": "consent_at", "consent date": "consent_at", "dyddiad caniatâd": "consent_at",
    "dyddiad cydsynio": "consent_at", "تاريخ الموافقة": "consent_at",
    "interests": "tags", "diddordebau": "tags", "الاهتمامات": "tags",
    "mobile number": "address.sms", "mobile phone": "address.sms", "ffôn symudol": "address.sms",
    "الجوال": "address.sms",
    "phone number": "address.phone", "telephone": "address.phone", "rhif ffôn": "address.phone",
    "mobile": "address.sms", "symudol": "address.sms", "phone": "address.phone", "ffôn": "address.phone",
    "الهاتف": "address.phone",
    "language": "languages", "languages": "languages", "iaith": "languages", "ieithoedd": "languages",
    "اللغة": "languages",
    "zone": "zone", "time zone": "zone", "timezone": "zone",
    "tags": "tags", "tagiau": "tags", "consent": "consent", "caniatâd": "consent", "الموافقة": "consent",
    "connection": "connection", "rank": "rank", "firstname": "name", "lastname": "name",
    "consent at": "consent_at", "opt in time": "consent_at", "optin time": "consent_at",
    "opt out": "opt_out", "opted out": "opt_out", "unsubscribed": "opt_out", "unsubscribed at": "opt_out",
    "unsub time": "opt_out", "do not contact": "opt_out", "donotemail": "opt_out", "donotcontact": "opt_out",
    "wedi optio allan": "opt_out", "dad-danysgrifio": "opt_out", "إلغاء الاشتراك": "opt_out", "bounced": "bounced",
}  # fmt: skip
LANGUAGES = {
    "welsh": "cy", "cymraeg": "cy", "english": "en", "saesneg": "en", "arabic": "ar", "arabeg": "ar", "العربية": "ar",
    "الإنجليزية": "en", "الويلزية": "cy",
}  # fmt: skip
YES = ("yes", "y", "true", "1", "x", "ie", "oes", "ydw", "ydy", "نعم")
NO = ("no", "n", "false", "0", "na", "nac oes", "nac ydw", "لا")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


@dataclass
class Wanted:
    """What one record says. `values` are a stakeholder's own columns; `addresses` maps (channel, key) to the value.

    `consent`: True or False where a column says so, None where there is no such column; `declined`: it says no, in so
    many words; `consent_at`: when they agreed.
    `stops`: the channels on which they are not to be written to, with the reason and since when.
    """

    line: int
    values: dict[str, Any] = field(default_factory=dict)
    attrs: dict[str, Any] = field(default_factory=dict)
    addresses: dict[tuple[str, str], str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    connection: str | None = None
    rank: str | None = None
    consent: bool | None = None
    declined: bool = False
    consent_at: datetime | None = None
    stops: dict[str, tuple[str, datetime | None]] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    unclear: list[dict[str, Any]] = field(
        default_factory=list
    )  # cells that are left out of a row that is taken in


def guess(header: Sequence[str], known: Mapping[str, Field]) -> dict[str, str]:
    """What the columns mean by their names, in English, Welsh and Arabic; the others are ignored."""
    found: dict[str, str] = {}
    theirs = exporters.meanings(header)
    for column in header:
        name = fold(column).replace("_", " ")
        own = name.replace(" ", "_")
        target = theirs.get(column) or (f"attrs.{own}" if own in known else HEADERS.get(name, "ignore"))
        again = target in found.values() and not _may_repeat(target)
        found[column] = "ignore" if again else target
    return found


def check(mapping: Any, header: Sequence[str], known: Mapping[str, Field]) -> dict[str, str]:
    """A mapping of column names to what they mean, as it is stored; BadImport names the column that is wrong."""
    if not isinstance(mapping, Mapping):
        raise BadImport("a mapping is an object of column names", pointer="/mapping")
    for column, target in mapping.items():
        pointer = f"/mapping/{column}"
        if column not in header:
            raise BadImport(
                said("there is no such column; there are {columns}", columns=header), pointer=pointer
            )
        if not isinstance(target, str) or not _is_target(target, known):
            raise BadImport(said("use {plain}, address.CHANNEL or attrs.FIELD", plain=PLAIN), pointer=pointer)
        if not _may_repeat(target) and list(mapping.values()).count(target) > 1:
            raise BadImport(said("two columns cannot both be {target}", target=target), pointer=pointer)
    return {column: mapping.get(column, "ignore") for column in header}


def must_identify(mapping: Mapping[str, str]) -> None:
    """BadImport unless some column can tell the same stakeholder again."""
    if not any(target == "external_id" or target.startswith("address.") for target in mapping.values()):
        raise BadImport(
            "one column must be external_id or an address, so that the file can be imported twice",
            pointer="/mapping",
        )


def read(
    record: Record,
    targets: Sequence[tuple[str, str]],
    known: Mapping[str, Field],
    status: str = "",
    country: str | None = None,
) -> Wanted:
    """What the record says, by its columns in order and what they mean; `problems` where that cannot be stored.

    `status`: what the name of the file says about everybody in it, as `opt_out`; `country`: whose numbers stand without
    a country's code.
    """
    wanted = Wanted(record.line)
    if len(record.cells) != len(targets):
        detail = said(
            "this row has {cells} cells, the header {columns}", cells=len(record.cells), columns=len(targets)
        )
        wanted.problems.append({"column": None, "code": "bad_row", "detail": detail})
        return wanted
    if status:
        _put(wanted, "opt_out", status, known)
    for (column, target), cell in zip(targets, record.cells, strict=True):
        text = cell.strip()
        if target == "ignore" or not text:
            continue
        try:
            if len(cell) > CELL_MAX:
                raise BadField(said("a cell has at most {cell_max} characters", cell_max=CELL_MAX))
            _put(wanted, target, text, known, country)
        except Invalid as error:
            told = {"column": column, "code": error.code, "detail": error.detail}
            (wanted.problems if target in NEEDED else wanted.unclear).append(told)
            if target in ("consent", "consent_at"):
                wanted.consent = False
    if wanted.consent is None and any(target == "consent" for _, target in targets):
        wanted.consent = False
    if wanted.problems or not (wanted.addresses or "external_id" in wanted.values):
        wanted.problems, wanted.unclear = wanted.problems + wanted.unclear, []
    return wanted


def _put(
    wanted: Wanted, target: str, text: str, known: Mapping[str, Field], country: str | None = None
) -> None:
    place, _, rest = target.partition(".")
    match place:
        case "address":
            text = calling.international(text, country) if rest in calling.CHANNELS else text
            wanted.addresses.setdefault((rest, addresses.key(rest, text)), clean(text, "/value"))
        case "attrs":
            told = {rest: text} if rest else exporters.own_fields(text, known)
            for name, value in told.items():
                typed = _typed(known[name], value) if isinstance(value, str) else value
                wanted.attrs[name] = fields.value_of(known[name], typed, f"/attrs/{name}")
        case "name":
            whole = f"{wanted.values['name']} {text}" if "name" in wanted.values else text
            wanted.values.update(people.checked({"name": whole}))
        case "languages":
            said = [LANGUAGES.get(fold(one), one) for one in re.split(r"[\s,;|/]+", text) if one]
            wanted.values.update(people.checked({"languages": said}))
        case "tags":
            # Mailchimp has each tag in quotes, and commas in some.
            quoted = next(csv.reader([text], skipinitialspace=True)) if '"' in text else _parts(text, ",;|")
            found = filter(None, (one.strip(' "') for one in quoted))
            wanted.tags += [clean(one, "/tags", length_max=people.TAG_MAX) for one in found]
        case "connection":
            wanted.connection = people.one_of(fold(text), CONNECTIONS, "/connection")
        case "rank":
            wanted.rank = people.one_of(fold(text), RANKS, "/rank")
        case "consent" | "consent_at" | "opt_out" | "bounced" | "lists":
            _put_wish(wanted, place, text)
        case "kind":
            wanted.values.update(people.checked({"kind": fold(text)}))
        case _:
            wanted.values.update(people.checked({place: text}))


def _put_wish(wanted: Wanted, target: str, text: str) -> None:
    """What they want of us, or no longer want."""
    match target:
        case "consent":
            yes = _yes(text)
            wanted.consent, wanted.declined = yes and wanted.consent is not False, not yes
        case "consent_at":
            wanted.consent_at = exporters.moment(text)
        case "opt_out":
            _stop(wanted, exporters.status(text))
        case "bounced":
            _stop(wanted, exporters.bounced(text))
        case _:
            names, status = exporters.lists(text)
            wanted.tags += [clean(one, "/tags", length_max=people.TAG_MAX) for one in names]
            _stop(wanted, status)


def _stop(wanted: Wanted, status: exporters.Status) -> None:
    """Several columns may say it; one that knows when says more."""
    for channel, (reason, at) in status.stops.items():
        if wanted.stops.get(channel, (reason, None)) == (reason, None):
            wanted.stops[channel] = (reason, at)
    if status.agreed is False:
        wanted.consent = False


def _typed(field: Field, text: str) -> Any:
    """A cell as the type of its field; what does not fit stays text, for the field to refuse."""
    if field.type == "number" and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    if field.type == "bool":
        return _yes(text)
    offered = {fold(choice): choice for choice in field.choices}
    if field.type == "choice":
        return offered.get(fold(text), text)
    if field.type == "multi":
        return [offered.get(fold(one), one) for one in _parts(text, ";|")]
    return clean(text, "", length_max=TEXT_MAX, lines=True)


def _parts(text: str, marks: str) -> list[str]:
    return [part.strip() for part in re.split(f"[{re.escape(marks)}]", text) if part.strip()]


def _yes(text: str) -> bool:
    if fold(text) not in YES + NO:
        raise BadField("write yes or no")
    return fold(text) in YES


def _is_target(target: str, known: Mapping[str, Field]) -> bool:
    place, _, rest = target.partition(".")
    if place == "attrs" and rest:
        return rest in known
    if place == "address":
        try:
            return bool(addresses.check_channel(rest))
        except Invalid:
            return False
    return target in PLAIN


def _may_repeat(target: str) -> bool:
    return target in REPEATABLE or target.startswith("address.")
