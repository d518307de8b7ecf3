"""The calendar's quiet periods, promises, queue times and mix, by the API."""

from __future__ import annotations

from datetime import timedelta

from campaigns.messages.mix import quarter_of
from service.wiring import Wiring

from .conftest import Api, People, good

ELECTION = {"name": "Election", "reason": "The law"}


def test_a_quiet_period_begins_and_is_ended_with_a_reason(
    api: Api, wiring: Wiring, manager: str, ids: dict[str, str]
) -> None:
    now = wiring.now()
    times = {"from": now.isoformat(), "until": (now + timedelta(days=1)).isoformat()}
    body = {"programme_id": ids["prg"], **ELECTION, **times, "except_urgent": True}
    made = good(api.post("/v1/quiet_periods", manager, json=body), 201)
    assert (made["programme_id"], made["except_urgent"], made["except_service"]) == (ids["prg"], True, False)
    path = f"/v1/quiet_periods/{made['id']}/end"
    assert api.post(path, manager, json={}).status_code == 422
    ended = good(api.post(path, manager, json={"why": "Called off"}))
    assert ended["ended_why"] == "Called off" and ended["ended_by"].startswith("usr_")
    assert api.post(path, manager, json={"why": "again"}).json["code"] == "already_done"
    assert {made["id"], ids["qtp"]} == {
        one["id"] for one in good(api.get("/v1/quiet_periods", manager))["data"]
    }
    backwards = body | {"from": times["until"], "until": times["from"]}
    wrong = api.post("/v1/quiet_periods", manager, json=backwards)
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "/until")


def test_a_strategy_promises_so_many_a_week_and_takes_it_back(
    api: Api, manager: str, ids: dict[str, str]
) -> None:
    body = {
        "strategy_id": ids["str"], "channel": "email", "times": 3, "warn_days": 2, "zone": "Europe/London"
    }  # fmt: skip
    changed = good(api.call("PUT", "/v1/cadence_promises", manager, json=body))
    assert (changed["id"], changed["times"]) == (ids["pms"], 3)
    (kept,) = good(api.get("/v1/cadence_promises", manager))["data"]
    assert kept["promise"] == changed and {week["state"] for week in kept["weeks"]} <= {
        "kept", "missed", "gap", "open",
    }  # fmt: skip
    assert api.delete(f"/v1/cadence_promises/{ids['pms']}", manager).status_code == 204
    assert good(api.get("/v1/cadence_promises", manager))["data"] == []


def test_a_message_is_put_into_the_next_queue_time_of_its_account(
    api: Api, manager: str, ids: dict[str, str]
) -> None:
    (known,) = good(api.get("/v1/queue_slots", manager))["data"]
    assert (known["id"], known["account_id"], known["wall"]) == (ids["slt"], ids["acc"], "09:00")
    slot = {"account_id": ids["acc"], "weekday": 2, "wall": "17:30", "zone": "Europe/London"}
    made = good(api.post("/v1/queue_slots", manager, json=slot), 201)
    assert api.post("/v1/queue_slots", manager, json=slot).status_code == 409
    draft = {
        "draft": True,
        "to": "bo@example.org",
        "text": "Hello",
        "subject": "Hi",
        "accounts": [ids["acc"]],
    }
    message = good(api.post("/v1/messages", manager, json=draft | {"programme_id": ids["prg"]}), 201)
    for slot_id in (ids["slt"], made["id"]):
        assert api.post(f"/v1/messages/{message['id']}/enqueue", manager).status_code == 200
        assert api.delete(f"/v1/queue_slots/{slot_id}", manager).status_code == 204
    none = api.post(f"/v1/messages/{message['id']}/enqueue", manager)
    assert (none.status_code, none.json["code"]) == (409, "conflict")


def test_the_mix_of_a_quarter_is_meant_and_counted(
    api: Api, wiring: Wiring, manager: str, ids: dict[str, str]
) -> None:
    quarter = quarter_of(wiring.now().date())
    put = {"programme_id": ids["prg"], "quarter": quarter, "shares": {"informative": 60, "educational": 40}}
    assert good(api.call("PUT", "/v1/mix", manager, json=put))["shares"] == put["shares"]
    aim = {"aim": "educational"}
    assert good(api.call("PUT", f"/v1/messages/{ids['msg']}/aim", manager, json=aim))["aim"] == "educational"
    found = good(api.get(f"/v1/mix?quarter={quarter}&programme={ids['prg']}", manager))["data"]
    shares = {one["aim"]: (one["went"] + one["planned"], one["target"]) for one in found}
    assert shares["educational"] == (1, 40) and shares["informative"] == (0, 60)
    too_much = put | {"shares": {"informative": 61, "educational": 40}}
    assert api.call("PUT", "/v1/mix", manager, json=too_much).status_code == 422
    assert api.get("/v1/mix?quarter=2026-Q5", manager).status_code == 422


def test_whoever_only_reads_changes_nothing_of_the_rhythm(
    api: Api, wiring: Wiring, people: People, ids: dict[str, str]
) -> None:
    viewer = people("viewer")
    assert api.delete(f"/v1/queue_slots/{ids['slt']}", viewer).json["code"] == "scope_missing"
    assert api.post(f"/v1/quiet_periods/{ids['qtp']}/end", viewer, json={"why": "-"}).status_code == 403
    assert len(good(api.get("/v1/queue_slots", viewer))["data"]) == 1
