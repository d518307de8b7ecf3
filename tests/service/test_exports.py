"""Exports as jobs: made once, by one worker, in parts that survive a kill; kept for a week, and seen beside imports."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import IO, Any
from zlib import crc32

import pytest

from campaigns.errors import AlreadyDone
from service import exports, signed_zip
from service.exports import Part, Recipe
from service.ids import shown
from service.tables import Export
from service.wiring import Wiring

from . import samples
from .conftest import Api, People

Beat = Callable[[], None]


@pytest.fixture
def number(wiring: Wiring) -> int:
    """An export that somebody asked for."""
    with wiring.database.write() as session:
        made = Export(kind="installation", actor="usr_1", created_at=wiring.now())
        session.add(made)
        session.flush()
        return made.id


def row(wiring: Wiring, number: int) -> Export:
    with wiring.database.read() as session:
        return session.get_one(Export, number)


class Kitchen:
    """A recipe of three parts, which says what was made, and does what a test wants while one, the second, is made."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None, at: str = "b") -> None:
        self.made: list[str] = []
        self.meanwhile, self.at = meanwhile, at

    def __call__(self, _wiring: Wiring, _export: Export, _work: Path) -> Recipe:
        return Recipe([Part(name, self._write(name)) for name in ("a", "b", "c")], lambda: iter(()))

    def _write(self, name: str) -> Callable[[IO[bytes], Beat], None]:
        def write(out: IO[bytes], _beat: Beat) -> None:
            out.write(name.encode())
            if name == self.at:
                self.meanwhile()
            self.made.append(name)

        return write


class Killed(BaseException):
    """What no handler of ours sees, as of a process that is killed."""


def killed() -> None:
    raise Killed


def test_whoever_takes_over_after_a_kill_goes_on_with_the_part_that_was_in_hand(
    wiring: Wiring, number: int
) -> None:
    """J8"""
    first, second = Kitchen(killed), Kitchen()
    with pytest.raises(Killed):
        exports.make(wiring, number, first)
    assert (row(wiring, number).state, row(wiring, number).done) == ("waiting", 1)
    assert not exports.run_pending(wiring, second), "its lease still runs"
    _lose(wiring, number)
    assert exports.run_pending(wiring, second)
    assert (first.made, second.made) == (["a"], ["b", "c"])
    done = row(wiring, number)
    assert (done.state, done.done, done.total) == ("finished", 4, 4) and done.sha256 and done.expires_at
    assert [one.name for one in (wiring.settings.folder / exports.FOLDER).iterdir()] == [
        f"{shown('export', number)}.zip"
    ]


def _lose(wiring: Wiring, number: int) -> None:
    """As much time passes as a worker may be silent."""
    with wiring.database.write() as session:
        session.get_one(Export, number).until_at = wiring.now() - exports.LEASE


def test_a_worker_that_stood_still_leaves_it_to_the_one_who_took_over(wiring: Wiring, number: int) -> None:
    """J8: two never finish one export."""
    other = Kitchen()

    def taken_over() -> None:
        _lose(wiring, number)
        assert exports.make(wiring, number, other)

    assert not exports.make(wiring, number, Kitchen(taken_over))
    assert row(wiring, number).state == "finished" and other.made == ["b", "c"]
    assert exports.place(wiring.settings.folder, number).is_file()


def test_a_cancelled_export_leaves_nothing(wiring: Wiring, number: int) -> None:
    def cancel() -> None:
        with wiring.database.write() as session:
            exports.cancel(session, wiring.now(), session.get_one(Export, number))

    assert not exports.make(wiring, number, Kitchen(cancel))
    assert row(wiring, number).state == "cancelled"
    assert list((wiring.settings.folder / exports.FOLDER).iterdir()) == []
    with wiring.database.write() as session, pytest.raises(AlreadyDone):
        exports.cancel(session, wiring.now(), session.get_one(Export, number))


def test_what_cannot_be_made_is_said_and_not_tried_for_ever(wiring: Wiring, number: int) -> None:
    def broken() -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        exports.make(wiring, number, Kitchen(broken))
    assert (row(wiring, number).state, row(wiring, number).error) == ("failed", str(exports.FAILED))
    assert not exports.run_pending(wiring, Kitchen())


def test_what_ends_its_worker_again_and_again_is_given_up(wiring: Wiring, number: int) -> None:
    """J8: as a file that takes more memory than there is."""
    for _ in range(exports.TRIES_MAX):
        with pytest.raises(Killed):
            exports.make(wiring, number, Kitchen(killed))
        _lose(wiring, number)
    assert row(wiring, number).state == "waiting"
    assert exports.run_pending(wiring, Kitchen(killed)) and not exports.run_pending(wiring, Kitchen())
    assert (row(wiring, number).state, row(wiring, number).error) == ("failed", str(exports.FAILED))
    assert list((wiring.settings.folder / exports.FOLDER).iterdir()) == []


def test_kills_in_different_parts_do_not_add_up(wiring: Wiring, number: int) -> None:
    kitchen = Kitchen(killed)
    for _ in range(exports.TRIES_MAX - 1):
        with pytest.raises(Killed):
            exports.make(wiring, number, kitchen)
        _lose(wiring, number)
    with pytest.raises(Killed):
        exports.make(wiring, number, Kitchen(killed, at="c"))
    assert row(wiring, number).tries == 1


def test_the_last_room_on_the_disk_is_left_for_the_database(
    wiring: Wiring, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "FREE_MIN", 2**62)
    kitchen = Kitchen()
    assert exports.make(wiring, number, kitchen) and kitchen.made == []
    assert (row(wiring, number).state, row(wiring, number).error) == ("failed", str(exports.NO_ROOM))
    assert list((wiring.settings.folder / exports.FOLDER).iterdir()) == []


def test_the_lease_is_renewed_while_one_large_file_is_packed(
    wiring: Wiring, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """J8: it ends, however many workers there are."""
    monkeypatch.setattr(exports, "BEAT_S", -1.0)
    seen: set[Any] = set()
    large = wiring.settings.folder / "large"
    large.write_bytes(b"-" * 3 * signed_zip.CHUNK)

    def looked(chunk: bytes, *more: int) -> int:
        seen.add(row(wiring, number).until_at)
        return crc32(chunk, *more)

    monkeypatch.setattr(zipfile, "crc32", looked)  # the packing asks for it once for each chunk
    kitchen = Kitchen()
    assert exports.make(
        wiring, number, lambda *of: kitchen(*of)._replace(files=lambda: iter([("large", large)]))
    )
    assert row(wiring, number).state == "finished" and len(seen) > 5


def test_files_go_after_a_week_and_so_does_what_lies_there_without_a_row(wiring: Wiring, number: int) -> None:
    assert exports.make(wiring, number, Kitchen())
    folder = wiring.settings.folder / exports.FOLDER
    stray = folder / f"{shown('export', 5)}.zip"
    stray.write_bytes(b"-")
    (folder / "notes.txt").write_bytes(b"not ours")
    assert exports.forget(wiring) == 0 and not stray.exists()
    with wiring.database.write() as session:
        session.get_one(Export, number).expires_at = wiring.now() - timedelta(seconds=1)
    assert exports.forget(wiring) == 1
    assert [one.name for one in folder.iterdir()] == ["notes.txt"]


def test_imports_and_exports_are_one_list_of_jobs(
    api: Api, wiring: Wiring, people: People, admin: str
) -> None:
    """J8"""
    with wiring.database.write() as session:
        now = wiring.now()
        here = samples.world(session, now, samples.programme(session, now, "Here"))
    asked = api.post("/v1/exports", admin, json={"programme_id": shown("programme", here["prg"])}).json["id"]
    found = api.get("/v1/jobs", admin).json["data"]
    assert [(one["kind"], one["what"], one["state"]) for one in found] == [
        ("export", "programme", "waiting"), ("import", "people", "waiting"), ("export", "person", "finished"),
    ]  # fmt: skip
    assert found[0]["ref"] == asked and found[2]["file"] == f"/v1/exports/{shown('export', here['exp'])}/file"
    one = api.get(f"/v1/jobs/{found[0]['id']}", admin).json
    assert (one["done"], one["total"], one["file"]) == (0, 0, None)
    assert api.post(f"/v1/jobs/{found[0]['id']}/cancel", admin).json["state"] == "cancelled"
    assert api.post(f"/v1/jobs/{found[0]['id']}/cancel", admin).status_code == 409
    assert api.post(f"/v1/jobs/{found[1]['id']}/cancel", admin).json["state"] == "cancelled"
    viewer = people("viewer", here["prg"])
    assert [one["kind"] for one in api.get("/v1/jobs", viewer).json["data"]] == ["import"]
    assert api.get(f"/v1/jobs/{found[0]['id']}", viewer).status_code in (403, 404)
    assert api.get(f"/v1/jobs/{shown('job', 7)}", admin).status_code == 404


def test_a_job_is_stopped_by_whoever_may_begin_one(api: Api, wiring: Wiring, people: People) -> None:
    """An auditor takes out and brings nothing in; an author the other way round."""
    with wiring.database.write() as session:
        now = wiring.now()
        here = samples.world(session, now, samples.programme(session, now, "Here"))
    auditor, author = people("auditor", here["prg"]), people("author", here["prg"])
    brought = f"/v1/jobs/{shown('job', here['imp'])}/cancel"
    with wiring.database.write() as session:
        one = Export(kind="programme", ref_id=here["prg"], programme_id=here["prg"], within=[here["prg"]],
                     actor="usr_1", created_at=now)  # fmt: skip
        session.add(one)
        session.flush()
        taken = f"/v1/jobs/{shown('job', one.id)}/cancel"
    assert api.post(brought, auditor).status_code == api.post(taken, author).status_code == 403
    assert api.post(taken, auditor).json["state"] == api.post(brought, author).json["state"] == "cancelled"
