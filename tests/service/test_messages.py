"""/v1/messages: one call sends, holds with what is missing, refuses or only drafts; and the ledger tells all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from service.wiring import Wiring

from .conftest import Api, People

ANN = {"to": "ann@example.org", "subject": "Your appointment", "text": "Tuesday at 10."}


@pytest.fixture
def token(people: People) -> str:
    """Practice: its messages reach nobody, and need no account to be connected first."""
    return people("author", kind="test")


def test_one_call_sends_and_says_so(api: Api, token: str) -> None:
    """L1, J1: the first example, with its row in the ledger at once."""
    told = api.post("/v1/messages", token, json=ANN)
    assert told.status_code == 201
    made = told.json
    assert (made["state"], made["held_by"], made["assurance"]) == ("scheduled", [], "light")
    assert (made["counts"]["intended"], made["counts"]["queued"]) == (1, 1)
    assert made["send_at"] is not None
    (row,) = api.get(made["deliveries"], token).json["data"]
    assert (row["address"], row["state"]) == ("ann@example.org", "queued")
    words = api.get(f"/v1/deliveries/{row['id']}/words", token).json
    assert (words["subject"], words["text"]) == ("Your appointment", "Tuesday at 10.")


def test_the_same_address_is_the_same_stakeholder(api: Api, token: str) -> None:
    first, second = (
        api.post("/v1/messages", token, json=ANN | {"to": to}).json["deliveries"]
        for to in ("ann@example.org", "Ann@EXAMPLE.org")
    )
    known = {api.get(path, token).json["data"][0]["stakeholder_id"] for path in (first, second)}
    assert len(known) == 1


def test_a_draft_stays_one_until_it_is_submitted(api: Api, token: str) -> None:
    made = api.post("/v1/messages", token, json=ANN | {"draft": True}).json
    assert (made["state"], made["counts"]["intended"]) == ("draft", 0)
    assert api.post(f"/v1/messages/{made['id']}/submit", token).json["state"] == "scheduled"


def test_a_person_who_may_not_be_written_to_is_told_in_the_same_answer(api: Api, token: str) -> None:
    """H2: no basis for marketing; excluded by name, and nothing is held."""
    made = api.post("/v1/messages", token, json=ANN | {"purpose": "direct_marketing"}).json
    assert (made["counts"]["excluded"], made["reasons"]) == (1, {"no_lawful_basis": 1})


def test_what_stands_in_the_way_holds_or_refuses(api: Api, people: People, token: str) -> None:
    boss = people()
    assert api.post("/v1/stops", boss, json={"scope": "all", "reason": "a flood"}).status_code == 201
    held = api.post("/v1/messages", token, json=ANN).json
    assert held["state"] == "held" and [one["kind"] for one in held["held_by"]] == ["stopped"]
    refused = api.post("/v1/messages", token, json=ANN | {"on_blocked": "refuse"})
    assert (refused.status_code, refused.json["code"]) == (409, "blocked")
    assert [one["kind"] for one in refused.json["blockers"]] == ["stopped"]
    assert len(api.get("/v1/messages", token).json["data"]) == 1, "a refused call leaves nothing behind"


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"to": []}, "/to"),
        ({"to": "not an address"}, "/to/0"),
        ({"subject": None, "text": None}, "/text"),
        ({"template": "tpl_0000000000001"}, "/text"),
        ({"text": "Hello {{ name.__class__ }}"}, "/text"),
        ({"send_at": "2027-03-28T09:00:00"}, "/send_at"),
        (
            {"send_at": {"local": "2027-03-28T01:30", "zone": "Europe/London", "gap": "refuse"}},
            "/send_at/local",
        ),
        ({"send_at": {"local": "2027-03-28T09:00", "zone": "Mars/Olympus"}}, "/send_at/zone"),
        ({"state": "sent"}, "/state"),
        ({"approved_by": "me"}, "/approved_by"),
    ],
)
def test_a_bad_call_names_the_field(api: Api, token: str, more: dict[str, Any], pointer: str) -> None:
    """R20, R24, R26, R34"""
    told = api.post(
        "/v1/messages", token, json={name: value for name, value in (ANN | more).items() if value is not None}
    )
    assert told.status_code == 422, told.text
    assert told.json["errors"][0]["pointer"] == pointer, told.text


def test_more_than_one_recipient_needs_an_idempotency_key(api: Api, token: str) -> None:
    two = ANN | {"to": ["ann@example.org", "bob@example.org"]}
    told = api.post("/v1/messages", token, json=two)
    assert (told.status_code, told.json["code"]) == (400, "idempotency_key_required")
    first = api.post("/v1/messages", token, json=two, headers={"Idempotency-Key": "k1"})
    again = api.post("/v1/messages", token, json=two, headers={"Idempotency-Key": "k1"})
    assert first.json == again.json and again.headers["Idempotency-Replayed"] == "true"


def test_a_wall_time_is_kept_with_its_zone(api: Api, token: str, wiring: Wiring) -> None:
    """E1"""
    local = (wiring.now() + timedelta(days=30)).strftime("%Y-%m-%dT09:00")
    made = api.post(
        "/v1/messages", token, json=ANN | {"send_at": {"local": local, "zone": "Europe/London"}}
    ).json
    assert (made["local"], made["zone"]) == (f"{local}:00", "Europe/London")


def test_rehearsal_preview_and_counts_agree(api: Api, token: str) -> None:
    """E11, C8"""
    text = "Hello {{ name }}, {{ data.when }}"
    made = api.post(
        "/v1/messages", token, json=ANN | {"text": text, "data": {"when": "on Tuesday"}, "draft": True}
    ).json
    path = f"/v1/messages/{made['id']}"
    (row,) = api.post(f"{path}/rehearse", token).json["data"]
    assert (row["address"], row["state"]) == ("ann@example.org", "queued")
    (seen,) = api.post(f"{path}/preview", token, json={}).json["data"]
    assert seen["text"] == "Hello ann@example.org, on Tuesday"


def test_a_preview_is_all_that_goes(api: Api, token: str) -> None:
    """The ways out stand below the words, in both languages of a letter in two."""
    made = api.post("/v1/messages", token, json=ANN | {"purpose": "survey", "draft": True}).json
    path = f"/v1/messages/{made['id']}"
    (seen,) = api.post(f"{path}/preview", token, json={}).json["data"]
    assert seen["text"].startswith(ANN["text"]) and "You can stop these messages at any time:" in seen["text"]
    welsh = {"subject": "Helo", "text": "Helo"}
    words = f"/v1/content_items/{made['content_item']}/variants/email"
    assert api.call("PUT", f"{words}/cy", token, json=welsh).status_code in (200, 201)
    assert api.call("PUT", f"{path}/together", token, json={"languages": ["cy", "en"]}).status_code == 204
    (seen,) = api.post(f"{path}/preview", token, json={}).json["data"]
    assert "Helo" in seen["text"] and ANN["text"] in seen["text"] and "Gallwch atal" in seen["text"]


def test_an_edit_with_an_old_etag_is_refused(api: Api, token: str, wiring: Wiring) -> None:
    """J10"""
    later = (wiring.now() + timedelta(days=1)).isoformat()
    told = api.post("/v1/messages", token, json=ANN | {"send_at": later})
    path, tag = f"/v1/messages/{told.json['id']}", told.headers["ETag"]
    assert api.patch(path, token, json={"name": "One"}, headers={"If-Match": tag}).status_code == 200
    assert api.patch(path, token, json={"name": "Two"}, headers={"If-Match": tag}).status_code == 412
    assert api.patch(path, token, json={"name": "Two"}).status_code == 428


def test_cancel_counts_what_it_withdrew(api: Api, token: str) -> None:
    """E4"""
    made = api.post("/v1/messages", token, json=ANN).json
    counts = api.post(f"/v1/messages/{made['id']}/cancel", token).json["counts"]
    assert (counts["cancelled"], counts["in_flight"]) == (1, 0)


def test_a_test_token_cannot_use_a_real_account(api: Api, people: People, token: str) -> None:
    boss = people()
    account = api.post(
        "/v1/connector_accounts", boss,
        json={"connector": "simulator", "name": "Real", "settings": {"url": "http://127.0.0.1:9"}},
    ).json  # fmt: skip
    told = api.post("/v1/messages", token, json=ANN | {"accounts": [account["id"]]})
    assert (told.status_code, told.json["code"]) == (403, "forbidden")


@pytest.mark.parametrize("level", ["reviewed", "agreed"])
def test_practice_needs_nobodys_check_and_stays_practice(
    api: Api, people: People, token: str, level: str
) -> None:
    """B5: the first call ends where nobody is reached, so it gives no colleague work; a real account is no way out."""
    boss = people()
    home = {"name": "P", "starts_on": "2026-01-01", "assurance": level}
    programme = api.post("/v1/programmes", boss, json=home).json["id"]
    account = api.post(
        "/v1/connector_accounts", boss,
        json={"connector": "simulator", "name": "Real", "settings": {"url": "http://127.0.0.1:9"}},
    ).json["id"]  # fmt: skip
    made = api.post("/v1/messages", token, json=ANN | {"programme_id": programme}).json
    assert (made["state"], made["held_by"], made["assurance"]) == ("scheduled", [], "light")
    draft = api.post("/v1/messages", token, json=ANN | {"programme_id": programme, "draft": True}).json["id"]
    moved = api.post(
        f"/v1/messages/{draft}/readdress", boss, json={"to": ["ann@example.org"], "accounts": [account]}
    )
    assert (moved.status_code, moved.json["errors"][0]["pointer"]) == (422, "/accounts")
    real = ANN | {"programme_id": programme, "accounts": [account]}
    assert api.post("/v1/messages", boss, json=real).json["state"] == "waiting", "real accounts want a check"


def test_approved_words_of_a_template_need_no_further_approval(api: Api, people: People) -> None:
    """C1, B6: the data may vary, the words may not."""
    boss, checker = people(), people()
    programme = api.post(
        "/v1/programmes", boss, json={"name": "P", "starts_on": "2026-01-01", "assurance": "reviewed"}
    ).json
    account = api.post(
        "/v1/connector_accounts", boss,
        json={"connector": "simulator", "name": "Mail", "settings": {"url": "http://127.0.0.1:9"}},
    ).json  # fmt: skip
    template = api.post(
        "/v1/templates", boss, json={"name": "Reminder", "programme_id": programme["id"]}
    ).json
    path = f"/v1/templates/{template['id']}/versions"
    version = api.post(path, boss, json={"subject": "Reminder", "text": "{{ data.when }}"}).json
    call = {
        "to": "ann@example.org", "template": template["id"], "data": {"when": "Tuesday"},
        "programme_id": programme["id"], "accounts": [account["id"]],
    }  # fmt: skip
    assert api.post("/v1/messages", boss, json=call).json["state"] == "waiting"
    approved = api.post(f"{path}/1/approve", checker, json={"digest": version["digest"]})
    assert approved.status_code == 200, approved.text
    assert (
        api.post("/v1/messages", boss, json=call | {"data": {"when": "Friday"}}).json["state"] == "scheduled"
    )
