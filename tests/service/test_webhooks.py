"""Outgoing webhooks: every fact once, signed, repeated until it is heard, and never anywhere inside."""

from __future__ import annotations

import json
import threading
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from sqlalchemy import select, update

from campaigns import audit
from campaigns.base import parse_id
from campaigns.delivery.tables import Account, Delivery, DeliveryEvent
from connectors import signatures
from connectors.api import NotAuthentic
from service import keys, notices, webhook_facts, webhooks
from service.commands import keys as key_command
from service.keys import KeyRing
from service.settings import Connectors
from service.tables import Grant, Notice, User, WebhookDelivery, WebhookEndpoint
from service.wiring import Wiring
from tests.connectors.far import Asked, Far, Said, running

from . import samples
from .conftest import Answer, Api, People


@dataclass
class Program(Far):
    """Another program's endpoint: it says 204, or what `says` has for it."""

    says: list[Said] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        return self.says.pop(0) if self.says else Said(204)

    @property
    def heard(self) -> list[Any]:
        return [json.loads(one.body) for one in self.asked]


@dataclass
class Desk:
    """An installation, an endpoint of its, and the hands of a clock."""

    wiring: Wiring
    api: Api
    admin: str
    program: Program
    now: datetime

    def endpoint(self, *kinds: str, **more: Any) -> dict[str, Any]:
        body = {"url": f"{self.program.url}/hook", "kinds": list(kinds or ("*",)), **more}
        answer = self.api.post("/v1/webhook_endpoints", self.admin, json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json
        return made

    def programme(self, name: str = "New") -> str:
        answer = self.api.post("/v1/programmes", self.admin, json={"name": name, "starts_on": "2027-01-01"})
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])

    def tell(self) -> list[Any]:
        """What the program hears by now."""
        before = len(self.program.asked)
        webhook_facts.gather(self.wiring.database, self.now)
        webhooks.send_due(self.wiring)
        return self.program.heard[before:]

    def row(self) -> WebhookDelivery:
        with self.wiring.database.read() as session:
            return session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id.desc())).first()  # type: ignore[return-value]

    def state(self, number: str) -> Answer:
        return self.api.get(f"/v1/webhook_endpoints/{number}", self.admin).json

    def log(self, number: str, **query: str) -> list[dict[str, Any]]:
        path = f"/v1/webhook_endpoints/{number}/deliveries"
        return list(self.api.get(path, self.admin, query_string=query).json["data"])


@pytest.fixture
def desk(wiring: Wiring, api: Api, people: People, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """With endpoints on this machine allowed, for the program is there."""
    wiring.settings = replace(wiring.settings, connectors=Connectors(local=True))
    with running(Program()) as program:
        now = datetime.now(UTC) - timedelta(minutes=1)
        made = Desk(wiring, api, people(expires_at=now + timedelta(days=60)), program, now)
        monkeypatch.setattr(wiring, "now", lambda: made.now)
        yield made


def test_what_was_done_is_told_signed_and_once(desk: Desk) -> None:
    """J6"""
    made = desk.endpoint("programme.*")
    number = desk.programme()
    (told,) = desk.tell()
    assert told["type"] == "programme.created" and told["data"]["id"] == number
    assert told["data"]["programme_id"] == number and told["data"]["actor"].startswith("usr_")
    asked = desk.program.asked[0]
    headers = dict(asked.headers)
    assert signatures.verify([made["secret"]], headers, asked.body, desk.now) == headers["webhook-id"]
    assert asked.headers["content-type"] == "application/json" and asked.path == "/hook"
    desk.now += timedelta(seconds=30)
    assert desk.tell() == []
    assert desk.log(made["id"])[0]["state"] == "sent"


def test_only_the_kinds_and_the_programmes_that_were_asked_for(desk: Desk, people: People) -> None:
    here = desk.programme("Here")
    inside = desk.endpoint("programme.policy", "priority.*", programme_id=here)
    assert desk.tell() == []
    desk.programme("Elsewhere")
    changed = desk.api.patch(
        f"/v1/programmes/{here}", desk.admin, headers={"If-Match": "*"}, json={"name": "Here still"}
    )
    assert changed.status_code == 200 and desk.tell() == []
    desk.now += timedelta(seconds=1)
    desk.endpoint("programme.changed", programme_id=here)
    desk.api.patch(f"/v1/programmes/{here}", desk.admin, headers={"If-Match": "*"}, json={"name": "Here"})
    assert [one["data"]["id"] for one in desk.tell()] == [here]
    stranger = people("administrator", parse_id("prg", desk.programme("Theirs")))
    assert desk.api.get(f"/v1/webhook_endpoints/{inside['id']}", stranger).status_code == 404


@pytest.mark.parametrize(
    ("kinds", "needed"),
    [
        (["*"], ["audit:read", "connectors:admin", "messages:read", "responses:read"]),
        (["consent.withdrawn"], ["audit:read"]),
        (["response.*"], ["audit:read", "responses:read"]),
        (["response.overdue", "delivery.opened"], ["messages:read", "responses:read"]),
        (["connector_account.expiring"], ["connectors:admin"]),
    ],
)
def test_nobody_has_a_program_told_what_they_may_not_read(
    desk: Desk, people: People, kinds: list[str], needed: list[str]
) -> None:
    """A token that connects accounts and reads nothing reads nothing by way of an endpoint."""
    ends: dict[str, Any] = {"expires_at": desk.now + timedelta(days=1)}
    for lacking in {*needed} - {"connectors:admin"}:
        scopes = ["connectors:admin", *(one for one in needed if one != lacking)]
        body = {"url": f"{desk.program.url}/hook", "kinds": kinds}
        answer = desk.api.post("/v1/webhook_endpoints", people(scopes=scopes, **ends), json=body)
        assert answer.status_code == 403, answer.json
    holder = people(scopes=["connectors:admin", *needed], **ends)
    path = "/v1/webhook_endpoints"
    made = desk.api.post(path, holder, json={"url": f"{desk.program.url}/hook", "kinds": kinds})
    assert made.status_code == 201, made.json
    narrow, star = people(scopes=["connectors:admin"], **ends), {"If-Match": "*"}
    change = desk.api.patch(f"{path}/{made.json['id']}", narrow, json={"kinds": ["*"]}, headers=star)
    assert change.status_code == 403


def test_a_body_is_thin_and_names_nobody(desk: Desk) -> None:
    desk.endpoint("*")
    person = {"kind": "person", "name": "Nia Llewelyn"}
    made = desk.api.post("/v1/stakeholders", desk.admin, json=person)
    assert made.status_code == 201, made.text
    told = [one for one in desk.tell() if one["type"] == "stakeholder.created"]
    assert told and made.json["id"] == told[0]["data"]["id"]
    assert all("Nia" not in one.body.decode() and len(one.body) < 20_000 for one in desk.program.asked)


def test_deliveries_responses_and_accounts_are_told_by_what_they_are(desk: Desk) -> None:
    desk.endpoint("delivery.*", "response.*", "message.finished", "connector_account.*")
    with desk.wiring.database.write() as session:
        ids = samples.world(session, desk.now, samples.programme(session, desk.now, "One"))
        values = {"state": "failed", "reason": "content_refused", "settled_at": desk.now, "batch_id": None}
        session.execute(update(Delivery).where(Delivery.id == ids["dlv"]).values(**values))
        account = session.get_one(Account, ids["acc"])
        account.login_ends_at = desk.now + timedelta(days=3)
    told = {one["type"]: one["data"] for one in desk.tell()}
    assert set(told) == {"delivery.failed", "response.received", "connector_account.expiring"}
    assert told["delivery.failed"]["reason"] == "content_refused"
    assert told["response.received"]["kind"] == "reply"
    with desk.wiring.database.write() as session:
        account = session.get_one(Account, ids["acc"])
        account.state, account.version, account.updated_at = "out_of_service", account.version + 1, desk.now
    assert [one["type"] for one in desk.tell()] == ["connector_account.out_of_service"]
    assert desk.tell() == []


def test_who_opened_it_is_told_with_the_verdict_and_anew_where_that_changes(desk: Desk) -> None:
    """F6"""
    desk.endpoint("delivery.clicked")
    with desk.wiring.database.write() as session:
        ids = samples.world(session, desk.now, samples.programme(session, desk.now, "One"))
        row = DeliveryEvent(
            delivery_id=ids["dlv"], stakeholder_id=ids["stk"], account_id=ids["acc"], kind="clicked", at=desk.now,
            event_key="c1", verdict="person",
        )  # fmt: skip
        session.add(row)
        session.flush()
        number = row.id
    assert [(one["data"]["verdict"], one["data"]["why"]) for one in desk.tell()] == [("person", None)]
    with desk.wiring.database.write() as session:
        row = session.get_one(DeliveryEvent, number)
        row.verdict, row.verdict_why = "machine", "burst"
    desk.now += timedelta(minutes=1)
    assert [(one["data"]["verdict"], one["data"]["why"]) for one in desk.tell()] == [("machine", "burst")]
    assert desk.tell() == []


def test_what_happened_meanwhile_comes_a_part_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much that is, no turn reads or writes all of it, and nothing is left out."""
    made = desk.endpoint("many.*")
    monkeypatch.setattr(webhook_facts, "AT_ONCE", 4)
    monkeypatch.setattr(webhook_facts, "TURN_MAX", 10)
    with desk.wiring.database.write() as session:
        for number in range(35):
            audit.note(
                session, desk.now + timedelta(milliseconds=number), "usr_1", "many.done", "programme", number
            )
            session.flush()
    desk.now += timedelta(hours=1)
    turns = [webhook_facts.gather(desk.wiring.database, desk.now) for _ in range(6)]
    assert sum(turns) == 35 and max(turns) <= 13 and turns[-1] == 0
    webhooks.send_due(desk.wiring)
    told = [one["data"]["id"] for one in desk.program.heard]
    assert len(told) == len(set(told)) == 35
    assert desk.state(made["id"])["state"] == "active"


def test_between_two_thorough_looks_only_what_is_just_over_is_read_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a million mails go out, five minutes of them every two seconds would be too much."""
    desk.endpoint("delivery.*")
    looked: list[timedelta] = []
    _find, *rest = webhook_facts.LOOKS[0]

    def remember(_session: Any, look: webhook_facts.Look) -> Iterator[webhook_facts.Fact]:
        looked.append(desk.now - look.since)
        return iter(())

    monkeypatch.setattr(webhook_facts, "LOOKS", ((remember, *rest),))
    desk.now += timedelta(minutes=30)
    for _ in range(65):
        desk.now += timedelta(seconds=2)
        desk.tell()
    late = webhook_facts.LATE
    assert len([one for one in looked if one >= late]) == 3  # the half hour at first, then once a minute
    assert max(one for one in looked if one < late) <= timedelta(seconds=72)


def test_one_endpoint_in_trouble_keeps_no_other_from_its_news(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = parse_id("whe", desk.endpoint("programme.created")["id"])
    desk.endpoint("programme.created")
    desk.programme()
    gather = webhook_facts._gather

    def one(database: Any, now: datetime, number: int) -> int:
        return gather(database, now, number) if number != broken else 1 // 0

    monkeypatch.setattr(webhook_facts, "_gather", one)
    assert len(desk.tell()) == 1


def test_a_fact_whose_transaction_ended_late_is_told_as_well(desk: Desk) -> None:
    desk.endpoint("late.*")
    began = desk.now
    desk.now += timedelta(minutes=4)
    assert desk.tell() == []
    with desk.wiring.database.write() as session:
        audit.note(session, began + timedelta(seconds=1), "usr_1", "late.done", "programme", 1)
    assert [one["type"] for one in desk.tell()] == ["late.done"]


def test_what_is_not_heard_is_repeated_under_the_same_id_and_bytes_for_three_days_then_given_up(
    desk: Desk,
) -> None:
    """J6: 0 s, 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, then disabled."""
    made = desk.endpoint("programme.created")
    desk.programme()
    desk.program.says = [Said(500)] * 20
    gaps = []
    for _ in range(webhooks.TRIES_MAX):
        assert len(desk.tell()) == 1
        row = desk.row()
        gaps.append(row.next_at - desk.now)
        assert desk.tell() == []
        desk.now = row.next_at
    waits = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    for gap, wait in zip(gaps, waits, strict=False):
        assert wait <= gap.total_seconds() <= wait * 1.1
    assert desk.tell() == [] and len(desk.program.asked) == webhooks.TRIES_MAX == 10
    assert len({one.headers["webhook-id"] for one in desk.program.asked}) == 1
    assert len({one.body for one in desk.program.asked}) == 1
    state = desk.state(made["id"])
    assert (state["state"], state["state_reason"]) == ("disabled", "it answered 500")
    (told,) = desk.log(made["id"], state="failed")
    assert told["tries"] == 10 and [one["status"] for one in told["log"]] == [500] * 10


def test_who_set_it_up_is_told_that_it_was_given_up(desk: Desk) -> None:
    made = desk.endpoint("programme.created", about="The newsletter")
    with desk.wiring.database.write() as session:
        user = User(name="Ann", email_key="ann@example.org", created_at=desk.now, updated_at=desk.now)
        session.add(user)
        session.flush()
        session.add(Grant(user_id=user.id, role="administrator", programme_id=None, created_at=desk.now))
    desk.programme()
    desk.program.says = [Said(410)]
    desk.tell()
    assert desk.state(made["id"])["state"] == "disabled"
    notices.gather(desk.wiring.database, desk.now, "Europe/London")
    with desk.wiring.database.read() as session:
        found = session.scalars(select(Notice).where(Notice.kind == "webhook_stopped")).all()
    assert [one.facts["name"] for one in found] == ["The newsletter"] * len(found) and found


def test_an_endpoint_that_hears_everything_else_is_not_given_up_for_one_call(desk: Desk) -> None:
    made = desk.endpoint("programme.created")
    desk.programme("Odd")
    desk.program.says = [Said(400)]
    desk.tell()
    odd = desk.row().id
    desk.programme("Even")
    assert len(desk.tell()) == 1
    with desk.wiring.database.write() as session:
        row = session.get_one(WebhookDelivery, odd)
        row.tries, row.next_at, row.log = 9, desk.now, row.log * 9
    desk.program.says = [Said(400)]
    desk.tell()
    assert desk.state(made["id"])["state"] == "active"
    assert [one["state"] for one in desk.log(made["id"])] == ["sent", "failed"]


def test_an_endpoint_that_asks_for_time_gets_it_for_all_of_its_calls(desk: Desk) -> None:
    desk.endpoint("programme.created")
    desk.program.says = [Said(429, b"", {"Retry-After": "600"})]
    for name in ("One", "Two", "Three"):
        desk.programme(name)
    assert len(desk.tell()) == 1
    desk.now += timedelta(minutes=9)
    assert desk.tell() == []
    desk.now += timedelta(minutes=2)
    assert len(desk.tell()) == 3


def test_set_active_again_it_hears_what_happened_meanwhile(desk: Desk) -> None:
    made = desk.endpoint("programme.created")
    path = f"/v1/webhook_endpoints/{made['id']}"
    star = {"If-Match": "*"}
    desk.api.patch(path, desk.admin, headers=star, json={"state": "disabled"})
    desk.programme()
    assert desk.tell() == []
    desk.now += timedelta(hours=5)
    desk.api.patch(path, desk.admin, headers=star, json={"state": "active"})
    assert len(desk.tell()) == 1


def test_a_replay_tells_it_once_more_under_its_first_id(desk: Desk) -> None:
    made = desk.endpoint("programme.created")
    desk.programme()
    desk.tell()
    number = desk.log(made["id"])[0]["id"]
    path = f"/v1/webhook_endpoints/{made['id']}"
    answer = desk.api.post(f"{path}/deliveries/{number}/replay", desk.admin)
    assert (answer.status_code, answer.json["state"]) == (202, "waiting")
    assert len(desk.tell()) == 1
    first, second = desk.program.asked
    assert first.headers["webhook-id"] == second.headers["webhook-id"] and first.body == second.body
    assert len(desk.log(made["id"])[0]["log"]) == 2
    since = {"since": (desk.now - timedelta(hours=1)).isoformat()}
    assert desk.api.post(f"{path}/replay", desk.admin, json=since).json == {"count": 0}
    with desk.wiring.database.write() as session:
        session.execute(update(WebhookDelivery).values(state="failed"))
    assert desk.api.post(f"{path}/replay", desk.admin, json=since).json == {"count": 1}
    assert len(desk.tell()) == 1


def test_a_trial_shows_whether_it_hears(desk: Desk) -> None:
    made = desk.endpoint("nothing.ever")
    assert desk.api.post(f"/v1/webhook_endpoints/{made['id']}/test", desk.admin).status_code == 202
    assert [one["type"] for one in desk.tell()] == ["webhook_endpoint.tested"]


class Curt(BaseHTTPRequestHandler):
    """A program that answers as Python's own server does where nobody tells it more: no length, no body."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words: Any) -> None:
        """Nothing."""


def test_an_answer_without_a_length_is_heard(desk: Desk) -> None:
    """Its status is all that is asked: before, whoever answered so was called for three days."""
    with HTTPServer(("127.0.0.1", 0), Curt) as curt:
        threading.Thread(target=curt.handle_request, daemon=True).start()
        made = desk.endpoint("programme.created", url=f"http://127.0.0.1:{curt.server_port}/hook")
        desk.programme()
        desk.tell()
    (told,) = desk.log(made["id"])
    assert (told["state"], told["tries"], told["log"][0]["status"]) == ("sent", 1, 200)


def test_while_a_secret_is_changed_both_sign(desk: Desk) -> None:
    made = desk.endpoint("programme.created")
    renewed = desk.api.post(
        f"/v1/webhook_endpoints/{made['id']}/rotate", desk.admin, json={"overlap_s": 3600}
    ).json
    for hours, proven in ((0, [True, True]), (2, [True, False])):
        desk.now += timedelta(hours=hours)
        desk.programme(f"P{hours}")
        desk.tell()
        asked = desk.program.asked[-1]
        found = []
        for secret in (renewed["secret"], made["secret"]):
            try:
                signatures.verify([secret], dict(asked.headers), asked.body, desk.now)
                found.append(True)
            except NotAuthentic:
                found.append(False)
        assert found == proven


def test_the_secret_is_sealed_and_shown_once_and_sealed_anew_with_the_ring(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = desk.endpoint()
    assert "secret" not in desk.state(made["id"])
    monkeypatch.setattr(key_command, "wired", lambda: desk.wiring)
    monkeypatch.setattr(desk.wiring, "close", lambda: None)
    key_command.run(Namespace(verb="rotate"))
    newest = KeyRing(keys.load(desk.wiring.settings.folder).keys[:1])
    with desk.wiring.database.read() as session:
        row = session.scalars(select(WebhookEndpoint)).one()
        assert newest.open(row.id, row.secrets)["now"] == made["secret"]
        assert made["secret"].encode() not in (row.secrets or b"")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "ftp://hooks.example/x",
        "https://user:pw@hooks.example/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://0x7f000001/x",
        "https://hooks.example:99999/x",
        "https://hooks example/x",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_is_not_public_and_https_is_refused_or_never_called(
    desk: Desk, url: str, admin: str
) -> None:
    """U1, U2, U5"""
    desk.wiring.settings = replace(desk.wiring.settings, connectors=Connectors(local=False))
    with running(Program()) as trap:
        given = url.replace("/x", f":{trap.port}/x") if url.count(":") == 1 else url
        answer = desk.api.post("/v1/webhook_endpoints", admin, json={"url": given, "kinds": ["*"]})
        if answer.status_code == 201:
            desk.programme()
            desk.tell()
            told = desk.log(answer.json["id"])[-1]
            assert told["state"] == "waiting" and told["log"][0]["status"] is None
        else:
            assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/url")
        assert trap.asked == []


def test_a_name_inside_and_one_that_nobody_knows_are_told_alike(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U1: whoever may set up an endpoint learns no names of the network that this runs in."""
    desk.wiring.settings = replace(desk.wiring.settings, connectors=Connectors(local=False))

    def look_up(host: str, *given: Any, **more: Any) -> list[Any]:
        if host == "inside.example":
            return [(2, 1, 6, "", ("10.0.0.7", 443))]
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    told = []
    for host in ("inside.example", "nobody.example"):
        made = desk.endpoint("programme.created", url=f"https://{host}/x")
        desk.programme()
        desk.tell()
        told.append(desk.log(made["id"])[-1]["log"][0]["error"].replace(host, ""))
    assert told[0] == told[1] != ""


def test_a_redirect_is_not_followed(desk: Desk) -> None:
    """U4"""
    made = desk.endpoint("programme.created")
    desk.programme()
    desk.program.says = [Said(302, b"", {"Location": f"{desk.program.url}/inside"})]
    desk.tell()
    assert [one.path for one in desk.program.asked] == ["/hook"]
    assert desk.log(made["id"])[0]["log"][0]["status"] == 302


def test_a_worker_that_died_during_a_call_leaves_it_to_another(desk: Desk) -> None:
    desk.endpoint("programme.created")
    desk.programme()
    webhook_facts.gather(desk.wiring.database, desk.now)
    with desk.wiring.database.write() as session:
        assert webhooks._take(session, desk.now, session.scalars(select(WebhookEndpoint.id)).one())
    assert desk.tell() == []
    desk.now += webhooks.LEASE
    assert len(desk.tell()) == 1


def test_it_is_given_up_though_a_try_ended_with_its_worker(desk: Desk) -> None:
    """Such a try left no line in the log: the last one found too few, and was made again for ever."""
    made = desk.endpoint("programme.created")
    desk.programme()
    webhook_facts.gather(desk.wiring.database, desk.now)
    with desk.wiring.database.write() as session:
        assert webhooks._take(session, desk.now, session.scalars(select(WebhookEndpoint.id)).one())
    desk.now += webhooks.LEASE
    desk.program.says = [Said(500)] * 20
    for _ in range(webhooks.TRIES_MAX - 1):
        assert len(desk.tell()) == 1
        desk.now = desk.row().next_at
    assert desk.tell() == [] and desk.state(made["id"])["state"] == "disabled"


def test_an_endpoint_is_removed_with_its_log_and_the_log_ends_after_a_month(desk: Desk) -> None:
    made = desk.endpoint("programme.created")
    desk.programme()
    desk.tell()
    desk.now += timedelta(days=31)
    with desk.wiring.database.write() as session:
        assert webhooks.forget(session, desk.now) == 1
    path = f"/v1/webhook_endpoints/{made['id']}"
    assert desk.api.delete(path, desk.admin).status_code == 204
    assert desk.api.get(path, desk.admin).status_code == 404


def test_what_waits_for_an_endpoint_that_was_given_up_is_dropped_when_it_is_too_old_to_be_told(
    desk: Desk,
) -> None:
    made = desk.endpoint("programme.created")
    desk.programme()
    webhook_facts.gather(desk.wiring.database, desk.now)
    path, star = f"/v1/webhook_endpoints/{made['id']}", {"If-Match": "*"}
    for state, days, dropped in (("active", 8, 0), ("disabled", 0, 1)):
        desk.api.patch(path, desk.admin, headers=star, json={"state": state})
        desk.now += timedelta(days=days)
        with desk.wiring.database.write() as session:
            assert webhooks.forget(session, desk.now) == dropped
    desk.api.patch(path, desk.admin, headers=star, json={"state": "active"})
    assert desk.tell() == []


def test_words_that_are_no_kinds_are_refused(desk: Desk) -> None:
    for kinds in ([], ["message"], ["message.**"], ["Message.created"], ["message.created "], [""], "*"):
        body = {"url": "https://hooks.example/x", "kinds": kinds}
        answer = desk.api.post("/v1/webhook_endpoints", desk.admin, json=body)
        assert answer.status_code == 422, kinds


def test_an_endpoint_that_cannot_be_called_at_all_waits_and_keeps_nobody_busy(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.endpoint("programme.created")
    desk.programme()

    def broken(*given: object) -> None:
        raise keys.BadKeyRing("no key opens this")

    monkeypatch.setattr(webhooks, "_target", broken)
    assert desk.tell() == [] and webhooks.send_due(desk.wiring) is False
    monkeypatch.undo()
    monkeypatch.setattr(desk.wiring, "now", lambda: desk.now)
    desk.now += timedelta(minutes=2)
    assert len(desk.tell()) == 1


def test_a_call_that_fails_in_us_costs_no_other_endpoint_its_turn(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ill = parse_id("whe", desk.endpoint("programme.created")["id"])
    desk.endpoint("programme.created")
    desk.programme()
    signed = webhooks._signed

    def broken(target: webhooks.Target, call: webhooks.Call, now: datetime) -> dict[str, str]:
        if target.id == ill:
            raise KeyError("secret")
        return signed(target, call, now)

    monkeypatch.setattr(webhooks, "_signed", broken)
    assert len(desk.tell()) == 1
    monkeypatch.undo()
    monkeypatch.setattr(desk.wiring, "now", lambda: desk.now)
    desk.now += webhooks.LEASE
    assert len(desk.tell()) == 1


def test_a_worker_that_is_told_to_stop_begins_no_further_call(desk: Desk) -> None:
    desk.endpoint("programme.created")
    desk.programme()
    webhook_facts.gather(desk.wiring.database, desk.now)
    webhooks.send_due(desk.wiring, lambda: True)
    assert desk.program.asked == []
