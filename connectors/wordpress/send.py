"""Posts on a site, or answers a comment there; looks for either where nobody knows whether it went.

Rules: the last part of a post's address is made of the delivery's key, so it finds this post and no other. Of comments
WordPress refuses one that says the same a second time, so the same words below the same comment are this one.
Source: developer.wordpress.org/rest-api/reference/{posts,media,comments} (November 2026).
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from html import escape
from typing import Any

from ..api import AccountGone, Deferred, Medium, Outbound, Receipt, Refused, Uncertain
from ..wording import text_of_html
from .client import Client, number, one, rows, words

COMMENT = "comment-"
# WordPress takes no second comment of a user within so many seconds.
FLOOD, FLOOD_S = "comment_flood", 15.0
TITLE_MAX = 80
SLUG_WORDS_MAX = 40
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}


def send(client: Client, outbound: Outbound) -> Receipt:
    """Publish it. `in_reply_to` names a comment to answer."""
    if not str(outbound.text).strip():
        raise Refused("a post needs a text", code="no_text", phase="build")
    if asked := _comment(outbound):
        return _answer(client, outbound, asked)
    pictures = [_upload(client, medium) for medium in outbound.media]
    told: dict[str, Any] = {
        "title": title(outbound),
        "content": content(outbound, pictures),
        "slug": slug(outbound),
    }
    if pictures:
        told["featured_media"] = pictures[0]["id"]
    made = one(client.post("posts", {**told, "status": "publish"}))
    if not number(made):
        raise Uncertain("the answer names no post", phase="answer")
    return Receipt(str(number(made)))


def find(client: Client, outbound: Outbound) -> Receipt | None:
    """The post at its address, whatever became of it since; or the answer below its comment."""
    if asked := _comment(outbound):
        return _find_answer(client, outbound, asked)
    for post in rows(client.get("posts", slug=slug(outbound), status="any", context="edit")):
        if post.get("slug") == slug(outbound) and number(post):
            return Receipt(str(number(post)))
    return None


def _find_answer(client: Client, outbound: Outbound, asked: str) -> Receipt | None:
    me, wanted = number(one(client.get("users/me"))), _same(str(outbound.text))
    for each in rows(client.get("comments", parent=asked, author=me, per_page=100)):
        if number(each) and _same(text_of_html(words(each, "content", "rendered"))) == wanted:
            return Receipt(f"{COMMENT}{number(each)}")
    return None


def slug(outbound: Outbound) -> str:
    """The last part of the post's address: the title as far as it is plain letters, and what is made of the key."""
    letters = unicodedata.normalize("NFKD", title(outbound).lower()).encode("ascii", "ignore").decode()
    plain = "-".join(re.findall("[a-z0-9]+", letters))[:SLUG_WORDS_MAX].strip("-")
    return "-".join(filter(None, (plain, sha256(outbound.key.encode()).hexdigest()[:16])))


def title(outbound: Outbound) -> str:
    """Its subject, or else the beginning of its first line."""
    first = str(outbound.text).strip().partition("\n")[0].strip()
    short = first if len(first) <= TITLE_MAX else f"{first[: TITLE_MAX - 1].rstrip()}…"
    return str(outbound.subject).strip() or short


def content(outbound: Outbound, pictures: list[dict[str, Any]]) -> str:
    """The text as paragraphs in which nothing is markup, below its pictures."""
    figures = [
        f'<figure class="wp-block-image"><img src="{escape(each["url"])}" alt="{escape(each["alt"])}"></figure>'
        for each in pictures
    ]
    # A word in brackets is a command to WordPress.
    plain = escape(str(outbound.text), quote=False).replace("[", "&#91;")
    paragraphs = [f"<p>{each.replace(chr(10), '<br>')}</p>" for each in re.split(r"\n{2,}", plain)]
    return "\n".join(figures + paragraphs)


def _upload(client: Client, medium: Medium) -> dict[str, Any]:
    """Give the site a picture and say what it shows. Nothing is posted by that, so trouble is never Uncertain."""
    # WordPress reads the plain name alone, and takes no file whose ending says nothing.
    stem = re.sub("[^A-Za-z0-9_-]+", "-", medium.name.rpartition(".")[0]).strip("-") or "picture"
    named = f'attachment; filename="{stem}.{ENDINGS.get(medium.type, "png")}"'
    headers = {"Content-Type": medium.type, "Content-Disposition": named}
    try:
        made = one(client.post("media", body=medium.load(), headers=headers))
        url = made.get("source_url")
        if not number(made) or not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise Deferred("the answer names no picture", phase="media")
        client.post(f"media/{number(made)}", {"alt_text": medium.alt})
    except Uncertain as error:
        raise Deferred(error.words, code=error.code, phase="media") from None
    return {"id": number(made), "url": url, "alt": medium.alt}


def _answer(client: Client, outbound: Outbound, asked: str) -> Receipt:
    """Answer a comment on the post that it stands below."""
    text = escape(str(outbound.text), quote=False)
    try:
        post = number(one(client.get(f"comments/{asked}")), "post")
        answer = client.post("comments", {"post": post, "parent": int(asked), "content": text}, show=(409,))
    except AccountGone as error:
        if "rest_comment_" not in error.words:  # closed, gone, in the bin: of this comment, not of the user
            raise
        raise Refused(error.words, code=error.code, phase="answer") from None
    except Refused as error:
        if FLOOD not in error.words:
            raise
        raise Deferred(error.words, code=FLOOD, phase="answer", retry_after_s=FLOOD_S) from None
    if answer.status == 409:  # WordPress has these words of this user below this post already
        return _went_before(client, outbound)
    made = one(answer)
    if not number(made):
        raise Uncertain("the answer names no post", phase="answer")
    return Receipt(f"{COMMENT}{number(made)}")


def _went_before(client: Client, outbound: Outbound) -> Receipt:
    found = find(client, outbound)
    if found is None:
        raise Refused("the site has these words already, below another comment", code="409", phase="answer")
    return found


def _comment(outbound: Outbound) -> str:
    """The number of the comment that this answers, "" for a post of its own."""
    named = outbound.in_reply_to.removeprefix(COMMENT)
    return named if outbound.in_reply_to.startswith(COMMENT) and named.isdecimal() else ""


def _same(text: str) -> str:
    return " ".join(text.split())
