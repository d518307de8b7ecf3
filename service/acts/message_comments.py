"""What colleagues say about a message while it is written: what they ask for, and whom they call to it."""

from __future__ import annotations

from collections.abc import Sequence

from campaigns.messages import comments, messages
from campaigns.messages.tables import MessageComment

from . import Act, names
from . import programmes as colleagues_of
from .messages import get, release_named


def said_of(act: Act, message_id: int) -> list[MessageComment]:
    """What colleagues said about a message."""
    return comments.listed(act.session, get(act, message_id).id)


def summons(act: Act, said: Sequence[MessageComment]) -> dict[int, list[str]]:
    """Which colleagues each of these comments calls."""
    return comments.called(act.session, [one.id for one in said])


def comment(
    act: Act, message_id: int, *, digest: str, text: str, asks: bool = False, call: str = ""
) -> MessageComment:
    """Say something about the form that was read; `asks` for a change, which stops the approval until it is settled.

    Colleagues of the programme who are named by @, and the one who is chosen as `call`, are called to it.
    """
    message = get(act, message_id, lock=True)
    if not (
        act.caller.may("messages:write", message.programme_id)
        or act.caller.may("messages:approve", message.programme_id)
    ):
        act.need("messages:write", message.programme_id)
    able = colleagues_of.colleagues(act, message.programme_id)
    calls = names.mentioned(text, able, "/call", call)
    made = comments.write(
        act.session, act.now, message, digest=digest, text=text, by=act.caller.actor, asks=asks, calls=calls
    )
    messages.settle(act.session, act.now, message)
    act.note(
        "message.commented",
        "message",
        message.id,
        programme_id=message.programme_id,
        after={"asks": asks, "called": sorted(calls)},
    )
    return made


def settle(act: Act, message_id: int, comment_id: int) -> MessageComment:
    """Say that what was asked for is done, or is not needed."""
    message = get(act, message_id, lock=True)
    if not act.caller.may("messages:approve", message.programme_id):
        act.need("messages:write", message.programme_id)
    done = comments.settle(act.session, act.now, message, comment_id, act.caller.actor)
    messages.settle(act.session, act.now, message)
    release_named(act, message)
    act.note("message.comment_settled", "message", message.id, programme_id=message.programme_id)
    return done
