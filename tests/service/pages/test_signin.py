"""Signing in: passwords, tries, links, the second step, and what ends a login."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pyotp
import pytest
import time_machine
from argon2 import PasswordHasher
from sqlalchemy import select

from campaigns.audit import AuditEntry
from campaigns.delivery import accounts
from campaigns.errors import BadField, Conflict
from service import feeds, knocks, logins, passwords, post, second_step
from service.acts import Act, me, users
from service.app import create_app
from service.ids import shown
from service.pages import frame
from service.tables import DoorKey, Grant, Login, User
from service.wiring import Wiring
from tests.connectors import relay

from .conftest import FORM_KEY, Browser, Browsers

WORDS = "twelve words or so"
LINK = re.compile(r"http://\S+(/let-in/\S+)")


@pytest.fixture
def ann(wiring: Wiring) -> int:
    """Somebody with a password, and the right to check messages."""
    with wiring.database.write() as session:
        now = wiring.now()
        user = User(name="Ann", email_key="ann@example.org", created_at=now, updated_at=now)
        session.add(user)
        session.flush()
        session.add(Grant(user_id=user.id, role="approver", created_at=now))
        passwords.keep(session, now, user, passwords.hashed(WORDS))
        return user.id


@pytest.fixture
def client(wiring: Wiring) -> Any:
    """A browser that is not signed in."""
    return create_app(wiring=wiring).test_client()


@pytest.fixture
def mailbox(wiring: Wiring) -> Iterator[relay.Relay]:
    """A mail server to which a mail account is connected."""
    with relay.running() as running:
        with wiring.database.write() as session:
            accounts.create(
                session, wiring.now(), name="Mail", connector="smtp", channel="email", sender="us@example.org",
                settings={"host": "127.0.0.1", "port": running.port, "security": "off"},
            )  # fmt: skip
        yield running


def letters(mailbox: relay.Relay) -> list[Any]:
    """What arrived, when everything that goes aside has gone."""
    for thread in threading.enumerate():
        if thread.name == post.THREAD:
            thread.join(10)
    return [message_from_bytes(_bytes(one.content), policy=policy.default) for one in mailbox.messages]


def _bytes(content: bytes | str | None) -> bytes:
    assert isinstance(content, bytes)
    return content


def sign_in(client: Any, password: str = WORDS, email: str = "ann@example.org", **headers: str) -> Any:
    return client.post(
        "/sign-in",
        data={"email": email, "password": password, "next": "/me"},
        headers={"Accept": "text/html", **headers},
    )


def second_step_of(wiring: Wiring, user_id: int) -> tuple[str, list[str]]:
    """Set a second step up; its secret and the codes on paper."""
    now = wiring.now()
    with wiring.database.write() as session:
        user = session.get_one(User, user_id)
        proposal = second_step.propose(wiring.keyring, now - timedelta(minutes=2), user)
        before = pyotp.TOTP(proposal.secret).at(int((now - timedelta(minutes=2)).timestamp()))
        codes = second_step.take(session, wiring.keyring, now - timedelta(minutes=2), user, proposal, before)
    return proposal.secret, codes


def code_at(secret: str, wiring: Wiring, steps: int = 0) -> str:
    return pyotp.TOTP(secret).generate_otp(int(wiring.now().timestamp()) // 30 + steps)


def give_code(client: Any, code: str) -> Any:
    form_key = FORM_KEY.search(client.get("/sign-in/code").text)
    data = {"form_key": form_key[1] if form_key else "", "code": code, "next": "/me"}
    return client.post("/sign-in/code", data=data, headers={"Accept": "text/html"})


def test_the_right_password_opens_and_leads_to_where_one_wanted(
    client: Any, ann: int, wiring: Wiring
) -> None:
    answer = sign_in(client)
    assert answer.status_code == 303 and answer.headers["Location"] == "/me"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    assert client.get("/me").status_code == 200
    with wiring.database.read() as session:
        assert session.scalars(select(AuditEntry.act)).all()[-1] == "user.signed_in"


@pytest.mark.parametrize(
    "email, password", [("ann@example.org", "wrong"), ("nobody@example.org", WORDS), ("", "")]
)
def test_whatever_is_wrong_the_same_is_said(client: Any, ann: int, email: str, password: str) -> None:
    """A2."""
    answer = sign_in(client, password, email)
    assert (
        answer.status_code == 403 and "this address and this password do not belong together" in answer.text
    )


def test_after_ten_wrong_passwords_the_name_waits_and_then_opens_by_itself(
    client: Any, ann: int, wiring: Wiring
) -> None:
    """A1."""
    with time_machine.travel(wiring.now(), tick=False) as clock:
        for _ in range(10):
            assert sign_in(client, "wrong").status_code == 403
        assert "too many failed tries" in sign_in(client).text
        clock.shift(knocks.WITHIN)
        assert sign_in(client).status_code == 303


def test_one_address_that_tries_many_names_waits_too(wiring: Wiring, ann: int, client: Any) -> None:
    """A1: one password on many accounts."""
    for number in range(knocks.ADDRESS.most):
        knocks.knock(
            wiring.database, wiring.now(), (knocks.NAME, f"n{number}"), (knocks.ADDRESS, "127.0.0.1")
        )
    assert "too many failed tries" in sign_in(client).text


@pytest.mark.parametrize(
    "remote, forwarded, trusted, came",
    [
        ("192.0.2.1", "198.51.100.7", "", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "10.0.0.0/8", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7, 10.0.0.2", "10.0.0.0/8", "198.51.100.7"),
        ("10.0.0.1", "", "10.0.0.0/8", "10.0.0.1"),
        ("2001:db8::1", "", "", "2001:db8::/64"),
        ("::ffff:198.51.100.7", "", "", "198.51.100.7"),
        ("::ffff:10.0.0.1", "198.51.100.7", "10.0.0.0/8", "198.51.100.7"),
    ],
)
def test_only_a_trusted_proxy_is_believed_about_an_address(
    remote: str, forwarded: str, trusted: str, came: str
) -> None:
    """A12."""
    assert knocks.came_from(remote, forwarded, trusted) == came


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_another_sites_page_signs_nobody_in(client: Any, ann: int, headers: dict[str, str]) -> None:
    """A5: a forged sign-in."""
    assert sign_in(client, **headers).status_code == 403
    assert client.get("/me").status_code == 303


def test_every_sign_in_begins_a_new_login_and_ends_the_one_before(
    client: Any, ann: int, wiring: Wiring
) -> None:
    """A3."""
    sign_in(client)
    first = client.get_cookie("dolen").value
    sign_in(client)
    assert client.get_cookie("dolen").value != first
    with wiring.database.read() as session:
        assert logins.find(session, wiring.now(), first) is None


@pytest.mark.parametrize("password", ["x" * 1025, "short", "long enough\0 but no", "é" * 600])
def test_a_password_is_long_enough_and_not_endless(password: str) -> None:
    """A13."""
    with pytest.raises(BadField, match="a password has at least|this password is too long"):
        passwords.hashed(password)


class Watching(PasswordHasher):
    """Notes how many transactions are open for writing while it works."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(time_cost=1, memory_cost=8192)
        self.open, self.pool = list[int](), wiring.database.write_engine.pool

    def hash(self, *args: Any, **values: Any) -> str:
        self.open.append(self.pool.checkedout())  # type: ignore[attr-defined]
        return super().hash(*args, **values)

    def verify(self, *args: Any, **values: Any) -> Any:
        self.open.append(self.pool.checkedout())  # type: ignore[attr-defined]
        return super().verify(*args, **values)


def test_nobody_waits_for_the_database_while_a_password_is_made_or_compared(
    client: Any, ann: int, wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = Watching(wiring)
    monkeypatch.setattr(passwords, "_hasher", watching)
    sign_in(client)  # kept anew, with what this hasher takes
    form_key = FORM_KEY.search(client.get("/me/password").text)
    assert form_key
    word = {"form_key": form_key[1], "old": WORDS, "new": "another good password"}
    assert client.post("/me/password", data=word).status_code == 303
    with wiring.database.write() as session:
        link = logins.make_key(session, wiring.now(), ann)
    assert client.post(link, data={"password": WORDS}).status_code == 303
    assert len(watching.open) == 5 and not any(watching.open)


def test_as_much_work_is_done_for_a_name_that_nobody_has(
    client: Any, ann: int, wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A2: how long the answer takes tells nothing either."""
    assert not passwords._hasher.check_needs_rehash(passwords._NOBODY)
    watching = Watching(wiring)
    monkeypatch.setattr(passwords, "_hasher", watching)
    for email in ("ann@example.org", "nobody@example.org", "no address", ""):
        watching.open.clear()
        assert sign_in(client, "wrong", email).status_code == 403
        assert len(watching.open) == 1, email


def test_every_letter_of_a_long_password_counts(client: Any, ann: int, wiring: Wiring) -> None:
    """A13: up to the 1,024 bytes that it may have, and no megabyte is looked at."""
    long = "x" * 1_023
    with wiring.database.write() as session:
        passwords.keep(session, wiring.now(), session.get_one(User, ann), passwords.hashed(long + "y"))
    for wrong in (long, long + "z", long + "yy", "x" * 2**20, "\0" * 9):
        assert sign_in(client, wrong).status_code in (403, 413), len(wrong)
    assert sign_in(client, long + "y").status_code == 303


def test_a_proof_is_good_only_for_the_password_that_was_proven(
    browsers: Browsers, ann: int, wiring: Wiring
) -> None:
    proof = passwords.prove(wiring.database, ann, WORDS, "/old")
    with wiring.database.write() as session:
        passwords.keep(
            session, wiring.now(), session.get_one(User, ann), passwords.hashed("chosen meanwhile")
        )
    with wiring.database.write() as session:
        unit = Act(wiring, frame.caller_of(session, session.get_one(User, ann)), session, wiring.now())
        with pytest.raises(Conflict, match="changed meanwhile"):
            me.change_password(unit, proof, passwords.hashed("another good password"))


def test_a_password_is_the_same_however_its_letters_are_composed(
    client: Any, ann: int, wiring: Wiring
) -> None:
    """A13."""
    with wiring.database.write() as session:
        passwords.keep(
            session, wiring.now(), session.get_one(User, ann), passwords.hashed("Cafe\u0301 yn y bore 🫖")
        )
    assert sign_in(client, "Café yn y bore 🫖").status_code == 303


def test_a_password_kept_with_older_parameters_is_kept_anew(client: Any, ann: int, wiring: Wiring) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8192).hash(WORDS)
    with wiring.database.write() as session:
        session.get_one(User, ann).password_hash = old
    sign_in(client)
    with wiring.database.read() as session:
        kept = session.get_one(User, ann).password_hash
    assert kept != old and sign_in(client).status_code == 303


def test_a_forgotten_password_comes_back_by_a_link_that_works_once(
    client: Any, ann: int, mailbox: relay.Relay
) -> None:
    """A8: single use, and made from the configured address, whatever Host says."""
    page = client.post("/forgotten", data={"email": "Ann@example.org"}, headers={"Host": "evil.example"})
    (letter,) = letters(mailbox)
    link = LINK.search(letter.get_content())
    assert letter["To"] == "ann@example.org" and link and "evil.example" not in letter.get_content()
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert client.post(link[1], data={"password": "another good password"}).status_code == 303
    assert client.post(link[1], data={"password": "a third good password"}).status_code == 404
    assert sign_in(client).status_code == 403
    assert sign_in(client, "another good password").status_code == 303


def test_who_asks_for_an_unknown_address_reads_the_same_and_nothing_is_sent(
    client: Any, ann: int, mailbox: relay.Relay
) -> None:
    """A2."""
    known, unknown = (
        client.post("/forgotten", data={"email": email}).text
        for email in ("ann@example.org", "bo@example.org")
    )
    assert known == unknown and len(letters(mailbox)) == 1


def test_asking_again_and_again_sends_three_letters_at_most(
    client: Any, ann: int, mailbox: relay.Relay
) -> None:
    answers = [client.post("/forgotten", data={"email": "ann@example.org"}).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 403] and len(letters(mailbox)) == 3


def test_tries_with_one_address_are_counted_together_however_it_is_spelt() -> None:
    """A1."""
    spelt = ("nia@bücher.example", " NIA@xn--bcher-kva.example", "nia@BÜCHER.example")
    assert len({passwords.name_of(one) for one in spelt}) == 1
    assert passwords.name_of("no address " * 100) == ("no address " * 100).strip()[:400]


def test_the_second_link_ends_the_first_and_a_link_grows_old(ann: int, wiring: Wiring, client: Any) -> None:
    """A8."""
    with wiring.database.write() as session:
        first, second = (logins.make_key(session, wiring.now(), ann) for _ in range(2))
    assert client.get(first).status_code == 404 and client.get(second).status_code == 200
    with time_machine.travel(wiring.now() + logins.LINK_LIFE, tick=False):
        assert client.get(second).status_code == 404


def test_with_a_second_step_the_password_alone_opens_nothing(client: Any, ann: int, wiring: Wiring) -> None:
    secret, _codes = second_step_of(wiring, ann)
    assert sign_in(client).headers["Location"].startswith("/sign-in/code")
    assert client.get("/me").status_code == 303
    assert give_code(client, code_at(secret, wiring)).headers["Location"] == "/me"
    assert client.get("/me").status_code == 200


@pytest.mark.parametrize("steps, opens", [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_good_one_step_either_way(
    client: Any, ann: int, wiring: Wiring, steps: int, opens: bool
) -> None:
    """A14."""
    with time_machine.travel(wiring.now(), tick=False):
        secret, _codes = second_step_of(wiring, ann)
        sign_in(client)
        assert (give_code(client, code_at(secret, wiring, steps)).status_code == 303) is opens


def test_a_code_is_good_once(client: Any, ann: int, wiring: Wiring) -> None:
    """A14."""
    with time_machine.travel(wiring.now(), tick=False):
        secret, _codes = second_step_of(wiring, ann)
        sign_in(client)
        assert give_code(client, code_at(secret, wiring)).status_code == 303
        sign_in(client)
        assert give_code(client, code_at(secret, wiring)).status_code == 403
        assert give_code(client, code_at(secret, wiring, -1)).status_code == 403


def test_after_five_wrong_codes_one_waits(client: Any, ann: int, wiring: Wiring) -> None:
    """A14."""
    with time_machine.travel(wiring.now(), tick=False):
        secret, _codes = second_step_of(wiring, ann)
        sign_in(client)
        for _ in range(5):
            assert "this code does not fit" in give_code(client, "000000x").text
        assert "too many failed tries" in give_code(client, code_at(secret, wiring)).text


def test_a_code_on_paper_opens_once(client: Any, ann: int, wiring: Wiring) -> None:
    _secret, codes = second_step_of(wiring, ann)
    sign_in(client)
    assert give_code(client, codes[0].upper().replace("-", " ")).status_code == 303
    sign_in(client)
    assert give_code(client, codes[0]).status_code == 403
    with wiring.database.read() as session:
        kept = session.get_one(User, ann).recovery or []
    assert len(kept) == 9 and not set(codes) & set(kept)


def test_a_link_for_a_new_password_does_not_go_round_the_second_step(
    client: Any, ann: int, wiring: Wiring
) -> None:
    second_step_of(wiring, ann)
    with wiring.database.write() as session:
        link = logins.make_key(session, wiring.now(), ann)
    answer = client.post(link, data={"password": "another good password"})
    assert answer.headers["Location"].startswith("/sign-in/code") and client.get("/me").status_code == 303


def test_one_sets_the_second_step_up_by_the_page(browsers: Browsers, wiring: Wiring) -> None:
    browser = browsers("author")
    page = browser.get("/me/second-step")
    sealed = re.search(r'name="proposal" value="([^"]+)"', page)
    secret = re.search(r'class="secret">([^<]+)<', page)
    assert sealed and secret and "<svg" in page and "style=" not in page
    code = code_at(secret[1].replace(" ", ""), wiring)
    wrong = browser.post("/me/second-step", proposal=sealed[1], code="1", status=422)
    assert "this code does not fit" in wrong.text and secret[1] in wrong.text
    shown = browser.post("/me/second-step", proposal=sealed[1], code=code, status=200)
    assert len(re.findall(r"<li><code>(\w{4}-){3}\w{4}</code>", shown.text)) == 10
    form_key = FORM_KEY.search(shown.text)
    assert form_key and form_key[1] != browser.form_key
    assert "codes on paper are left" in browser.get("/me/second-step")


def test_a_proposal_of_somebody_else_is_not_taken(browsers: Browsers, wiring: Wiring) -> None:
    bo, ann = browsers("author"), browsers("author")
    sealed = re.search(r'name="proposal" value="([^"]+)"', bo.get("/me/second-step"))
    assert sealed
    assert "too old" in ann.post("/me/second-step", proposal=sealed[1], code="123456", status=422).text


def test_where_the_policy_asks_for_it_nothing_else_opens_before_it_is_set_up(
    browser: Browser, browsers: Browsers
) -> None:
    browser.post("/settings/policies/second-step", second_step_for="deciders")
    writer, checker = browsers("author"), browsers("approver")
    assert writer.client.get("/").status_code == 200
    for path in ("/", "/settings/accounts", "/me"):
        assert checker.client.get(path).headers["Location"] == "/me/second-step"
    assert "asked of everybody" in checker.get("/me/second-step")
    assert browser.client.get("/settings/policies").headers["Location"] == "/me/second-step"


def changed_password(browser: Browser, act: Any) -> None:
    with act() as unit:
        passwords.keep(
            unit.session, unit.now, unit.one(User, browser.user_id), passwords.hashed("another good password")
        )


def given_role(browser: Browser, act: Any) -> None:
    with act() as unit:
        users.grant(unit, role="viewer", user_id=browser.user_id)


def taken_role(browser: Browser, act: Any) -> None:
    with act() as unit:
        held = unit.session.scalars(select(Grant.id).where(Grant.user_id == browser.user_id)).one()
        users.take(unit, held)


def disabled(browser: Browser, act: Any) -> None:
    with act() as unit:
        users.change(unit, browser.user_id, None, state="disabled")


def other_address(browser: Browser, act: Any) -> None:
    with act() as unit:
        users.change(unit, browser.user_id, None, email="new@example.org")


def dropped_factor(browser: Browser, act: Any) -> None:
    with act() as unit:
        users.drop_second_step(unit, browser.user_id)


@pytest.mark.parametrize(
    "change", [changed_password, given_role, taken_role, disabled, other_address, dropped_factor]
)
def test_every_login_and_link_ends_with_what_opens_the_account(
    browser: Browser, browsers: Browsers, act: Any, wiring: Wiring, change: Callable[[Browser, Any], None]
) -> None:
    """A4."""
    author = browsers("author")
    with wiring.database.write() as session:
        link = logins.make_key(session, wiring.now(), author.user_id)
        feed = feeds.renew(session, wiring.now(), author.user_id)
    assert browser.client.get(feed).status_code == 200
    change(author, act)
    assert author.client.get("/").status_code == 303
    assert author.client.get(link).status_code == 404
    assert browser.client.get(feed).status_code == 404
    with wiring.database.read() as session:
        assert not session.scalars(select(Login).where(Login.user_id == author.user_id)).all()
        assert not session.scalars(select(DoorKey).where(DoorKey.user_id == author.user_id)).all()
    assert browser.client.get("/").status_code == 200


def test_a_new_password_of_ones_own_signs_out_every_other_browser(
    client: Any, ann: int, wiring: Wiring
) -> None:
    """A4."""
    other = create_app(wiring=wiring).test_client()
    for one in (client, other):
        sign_in(one)
    form_key = FORM_KEY.search(client.get("/me/password").text)
    assert form_key
    data = {"form_key": form_key[1], "old": "wrong", "new": "another good password"}
    assert "this is not your password" in client.post("/me/password", data=data).text
    assert client.post("/me/password", data={**data, "old": WORDS}).status_code == 303
    assert client.get("/me").status_code == 200 and other.get("/me").status_code == 303


def test_a_stolen_login_guesses_the_password_five_times(client: Any, ann: int) -> None:
    sign_in(client)
    form_key = FORM_KEY.search(client.get("/me/password").text)
    assert form_key
    for _ in range(5):
        client.post(
            "/me/password", data={"form_key": form_key[1], "old": "wrong", "new": "another good password"}
        )
    data = {"form_key": form_key[1], "old": WORDS, "new": "another good password"}
    assert "too many failed tries" in client.post("/me/password", data=data).text


def test_one_sees_where_one_is_signed_in_and_ends_the_others(client: Any, ann: int, wiring: Wiring) -> None:
    other = create_app(wiring=wiring).test_client()
    sign_in(other, **{"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"})
    sign_in(client)
    page = client.get("/me").text
    form_key = FORM_KEY.search(page)
    assert "Firefox" in page and "Linux" in page and form_key
    assert client.post("/me/logins/end", data={"form_key": form_key[1]}).status_code == 303
    assert client.get("/me").status_code == 200 and other.get("/me").status_code == 303
    assert client.post("/me/logins/end", data={"form_key": form_key[1], "all": "yes"}).status_code == 303
    assert client.get("/me").status_code == 303


def test_nobody_ends_a_login_of_somebody_else(browsers: Browsers, wiring: Wiring) -> None:
    bo, ann = browsers("author"), browsers("author")
    with wiring.database.read() as session:
        login = session.scalars(select(Login).where(Login.user_id == ann.user_id)).one()
    bo.post(f"/me/logins/{shown('login', login.id)}/end", status=404)
    assert ann.client.get("/").status_code == 200


def test_one_changes_name_language_zone_and_languages(browsers: Browsers, wiring: Wiring) -> None:
    browser = browsers("viewer")
    page = browser.done("/me", name="Bo", language="cy", zone="Europe/Kiev", answers_in="cy")
    assert 'lang="cy"' in page
    with wiring.database.read() as session:
        user = session.get_one(User, browser.user_id)
        assert (user.name, user.language, user.zone, user.answers_in) == ("Bo", "cy", "Europe/Kyiv", ["cy"])
    wrong = browser.post("/me", name="Bo", language="en", zone="Nowhere", status=422)
    assert 'id="f-zone-why"' in wrong.text and 'value="Nowhere"' in wrong.text
