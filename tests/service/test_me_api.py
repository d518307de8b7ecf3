"""One's own account, house layouts, what is asked of everybody, and how strategies and accounts end, by the API."""

from __future__ import annotations

from datetime import timedelta

from service import notices
from service.wiring import Wiring

from .conftest import Api, People, good


def test_somebody_changes_their_own_account_and_notices(api: Api, people: People) -> None:
    mine = people("viewer")
    change = {"name": "Gwen", "language": "cy", "zone": "Europe/London", "answers_in": ["cy", "en"]}
    changed = good(api.patch("/v1/me", mine, json=change))
    assert changed == good(api.get("/v1/me", mine)) and change.items() <= changed.items()
    assert api.patch("/v1/me", mine, json={"language": "tlh"}).status_code == 422
    wanted = good(api.call("PUT", "/v1/me/notices", mine, json={"wanted": ["digest"]}))["wanted"]
    assert wanted == {kind: kind == "digest" for kind in notices.KINDS}
    assert good(api.get("/v1/me/notices", people("viewer")))["wanted"] == notices.KINDS
    url = good(api.call("PUT", "/v1/me/calendar_feed", mine))["url"]
    path = "/feed/" + url.rsplit("/feed/")[1]
    assert api.get(path).status_code == 200
    assert api.delete("/v1/me/calendar_feed", mine).status_code == 204
    assert api.get(path).status_code == 404


def test_mails_of_a_programme_look_as_the_organisations_until_it_has_its_own(
    api: Api, people: People, ids: dict[str, str]
) -> None:
    manager, path = people("community_manager"), "/v1/house_layouts"
    house = {"programme_id": None, "name": "Cyngor", "colour": "#004400", "footer": "One line"}
    assert good(api.call("PUT", path, manager, json=house))["own"] is True
    here = f"{path}?programme={ids['prg']}"
    assert (told := good(api.get(here, manager)))["name"] == "Cyngor" and told["own"] is False
    own = house | {"programme_id": ids["prg"], "name": "Parciau"}
    assert good(api.call("PUT", path, manager, json=own))["name"] == "Parciau"
    assert api.call("PUT", path, manager, json=own | {"colour": "#ffffff"}).status_code == 422
    assert api.delete(f"{path}/{ids['prg']}", manager).status_code == 204
    assert good(api.get(here, manager))["name"] == "Cyngor"


def test_a_second_step_is_asked_of_everybody_by_whoever_administers_everything(
    api: Api, people: People, ids: dict[str, str]
) -> None:
    admin = people("administrator")
    assert good(api.get("/v1/installation", admin)) == {"second_step_for": "nobody"}
    asked = {"second_step_for": "deciders"}
    assert good(api.call("PUT", "/v1/installation", admin, json=asked)) == asked
    assert good(api.get("/v1/installation", admin)) == asked
    assert api.call("PUT", "/v1/installation", people("community_manager"), json=asked).status_code == 403


def test_a_change_that_was_asked_for_is_settled_and_the_strategy_archived(
    api: Api, people: People, ids: dict[str, str]
) -> None:
    manager = people("community_manager")
    path = f"/v1/strategies/{ids['str']}"
    asked = {"section": "aims", "text": "Say whose", "asks": True}
    made = good(api.post(f"{path}/versions/1/comments", manager, json=asked), 201)
    assert made["asks"] is True and made["settled_by"] is None
    settle = f"{path}/versions/1/comments/{made['id']}/settle"
    assert good(api.post(settle, manager))["settled_by"].startswith("usr_")
    assert api.post(f"{path}/archive", people("viewer")).status_code == 403
    assert good(api.call("PUT", f"{path}/draft", manager, json={"aims": "More"}))["body"] == {"aims": "More"}
    assert api.delete(f"{path}/draft", manager).status_code == 204
    assert good(api.post(f"{path}/archive", manager))["state"] == "archived"


def test_a_programme_takes_the_welsh_pack_in_one_step(api: Api, people: People, ids: dict[str, str]) -> None:
    admin, path = people("administrator"), f"/v1/programmes/{ids['prg']}"
    assert set(good(api.post(f"{path}/policies/wales", admin))["languages"]) == {"cy", "en"}
    assert good(api.get(path, admin))["assurance"] == "agreed"
    changed = good(api.patch(path, admin, headers={"If-Match": "*"}, json={"vision": "Clean rivers"}))
    assert (changed["vision"], changed["mission"]) == ("Clean rivers", "")


def test_only_an_account_that_never_carried_anything_is_removed(
    api: Api, people: People, ids: dict[str, str]
) -> None:
    admin = people("administrator")
    assert api.delete(f"/v1/connector_accounts/{ids['acc']}", admin).status_code == 409
    assert good(api.get(f"/v1/connector_accounts/{ids['acc']}", admin))["id"] == ids["acc"]


def test_a_draft_is_addressed_anew_loses_its_time_and_goes_in_two_languages(
    api: Api, people: People, wiring: Wiring, ids: dict[str, str]
) -> None:
    manager = people("community_manager")
    body = {
        "draft": True, "to": "bo@example.org", "text": "Hello", "subject": "Hi", "accounts": [ids["acc"]],
        "programme_id": ids["prg"], "send_at": (wiring.now() + timedelta(days=9)).isoformat(),
    }  # fmt: skip
    made = good(api.post("/v1/messages", manager, json=body), 201)
    path = f"/v1/messages/{made['id']}"
    told = good(
        api.post(f"{path}/readdress", manager, json={"segment": ids["seg"], "accounts": [ids["acc"]]})
    )
    assert told["segment"] == ids["seg"]
    good(api.post(f"{path}/unschedule", manager))
    assert good(api.get(path, manager))["send_at"] is None
    topic = good(api.patch(path, manager, headers={"If-Match": "*"}, json={"topic_id": ids["top"]}))
    assert topic["id"] == made["id"]
    words = f"/v1/content_items/{made['content_item']}/variants/email/cy"
    assert api.call("PUT", words, manager, json={"subject": "Helo", "text": "Helo"}).status_code == 200
    both = api.call("PUT", f"{path}/together", manager, json={"languages": ["cy", "en"]})
    assert both.status_code == 204, both.text
    english = f"/v1/content_items/{made['content_item']}/variants/email/en"
    assert api.call("PUT", english, manager, json={"subject": "Hi", "text": "Hello all"}).status_code == 200
    right = api.post(f"{path}/still_right", manager, json={"channel": "email", "language": "cy"})
    assert right.status_code == 204, right.text
    none = api.post(f"{path}/still_right", manager, json={"channel": "email", "language": "ar"})
    assert none.status_code == 404, none.text
