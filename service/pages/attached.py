"""Files that are sent with a form: stored before its transaction, and taken away again where it was refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Response, request, send_file

from campaigns.errors import DomainError, NotFound
from campaigns.responses import attachments
from campaigns.responses.attachments import Kept
from campaigns.responses.tables import Attachment

from . import frame

FORM_MAX = frame.FORM_MAX + attachments.MOST * attachments.EACH_MAX


def doing(done: Callable[[Sequence[Kept]], Response]) -> Response | None:
    """Do what a form with files asks for; None where it was refused, and nothing of it stays."""
    folder = frame.wiring().settings.folder
    sent = [(one.filename or "", one.stream) for one in request.files.getlist("files") if one.filename]
    try:
        kept = attachments.keep(folder, sent)
    except DomainError as error:
        frame.refuse(error)
        return None
    answer = None
    try:
        answer = frame.doing(lambda: done(kept))
    finally:
        if answer is None:
            attachments.drop(folder, [one.key for one in kept])
    return answer


def served(found: Attachment) -> Response:
    """A file to be saved, as bytes of no kind: never a page of ours."""
    where = attachments.place(frame.wiring().settings.folder, found.key)
    if not where.is_file():
        raise NotFound("there is no such file")
    answer = send_file(where, "application/octet-stream", as_attachment=True, download_name=found.name)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
