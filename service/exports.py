"""What people take away: files with all that is held on one person, in a programme, or here; made as jobs.

Rules: made part by part, each put down whole, so whoever takes over after a kill goes on with the next part; nothing is
written to what is told of; the finished file is signed, kept for a week beside the data, and then goes.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from campaigns.base import parse_id
from campaigns.errors import AlreadyDone, BadId, NotFound, said
from campaigns.stakeholders import kin

from . import ids, signed_zip
from .tables import Export
from .wiring import Wiring

FOLDER = "exports"
KINDS = ("person", "programme", "installation")
STATES = ("waiting", "finished", "failed", "cancelled")
KEEP = timedelta(days=7)
# A worker that shows no sign of life for so long has lost the export.
LEASE = timedelta(seconds=60)
BEAT_S = 10.0
# So often it is taken up without a part put down: what ends its worker would end every one.
TRIES_MAX = 3
# What is left of the disk is for the database, which is beside it: without room nothing is sent.
FREE_MIN = 1024**3
NO_ROOM = said("there is not enough room left on this machine for it")
FAILED = said("it could not be made: whoever looks after this installation finds out why in its log")


class Part(NamedTuple):
    """One file of an export: its name inside, and what writes it. `beat` is called now and then while it does."""

    name: str
    write: Callable[[IO[bytes], Callable[[], None]], None]


class Recipe(NamedTuple):
    """What one export is made of: its parts in their order, and files that lie here already."""

    parts: list[Part]
    files: Callable[[], Iterator[tuple[str, Path]]]


class NoRoom(Exception):
    """The disk is nearly full."""


class Lost(Exception):
    """The export was cancelled, or another worker has it."""


def place(folder: Path, export_id: int) -> Path:
    """Where its finished file lies under the data folder."""
    return folder / FOLDER / f"{ids.shown('export', export_id)}.zip"


def run_pending(wiring: Wiring, recipe: Callable[[Wiring, Export, Path], Recipe]) -> bool:
    """Make one that waits and that no other worker has; whether there was one."""
    with wiring.database.read() as session:
        free = select(Export.id).where(
            Export.state == "waiting", or_(Export.until_at.is_(None), Export.until_at < wiring.now())
        )
        found = session.scalar(free.order_by(Export.id).limit(1))
    return found is not None and make(wiring, found, recipe)


def make(wiring: Wiring, export_id: int, recipe: Callable[[Wiring, Export, Path], Recipe]) -> bool:
    """Make the file, or what is left of it after an interruption; False where somebody else has it."""
    work = place(wiring.settings.folder, export_id).with_suffix("")
    try:
        hold = _Hold(wiring, export_id)
    except Lost:
        return False
    try:
        if hold.export.tries > TRIES_MAX:
            hold.end(state="failed", error=str(FAILED))
        else:
            _tried(wiring, hold, recipe, work)
    except Lost:
        hold.over = hold.cancelled()
        return False
    finally:
        if hold.over:
            shutil.rmtree(work, ignore_errors=True)
    return True


def _tried(wiring: Wiring, hold: _Hold, recipe: Callable[[Wiring, Export, Path], Recipe], work: Path) -> None:
    """Make it; where that goes wrong the asker is told, and the door of the worker logs it."""
    try:
        work.mkdir(parents=True, exist_ok=True, mode=0o700)
        _made(wiring, hold, recipe(wiring, hold.export, work), work)
    except Lost:
        raise
    except NoRoom:
        hold.end(state="failed", error=str(NO_ROOM))
    except Exception:  # whatever it was; if it is that another worker has it by now, this is Lost
        hold.end(state="failed", error=str(FAILED))
        raise


def cancel(session: Session, now: datetime, export: Export) -> None:
    """Make it no further; AlreadyDone once it is over."""
    if export.state != "waiting":
        raise AlreadyDone("this export is over")
    export.state, export.until_at, export.finished_at, export.expires_at = "cancelled", None, now, now + KEEP
    session.flush()


def forget_person(session: Session, stakeholder_id: int) -> list[int]:
    """Forget the exports about somebody, by whichever of their records; drop the files once this is committed."""
    records = kin.records(session, stakeholder_id)
    about = select(Export).where(Export.kind == "person", Export.ref_id.in_(records))
    theirs = list(session.scalars(about))
    for one in theirs:
        session.delete(one)
    return [one.id for one in theirs]


def drop(wiring: Wiring, export_ids: Iterable[int]) -> None:
    """Take away the files of exports whose rows are gone, or about to go."""
    for export_id in export_ids:
        file = place(wiring.settings.folder, export_id)
        file.unlink(missing_ok=True)
        shutil.rmtree(file.with_suffix(""), ignore_errors=True)


def forget(wiring: Wiring) -> int:
    """Take away what has been kept long enough, and whatever lies there without a row; how many rows went."""
    with wiring.database.read() as session:
        over = list(session.scalars(select(Export.id).where(Export.expires_at <= wiring.now())))
    if over:  # so that where there is nothing to forget nobody waits
        with wiring.database.write() as session:
            session.execute(delete(Export).where(Export.id.in_(over)))
    folder = wiring.settings.folder / FOLDER
    there = {number for path in (folder.iterdir() if folder.is_dir() else ()) if (number := _number(path))}
    with wiring.database.read() as session:
        known = set(session.scalars(select(Export.id)))
    drop(wiring, there - known)
    return len(over)


def _number(path: Path) -> int | None:
    with suppress(BadId):
        return parse_id(ids.PREFIXES["export"], path.name.split(".")[0])
    return None


class _Hold:
    """An export in this worker's hands for as long as its lease is renewed: the end of the lease is what proves it."""

    def __init__(self, wiring: Wiring, export_id: int) -> None:
        self._wiring, self._id, self.over = wiring, export_id, False
        self._until = wiring.now() + LEASE
        free = or_(Export.until_at.is_(None), Export.until_at < wiring.now())
        self._set(free, until_at=self._until, tries=Export.tries + 1)
        self._beaten = time.monotonic()
        with wiring.database.read() as session:
            self.export = session.get_one(Export, export_id)

    def beat(self) -> None:
        """Renew the lease now and then; Lost where it is somebody else's or cancelled, NoRoom on a full disk."""
        if time.monotonic() - self._beaten > BEAT_S:
            self.went_on()

    def went_on(self, **values: object) -> None:
        """Renew the lease, and say how far it is."""
        if shutil.disk_usage(self._wiring.settings.folder).free < FREE_MIN:
            raise NoRoom
        until = self._wiring.now() + LEASE
        self._set(Export.until_at == self._until, until_at=until, **values)
        self._until, self._beaten = until, time.monotonic()

    def end(self, **values: object) -> None:
        """Say how it ended."""
        now = self._wiring.now()
        mine = Export.until_at == self._until
        self._set(mine, until_at=None, finished_at=now, expires_at=now + KEEP, **values)
        self.over = True

    def cancelled(self) -> bool:
        """Whether nobody makes it any further: it was cancelled, forgotten, or finished by somebody else."""
        return self._state() != "waiting"

    def finished(self) -> bool:
        """Whether somebody has finished it."""
        return self._state() == "finished"

    def _state(self) -> str | None:
        with self._wiring.database.read() as session:
            return session.scalar(select(Export.state).where(Export.id == self._id))

    def _set(self, mine: object, **values: object) -> None:
        with self._wiring.database.write() as session:
            changed = session.execute(
                update(Export).where(Export.id == self._id, Export.state == "waiting", mine).values(values)  # type: ignore[arg-type]
            )
        if changed.rowcount == 0:  # type: ignore[attr-defined]
            raise Lost


def _made(wiring: Wiring, hold: _Hold, recipe: Recipe, work: Path) -> None:
    hold.went_on(total=len(recipe.parts) + 1)
    for number, part in enumerate(recipe.parts, 1):
        fresh = _put_down(work / part.name, part, hold.beat)
        hold.went_on(done=number, **({"tries": 1} if fresh else {}))
    files = [(part.name, work / part.name) for part in recipe.parts]
    target = place(wiring.settings.folder, hold.export.id)
    beside = target.with_suffix(f".{secrets.token_hex(4)}")
    try:
        seed = wiring.keyring.export_keys()[0]
        digest = signed_zip.pack(beside, [*files, *recipe.files()], seed, hold.beat)
        size = beside.stat().st_size
        hold.went_on()
        os.chmod(beside, 0o600)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    try:
        hold.end(state="finished", done=len(recipe.parts) + 1, bytes=size, sha256=digest)
    except Lost:
        if not hold.finished():
            target.unlink(missing_ok=True)
        raise


def _put_down(target: Path, part: Part, beat: Callable[[], None]) -> bool:
    """One part as a whole, or not at all; False where it was put down before an interruption."""
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as out:
            part.write(out, beat)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return True


def finished(session: Session, wiring: Wiring, export_id: int) -> Path:
    """The file of a finished export; NotFound where it is not there yet, or no longer."""
    found = session.get(Export, export_id)
    where = place(wiring.settings.folder, export_id)
    if found is None or found.state != "finished" or not where.is_file():
        raise NotFound("there is no such file")
    return where
