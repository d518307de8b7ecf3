"""Gives Slack the pictures of a post, which nobody sees until it names them, and waits until Slack has looked at them.

Rules: whatever goes wrong may be tried again. What was given is kept in mind for the next try: Slack may take longer to
look than one try may take. All pictures of a post share its pauses.
Source: docs.slack.dev, files.getUploadURLExternal, files.info, image block (November 2026); that a picture is not there
at once: github.com/slackapi/node-slack-sdk issues 1865 and 2170, python-slack-sdk issue 1658.
"""

from __future__ import annotations

from time import sleep
from typing import Any

from ..api import Deferred, Medium, Outbound, Refused, Uncertain
from ..shapes import field
from .client import Client

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 4.0)
LATER_S = 10.0
# So many posts are kept in mind; whatever else was given is given again.
GIVEN_MAX = 50


def blocks(client: Client, outbound: Outbound) -> list[dict[str, Any]]:
    """A block for each picture, given to Slack. Deferred where that fails."""
    mark = _mark(outbound)
    try:
        files = client.given.get(mark) or _give(client, outbound)
        _keep(client, mark, files)
        _wait_for(client, files)
    except Uncertain as error:
        raise Deferred(error.words, code=error.code, phase="answer") from None
    except Refused as error:  # it knew them before, and does not now
        if client.given.pop(mark, None) is None:
            raise
        raise Deferred(error.words, code=error.code, phase="media") from None
    # Slack shows no picture without words for it.
    return [
        {"type": "image", "slack_file": {"id": file}, "alt_text": one.alt or one.name}
        for file, one in zip(files, outbound.media, strict=True)
    ]


def forget(client: Client, outbound: Outbound) -> None:
    """Their post is there."""
    client.given.pop(_mark(outbound), None)


def _mark(outbound: Outbound) -> tuple[Any, ...]:
    return (outbound.key, *((one.name, one.size, one.alt) for one in outbound.media))


def _keep(client: Client, mark: tuple[Any, ...], files: list[str]) -> None:
    client.given[mark] = files
    while len(client.given) > GIVEN_MAX:
        client.given.pop(next(iter(client.given)), None)


def _give(client: Client, outbound: Outbound) -> list[str]:
    files = [_given(client, one) for one in outbound.media]
    ids = [{"id": file, "title": one.name} for file, one in zip(files, outbound.media, strict=True)]
    client.write("files.completeUploadExternal", {"files": ids})
    return files


def _given(client: Client, picture: Medium) -> str:
    query = {"filename": picture.name, "length": picture.size, "alt_txt": picture.alt}
    place = client.read("files.getUploadURLExternal", **query)
    client.put(str(place.get("upload_url")), picture.load())
    return str(place.get("file_id"))


def _wait_for(client: Client, files: list[str]) -> None:
    """Slack has looked at all of them; Deferred where it has not yet."""
    pauses = iter(PAUSES_S)
    for file in files:
        while not field(client.read("files.info", file=file), "file", "mimetype"):
            pause_s = next(pauses, None)
            if pause_s is None:
                raise Deferred(
                    "Slack has not looked at the picture yet", phase="media", retry_after_s=LATER_S
                )
            sleep(pause_s)
