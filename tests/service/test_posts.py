"""Posts by /v1: pictures with their words, what a post costs, a budget, and what an account takes after a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from campaigns.base import parse_id, public_id
from campaigns.delivery import send
from campaigns.delivery.tables import Account
from campaigns.messages import media, pictures
from campaigns.messages.tables import Media, Message
from connectors import simulator, x
from connectors.simulator.running import running
from service.wiring import Wiring

from ..campaigns.messages.test_media import drawn
from .conftest import Api

LIMITS = replace(simulator.POSTS, prices=x.PRICES)


@pytest.fixture
def page(wiring: Wiring, api: Api, admin: str) -> str:
    """An account that posts to everyone and charges."""
    made = Account(
        connector="simulator", name="Our page", channel="practice", broadcast=True, limits=asdict(LIMITS),
        repeats={"kind": "keyed"}, created_at=wiring.now(), updated_at=wiring.now(),
    )  # fmt: skip
    return public_id("acc", added(wiring, made))


def added(wiring: Wiring, made: Any) -> int:
    with wiring.database.write() as session:
        session.add(made)
        session.flush()
        return int(made.id)


def picture(wiring: Wiring, name: str = "red") -> str:
    made = Media(
        programme_id=None, kind="picture", name=name, sha256=name, type="png", bytes=9, alts={"en": "A boat"},
        author="ann", created_at=wiring.now(), updated_at=wiring.now(),
    )  # fmt: skip
    return public_id("med", added(wiring, made))


def posted(api: Api, admin: str, page: str, media: Sequence[str] = (), **values: Any) -> Any:
    return api.post(
        "/v1/messages", admin,
        json={"accounts": [page], "text": "Come", "media": list(media), "draft": True} | values,
    )  # fmt: skip


def test_pictures_go_with_the_words_of_a_post(api: Api, admin: str, wiring: Wiring, page: str) -> None:
    """C5"""
    red, blue = picture(wiring), picture(wiring, "blue")
    made = posted(api, admin, page, [blue, red]).json
    assert [one["media"] for one in variants(api, admin, made["id"], wiring)] == [[blue, red]]
    assert [(one["currency"], one["amount"], one["account"]) for one in made["costs"]] == [
        ("USD", 0.025, "Our page")
    ]


def variants(api: Api, admin: str, message: str, wiring: Wiring) -> Any:
    with wiring.database.read() as session:
        number = session.get_one(Message, parse_id("msg", message)).content_id
    return api.get(f"/v1/content_items/{public_id('cnt', number)}/variants", admin).json["data"]


def test_a_variant_is_put_with_its_pictures_and_without(api: Api, admin: str, wiring: Wiring) -> None:
    item = api.post("/v1/content_items", admin, json={"name": "A post"}).json["id"]
    path, red = f"/v1/content_items/{item}/variants/x/en", picture(wiring)
    assert api.call("PUT", path, admin, json={"text": "Come", "media": [red]}).json["media"] == [red]
    assert api.call("PUT", path, admin, json={"text": "Come"}).json["media"] == []


def test_a_thread_is_told_by_its_parts_and_what_each_says(
    api: Api, admin: str, wiring: Wiring, page: str
) -> None:
    """C6: each row says which part it is, and exactly what it says."""
    red = picture(wiring)
    message = posted(api, admin, page, [red], text="One\n---\nTwo", draft=False).json["id"]
    rows = api.get(f"/v1/messages/{message}/deliveries", admin).json["data"]
    said = [api.get(f"/v1/deliveries/{row['id']}/words", admin).json for row in rows]
    assert [(row["part"], one["text"].strip()) for row, one in zip(rows, said, strict=True)] == [
        (0, "One"),
        (1, "Two"),
    ]
    assert [[(shown["alt"], shown["type"]) for shown in one["media"]] for one in said] == [
        [("A boat", "image/png")],
        [],
    ]
    seen = api.post(f"/v1/messages/{message}/preview", admin, json={}).json["data"]
    assert [one["text"] for one in seen] == ["One\n---\nTwo"]
    parts = api.post(f"/v1/messages/{message}/rehearse", admin).json["data"]
    assert [one["part"] for one in parts] == [0, 1]


@pytest.mark.parametrize("wrong", ["med_00000000000000", "stk_0000000000001", 5, "../../etc/passwd"])
def test_a_picture_that_is_none_is_refused_by_its_place(
    api: Api, admin: str, page: str, wiring: Wiring, wrong: Any
) -> None:
    """D7"""
    told = posted(api, admin, page, [picture(wiring), wrong])
    assert told.status_code == 422 and "/media/1" in told.text


def test_pictures_for_accounts_that_take_none_are_refused(
    api: Api, admin: str, wiring: Wiring, page: str
) -> None:
    with wiring.database.write() as session:
        session.get_one(Account, parse_id("acc", page)).limits = asdict(replace(LIMITS, media_max=0))
    told = posted(api, admin, page, [picture(wiring)])
    assert told.status_code == 422 and "/media" in told.text


def test_a_budget_is_chosen_and_read_with_what_is_spent(api: Api, admin: str, page: str) -> None:
    """D8"""
    path = f"/v1/connector_accounts/{page}"
    tag = api.get(path, admin).headers["ETag"]
    changed = api.patch(path, admin, json={"own_limits": {"cost_per_month": 0.5}}, headers={"If-Match": tag})
    assert changed.json["own_limits"] == {"cost_per_month": 0.5}
    assert api.get(f"{path}/limits", admin).json["data"] == [
        {"limit": "cost_per_month", "most": 0.5, "used": 0.0}
    ]
    tag = changed.headers["ETag"]
    assert (
        api.patch(
            path, admin, json={"own_limits": {"cost_per_month": 0.01}}, headers={"If-Match": tag}
        ).status_code
        == 200
    )
    held = posted(api, admin, page, draft=False).json
    assert [one["kind"] for one in held["held_by"]] == ["budget_used_up"]


def test_a_check_asks_a_connector_anew_what_it_takes(
    api: Api, admin: str, wiring: Wiring, tmp_path: Any
) -> None:
    """An account of an earlier release takes pictures once it is checked."""
    with running(tmp_path / "log") as provider:
        settings = {"url": provider.url, "channel": "practice"}
        made = api.post(
            "/v1/connector_accounts",
            admin,
            json={"connector": "simulator", "name": "P", "settings": settings},
        ).json
        with wiring.database.write() as session:
            session.get_one(Account, parse_id("acc", made["id"])).limits = {"in_flight": 1, "deadline_s": 5.0}
        assert api.post(f"/v1/connector_accounts/{made['id']}/verify", admin).json["ok"]
    told = api.get(f"/v1/connector_accounts/{made['id']}", admin).json["limits"]
    assert (told["media_max"], told["parts_max"]) == (simulator.POSTS.media_max, simulator.POSTS.parts_max)


def test_a_worker_of_the_installation_finds_the_pictures_it_was_given(
    api: Api, admin: str, wiring: Wiring, tmp_path: Path
) -> None:
    """C5: from the upload to the provider, by the processes' own wiring."""
    with running(tmp_path / "log") as provider:
        settings = {"url": provider.url, "channel": "practice"}
        account = {"connector": "simulator", "name": "P", "settings": settings}
        page = api.post("/v1/connector_accounts", admin, json=account).json["id"]
        with wiring.database.write() as session:
            made = media.add_picture(
                session, wiring.now(), wiring.settings.folder, programme_id=None, picture=pictures.read(drawn()),
                name="a.png", author="ann", decorative=True,
            )  # fmt: skip
            red = public_id("med", made.id)
        message = posted(api, admin, page, [red], draft=False).json["id"]
        assert send.work(wiring.desk("test"))
    (row,) = api.get(f"/v1/messages/{message}/deliveries", admin).json["data"]
    assert (row["state"], row["error"]) == ("sent", None)
