"""Permissions and suppressions by API: what they say, who sees them, and that they win."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.base import parse_id, public_id
from campaigns.stakeholders import addresses, consent, people
from service.wiring import Wiring

from . import samples
from .conftest import Api, People

CONSENTS, SUPPRESSIONS = "/v1/consents", "/v1/suppressions"
WHAT = {"purpose": "direct_marketing", "channel": "email", "source": "form at the fair"}
GIVEN = {**WHAT, "basis": "consent", "wording_version": "2026-1"}


@pytest.fixture
def ann(api: Api, admin: str) -> str:
    """Somebody in General who has an address."""
    values = {"name": "Ann", "addresses": [{"channel": "email", "value": "ann@example.org"}]}
    return str(api.post("/v1/stakeholders", admin, json=values).json["id"])


@pytest.fixture
def elsewhere(wiring: Wiring) -> int:
    """A second programme."""
    with wiring.database.write() as session:
        return samples.programme(session, wiring.now(), "Elsewhere")


@pytest.fixture
def bo(wiring: Wiring, elsewhere: int) -> str:
    """Somebody in the second programme with the same address."""
    with wiring.database.write() as session:
        made = people.create(session, wiring.now(), kind="person", name="Bo")
        people.involve(session, wiring.now(), made.id, elsewhere)
        addresses.add(session, wiring.now(), made.id, "email", "ann@example.org")
        return public_id("stk", made.id)


def may(wiring: Wiring, stakeholder: str, key: str = "ann@example.org") -> str | None:
    """The reason why a mailing may not go; None: it may."""
    pair = (parse_id("stk", stakeholder), key)
    with wiring.database.read() as session:
        decided = consent.decide(
            session, wiring.now(), purpose="direct_marketing", channel="email", pairs=[pair]
        )
    return decided[pair].reason


def test_permission_is_given_withdrawn_and_both_stay_on_the_record(
    api: Api, admin: str, ann: str, wiring: Wiring
) -> None:
    """H1"""
    given = api.post(CONSENTS, admin, json={**GIVEN, "stakeholder_id": ann, "evidence": {"form": 7}})
    assert (given.status_code, given.json["act"], given.json["evidence"]) == (201, "given", {"form": 7})
    assert may(wiring, ann) is None
    withdrawn = api.post(f"{CONSENTS}/withdraw", admin, json={**WHAT, "stakeholder_id": ann})
    assert (withdrawn.status_code, withdrawn.json["act"]) == (201, "withdrawn")
    assert may(wiring, ann) == "no_lawful_basis"
    listed = api.get(f"{CONSENTS}?stakeholder_id={ann}&purpose=direct_marketing", admin).json["data"]
    assert [row["act"] for row in listed] == ["given", "withdrawn"]
    assert {row["actor"] for row in listed} == {given.json["actor"]}


def test_who_has_opted_out_is_not_opted_in_by_us(api: Api, admin: str, ann: str) -> None:
    """C17"""
    api.post(f"{CONSENTS}/withdraw", admin, json={**WHAT, "stakeholder_id": ann})
    again = {**WHAT, "stakeholder_id": ann, "basis": "soft_opt_in_sale"}
    answer = api.post(CONSENTS, admin, json=again)
    assert (answer.status_code, answer.json["code"]) == (409, "opted_out")


def test_a_suppression_stops_an_address_until_it_is_lifted(
    api: Api, admin: str, ann: str, wiring: Wiring
) -> None:
    api.post(CONSENTS, admin, json={**GIVEN, "stakeholder_id": ann})
    body = {"channel": "email", "address": "Ann@Example.org", "reason": "hard_bounce", "origin": "customer"}
    made = api.post(SUPPRESSIONS, admin, json=body)
    assert (made.status_code, made.json["address_key"]) == (201, "ann@example.org")
    assert may(wiring, ann) == "suppressed"
    assert api.post(SUPPRESSIONS, admin, json=body).json["id"] == made.json["id"]
    path = f"{SUPPRESSIONS}/{made.json['id']}/lift"
    assert api.post(path, admin, json={}).status_code == 422
    lifted = api.post(path, admin, json={"why": "the mailbox is back"})
    assert (lifted.status_code, lifted.json["lifted_why"]) == (200, "the mailbox is back")
    assert may(wiring, ann) is None
    assert api.post(path, admin, json={"why": "again"}).json["code"] == "already_done"
    standing = [api.get(f"{SUPPRESSIONS}?standing={flag}", admin).json["data"] for flag in ("true", "false")]
    assert standing == [[], [lifted.json]]


def test_what_stops_somebody_is_found_by_their_addresses_too(api: Api, admin: str, ann: str) -> None:
    api.post(SUPPRESSIONS, admin, json={"channel": "email", "address": "ann@example.org"})
    api.post(SUPPRESSIONS, admin, json={"channel": "email", "address": "other@example.org"})
    api.post(SUPPRESSIONS, admin, json={"channel": "*", "stakeholder_id": ann, "reason": "no_contact"})
    found = api.get(f"{SUPPRESSIONS}?stakeholder_id={ann}&standing=true", admin).json["data"]
    assert [(row["channel"], row["reason"]) for row in found] == [("email", "manual"), ("*", "no_contact")]


def test_nobody_of_another_programme_is_given_withdrawn_suppressed_or_lifted(
    api: Api, people: People, admin: str, ann: str, elsewhere: int
) -> None:
    """R33"""
    token = people("steward", elsewhere)
    standing = api.post(SUPPRESSIONS, admin, json={"channel": "email", "stakeholder_id": ann}).json
    for answer in (
        api.get(f"{CONSENTS}?stakeholder_id={ann}", token),
        api.post(CONSENTS, token, json={**GIVEN, "stakeholder_id": ann}),
        api.post(f"{CONSENTS}/withdraw", token, json={**WHAT, "stakeholder_id": ann}),
        api.get(f"{SUPPRESSIONS}?stakeholder_id={ann}", token),
        api.post(SUPPRESSIONS, token, json={"channel": "email", "stakeholder_id": ann}),
        api.post(SUPPRESSIONS, token, json={"channel": "email", "address": "ann@example.org"}),
        api.post(SUPPRESSIONS, token, json={"channel": "email", "address": "absent@example.org"}),
        api.post(f"{SUPPRESSIONS}/{standing['id']}/lift", token, json={"why": "mine"}),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), answer.text
    assert api.get(CONSENTS, token).json["data"] == api.get(SUPPRESSIONS, token).json["data"] == []


def test_a_shared_address_shows_that_it_is_stopped_but_not_whose_record_says_so(
    api: Api, people: People, admin: str, ann: str, bo: str, elsewhere: int
) -> None:
    """R33"""
    api.post(
        SUPPRESSIONS,
        admin,
        json={"channel": "email", "address": "ann@example.org", "stakeholder_id": ann},
    )
    token = people("steward", elsewhere)
    (row,) = api.get(f"{SUPPRESSIONS}?stakeholder_id={bo}", token).json["data"]
    assert (row["address_key"], row["stakeholder_id"]) == ("ann@example.org", None)
    assert api.get(SUPPRESSIONS, admin).json["data"][0]["stakeholder_id"] == ann


def test_reading_is_not_lifting(api: Api, people: People, admin: str, ann: str, general: int) -> None:
    standing = api.post(SUPPRESSIONS, admin, json={"channel": "email", "stakeholder_id": ann}).json
    token = people("author", general)
    assert [row["id"] for row in api.get(SUPPRESSIONS, token).json["data"]] == [standing["id"]]
    answer = api.post(f"{SUPPRESSIONS}/{standing['id']}/lift", token, json={"why": "x"})
    assert (answer.status_code, answer.json["code"]) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        (CONSENTS, {**GIVEN, "source": ""}, "/source"),
        (CONSENTS, {**GIVEN, "wording_version": None}, "/wording_version"),
        (CONSENTS, {**GIVEN, "basis": "hope"}, "/basis"),
        (CONSENTS, {**GIVEN, "at": "2026-11-02T09:00:00"}, "/at"),
        (CONSENTS, {**GIVEN, "at": "2150-01-01T00:00:00Z"}, "/at"),
        (CONSENTS, {**GIVEN, "expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        (CONSENTS, {**GIVEN, "actor": "recipient"}, "/actor"),
        (f"{CONSENTS}/withdraw", {**WHAT, "channel": "E mail"}, "/channel"),
        (SUPPRESSIONS, {"channel": "email", "until_at": "2001-01-01T00:00:00Z"}, "/until_at"),
        (SUPPRESSIONS, {"channel": "email", "reason": "dislike"}, "/reason"),
        (SUPPRESSIONS, {"channel": "email", "address": "a, b@example.org"}, "/address"),
        (SUPPRESSIONS, {"channel": "*", "address": "ann@example.org"}, "/channel"),
        (SUPPRESSIONS, {"channel": "email", "lifted_at": None}, "/lifted_at"),
    ],
)
def test_bad_input_is_refused_where_it_stands(
    path: str, body: dict[str, Any], pointer: str, api: Api, admin: str, ann: str
) -> None:
    """R20, R34, C18"""
    answer = api.post(path, admin, json={**body, "stakeholder_id": ann})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer), answer.text


def test_a_suppression_of_nobody_is_refused(api: Api, admin: str) -> None:
    answer = api.post(SUPPRESSIONS, admin, json={"channel": "email"})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/address")
