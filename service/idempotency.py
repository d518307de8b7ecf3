"""A repeated call does its work once: its answer is kept under its key, in the effect's transaction.

Rules: the scope of a key is token (on the pages: user) + method + path; another body under the same key is 422; 5xx
and 429 are not kept; a second call waits for the first at most the database's lock timeout and is then told 409 with
Retry-After.
Trap: on SQLite the second caller waits for the write lock as such, and so nearly always replays.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from flask import Request, Response
from sqlalchemy import delete, text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from campaigns.database import Database, is_full
from campaigns.errors import said

from .keys import KeyRing
from .problems import Refusal
from .tables import IdempotencyKey

KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
KEPT_FOR = timedelta(hours=48)
KEPT_HEADERS = ("Content-Type", "Location", "ETag", "Link")
WAIT_S = 5


@dataclass(frozen=True, slots=True)
class Call:
    """One keyed call: whose, what, and the hash of what it says."""

    token_id: int
    method: str
    path: str
    key: str
    body_sha256: str


def call_of(request: Request, token_id: int) -> Call | None:
    """The keyed call this request is; None without a key; Refusal for a key that cannot be one."""
    keys = request.headers.getlist("Idempotency-Key")
    if not keys:
        return None
    if len(keys) > 1 or not KEY.fullmatch(keys[0]):
        raise Refusal(
            "invalid",
            "Idempotency-Key must be 1 to 255 printable ASCII characters without spaces",
            errors=[{"parameter": "Idempotency-Key", "code": "invalid", "detail": said("not a usable key")}],
        )
    return Call(token_id, request.method, request.path, keys[0], _fingerprint(request))


def required(request: Request) -> None:
    """Refuse a call that needs a key and has none, because it reaches more than one recipient."""
    if "Idempotency-Key" not in request.headers:
        raise Refusal("idempotency_key_required", "more than one recipient: send an Idempotency-Key header")


def once(
    database: Database, keyring: KeyRing, now: datetime, call: Call, work: Callable[[Session], Response]
) -> Response:
    """The answer of `work`, in one transaction with the record of it, or its first answer again.

    `work` turns refusals into answers itself; what it wrote is kept only for an answer under 400.
    """
    try:
        with database.sessions() as session:
            return _claim(session, keyring, call, now) or _run(session, keyring, call, now, work)
    except OperationalError as error:
        if is_full(error):
            raise
        raise Refusal(
            "call_in_progress",
            "the first call with this key is not finished; ask again",
            headers={"Retry-After": "1"},
        ) from error


def afterwards(
    database: Database, keyring: KeyRing, now: datetime, call: Call, work: Callable[[], Response]
) -> Response:
    """The same for work that begins its own transactions: its answer is recorded when it has ended.

    A process that dies in between leaves the effect without the record, so such work must bear being repeated, or keep
    its own answer by `once`.
    """
    with database.read() as session:
        known = session.get(IdempotencyKey, _place(call))
    if known is not None:
        return _replay(known, keyring, call)
    response = work()
    if response.status_code >= 500 or response.status_code == 429:
        return response
    with database.sessions() as session:
        replayed = _claim(session, keyring, call, now)
        if replayed is None:
            _record(session, keyring, call, response)
            session.commit()
        kept_with_its_work = replayed is not None and replayed.get_data() == response.get_data()
        return response if replayed is None or kept_with_its_work else replayed


def answered(session: Session, keyring: KeyRing, call: Call) -> Response | None:
    """The first answer to a call, where it has one."""
    known = session.get(IdempotencyKey, _place(call))
    return None if known is None else _replay(known, keyring, call)


def keep(session: Session, keyring: KeyRing, now: datetime, call: Call, response: Response) -> None:
    """Record an answer with what it was an answer to; IntegrityError where the same call was faster."""
    session.add(IdempotencyKey(
        token_id=call.token_id, method=call.method, path=call.path, key=call.key, body_sha256=call.body_sha256,
        status=0, headers={}, body=b"", at=now,
    ))  # fmt: skip
    session.flush()
    _record(session, keyring, call, response)


def forget(session: Session, now: datetime) -> int:
    """Drop what is older than the promise; returns how many. For the clock."""
    result = session.execute(delete(IdempotencyKey).where(IdempotencyKey.at < now - KEPT_FOR))
    return int(getattr(result, "rowcount", 0))


def _claim(session: Session, keyring: KeyRing, call: Call, now: datetime) -> Response | None:
    """Take the key for this transaction, or replay; waits while another transaction holds it."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL lock_timeout = '{WAIT_S}s'"))
    known = session.get(IdempotencyKey, _place(call))
    if known is None:
        try:
            with session.begin_nested():
                session.add(IdempotencyKey(
                    token_id=call.token_id, method=call.method, path=call.path, key=call.key,
                    body_sha256=call.body_sha256, status=0, headers={}, body=b"", at=now,
                ))  # fmt: skip
        except IntegrityError:  # PostgreSQL: somebody else finished between the look and the insert
            session.expire_all()
            known = session.get_one(IdempotencyKey, _place(call))
    return None if known is None else _replay(known, keyring, call)


def _replay(known: IdempotencyKey, keyring: KeyRing, call: Call) -> Response:
    if known.body_sha256 != call.body_sha256:
        raise Refusal("idempotency_key_reused", "this key was used with another body; take a new key")
    response = Response(keyring.unwrap(known.body), known.status)
    response.headers.update(known.headers)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _run(
    session: Session, keyring: KeyRing, call: Call, now: datetime, work: Callable[[Session], Response]
) -> Response:
    effects = session.begin_nested()
    response = work(session)
    if response.status_code >= 500 or response.status_code == 429:
        session.rollback()
        return response
    if response.status_code >= 400:
        effects.rollback()
    else:
        effects.commit()
    _record(session, keyring, call, response)
    session.commit()
    return response


def _record(session: Session, keyring: KeyRing, call: Call, response: Response) -> None:
    kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    session.execute(  # not read again: nobody holds the row that was written a moment ago
        update(IdempotencyKey)
        .filter_by(token_id=call.token_id, method=call.method, path=call.path, key=call.key)
        .values(status=response.status_code, headers=kept, body=keyring.wrap(response.get_data())),
        execution_options={"synchronize_session": False},
    )


def _place(call: Call) -> tuple[int, str, str, str]:
    return call.token_id, call.method, call.path, call.key


def _fingerprint(request: Request) -> str:
    """Equal for the same request said twice: neither white space nor a multipart boundary counts."""
    digest = hashlib.sha256(request.query_string + b"\n")
    if request.mimetype == "multipart/form-data":
        for name, value in sorted(request.form.items(multi=True)):
            digest.update(orjson.dumps([name, value]))
        for name, file in sorted(request.files.items(multi=True), key=lambda pair: pair[0]):
            digest.update(orjson.dumps([name, file.filename, hashlib.sha256(file.stream.read()).hexdigest()]))
            file.stream.seek(0)
    else:
        body = request.get_data(cache=True)
        try:
            digest.update(orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS) if body else b"")
        except orjson.JSONDecodeError:
            digest.update(body)
    return digest.hexdigest()
