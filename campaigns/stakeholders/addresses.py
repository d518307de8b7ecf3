"""Addresses: any number for each stakeholder, on any channel; and the key by which two of them are the same.

Rules: what is compared is the key, what is shown and used is the value. Mail: the local part in lower case
(not casefolded: ß and ss are two people), the domain as its IDNA 2008 A-label. An address may belong to
several stakeholders (a family, an office), so it never identifies anyone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime
from functools import lru_cache

import idna
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from ..errors import BadAddress, Conflict
from . import calling, kin, people, tombstones
from .rows import insert_missing
from .tables import Address, Stakeholder
from .text import clean, fold

MAIL_MAX = 254
LOCAL_MAX = 64
_CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,31}")
_ASCII_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
CODE_MAX = 999  # calling codes of countries have three digits at most
_STANDS = func.coalesce(Stakeholder.merged_into, Stakeholder.id)  # the record that stands for whoever it is


def key(channel: str, value: str) -> str:
    """What is compared: equal keys are one address. BadAddress says what is wrong with it."""
    return _KEYS.get(check_channel(channel), _handle)(_value(value))


def check_channel(channel: str) -> str:
    """The channel, if it is the name of one."""
    if not isinstance(channel, str) or not _CHANNEL.fullmatch(channel):
        raise BadAddress("a channel is lower-case letters, digits and _, such as email", pointer="/channel")
    return channel


def add(
    session: Session, now: datetime, stakeholder_id: int, channel: str, value: str, *, corporate: bool = False,
    own: bool = False,
) -> Address:  # fmt: skip
    """Give a stakeholder an address; one with the same key is returned, in use again if it was retired.

    `corporate` is True for an organisation's own address (`info@`), to which other law applies. `own`: they came
    with it themselves. Otherwise Conflict where it was erased at the wish of whoever had it.
    """
    people.get(session, stakeholder_id)
    compared = key(channel, value)
    same = {"stakeholder_id": stakeholder_id, "channel": channel, "key": compared}
    if not own and tombstones.buried(session, [(channel, compared)]):
        raise Conflict("whoever had this address was erased at their own wish: it is not taken in again")
    insert_missing(
        session, Address, [{**same, "value": _value(value), "corporate": corporate, "created_at": now}]
    )
    address = session.scalars(select(Address).filter_by(**same)).one()
    address.state = "active"
    session.flush()
    return address


def retire(session: Session, address: Address) -> None:
    """Use an address no more, on none of its owner's records; it stays there."""
    mine = kin.records(session, address.stakeholder_id)
    # As whoever withdraws does: a wave locks people before it asks, so nothing goes to the address after this.
    owner = select(Stakeholder.id).where(Stakeholder.id.in_(mine)).order_by(Stakeholder.id)
    session.execute(owner.with_for_update(key_share=True)).all()
    same = select(Address).filter_by(channel=address.channel, key=address.key)
    for one in session.scalars(same.where(Address.stakeholder_id.in_(mine))):
        one.state = "retired"
    session.flush()


def of(session: Session, stakeholder_id: int) -> list[Address]:
    """A stakeholder's addresses, the oldest first."""
    return list(
        session.scalars(select(Address).filter_by(stakeholder_id=stakeholder_id).order_by(Address.id))
    )


def holders(session: Session, channel: str, key: str) -> list[int]:
    """The ids of the stakeholders, not erased, who have this address in use; merged ones are one."""
    found = (
        select(_STANDS)
        .select_from(Address)
        .join(Stakeholder, Stakeholder.id == Address.stakeholder_id)
        .where(Address.channel == channel, Address.key == key, Address.state == "active")
        .where(Stakeholder.state != "erased")
        .distinct()
    )
    return list(session.scalars(found.order_by(_STANDS)))


def meant(typed: str, channels: Collection[str]) -> ColumnElement[bool]:
    """Which addresses somebody may mean who types this: a mail, a handle, a number as it is dialled."""
    others = {fold(" ".join(typed.split())).removeprefix("@")}
    with suppress(BadAddress):
        others.add(key("email", typed))
    return or_(
        and_(Address.channel.in_(calling.CHANNELS), Address.key.in_(dialled(typed))),
        and_(Address.channel.in_({*channels} - {*calling.CHANNELS}), Address.key.in_(others)),
    )


def dialled(typed: str) -> list[str]:
    """The keys that a telephone number may have: written with its country code, without the plus, or as at home.

    Nobody says in which country home is, so every calling code is tried.
    """
    if any(letter.isalpha() for letter in typed):
        return []
    plain = typed.replace("(0)", "").strip()
    digits = "".join(str(unicodedata.decimal(letter)) for letter in plain if letter.isdecimal())
    found = ["+" + digits.removeprefix("00")]
    if not plain.startswith(("+", "00")):
        home = {digits, digits.removeprefix("0")}
        found += [f"+{code}{number}" for code in range(1, CODE_MAX + 1) for number in sorted(home)]
    return [number for number in found if _PHONE.fullmatch(number)]


def _value(value: str) -> str:
    text = value.strip() if isinstance(value, str) else value
    return clean(text, "/value", error=BadAddress)


def _mail(value: str) -> str:
    local, at, domain = value.rpartition("@")
    if not at or not local:
        raise BadAddress("a mail address has the form name@example.org", pointer="/value")
    if value.endswith("."):
        raise BadAddress("there is a full stop at the end: take it away", pointer="/value")
    if any(mark in value for mark in ',;<>"() ') or "@" in local:
        raise BadAddress(
            "write one plain address, without a name, quotes or a second address", pointer="/value"
        )
    if local[0] == "." or local[-1] == "." or ".." in local or not all(map(_may_stand, local)):
        raise BadAddress(
            "the part before the @ has a character or dot that cannot stand there", pointer="/value"
        )
    found = f"{fold(local)}@{_domain(domain)}"
    if len(fold(local).encode()) > LOCAL_MAX or len(found.encode()) > MAIL_MAX:
        raise BadAddress("this address is longer than mail allows", pointer="/value")
    return found


def _may_stand(letter: str) -> bool:
    """RFC 5321 atoms, and the visible characters beyond ASCII that RFC 6531 adds."""
    if letter.isascii():
        return _ASCII_LOCAL.fullmatch(letter) is not None
    return unicodedata.category(letter)[0] not in "CZ"


@lru_cache(maxsize=4096)
def _domain(domain: str) -> str:
    try:
        found = idna.encode(fold(domain), strict=True, std3_rules=True).decode()
        # An A-label must be the one its own U-label gives, else two spellings would be two addresses.
        idna.decode(found, strict=True, std3_rules=True)
    except UnicodeError:
        raise BadAddress("the part after the @ is not a domain name (IDNA 2008)", pointer="/value") from None
    last = found.rpartition(".")[2]
    if last in ("", found) or last.isdigit():
        raise BadAddress("the part after the @ needs a full domain, such as example.org", pointer="/value")
    return found


def _phone(value: str) -> str:
    # +44 (0)29 …: the nought is for those who call from within the country alone; 00 is how many dial the plus.
    number = re.sub(r"^00", "+", re.sub(r"\(0\)|[\s().-]", "", value))
    if not _PHONE.fullmatch(number):
        raise BadAddress("write the number with its country code, such as +44 29 2000 0000", pointer="/value")
    return number


def _place(value: str) -> str:
    return fold(" ".join(value.split()))


def _handle(value: str) -> str:
    name = fold(value.removeprefix("@"))
    if not name or re.search(r"[\s,;]", name):
        raise BadAddress("write one name or handle, without spaces", pointer="/value")
    return name


_KEYS: dict[str, Callable[[str], str]] = {
    "email": _mail,
    "sms": _phone,
    "phone": _phone,
    "whatsapp": _phone,
    "post": _place,
    "in_person": _place,
}
