"""The rest of what pages can do, by the API: topics, forms, tasks, plans, comments, blocks, attachments."""

from __future__ import annotations

from io import BytesIO

from werkzeug.datastructures import FileStorage

from campaigns.base import public_id
from service.wiring import Wiring

from .conftest import Api, People, good

STAR = {"If-Match": "*"}


def test_a_topic_is_named_in_each_language_and_taken_out_of_use(
    api: Api, manager: str, ids: dict[str, str]
) -> None:
    body = {"programme_id": ids["prg"], "names": {"en": "Parks", "cy": "Parciau"}}
    made = good(api.post("/v1/topics", manager, json=body), 201)
    path = f"/v1/topics/{made['id']}"
    assert good(api.patch(path, manager, headers=STAR, json={"state": "archived"}))["state"] == "archived"
    assert made["id"] in {one["id"] for one in good(api.get("/v1/topics", manager))["data"]}
    wrong = api.post("/v1/topics", manager, json={"names": {}})
    assert wrong.status_code == 422


def test_a_form_keeps_its_words_and_tells_what_came_of_it(
    api: Api, manager: str, ids: dict[str, str]
) -> None:
    body = {
        "programme_id": ids["prg"], "kind": "survey", "slug": "how-was-it", "name": "How was it", "answers": "rating",
        "texts": {"en": {"title": "How was it?", "question": "From 1 to 5?"}},
    }  # fmt: skip
    made = good(api.post("/v1/forms", manager, json=body), 201)
    path = f"/v1/forms/{made['id']}"
    change = {"texts": {"en": {"title": "And?", "question": "1 to 5?"}}, "state": "closed"}
    changed = good(api.patch(path, manager, headers=STAR, json=change))
    assert (changed["wording"], changed["state"]) == (2, "closed")
    standing = good(api.get(f"{path}/standing", manager))
    assert standing["texts"]["en"]["title"] == "And?" and standing["confirmed"] == 0
    assert good(api.get(f"{path}/answers", manager))["data"] == []
    taken = api.post("/v1/forms", manager, json=body)
    assert (taken.status_code, taken.json["errors"][0]["pointer"]) == (409, "/slug")


def test_a_task_is_given_changed_done_and_taken_up_again(
    api: Api, people: People, wiring: Wiring, manager: str, ids: dict[str, str]
) -> None:
    me = public_id("usr", people.users[manager])
    on = str(wiring.now().date())
    body = {"programme_id": ids["prg"], "title": "Ring them", "owner": me, "on": on, "about": ids["stk"]}
    made = good(api.post("/v1/tasks", manager, json=body), 201)
    assert (made["about"], made["whole_day"], made["state"]) == (ids["stk"], True, "open")
    path = f"/v1/tasks/{made['id']}"
    better = {"title": "Write to them", "owner": me, "on": on, "clock": "09:30", "zone": "Europe/London"}
    assert api.call("PUT", path, manager, headers={"If-Match": '"9"'}, json=better).status_code == 412
    changed = good(api.call("PUT", path, manager, headers={"If-Match": '"1"'}, json=better))
    assert (changed["title"], changed["whole_day"]) == ("Write to them", False)
    assert good(api.post(f"{path}/end", manager, json={"state": "done"}))["ended_by"] == me
    assert [one["id"] for one in good(api.get("/v1/tasks?which=ended", manager))["data"]] == [made["id"]]
    assert good(api.post(f"{path}/reopen", manager))["state"] == "open"
    assert good(api.get("/v1/tasks", manager))["data"][0]["id"] == made["id"]
    assert api.post("/v1/tasks", manager, json=body | {"about": "stk_0000000000001"}).status_code == 404


def test_a_plan_has_objectives_with_readings_risks_and_priorities(
    api: Api, wiring: Wiring, manager: str, ids: dict[str, str]
) -> None:
    home = f"/v1/programmes/{ids['prg']}"
    aim = {"name": "Twice as many", "metric": "walkers", "unit": "people", "baseline": 100, "target": 200}
    made = good(api.post(f"{home}/objectives", manager, json=aim), 201)
    path = f"/v1/objectives/{made['id']}"
    reading = {"on": str(wiring.now().date()), "value": 150}
    good(api.post(f"{path}/readings", manager, json=reading), 201)
    assert good(api.get(f"{path}/readings", manager))["data"][0]["value"] == 150
    assert good(api.patch(path, manager, headers=STAR, json={"target": 300}))["target"] == 300
    assert api.patch(path, manager, headers=STAR, json={"target": "300"}).status_code == 422
    risk = {"kind": "threat", "name": "Rain", "likelihood": 2, "severity": 5}
    grave = good(api.post(f"{home}/risks", manager, json=risk), 201)
    closed = good(api.call("PUT", f"{home}/risks/{grave['id']}", manager, json={"state": "closed"}))
    assert closed["state"] == "closed"
    issue = good(api.post(f"{home}/priorities", manager, json={"name": "Litter", "reach": "community"}), 201)
    plan = good(api.get(f"{home}/plan", manager))
    found = {one["objective"]["id"]: one for one in plan["objectives"]}[made["id"]]
    assert found["share"] == 0.25 and "timed" in found["missing"]
    assert issue["id"] in {one["id"] for one in plan["priorities"]}
    assert api.delete(f"{home}/priorities/{issue['id']}", manager).status_code == 204
    assert api.delete(path, manager).status_code == 204
    assert good(api.get(path, manager))["state"] == "archived"


def test_a_comment_that_asks_for_a_change_is_settled(api: Api, manager: str, ids: dict[str, str]) -> None:
    path = f"/v1/messages/{ids['msg']}/comments"
    body = {"digest": "sha256:0", "text": "Say when", "asks": True}
    made = good(api.post(path, manager, json=body), 201)
    assert good(api.get(path, manager))["data"] == [made]
    settled = good(api.post(f"{path}/{made['id']}/settle", manager))
    assert settled["settled_by"].startswith("usr_")
    assert api.post(f"{path}/{made['id']}/settle", manager).json["code"] == "already_done"


def test_who_may_only_read_comments_on_nothing(api: Api, people: People, ids: dict[str, str]) -> None:
    path = f"/v1/messages/{ids['msg']}/comments"
    body = {"digest": "sha256:0", "text": "Say when"}
    assert api.post(path, people("viewer"), json=body).status_code == 403


def test_words_are_put_together_from_blocks(api: Api, manager: str, ids: dict[str, str]) -> None:
    path = f"/v1/content_items/{ids['cnt']}/variants/email/cy/blocks"
    blocks = [{"kind": "heading", "text": "Afon"}, {"kind": "text", "text": "Dewch <gyda> ni"}]
    made = good(api.call("PUT", path, manager, json={"subject": "Afon", "blocks": blocks}))
    assert "Dewch &lt;gyda&gt; ni" in made["html"] and "Dewch <gyda> ni" in made["text"]
    assert [one["kind"] for one in made["blocks"]] == ["heading", "text"]
    wrong = api.call("PUT", path, manager, json={"blocks": [{"kind": "script"}]})
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "/blocks/0")


def test_a_file_is_attached_to_a_contact_and_read_as_bytes_of_no_kind(
    api: Api, wiring: Wiring, manager: str, ids: dict[str, str]
) -> None:
    """D3, D7"""
    path = f"/v1/interactions/{ids['itr']}/attachments"
    file = FileStorage(
        BytesIO(b"<script>alert(1)</script>"), filename="../notes.html", content_type="text/html"
    )
    made = good(api.post(path, manager, data={"file": file}, content_type="multipart/form-data"), 201)
    assert made["name"] == "notes.html"
    read = api.get(f"{path}/{made['id']}", manager)
    assert read.content_type == "application/octet-stream" and read.data.startswith(b"<script>")
    assert read.headers["Content-Disposition"].startswith("attachment")
    assert len(good(api.get(path, manager))["data"]) == 2
    before = len(list((wiring.settings.folder / "attachments").rglob("*")))
    lost = FileStorage(BytesIO(b"x"), filename="a.txt")
    gone = "/v1/interactions/itr_0000000000001/attachments"
    assert api.post(gone, manager, data={"file": lost}, content_type="multipart/form-data").status_code == 404
    kept = [one for one in (wiring.settings.folder / "attachments").rglob("*") if one.is_file()]
    assert len(kept) == 2 and before
