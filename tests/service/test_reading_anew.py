"""How far one server, room or user was read says nothing about another that an account is moved to."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from campaigns.delivery.tables import Account
from service.wiring import Wiring

from .conftest import Api

READ = {"after": 7}


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"settings": {"account": "another"}}, False),
        ({"settings": {"deadline_s": 20.0}}, True),
        ({"secrets": {"token": "a new one"}}, True),
        ({"sender_name": "Cyngor"}, True),
    ],
)
def test_an_account_that_is_moved_is_read_from_the_beginning(
    api: Api, admin: str, wiring: Wiring, change: dict[str, Any], kept: bool
) -> None:
    path, url = "/v1/connector_accounts", {"url": "http://127.0.0.1:9"}
    new = {"connector": "simulator", "name": "Practice", "settings": url, "secrets": {"token": "a token"}}
    path = f"{path}/{api.post(path, admin, json=new).json['id']}"
    with wiring.database.write() as session:
        session.execute(update(Account).values(poll_cursor=READ, poll_due_at=wiring.now()))
    if "settings" in change:
        change = {"settings": url | change["settings"]}
    answer = api.patch(path, admin, json=change, headers={"If-Match": api.get(path, admin).headers["ETag"]})
    assert answer.status_code == 200, answer.json
    with wiring.database.read() as session:
        assert session.scalars(select(Account.poll_cursor)).one() == (READ if kept else None)
