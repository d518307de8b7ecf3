"""Signing in to a connected account at its provider: there and back, by whoever set out and by nobody else."""

from __future__ import annotations

import hashlib
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import oidc_provider_mock
import pytest
import requests
import time_machine
from sqlalchemy import delete, select, update

from campaigns.audit import AuditEntry
from campaigns.delivery import accounts, renewal, send
from campaigns.delivery.tables import Account, Batch, Delivery, Stop
from campaigns.messages.tables import Message
from connectors.api import (
    NOT_SIGNED_IN,
    AccountGone,
    Blind,
    Connector,
    Limits,
    Outbound,
    Provider,
    Receipt,
    Renewed,
    Setting,
    SignIn,
)
from connectors.http import Door
from service.acts import sign_ins
from service.ids import shown
from service.pages import frame
from service.tables import SignInState
from service.wiring import Wiring

from ...connectors import far
from ...connectors.far import Asked, Far, Said
from .. import samples
from .conftest import Browser, Browsers

DAY_S = 86_400.0
FOUND = {"sender": "a@example.org"}


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """An account of a loft, whose pigeons fly for whoever is signed in there."""
    door = Door(allow_hosts=("127.0.0.1", "localhost"))
    token = secrets.get("access_token", "")

    def ask(method: str, path: str, **values: Any) -> Any:
        if not token:
            raise AccountGone("nobody has signed in", code=NOT_SIGNED_IN)
        return door.request(
            method,
            settings["loft"] + path,
            headers={"Authorization": f"Bearer {token}"},
            json=values or None,
            gone=(401, 403),
        ).json()

    def sent(outbound: Outbound) -> Receipt:
        return Receipt(str(ask("POST", "/fly", key=outbound.key)["id"]))

    def renew() -> Renewed:
        return Renewed({"access_token": "renewed"}, 60 * DAY_S)

    return Connector(
        name="pigeon", channel="email", broadcast=False, limits=Limits(), repeats=Blind(), send=sent, close=door.close,
        verify=lambda: ask("GET", "/userinfo") and None, refresh=renew if secrets.get("refresh_token") else None,
    )  # fmt: skip


def accept(settings: Mapping[str, Any], secrets: Mapping[str, str], answer: Mapping[str, Any]) -> Renewed:
    tokens = {name: str(answer[name]) for name in ("access_token", "refresh_token") if name in answer}
    return Renewed(tokens, answer.get("expires_in"), settings={"place": str(answer.get("place", "north"))})


PIGEON = Provider(
    name="pigeon", channels=("email",), about="Pigeons.", limits=Limits(), repeats="blind", faces=(), events=(),
    connect=connect,
    settings=(
        Setting("loft", "where they live", required=True, where=True),
        Setting("client_id", "the app", required=True), Setting("place", "which loft"),
        Setting("client_secret", "its secret", required=True, secret=True),
        Setting("access_token", "a token", secret=True), Setting("refresh_token", "another", secret=True),
    ),
    sign_in=SignIn(
        places=lambda settings: (f"{settings['loft']}/oauth2/authorize", f"{settings['loft']}/oauth2/token"),
        scopes=("openid", "email"), gives=("access_token", "refresh_token", "place"), accept=accept,
    ),
)  # fmt: skip


@dataclass
class Loft(Far):
    """The provider: it gives a login for a code whose challenge the verifier meets, once."""

    codes: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    good: str = "t1"
    flown: list[str] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/oauth2/token":
            return self._login(asked.form())
        if asked.headers.get("authorization") != f"Bearer {self.good}":
            return Said(401, {"error": "expired"})
        if asked.path == "/fly":
            self.flown.append(asked.json()["key"])
        return Said(200, {"id": str(len(self.flown))})

    def let(self, url: str) -> dict[str, str]:
        """Say yes; what the browser comes back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.codes["c"] = query["code_challenge"]
        return {"state": query["state"], "code": "c"}

    def _login(self, form: dict[str, str]) -> Said:
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        met = urlsafe_b64encode(digest).decode().rstrip("=")
        known = form["client_id"] == "dolen" and form["client_secret"] == "a secret of ours"
        if not known or self.codes.pop(form["code"], None) != met:
            return Said(400, {"error": "invalid_grant"})
        return Said(200, {"access_token": self.good, "expires_in": 60 * DAY_S, **self.answers})


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with this connector."""
    info = tmp_path / "pigeon-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[dolen.connectors]\npigeon = {__name__}:PIGEON\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.path_importer_cache.clear()


@pytest.fixture
def loft() -> Iterator[Loft]:
    with far.running(Loft()) as running:
        yield running


def connected(browser: Browser, wiring: Wiring, url: str) -> str:
    """An account by which nobody has signed in yet; its page."""
    browser.post(
        "/settings/accounts/new",
        **{
            "connector": "pigeon",
            "name": "Pigeons",
            "s-loft": url,
            "s-client_id": "dolen",
            "sender": "us@example.org",
        },
        **{"s-client_secret": "a secret of ours"},
    )
    return f"/settings/accounts/{shown('account', the(wiring).id)}"


def the(wiring: Wiring) -> Account:
    with wiring.database.read() as session:
        return session.scalars(select(Account)).one()


def asked(browser: Browser, page: str) -> str:
    """Press the button; where the link on the page leads."""
    text = browser.post(f"{page}/sign-in", status=200).text
    return unescape(text.split('" rel="noreferrer"')[0].rpartition('href="')[2])


def back(browser: Browser, told: Mapping[str, str]) -> Any:
    return browser.client.get(f"{sign_ins.BACK}?{urlencode(told)}", headers={"Accept": "text/html"})


def test_a_whole_round_with_an_authorization_server(browser: Browser, wiring: Wiring) -> None:
    """U15: a server that is not ours; its login is kept sealed and proven at its own address."""
    with oidc_provider_mock.run_server_in_thread() as server:
        url = f"http://localhost:{server.server_port}"
        page = connected(browser, wiring, url)
        text = browser.get(page)
        assert "Nobody has signed in there yet" in text and "http://127.0.0.1:8080/accounts/signed-in" in text
        answer = requests.post(asked(browser, page), data={"sub": "ann"}, allow_redirects=False, timeout=10)
        told = {
            name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()
        }
        assert back(browser, told).headers["Location"] == f"{page}?done=signed-in"
        account = the(wiring)
        assert account.state == "active" and account.renews
        assert {"access_token", "refresh_token"} < wiring.keyring.open(account.id, account.secrets).keys()


def test_whoever_signs_in_brings_the_account_into_service(
    browser: Browser, wiring: Wiring, loft: Loft
) -> None:
    page = connected(browser, wiring, loft.url)
    assert the(wiring).state == "out_of_service"
    answer = back(browser, loft.let(asked(browser, page)))
    assert answer.headers["Location"] == f"{page}?done=signed-in"
    account = the(wiring)
    assert (account.state, account.settings["place"]) == ("active", "north")
    assert wiring.keyring.open(account.id, account.secrets) == {
        "client_secret": "a secret of ours", "access_token": "t1"
    }  # fmt: skip
    assert b"t1" not in (account.secrets or b"") and "Signed in and checked." in browser.get(
        f"{page}?done=signed-in"
    )
    with wiring.database.read() as session:
        assert "connector_account.signed_in" in session.scalars(select(AuditEntry.act)).all()
        assert session.scalars(select(SignInState)).all() == []


def test_whoever_comes_back_to_a_session_that_ended_takes_no_code_along(
    browser: Browser, wiring: Wiring, loft: Loft
) -> None:
    """A9: it was for that login alone, and would stand in a second address, and in the logs of that."""
    told = loft.let(asked(browser, connected(browser, wiring, loft.url)))
    browser.client.delete_cookie(frame.COOKIE)
    answer = back(browser, told)
    assert answer.status_code == 303 and told["state"] not in answer.headers["Location"]
    assert answer.headers["Location"].endswith("next=/settings/accounts")


def test_the_question_tells_the_app_the_way_back_and_no_secret(
    browser: Browser, wiring: Wiring, loft: Loft
) -> None:
    url = asked(browser, connected(browser, wiring, loft.url))
    query = parse_qs(urlsplit(url).query)
    assert query["redirect_uri"] == ["http://127.0.0.1:8080/accounts/signed-in"] and query["scope"] == [
        "openid email"
    ]
    assert query["code_challenge_method"] == ["S256"] and len(query["state"][0]) >= 32
    assert "secret" not in url
    with wiring.database.read() as session:
        kept = session.scalars(select(SignInState)).one()
    assert query["state"][0] not in repr(vars(kept)) and loft.asked == []


def test_what_waited_goes_by_the_new_login(browser: Browser, wiring: Wiring, loft: Loft) -> None:
    """F27: an account out of service loses nothing when somebody signs in again."""
    page = connected(browser, wiring, loft.url)
    with wiring.database.write() as session:
        number = the(wiring).id
        samples.world(session, wiring.now(), samples.programme(session, wiring.now(), "Here"))
        session.execute(update(Delivery).values(account_id=number))
        session.execute(update(Batch).values(account_id=number))
        session.execute(delete(Stop))
        session.execute(update(Message).values(state="scheduled", held_by=[]))
    desk = wiring.desk("a worker")
    send.work(desk)
    assert loft.flown == []
    assert back(browser, loft.let(asked(browser, page))).status_code == 303
    send.work(desk)
    with wiring.database.read() as session:
        assert session.scalars(select(Delivery.state)).all() == ["sent"]
    assert len(loft.flown) == 1


def test_a_way_back_is_good_once(browser: Browser, wiring: Wiring, loft: Loft) -> None:
    """A9: replayed."""
    told = loft.let(asked(browser, connected(browser, wiring, loft.url)))
    assert back(browser, told).status_code == 303
    loft.codes["c"] = "anything"
    answer = back(browser, told)
    assert answer.status_code == 404 and "sign in again from the account" in answer.text
    assert [one.path for one in loft.asked].count("/oauth2/token") == 1


@pytest.mark.parametrize("state", ["", "forged", "\udc80"])
def test_a_state_that_is_not_ours_opens_nothing(
    browser: Browser, wiring: Wiring, loft: Loft, state: str
) -> None:
    """A9: missing, forged."""
    told = loft.let(asked(browser, connected(browser, wiring, loft.url)))
    answer = back(browser, {**told, "state": state.encode("utf-8", "replace").decode()})
    assert answer.status_code == 404 and loft.asked == []


def test_the_state_of_another_browser_opens_nothing(
    browsers: Browsers, browser: Browser, wiring: Wiring, loft: Loft
) -> None:
    """A9, U15: another's state, and the same person's in another browser."""
    told = loft.let(asked(browser, connected(browser, wiring, loft.url)))
    assert back(browsers(), told).status_code == 404
    assert loft.asked == [] and the(wiring).state == "out_of_service"
    assert back(browser, told).status_code == 303  # and is not used up by them


def test_a_way_back_grows_old(browser: Browser, wiring: Wiring, loft: Loft) -> None:
    page = connected(browser, wiring, loft.url)
    told = loft.let(asked(browser, page))
    with time_machine.travel(wiring.now() + sign_ins.LIFE, tick=False):
        assert back(browser, told).status_code == 404
        asked(browser, page)
    with wiring.database.read() as session:
        assert len(session.scalars(select(SignInState)).all()) == 1


def test_a_code_goes_to_nobody_else_than_was_asked(browser: Browser, wiring: Wiring, loft: Loft) -> None:
    """U15, A9: another server or another app put in place meanwhile."""
    page = connected(browser, wiring, loft.url)
    told = loft.let(asked(browser, page))
    with far.running(Loft()) as other, wiring.database.write() as session:
        account = session.scalars(select(Account)).one()
        account.settings = {**account.settings, "loft": other.url}
        session.commit()
        answer = back(browser, told)
        assert "somebody changed this account meanwhile" in answer.text and other.asked == []
    assert loft.asked == []


def test_the_secret_goes_to_no_address_by_redirect(browser: Browser, wiring: Wiring, loft: Loft) -> None:
    """U15, U5."""
    with far.running(Loft()) as other:
        told = loft.let(asked(browser, connected(browser, wiring, loft.url)))
        loft.once["/oauth2/token"] = Said(307, b"", {"Location": f"{other.url}/oauth2/token"})
        assert "It does not work." in back(browser, told).text
        assert other.asked == []


@pytest.mark.parametrize(
    "told, words",
    [
        (
            Said(400, {"error": "invalid_client", "secret": "a secret of ours"}),
            "The provider refuses the login",
        ),
        (Said(200, {"token_type": "bearer"}), "Nobody has signed in there yet"),
        (Said(200, []), "holds no login"),
        (Said(200, b"no"), "cannot be reached"),
        (Said(500, b"no"), "cannot be reached"),
        ("lose", "cannot be reached"),
    ],
)
def test_what_goes_wrong_on_the_way_back_is_told_and_keeps_nothing(
    browser: Browser, wiring: Wiring, loft: Loft, told: Said | str, words: str
) -> None:
    page = connected(browser, wiring, loft.url)
    way = loft.let(asked(browser, page))
    loft.once["/oauth2/token"] = told
    answer = back(browser, way)
    assert answer.status_code == 422 and words in answer.text and "a secret of ours" not in answer.text
    assert f'action="{page}"' in answer.text  # the form to correct it goes to the account
    assert the(wiring).state == "out_of_service"


def test_whoever_says_no_there_changes_nothing_here(browser: Browser, wiring: Wiring, loft: Loft) -> None:
    page = connected(browser, wiring, loft.url)
    told = loft.let(asked(browser, page))
    answer = back(
        browser, {"state": told["state"], "error": "access_denied", "error_description": "<b>click</b>"}
    )
    assert answer.status_code == 422 and "did not let you in" in answer.text and "<b>click" not in answer.text
    assert loft.asked == []


def test_a_new_login_that_does_not_work_leaves_the_old_one_at_work(
    browser: Browser, wiring: Wiring, loft: Loft
) -> None:
    page = connected(browser, wiring, loft.url)
    back(browser, loft.let(asked(browser, page)))
    loft.answers["access_token"] = "somebody else's"
    answer = back(browser, loft.let(asked(browser, page)))
    account = the(wiring)
    assert answer.status_code == 422 and account.state == "active"
    assert wiring.keyring.open(account.id, account.secrets)["access_token"] == "t1"


def test_an_account_that_was_switched_off_stays_so(browser: Browser, wiring: Wiring, loft: Loft) -> None:
    page = connected(browser, wiring, loft.url)
    told = loft.let(asked(browser, page))
    browser.post(f"{page}/state", state="disabled")
    assert back(browser, told).status_code == 303
    assert the(wiring).state == "disabled"


def test_the_end_of_a_login_is_told_ahead_where_nothing_renews_it(
    browser: Browser, wiring: Wiring, loft: Loft
) -> None:
    page = connected(browser, wiring, loft.url)
    back(browser, loft.let(asked(browser, page)))
    account = the(wiring)
    assert account.renew_due_at is None and account.login_ends_at and account.renewed_at
    assert account.login_ends_at == account.renewed_at + timedelta(days=60)
    assert "Sign in anew before then" in browser.get(page)
    assert "The login ends soon" not in browser.get("/settings/accounts")
    with wiring.database.write() as session:
        session.execute(update(Account).values(login_ends_at=wiring.now() + timedelta(days=9)))
    assert "The login ends soon" in browser.get("/settings/accounts")


def test_a_login_that_renews_itself_is_renewed_in_time(browser: Browser, wiring: Wiring, loft: Loft) -> None:
    page = connected(browser, wiring, loft.url)
    loft.answers["refresh_token"] = "r1"
    back(browser, loft.let(asked(browser, page)))
    account = the(wiring)
    assert account.renews and account.login_ends_at is None and account.renewed_at
    assert account.renew_due_at == account.renewed_at + timedelta(days=60 * accounts.USED)
    with wiring.database.write() as session:
        session.execute(update(Account).values(renew_due_at=wiring.now()))
    assert renewal.renew(wiring.desk("a worker"), account.id)
    account = the(wiring)
    assert wiring.keyring.open(account.id, account.secrets)["access_token"] == "renewed"


def test_only_those_who_look_after_accounts_sign_in(
    browsers: Browsers, browser: Browser, wiring: Wiring, loft: Loft
) -> None:
    page = connected(browser, wiring, loft.url)
    browsers("author").post(f"{page}/sign-in", status=403)
    assert f"{page}/sign-in" not in browsers("viewer").get(page)


def test_where_keys_are_entered_nobody_signs_in(browser: Browser, wiring: Wiring) -> None:
    """Connectors without a page of their provider work as before."""
    with wiring.database.write() as session:
        number = samples.world(session, wiring.now(), samples.programme(session, wiring.now(), "Here"))["acc"]
    page = f"/settings/accounts/{shown('account', number)}"
    assert "Sign in at the provider" not in browser.get(page)
    assert "nobody signs in" in browser.post(f"{page}/sign-in", status=422).text
