"""Tests of content: variants that never change, chosen by language; previews; templates and their approval."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.errors import (
    AlreadyDone,
    BadField,
    BadTemplate,
    FourEyes,
    InUse,
    Invalid,
    MissingData,
    NotFound,
    Stale,
)
from campaigns.messages import content, templates
from campaigns.messages.tables import Variant
from campaigns.strategies import programmes

from .conftest import Desk


def test_an_edit_adds_the_next_variant_and_touches_no_other(desk: Desk) -> None:
    """C2"""
    desk.write("Helo {{ name }}", language="cy")
    desk.write("Hi {{ fields.town }}")
    desk.write("A post", channel="x", subject="")
    found = content.current(desk.session, desk.item.id)
    assert [(one.channel, one.language, one.n, one.text) for one in found] == [
        ("email", "cy", 1, "Helo {{ name }}"),
        ("email", "en", 2, "Hi {{ fields.town }}"),
        ("x", "en", 1, "A post"),
    ]
    assert found[1].slots == ["fields.town"]


def test_a_removed_variant_is_gone_and_may_come_back(desk: Desk) -> None:
    content.remove_variant(desk.session, desk.now, desk.item, channel="email", language="EN", author="bob")
    assert content.current(desk.session, desk.item.id) == []
    with pytest.raises(NotFound):
        content.remove_variant(
            desk.session, desk.now, desk.item, channel="email", language="en", author="bob"
        )
    assert desk.write("Again").n == 3


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (["cy"], "cy"), (["fr", "en"], "en-GB"), (["ar", "cy"], "ar"), ([], "cy"), (["fr"], "cy"), (["cy-GB"], "cy"),
        (["en"], "en-GB"), (["en-US"], "en-GB"),
    ],
)  # fmt: skip
def test_the_readers_languages_choose_the_variant_and_then_the_default(
    languages: list[str], expected: str
) -> None:
    """C4"""
    offered = [Variant(channel="email", language=tag) for tag in ("cy", "en-GB", "ar")]
    chosen = content.choose([*offered, Variant(channel="x", language="fr")], "email", languages, "cy")
    assert chosen is not None and chosen.language == expected


def test_without_a_language_that_is_written_nobody_gets_just_anything() -> None:
    """C4"""
    offered = [Variant(channel="email", language="cy")]
    assert content.choose(offered, "email", ["fr"], "en") is None
    assert content.choose(offered, "x", ["cy"], "cy") is None


@pytest.mark.parametrize(
    ("values", "error", "pointer"),
    [
        ({"channel": "E mail"}, BadField, "/channel"),
        ({"channel": 5}, BadField, "/channel"),
        ({"language": "english!"}, BadField, "/language"),
        ({"text": "{{ name"}, BadTemplate, "/text"),
        ({"subject": "a\r\nBcc: x"}, BadField, "/subject"),
        ({"text": "", "subject": "s"}, BadField, "/text"),
        ({"template_version_id": 5}, BadField, "/template_version_id"),
        ({"template_version_id": 5, "text": "", "subject": ""}, BadField, "/template_version_id"),
    ],
)
def test_a_wrong_variant_is_refused_and_named(
    desk: Desk, values: dict[str, Any], error: type[Invalid], pointer: str
) -> None:
    with pytest.raises(error) as refused:
        desk.write(**values)
    assert refused.value.pointer == pointer
    assert len(content.current(desk.session, desk.item.id)) == 1


def test_what_the_words_need_and_the_content_lacks_is_listed(desk: Desk) -> None:
    """T2"""
    desk.write("{{ data.b }} {{ data.a }} {{ fields.town }} {{ data.c|default('x') }}")
    assert content.missing_data(desk.session, desk.item) == ["data.b", "data.a"]
    content.change(desk.session, desk.now, desk.item, author="ann", name="Other", data={"a": 1, "b": 2})
    assert content.missing_data(desk.session, desk.item) == []
    assert (desk.item.name, desk.item.author) == ("Other", "ann")
    with pytest.raises(BadField):
        content.create(desk.session, desk.now, desk.programme.id, "x", {"a": float("nan")})


def test_a_preview_shows_the_words_filled_in(desk: Desk) -> None:
    """C8"""
    variant = desk.write("Helo {{ name }} {{ unsubscribe_url }}", html="<p>{{ name }}</p>")
    shown = content.preview(desk.session, variant.id, {"name": "Mair"})
    words = {"subject": "Hello", "text": "Helo Mair #unsubscribe", "html": "<p>Mair</p>"}
    assert shown == {"channel": "email", "language": "en"} | words
    with pytest.raises(MissingData):
        content.preview(desk.session, variant.id, {})
    with pytest.raises(NotFound):
        content.preview(desk.session, None, {})


def test_a_template_versions_words_are_copied_and_pinned(desk: Desk) -> None:
    """C1"""
    template = templates.create(desk.session, desk.now, name="Reminder", programme_id=desk.programme.id)
    first = templates.new_version(
        desk.session, desk.now, template, author="ann", subject="S", text="At {{ data.at }}"
    )
    variant = desk.write(text="", subject="", template_version_id=first.id)
    second = templates.new_version(desk.session, desk.now, template, author="ann", subject="S", text="Now")
    assert (variant.text, variant.slots, variant.template_version_id) == (
        "At {{ data.at }}",
        ["data.at"],
        first.id,
    )
    assert (first.n, second.n) == (1, 2) and first.sha256 != second.sha256
    assert templates.latest(desk.session, template) is second
    assert templates.version(desk.session, template, 1) is first
    with pytest.raises(NotFound):
        templates.version(desk.session, template, 3)


def test_a_template_of_another_programme_is_not_there(desk: Desk) -> None:
    """R33"""
    other = programmes.create(desk.session, desk.now, name="Other", starts_on=date(2026, 1, 1))
    template = templates.create(desk.session, desk.now, name="Theirs", programme_id=other.id)
    version = templates.new_version(desk.session, desk.now, template, author="x", text="x")
    with pytest.raises(BadField):
        desk.write(text="", subject="", template_version_id=version.id)


def test_a_template_has_its_name_for_itself_and_words_of_the_language(desk: Desk) -> None:
    """T1"""
    template = templates.create(desk.session, desk.now, name="Shared")
    with pytest.raises(InUse):
        templates.create(desk.session, desk.now, name="Shared")
    with pytest.raises(BadTemplate):
        templates.new_version(desk.session, desk.now, template, author="ann", text="{{ name.__class__ }}")
    with pytest.raises(BadField):
        templates.new_version(desk.session, desk.now, template, author="ann", subject="only")


@pytest.mark.parametrize(("level", "shared"), [("light", True), ("reviewed", False), ("agreed", False)])
def test_an_author_approves_their_own_template_at_light_only(desk: Desk, level: str, shared: bool) -> None:
    """B6"""
    desk.assure(level)
    template = templates.create(
        desk.session, desk.now, name="T", programme_id=None if shared else desk.programme.id
    )
    version = templates.new_version(desk.session, desk.now, template, author="ann", text="x")
    with pytest.raises(FourEyes):
        templates.approve(desk.session, desk.now, version, "ann")
    with pytest.raises(Stale):
        templates.approve(desk.session, desk.now, version, "bob", digest="sha256:0")
    templates.approve(desk.session, desk.now, version, "bob", digest=version.sha256)
    assert templates.latest(desk.session, template, approved=True) is version
    assert templates.counts_as_approved(version, level)
    with pytest.raises(AlreadyDone):
        templates.approve(desk.session, desk.now, version, "cat")


def test_an_approval_of_ones_own_words_does_not_outlive_light(session: Session, desk: Desk) -> None:
    """B6"""
    template = templates.create(session, desk.now, name="T", programme_id=desk.programme.id)
    version = templates.new_version(session, desk.now, template, author="ann", text="x")
    templates.approve(session, desk.now, version, "ann")
    assert templates.counts_as_approved(version, "light")
    assert not templates.counts_as_approved(version, "reviewed")
