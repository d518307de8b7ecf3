"""Attachments: the files that belong to a logged contact, kept beside the data.

Rules: any kind of file, of which nothing is believed but its bytes; stored before the transaction that names it, and
taken away where nothing names it any more; a correction leaves those of the corrected entry where they are.
Source: F4; bad input D3, D7.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import BadField, NotFound, said
from ..stakeholders.text import clean
from .tables import Attachment, Interaction

FOLDER = "attachments"
MOST = 5
EACH_MAX_MB = 10
EACH_MAX = EACH_MAX_MB * 1024 * 1024

# They would show a name in another order than it has: `fdp.exe` for what ends in `exe.pdf`.
_TURNING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that lies in the folder and that no row names yet. `key` is its name there."""

    key: str
    name: str
    bytes: int
    sha256: str


def keep(folder: Path, files: Sequence[tuple[str, IO[bytes]]]) -> list[Kept]:
    """Store files, each with the name it came by; BadField where they are too many or too large, and none stays."""
    if len(files) > MOST:
        raise BadField(said("attach at most {most} files", most=MOST), pointer="/files")
    kept: list[Kept] = []
    try:
        for name, file in files:
            kept.append(_keep(folder, _name(name), file))
    except BaseException:
        drop(folder, [one.key for one in kept])
        raise
    return kept


def drop(folder: Path, keys: Iterable[str]) -> None:
    """Take files away."""
    for key in keys:
        place(folder, key).unlink(missing_ok=True)


def place(folder: Path, key: str) -> Path:
    """Where a file lies under the data folder."""
    return folder / FOLDER / key[:2] / key


def attach(session: Session, now: datetime, interaction: Interaction, kept: Iterable[Kept], by: str) -> None:
    """Name stored files on a contact; the same ones may stand on the records of several people."""
    session.add_all(
        Attachment(
            interaction_id=interaction.id, key=one.key, name=one.name, bytes=one.bytes, sha256=one.sha256, by=by,
            created_at=now,
        )
        for one in kept
    )  # fmt: skip
    session.flush()


def get(session: Session, attachment_id: int, interaction_id: int) -> Attachment:
    """An attachment of this contact, or NotFound."""
    found = session.get(Attachment, attachment_id)
    if found is None or found.interaction_id != interaction_id:
        raise NotFound("there is no such file")
    return found


def of(session: Session, interaction_ids: Collection[int]) -> dict[int, list[Attachment]]:
    """The attachments of contacts, by the contact's id, in the order in which they were added."""
    found: dict[int, list[Attachment]] = defaultdict(list)
    mine = select(Attachment).where(Attachment.interaction_id.in_(interaction_ids)).order_by(Attachment.id)
    for one in session.scalars(mine) if interaction_ids else ():
        found[one.interaction_id].append(one)
    return found


def unnamed(session: Session, keys: Collection[str]) -> set[str]:
    """Those of these files that no contact names any more: to be dropped once this is committed."""
    return set(keys) - set(session.scalars(select(Attachment.key).where(Attachment.key.in_(keys))))


def _keep(folder: Path, name: str, file: IO[bytes]) -> Kept:
    body = file.read(EACH_MAX + 1)
    if len(body) > EACH_MAX:
        raise BadField(
            said("{name} is larger than {most} MB: attach a smaller file", name=name, most=EACH_MAX_MB),
            pointer="/files",
        )
    key = secrets.token_hex(16)
    target = place(folder, key)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with target.open("xb") as out:
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        target.unlink(missing_ok=True)
        raise
    return Kept(key, name, len(body), hashlib.sha256(body).hexdigest())


def _name(given: str) -> str:
    """What people call it: the last part of a path, however it came."""
    text = clean(_TURNING.sub("", given), "/files", length_max=4_000, empty=True)
    return text.replace("\\", "/").rstrip("/").split("/")[-1].strip()[-200:] or "file"
