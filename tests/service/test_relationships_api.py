"""Relationships by the API: role, owner, reviews, intention, promises, and the lists of what is missing."""

from __future__ import annotations

from datetime import timedelta

from campaigns.base import public_id
from service.wiring import Wiring

from .conftest import Api, People, good


def place(ids: dict[str, str]) -> str:
    return f"/v1/stakeholders/{ids['stk']}/involvements/{ids['prg']}"


def test_a_relationship_gets_a_role_an_owner_and_a_review(
    api: Api, people: People, wiring: Wiring, manager: str, ids: dict[str, str]
) -> None:
    role = {"role": "partner", "rank": "primary", "rationale": "They hold the keys"}
    assert good(api.post(f"{place(ids)}/roles", manager, json=role), 201)["role"] == "partner"
    missing = "/v1/relationships/without_owner?role=partner"
    assert [one["stakeholder_id"] for one in good(api.get(missing, manager))["data"]] == [ids["stk"]]
    me = public_id("usr", people.users[manager])
    owned = good(api.call("PUT", f"{place(ids)}/owners", manager, json={"owner_id": me, "deputy_id": None}))
    assert (owned["owner_id"], owned["deputy_id"], owned["rank"]) == (me, None, "primary")
    assert good(api.get(missing, manager))["data"] == []
    day = (wiring.now() + timedelta(days=30)).date()
    review = {"findings": "Well", "rating": "strong", "decision": "Go on", "next_on": str(day)}
    assert good(api.post(f"{place(ids)}/reviews", manager, json=review), 201)["next_on"] == str(day)
    due = f"/v1/relationships/reviews_due?mine=true&until={day}"
    assert [one["review_on"] for one in good(api.get(due, manager))["data"]] == [str(day)]
    assert good(api.get(f"/v1/relationships/reviews_due?until={wiring.now().date()}", manager))["data"] == []
    nobody = {"owner_id": "usr_0000000000001", "deputy_id": None}
    wrong = api.call("PUT", f"{place(ids)}/owners", manager, json=nobody)
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "/owner")


def test_whoever_is_committed_and_delivers_nothing_is_listed(
    api: Api, manager: str, ids: dict[str, str]
) -> None:
    said = {"intent": "committed", "contribution": "Ten helpers", "interaction_id": ids["itr"]}
    made = good(api.post(f"{place(ids)}/intents", manager, json=said), 201)
    assert (made["intent"], made["interaction_id"]) == ("committed", ids["itr"])
    late = f"/v1/relationships/undelivered?programme={ids['prg']}"
    assert [one["contribution"] for one in good(api.get(late, manager))["data"]] == ["Ten helpers"]
    good(api.post(f"{place(ids)}/intents", manager, json=said | {"intent": "delivering"}), 201)
    assert good(api.get(late, manager))["data"] == []


def test_a_promise_is_written_down_and_ended_with_evidence(
    api: Api, people: People, wiring: Wiring, manager: str, ids: dict[str, str]
) -> None:
    theirs = {"ours": False, "text": "A room", "due_on": str(wiring.now().date() - timedelta(days=1))}
    made = good(api.post(f"{place(ids)}/commitments", manager, json=theirs), 201)
    listed = good(api.get("/v1/commitments", manager))["data"]
    assert [one["id"] for one in listed] == [made["id"], ids["cmm"]]
    path, kept = f"/v1/commitments/{made['id']}/end", {"outcome": "kept", "evidence": "We met there"}
    assert api.post(path, people("viewer"), json=kept).status_code == 403
    assert good(api.post(path, manager, json=kept))["evidence"] == "We met there"
    assert api.post(path, manager, json=kept).status_code == 409
    of_both = good(api.get(f"{place(ids)}/commitments", manager))["data"]
    assert [one["outcome"] for one in of_both] == [None, "kept"]


def test_a_logged_contact_tells_who_was_there(
    api: Api, wiring: Wiring, manager: str, ids: dict[str, str]
) -> None:
    at = wiring.now().isoformat()
    met = {"stakeholder": ids["stk"], "programme_id": ids["prg"], "kind": "meeting", "at": at}
    made = good(api.post("/v1/interactions", manager, json=met | {"participants": "Ann, Bo"}), 201)
    better = api.post(
        f"/v1/interactions/{made['id']}/correct", manager, json={"participants": "Ann, Bo, Ceri"}
    )
    assert (made["participants"], good(better, 201)["participants"]) == ("Ann, Bo", "Ann, Bo, Ceri")
