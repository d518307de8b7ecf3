"""Blocks: what is put together without HTML becomes a mail and its text alternative."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.errors import BadField
from campaigns.messages import approval, blocks, content, layout, markup, render

from .conftest import Desk

ALL: list[dict[str, Any]] = [
    {"kind": "heading", "text": "Walk & talk"},
    {
        "kind": "text",
        "text": "Dear {{ name|default('friend') }},\n\nSee https://example.org/walk.\nBring <boots>.",
    },
    {
        "kind": "picture",
        "url": "https://example.org/a.png",
        "alt": 'The "old" pier',
        "link": "https://example.org/",
    },
    {"kind": "picture", "url": "https://example.org/b.png", "alt": "", "decorative": True},
    {"kind": "button", "text": "Come along", "url": "https://example.org/join?a=1&b=2"},
    {"kind": "columns", "left": "Monday", "right": "Tuesday"},
]


def test_blocks_become_a_mail_and_its_text(desk: Desk) -> None:
    """C1, C11"""
    made = desk.write("", blocks=ALL)
    assert made.blocks is not None and [one["kind"] for one in made.blocks] == [one["kind"] for one in ALL]
    shown = render.render(made, {"name": "<Mair>"})
    assert "Dear &lt;Mair&gt;," in shown.html and "Walk &amp; talk" in shown.html
    assert '<a href="https://example.org/walk">https://example.org/walk</a>.<br>' in shown.html
    assert "&lt;boots&gt;" in shown.html and 'alt="The &quot;old&quot; pier"' in shown.html
    assert 'href="https://example.org/join?a=1&amp;b=2"' in shown.html
    assert "Dear <Mair>," in shown.text and "Come along: https://example.org/join?a=1&b=2" in shown.text
    assert '[The "old" pier] https://example.org/' in shown.text and "b.png" not in shown.text


def test_the_house_layout_passes_the_allow_list_whole() -> None:
    """What is drawn is what goes out: cleaning takes none of its styles away."""
    _, html = blocks.words(blocks.check(ALL), "ar")
    cleaned = markup.clean(html)
    assert 'dir="rtl"' in cleaned and 'lang="ar"' in cleaned
    styles = html.replace(" ", "").replace(":", "").replace(";", "")
    for piece in ("max-width600px", "background-color0b5a3c", "displayinline-block", "border-radius6px"):
        assert piece in styles.replace("#", "")
        assert piece in cleaned.replace(" ", "").replace(":", "").replace(";", "").replace("#", "")


@pytest.mark.parametrize(
    ("block", "pointer"),
    [
        ({"kind": "picture", "url": "https://example.org/a.png", "alt": ""}, "/blocks/0/alt"),
        ({"kind": "picture", "url": "javascript:alert(1)", "alt": "x"}, "/blocks/0/url"),
        ({"kind": "button", "text": "Go", "url": "example.org"}, "/blocks/0/url"),
        ({"kind": "button", "text": "", "url": "https://example.org"}, "/blocks/0/text"),
        ({"kind": "heading", "text": 5}, "/blocks/0/text"),
        ({"kind": "video"}, "/blocks/0"),
        ("text", "/blocks/0"),
    ],
)
def test_a_block_that_cannot_go_out_is_refused_where_it_stands(block: Any, pointer: str) -> None:
    with pytest.raises(BadField) as refused:
        blocks.check([block])
    assert refused.value.pointer == pointer


@pytest.mark.parametrize("given", [[], "text", None, [{"kind": "text", "text": "a"}] * 61])
def test_no_blocks_and_too_many_are_no_mail(given: Any) -> None:
    with pytest.raises(BadField):
        blocks.check(given)


def test_words_and_blocks_are_not_given_together(desk: Desk) -> None:
    with pytest.raises(BadField):
        desk.write("Words", blocks=ALL)


def test_a_translation_is_marked_when_its_source_changes_until_somebody_says_it_is_right(desk: Desk) -> None:
    """L5: the first language written is the source; approvals are not touched by looking again."""
    desk.write("Bore da", language="cy")
    assert content.stale(desk.item, content.current(desk.session, desk.item.id)) == set()
    desk.write("Good evening")
    found = content.current(desk.session, desk.item.id)
    welsh = next(one for one in found if one.language == "cy")
    assert content.stale(desk.item, found) == {welsh.id}
    content.still_right(desk.session, desk.item, "email", "cy")
    assert content.stale(desk.item, content.current(desk.session, desk.item.id)) == set()
    desk.write("Good night")
    desk.write("Nos da", language="cy")
    assert content.stale(desk.item, content.current(desk.session, desk.item.id)) == set()


def test_the_source_on_another_channel_says_nothing_about_this_one(desk: Desk) -> None:
    """L5"""
    desk.write("A post", channel="x", subject="", language="cy")
    desk.write("Changed")
    assert content.stale(desk.item, content.current(desk.session, desk.item.id)) == set()


@pytest.mark.parametrize("wanted", [["cy"], ["cy", "cy-GB"], ["cy", "en", "ar"]])
def test_a_letter_in_two_languages_needs_two_that_differ(desk: Desk, wanted: list[str]) -> None:
    with pytest.raises(BadField):
        content.put_together(desk.session, desk.now, desk.item, wanted)


def test_two_languages_in_one_letter_are_part_of_what_is_approved(desk: Desk) -> None:
    """L6, SM13"""
    message = desk.message()
    before = approval.digest(desk.session, message)
    content.put_together(desk.session, desk.now, desk.item, ["cy", "en"])
    assert approval.digest(desk.session, message) != before
    content.put_together(desk.session, desk.now, desk.item, None)
    assert approval.digest(desk.session, message) == before


def test_the_house_stands_around_the_words_in_mail_and_text(desk: Desk) -> None:
    dress = blocks.Dress(
        "Llan & Co", "#123456", "/m/logo.png", "The dragon", "Stop <any> time", "1 High Street"
    )
    text, html = blocks.words(blocks.check(ALL), "en", dress)
    assert (
        'alt="The dragon"' in html and "Stop &lt;any&gt; time<br>1 High Street" in html and "#123456" in html
    )
    assert text.endswith("--\nStop <any> time\n1 High Street\n")
    assert "Llan &amp; Co" in blocks.words(blocks.check(ALL), "en", blocks.Dress("Llan & Co"))[1]
    assert (
        layout.dress(desk.session, desk.programme.id, "cy").colour == layout.house(desk.session, None).colour
    )
