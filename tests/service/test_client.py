"""The Python client: as the contract says, against an instance that listens."""

from __future__ import annotations

import ast
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

import dolen_client
from dolen_client import Client, Problem, Unreachable
from dolen_client.call import form
from tests import client as writer
from tests.campaigns.messages.test_media import drawn

from .conftest import Api, People

HERE = Path(dolen_client.__file__).parent


@pytest.fixture
def url(api: Api) -> Iterator[str]:
    """Where the installation listens."""
    server = make_server("127.0.0.1", 0, api.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def client(url: str, people: People) -> Client:
    return Client(url, people("administrator"))


@pytest.mark.parametrize("name", ["types", "operations"])
def test_it_is_what_the_contract_makes_of_it(name: str) -> None:
    """J12"""
    contract = json.loads(writer.CONTRACT.read_text("utf-8"))
    made = ast.parse(getattr(writer, name)(contract))
    kept = ast.parse((HERE / f"{name}.py").read_text("utf-8"))
    assert ast.dump(made) == ast.dump(kept), "run `make client`"


def test_every_operation_of_the_contract_has_a_method() -> None:
    contract = json.loads(writer.CONTRACT.read_text("utf-8"))
    names = {writer._name(method, path) for method, path, _ in writer._operations(contract)}
    assert names == {name for name in vars(Client) if name.split("_")[0] in writer.METHODS}


def test_a_programme_is_made_read_changed_and_made_once_under_its_key(client: Client) -> None:
    body: Any = {"name": "Rivers", "starts_on": "2027-01-01"}
    made = client.post_programmes(body, key="k1")
    assert client.post_programmes(body, key="k1")["id"] == made["id"]
    assert client.get_programmes_one(made["id"])["name"] == "Rivers"
    assert client.last is not None and client.last.etag == '"1"'
    changed = client.patch_programmes_one(made["id"], {"name": "Lakes"}, if_match=client.last.etag)
    assert changed["name"] == "Lakes"
    with pytest.raises(Problem) as stale:
        client.patch_programmes_one(made["id"], {"name": "Seas"}, if_match='"1"')
    assert (stale.value.status, stale.value.code) == (412, "precondition_failed")


def test_a_list_is_followed_to_its_end(client: Client) -> None:
    for n in range(5):
        client.post_programmes({"name": f"P{n}", "starts_on": "2027-01-01"})
    found = [one["name"] for one in client.each(client.get_programmes, limit=2)]
    assert {f"P{n}" for n in range(5)} <= set(found) and len(found) == len(set(found))


def test_a_picture_goes_up_as_a_form_and_what_is_removed_answers_nothing(client: Client) -> None:
    made = client.post_media(("river.png", drawn()), parts={"decorative": "true"})
    assert made["decorative"] is True and made["name"] == "river.png"
    client.delete_media_one(made["id"])
    assert client.last is not None and client.last.status == 204


def test_a_refusal_says_which_field_and_where_nobody_listens_nothing_is_claimed(client: Client) -> None:
    with pytest.raises(Problem) as refused:
        client.post_programmes({"name": "", "starts_on": "2027-01-01"})
    assert refused.value.document["errors"][0]["pointer"] == "/name"
    assert refused.value.retry_after_s is None
    with pytest.raises(Problem) as stranger:
        Client(client.url, "dol_live_none").get_programmes()
    assert stranger.value.code == "not_authenticated"
    with pytest.raises(Unreachable):
        Client("http://127.0.0.1:1", "dol_live_none").get_programmes()


def test_what_stands_in_a_path_or_a_file_name_cannot_break_out(client: Client) -> None:
    with pytest.raises(Problem) as absent:
        client.get_programmes_one("../users?limit=1#")
    assert absent.value.status == 404
    kind, body = form(('a"\r\nX: y\\.png', b"x"), {})
    assert kind.startswith("multipart/form-data; boundary=") and body.count(b"\r\nX: y") == 0
