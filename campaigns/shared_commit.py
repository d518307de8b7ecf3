"""One commit for all who wait for one: on SQLite a commit waits for the disk, and only one can at a time.

Rules: nobody is answered before what he brought is committed. What fails among others is tried once more alone, so
nobody fails for another's sake; but where the database is busy all are told so together, or each would wait anew for
the same lock while the others stand behind him. Who waits is woken once: his work is done, or he is to do that of all
who wait now. At one lock for all, those whose work was done would stand behind the next commit, and two would share it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from .database import Database, is_busy

Item = TypeVar("Item")
Result = TypeVar("Result")
# Together they hold the database for no longer than a wave of a mailing does.
MOST = 64


class Brought(Generic[Item, Result]):
    """What one caller brings, and what became of it."""

    __slots__ = ("error", "item", "over", "result", "woken")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.over = False
        self.result: Result
        self.error: BaseException | None = None
        self.woken = threading.Lock()
        self.woken.acquire()  # whoever wakes the caller lets it go


class SharedCommit(Generic[Item, Result]):
    """Does `work` for each item in a transaction that others may share; from any number of threads."""

    def __init__(self, database: Database, work: Callable[[Session, Item], Result]) -> None:
        self._database, self._work = database, work
        self.waiting: deque[Brought[Item, Result]] = deque()
        self._at_work, self._lock = False, threading.Lock()

    def do(self, item: Item) -> Result:
        """The result of the item's work, committed; or its error, and nothing of it is kept."""
        if not self._database.is_sqlite:  # PostgreSQL lets commits wait for the disk together
            return self._alone(item)
        mine = Brought[Item, Result](item)
        with self._lock:
            self.waiting.append(mine)
            waits, self._at_work = self._at_work, True
        if waits:
            mine.woken.acquire()
        if not mine.over:
            self._work_for_all()
        if mine.error is not None:
            raise mine.error
        return mine.result

    def _work_for_all(self) -> None:
        """The work of all who wait, one's own first; then wake who is to go on, and those whose work is done."""
        group = [self.waiting.popleft() for _ in range(min(MOST, len(self.waiting)))]
        try:
            self._together(group)
        finally:
            with self._lock:
                following = self.waiting[0] if self.waiting else None
                self._at_work = following is not None
            for one in (following, *group):
                if one is not None:
                    one.woken.release()

    def _together(self, group: list[Brought[Item, Result]]) -> None:
        try:
            with self._database.write() as session:
                for one in group:
                    one.result = self._work(session, one.item)
        except Exception as error:
            if len(group) > 1 and not is_busy(error):
                self._one_by_one(group)
            else:
                for one in group:
                    one.error = error
        finally:
            for one in group:
                one.over = True

    def _one_by_one(self, group: list[Brought[Item, Result]]) -> None:
        busy: BaseException | None = None
        for one in group:
            if busy is None:
                self._together([one])
                busy = one.error if is_busy(one.error) else None
            else:
                one.error = busy

    def _alone(self, item: Item) -> Result:
        with self._database.write() as session:
            return self._work(session, item)
