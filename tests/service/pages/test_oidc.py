"""Signing in by an OpenID provider: a real one on this machine, and everything that does not belong to the way back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import oidc_provider_mock
import pytest
import requests
import time_machine
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import select

from campaigns.audit import AuditEntry
from connectors.http import Door
from service import epoch, knocks, oidc
from service.app import create_app
from service.tables import Installation, User
from service.wiring import Wiring

from .conftest import Browser, Browsers

OURS = "http://127.0.0.1:8080"
SUBJECTS = (
    oidc_provider_mock.User(sub="ann", claims={"email": "ann@example.org", "email_verified": True}),
    oidc_provider_mock.User(sub="eve", claims={"email": "ann@example.org", "email_verified": False}),
    oidc_provider_mock.User(sub="bo", claims={"email": "bo@example.org", "email_verified": True}),
    oidc_provider_mock.User(sub="twin", claims={"email": "ann@example.org", "email_verified": True}),
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider that asks for a nonce."""
    with oidc_provider_mock.run_server_in_thread(require_nonce=True, user_claims=SUBJECTS) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def wired(wiring: Wiring, issuer: str) -> Wiring:
    """An installation whose people may sign in by it."""
    with wiring.database.write() as session:
        epoch.begin(session)
        row = session.scalars(select(Installation)).one()
        row.oidc = {"issuer": issuer, "client_id": "dolen"}
        row.oidc_secret = oidc.seal(wiring.keyring, row, "a secret of ours")
    return wiring


@pytest.fixture
def ann(wired: Wiring) -> int:
    """Somebody with an address and no password."""
    with wired.database.write() as session:
        user = User(name="Ann", email_key="ann@example.org", created_at=wired.now(), updated_at=wired.now())
        session.add(user)
        session.flush()
        return user.id


@pytest.fixture
def client(wired: Wiring) -> Any:
    """A browser that is not signed in."""
    return create_app(wiring=wired).test_client()


def asked(client: Any, address: str = "127.0.0.1") -> str:
    """Press the button; where the browser is sent."""
    answer = client.get("/sign-in/oidc?next=/me", environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def let(url: str, sub: str = "ann") -> dict[str, str]:
    """Say yes at the provider as somebody; what it sends the browser back with."""
    answer = requests.post(url, data={"sub": sub}, allow_redirects=False, timeout=10)
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == OURS + oidc.BACK
    return {name: values[0] for name, values in parse_qs(back.query).items()}


def back(client: Any, told: dict[str, str]) -> Any:
    return client.get(f"{oidc.BACK}?{urlencode(told)}", headers={"Accept": "text/html"})


def test_who_is_known_by_a_verified_address_comes_in_and_is_known_by_subject_from_then_on(
    client: Any, ann: int, wired: Wiring, issuer: str
) -> None:
    assert "Sign in with your organisation" in client.get("/sign-in").text
    answer = back(client, let(asked(client)))
    assert answer.status_code == 303 and answer.headers["Location"] == "/me"
    assert client.get("/me").status_code == 200
    with wired.database.write() as session:
        user = session.get_one(User, ann)
        assert user.oidc_key == f"{issuer} ann"
        user.email_key = "elsewhere@example.org"
        assert session.scalars(select(AuditEntry.act)).all() == ["user.provider_linked", "user.signed_in"]
    assert back(client, let(asked(client))).headers["Location"] == "/me"


def test_the_question_carries_state_nonce_and_pkce_and_changes_nothing(client: Any, wired: Wiring) -> None:
    query = parse_qs(urlsplit(asked(client)).query)
    assert query["code_challenge_method"] == ["S256"] and query["redirect_uri"] == [OURS + oidc.BACK]
    assert all(len(query[name][0]) >= 32 for name in ("state", "nonce", "code_challenge"))
    with wired.database.read() as session:
        assert not session.scalars(select(AuditEntry)).all()


@pytest.mark.parametrize("sub", ["eve", "bo"], ids=["an address not verified", "a stranger"])
def test_nobody_comes_in_by_an_address_that_is_not_theirs_or_not_known(
    client: Any, ann: int, wired: Wiring, sub: str
) -> None:
    answer = back(client, let(asked(client), sub))
    assert answer.status_code == 403 and "ask whoever administers Dolen to invite you" in answer.text
    with wired.database.read() as session:
        assert len(session.scalars(select(User)).all()) == 1


def test_the_provider_is_asked_only_so_often_and_whoever_comes_in_begins_anew(
    client: Any, ann: int, wired: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A1: each way there and back has us ask the provider."""
    monkeypatch.setattr(knocks, "PROVIDER", knocks.Limit("provider", 3))
    for _ in range(2):
        assert back(client, let(asked(client))).status_code == 303
    told = [let(asked(client)), let(asked(client)), let(asked(client))]
    for refused in (client.get("/sign-in/oidc"), back(client, told[-1])):
        assert refused.status_code == 403 and "too many failed tries" in refused.text
    asked(from_elsewhere := create_app(wiring=wired).test_client(), "192.0.2.1")
    assert from_elsewhere.get("/me").status_code == 303
    with time_machine.travel(wired.now() + knocks.WITHIN, tick=False):
        asked(client)


def test_another_subject_with_the_same_address_does_not_take_an_account_over(client: Any, ann: int) -> None:
    back(client, let(asked(client)))
    assert back(client, let(asked(client), "twin")).status_code == 403


def test_what_we_sealed_for_something_else_is_no_way_back(client: Any, wired: Wiring) -> None:
    """A9."""
    other = wired.keyring.wrap(json.dumps({"user": 1, "until": wired.now().timestamp() + 60}).encode())
    client.set_cookie("dolen_way", other.decode(), path=oidc.BACK)
    answer = client.get(oidc.BACK, query_string={"state": "x", "code": "y"})
    assert answer.status_code == 403 and "this browser did not ask to sign in" in answer.text


def test_a_disabled_person_does_not_come_in(client: Any, ann: int, wired: Wiring) -> None:
    with wired.database.write() as session:
        session.get_one(User, ann).state = "disabled"
    assert back(client, let(asked(client))).status_code == 403


def test_an_answer_is_used_once(client: Any, ann: int) -> None:
    """A9: replayed, with the cookie it came with."""
    url = asked(client)
    way = client.get_cookie("dolen_way", path=oidc.BACK).value
    told = let(url)
    assert back(client, told).status_code == 303
    client.set_cookie("dolen_way", way, path=oidc.BACK)
    answer = back(client, told)
    assert answer.status_code == 403 and "used before" in answer.text


def test_the_answer_to_another_browser_is_not_ours(client: Any, ann: int, wired: Wiring) -> None:
    """A9: another user's state."""
    told = let(asked(client))
    other = create_app(wiring=wired).test_client()
    assert "did not ask to sign in" in back(other, told).text
    asked(other)
    assert "belongs to another question" in back(other, told).text
    assert other.get("/me").status_code == 303


@pytest.mark.parametrize(
    "change",
    [{"state": ""}, {"state": "forged"}, {"code": ""}, {"code": "forged"}, {"iss": "https://evil.example"}],
)
def test_an_answer_with_something_missing_or_forged_opens_nothing(
    client: Any, ann: int, change: dict[str, str]
) -> None:
    """A9: missing, forged, mixed-up provider."""
    answer = back(client, {**let(asked(client)), **change})
    assert answer.status_code == 403 and client.get("/me").status_code == 303


def test_a_way_back_grows_old(client: Any, ann: int, wired: Wiring) -> None:
    told = let(asked(client))
    with time_machine.travel(wired.now() + oidc.LIFE, tick=False):
        assert "took too long" in back(client, told).text


def test_another_provider_put_in_place_meanwhile_gets_no_code_of_the_first(
    client: Any, ann: int, wired: Wiring
) -> None:
    """A9, U15: the code and our secret go to the provider that was asked, or to nobody."""
    told = let(asked(client))
    with wired.database.write() as session:
        session.scalars(select(Installation)).one().oidc = {
            "issuer": "https://evil.example",
            "client_id": "dolen",
        }
    assert "belongs to another question" in back(client, told).text


@pytest.fixture
def impostor() -> Iterator[str]:
    """A server that describes another issuer than itself."""

    class Describe(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            names = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
            body = json.dumps(dict.fromkeys(names, "http://localhost/other")).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Describe)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_provider_that_calls_itself_otherwise_is_none(impostor: str) -> None:
    """A9: a mixed-up provider."""
    with pytest.raises(oidc.NotProven, match="another name"):
        oidc.check(oidc.Provider(impostor, "dolen", ""))


def test_a_token_signed_by_somebody_else_or_for_somebody_else_is_not_taken(
    issuer: str, wired: Wiring
) -> None:
    """A9."""
    key = RSAKey.generate_key(2048, {"kid": "k"})
    keys = KeySet([key]).as_dict()
    found = oidc.Provider(issuer, "dolen", "")
    now = int(wired.now().timestamp())
    good = {"iss": issuer, "aud": "dolen", "sub": "ann", "nonce": "n", "iat": now, "exp": now + 60}

    def read(claims: dict[str, Any], by: Any = key) -> Any:
        token = jwt.encode({"alg": "RS256", "kid": "k"}, claims, by)
        return oidc.claims_of(token, keys, found, "n", wired.now())

    assert read(good)["sub"] == "ann"
    wrongs = (
        {"iss": "https://evil.example"}, {"aud": "other"}, {"aud": ["dolen", "other"]}, {"nonce": "m"},
        {"exp": now - 3600}, {"sub": None},
    )  # fmt: skip
    for wrong in wrongs:
        with pytest.raises(oidc.NotProven):
            read({**good, **wrong})
    with pytest.raises(oidc.NotProven):
        read(good, RSAKey.generate_key(2048, {"kid": "k"}))
    with pytest.raises(oidc.NotProven):
        oidc.claims_of("eyJhbGciOiJub25lIn0.e30.", keys, found, "n", wired.now())


def test_a_provider_on_a_private_network_is_not_asked(client: Any, wired: Wiring) -> None:
    """U1: the one door decides where requests go."""
    with wired.database.write() as session:
        session.scalars(select(Installation)).one().oidc = {
            "issuer": "https://10.0.0.7",
            "client_id": "dolen",
        }
    answer = client.get("/sign-in/oidc", headers={"Accept": "text/html"})
    assert answer.status_code == 403 and "does not answer as it should" in answer.text


def test_administrators_choose_the_provider_and_its_secret_is_not_shown(
    browser: Browser, wiring: Wiring, issuer: str
) -> None:
    browser.post(
        "/settings/policies/provider", issuer=issuer, client_id="dolen", client_secret="canary-secret"
    )
    page = browser.get("/settings/policies")
    assert issuer in page and "canary-secret" not in page
    browser.post("/settings/policies/provider", issuer=issuer, client_id="dolen2")
    with wiring.database.read() as session:
        found = oidc.provider(session, wiring)
        row = session.scalars(select(Installation)).one()
    assert found == oidc.Provider(issuer, "dolen2", "canary-secret") and b"canary" not in (
        row.oidc_secret or b""
    )
    browser.post("/settings/policies/provider", issuer="", client_id="")
    assert "organisation" not in browser.client.get("/sign-in").text


def test_the_secret_of_one_provider_is_never_given_to_another(
    browser: Browser, wired: Wiring, issuer: str
) -> None:
    """U15."""
    with wired.database.write() as session:
        row = session.scalars(select(Installation)).one()
        row.oidc = {"issuer": "https://elsewhere.example", "client_id": "dolen"}
    browser.post("/settings/policies/provider", issuer=issuer, client_id="dolen")
    with wired.database.read() as session:
        assert oidc.provider(session, wired) == oidc.Provider(issuer, "dolen", "")


@pytest.mark.parametrize("typed", ["http://example.org", "example", "https://127.0.0.1:1/x"])
def test_what_is_no_provider_is_not_kept_and_comes_back(browser: Browser, typed: str) -> None:
    answer = browser.post("/settings/policies/provider", issuer=typed, client_id="dolen", status=422)
    assert typed in answer.text and 'aria-invalid="true"' in answer.text


def test_only_administrators_of_everything_choose_it(browsers: Browsers, general: int) -> None:
    browsers("author").post("/settings/policies/provider", issuer="", status=403)
    programme = browsers("administrator", general)
    programme.post("/settings/policies/provider", issuer="", client_id="", status=422)


def test_all_of_it_goes_by_the_one_door(client: Any, ann: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Security 4."""
    asked_for: list[str] = []
    check = Door.check

    def note(door: Door, url: str) -> str:
        asked_for.append(url)
        return check(door, url)

    monkeypatch.setattr(Door, "check", note)
    back(client, let(asked(client)))
    assert [urlsplit(url).path for url in asked_for if "authorize" not in url] == [
        "/.well-known/openid-configuration", "/.well-known/openid-configuration", "/oauth2/token", "/jwks",
    ]  # fmt: skip
