"""What came of a message, in figures: who opened it, who pressed a link in it, and what networks count of its posts."""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.responses import post_figures, verdicts
from campaigns.responses.tables import PostFigure
from connectors.api import FIGURES

from .. import paging
from ..ids import shown
from . import Act, messages

HEADER = ("delivery_id", "figure", "value", "told_at", "source", "api")


@dataclass(frozen=True, slots=True)
class Came:
    """How many deliveries were opened and clicked, by whom, and each post with what was told of it last."""

    opened: dict[str, int]
    clicked: dict[str, int]
    posts: list[post_figures.Post]

    @property
    def told(self) -> list[str]:
        """Of which figures a network told something, in the order of FIGURES."""
        return [one for one in FIGURES if any(one in post.figures for post in self.posts)]

    def __bool__(self) -> bool:
        return bool(self.posts) or any((*self.opened.values(), *self.clicked.values()))


def came(act: Act, message_id: int) -> Came:
    """What came of one message."""
    messages.get(act, message_id)
    return Came(
        **verdicts.figures(act.session, message_id), posts=post_figures.of_message(act.session, message_id)
    )


def history(act: Act, message_id: int, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """Everything that networks ever told of its posts, oldest first."""
    messages.get(act, message_id)
    told = post_figures.told_of(message_id)
    return paging.cut(act.session, told, PostFigure.id, limit=limit, after=after, before=before)


def table(act: Act, message_id: int) -> list[list[str]]:
    """The same as rows of a table, below a header."""
    messages.get(act, message_id)
    told = act.session.scalars(post_figures.told_of(message_id).order_by(PostFigure.id))
    rows = [
        (shown("delivery", one.delivery_id), one.figure, one.value, one.at.isoformat(), one.source, one.api)
        for one in told
    ]
    return [[*HEADER], *([str(cell) for cell in row] for row in rows)]
