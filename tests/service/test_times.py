"""/v1/messages that recur: the rule with the message, its times in a list, each moved and called off by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.delivery import rollout
from campaigns.delivery.tables import Delivery, Rollout
from service.wiring import Wiring

from .conftest import Api, People

ANN: dict[str, Any] = {"to": "ann@example.org", "subject": "Walk", "text": "Come along"}
DAY = (datetime.now(UTC) + timedelta(days=7)).date()
WEEKLY: dict[str, Any] = {
    "to": "ann@example.org", "subject": "Walk", "text": "Come along",
    "send_at": {"local": f"{DAY}T09:00", "zone": "Europe/London"}, "timing": {"rule": "FREQ=WEEKLY;COUNT=3"},
}  # fmt: skip


@pytest.fixture
def token(people: People) -> str:
    """Practice: its messages reach nobody, and need no account to be connected first."""
    return people("author", kind="test")


def times(api: Api, token: str, message: dict[str, Any]) -> list[dict[str, Any]]:
    return list(api.get(f"/v1/messages/{message['id']}/occurrences", token).json["data"])


def test_a_message_tells_its_rule_and_each_of_its_times(api: Api, token: str) -> None:
    """C12"""
    made = api.post("/v1/messages", token, json=WEEKLY).json
    assert made["timing"]["rule"] == "FREQ=WEEKLY;COUNT=3" and made["counts"]["intended"] == 0
    found = times(api, token, made)
    assert [one["local"] for one in found] == [f"{DAY + timedelta(weeks=n)}T09:00:00" for n in range(3)]
    assert {one["state"] for one in found} == {"planned"} and found[0]["counts"]["intended"] == 0
    assert made["send_at"] == found[0]["due_at"]


def test_one_time_is_moved_and_one_called_off(api: Api, token: str) -> None:
    """C12"""
    made = api.post("/v1/messages", token, json=WEEKLY).json
    first, second, _ = times(api, token, made)
    path = f"/v1/messages/{made['id']}/occurrences"
    when = {"send_at": f"{DAY}T12:00:00Z"}
    moved = api.post(f"{path}/{first['id']}/move", token, json=when)
    assert (moved.status_code, moved.json["due_at"]) == (200, when["send_at"])
    assert api.post(f"{path}/{second['id']}/cancel", token).json["state"] == "cancelled"
    assert api.post(f"{path}/{second['id']}/cancel", token).json["code"] == "already_done"
    found = times(api, token, made)
    assert [one["state"] for one in found] == ["planned", "cancelled", "planned"]
    assert found[0]["moved_by"] and found[0]["local"] == f"{DAY}T09:00:00" and not found[2]["moved_by"]


def test_when_the_last_that_was_left_is_called_off_it_is_finished(api: Api, token: str) -> None:
    made = api.post("/v1/messages", token, json=WEEKLY).json
    for one in times(api, token, made):
        api.post(f"/v1/messages/{made['id']}/occurrences/{one['id']}/cancel", token)
    assert api.get(f"/v1/messages/{made['id']}", token).json["state"] == "finished"


def test_the_rule_is_changed_and_taken_away(api: Api, token: str) -> None:
    made = api.post("/v1/messages", token, json=WEEKLY).json
    path, anyhow = f"/v1/messages/{made['id']}", {"If-Match": "*"}
    daily = api.patch(path, token, headers=anyhow, json={"timing": {"rule": "FREQ=DAILY;COUNT=2"}})
    assert daily.json["timing"]["rule"] == "FREQ=DAILY;COUNT=2" and len(times(api, token, made)) == 2
    once = api.patch(path, token, headers=anyhow, json={"timing": {"rule": None}})
    assert once.json["timing"]["rule"] is None and len(times(api, token, made)) == 1


def test_a_rule_that_is_none_is_pointed_at_and_a_time_of_another_message_is_not_found(
    api: Api, token: str
) -> None:
    answer = api.post("/v1/messages", token, json=WEEKLY | {"timing": {"rule": "FREQ=HOURLY"}})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/timing/rule")
    one, other = (api.post("/v1/messages", token, json=WEEKLY).json for _ in range(2))
    foreign = times(api, token, other)[0]["id"]
    assert api.post(f"/v1/messages/{one['id']}/occurrences/{foreign}/cancel", token).status_code == 404


def test_the_rehearsal_tells_when_each_recipient_gets_it(api: Api, token: str, people: People) -> None:
    """E2, E11"""
    own = WEEKLY | {"timing": {"own_zone": True, "passed": "next_day"}}
    made = api.post("/v1/messages", token, json=own).json
    usual = {
        "missed": "late", "late_s": 86_400, "first_share": None, "then_s": 3600, "bounced_pm": 50, "complained_pm": 3,
        "after": None, "asks": "not_answered", "after_s": 604_800,
    }  # fmt: skip
    assert made["timing"] == {"rule": None, "own_zone": True, "passed": "next_day", **usual}
    (row,) = api.post(f"/v1/messages/{made['id']}/rehearse", token).json["data"]
    assert row["due_at"] == made["send_at"]  # nobody knows Ann's zone


def test_a_roll_out_that_stopped_is_told_and_let_go_by_whoever_may_approve(
    api: Api, token: str, people: People, wiring: Wiring
) -> None:
    """E10"""
    first = ANN | {"timing": {"first_share": 10, "then_s": 3600}}
    made = api.post("/v1/messages", token, json=first).json
    (one,) = times(api, token, made)
    assert one["roll_out"]["done"] is None
    with wiring.database.write() as session:
        row, found = session.scalars(select(Delivery)).one(), session.scalars(select(Rollout)).one()
        found.decide_at = wiring.now()
        row.state, row.due_at = "bounced", found.decide_at - timedelta(minutes=1)
        session.flush()
        assert rollout.decide(session, wiring.now()) == 1
    (one,) = times(api, token, made)
    assert (one["roll_out"]["done"], one["roll_out"]["bounced"]) == ("stopped", 1)
    held = api.get(f"/v1/messages/{made['id']}", token).json
    assert [each["kind"] for each in held["held_by"]] == ["rollout_stopped"]
    path = f"/v1/messages/{made['id']}/occurrences/{one['id']}/go_on"
    assert api.post(path, token).status_code == 403
    assert api.post(path, people()).json["overruled_by"]
    assert api.get(f"/v1/messages/{made['id']}", token).json["held_by"] == []


def test_a_follow_up_tells_what_it_follows_and_waits_for_it(api: Api, token: str) -> None:
    """E14"""
    first = api.post("/v1/messages", token, json=ANN).json
    asked = {"after": first["id"], "asks": "not_answered", "after_s": 86_400}
    words = {name: ANN[name] for name in ("subject", "text")}
    second = api.post("/v1/messages", token, json=words | {"timing": asked})
    assert second.status_code == 201, second.text
    told = second.json
    assert {name: told["timing"][name] for name in asked} == asked
    assert (told["state"], times(api, token, told)) == ("scheduled", [])
    ring = {"timing": {"after": told["id"]}}
    answer = api.patch(f"/v1/messages/{told['id']}", token, headers={"If-Match": "*"}, json=ring)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/timing/after")


def test_only_what_the_caller_sees_is_followed_up(api: Api, token: str, people: People) -> None:
    asked = {"after": "msg_0000000000001"}
    answer = api.post("/v1/messages", token, json={"subject": "Walk", "text": "Come", "timing": asked})
    assert answer.status_code == 404
