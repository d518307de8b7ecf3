"""Settings: accounts, people and roles, tokens, policies, stops, do not contact, who did what."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.audit import AuditEntry, note
from campaigns.delivery.tables import Account, Stop
from campaigns.stakeholders.tables import Suppression
from campaigns.strategies.tables import Programme
from connectors import registry
from connectors.smtp.presets import PRESETS
from service.access import authenticate
from service.ids import PREFIXES, shown
from service.tables import Grant, Login, Token, User
from service.wiring import Wiring

from ...codemap import ROOT
from ...connectors import relay
from .. import samples
from .conftest import FORM_KEY, Browser, Browsers

SECRET = "canary-secret-of-a-mailbox"


@pytest.fixture
def mail() -> Iterator[relay.Relay]:
    """A mail server that asks for no password."""
    with relay.running() as running:
        yield running


def form(running: relay.Relay, **more: str) -> dict[str, Any]:
    """What somebody types to connect a mailbox."""
    return {
        "connector": "smtp", "name": "Our mail", "sender": "us@example.org", "sender_name": "Us", "s-host": "127.0.0.1",
        "s-port": str(running.port), "s-security": "off", "s-username": "", "on_unknown": "hold", **more,
    }  # fmt: skip


def the(wiring: Wiring, kind: type[Any]) -> Any:
    with wiring.database.read() as session:
        return session.scalars(select(kind)).one()


def test_a_mailbox_is_connected_checked_and_tried_by_a_letter_to_oneself(
    browsers: Browsers, wiring: Wiring, mail: relay.Relay
) -> None:
    browser = browsers(email_key="ffion@example.org")
    page = browser.done("/settings/accounts/new", **form(mail))
    assert "Connected and checked." in page and "us@example.org" in page
    account = the(wiring, Account)
    address = f"/settings/accounts/{shown('account', account.id)}"
    assert "The login works." in browser.done(f"{address}/verify")
    assert "on its way to you" in browser.done(f"{address}/try")
    (letter,) = mail.messages
    assert letter.rcpt_tos == ["ffion@example.org"]
    assert isinstance(letter.content, bytes) and b"us@example.org" in letter.content


def test_a_login_that_is_refused_leaves_the_account_out_of_service_and_is_corrected_in_place(
    browser: Browser, wiring: Wiring
) -> None:
    with relay.running(login=True) as refusing:
        wrong = {"s-username": "môn", "s-password": "wrong", "next": "/first"}
        page = browser.done("/settings/accounts/new", **form(refusing, **wrong))
        assert "It does not work yet." in page and "5.7.8" in page and "Connected and checked." not in page
        assert "refuses the user name or the password" in page and 'name="next" value="/first"' in page
        account = the(wiring, Account)
        assert (account.name, account.state, account.verified_at) == ("Our mail", "out_of_service", None)
        assert "0 of 3 steps" in (first := browser.get("/first")) and "Correct the settings" in first
        address = f"/settings/accounts/{shown('account', account.id)}"
        right = {"s-username": "môn", "s-password": "cyfrinach ✓", "next": "/first"}
        answer = browser.post(address, **form(refusing, **right))
    assert answer.headers["Location"] == "/first?done=connected"
    account = the(wiring, Account)
    assert account.state == "active" and account.verified_at and not account.state_reason
    assert "Connected and checked." in browser.get("/first?done=connected")


def test_changed_settings_are_checked_again_and_a_changed_name_is_not(
    browser: Browser, wiring: Wiring, mail: relay.Relay
) -> None:
    browser.post("/settings/accounts/new", **form(mail))
    address = f"/settings/accounts/{shown('account', the(wiring, Account).id)}"
    asked = mail.connections
    assert "Saved." in browser.done(address, **form(mail, name="Post"))
    assert mail.connections == asked and the(wiring, Account).state == "active"
    page = browser.done(address, **form(mail, **{"s-port": str(relay.closed_port())}))
    assert "Nothing answers at this port" in page and "Outgoing mail by 127.0.0.1 does not work" in page
    assert the(wiring, Account).state == "out_of_service"
    off = browser.done(f"{address}/state", state="disabled")
    assert "Switched off" in off and "Out of service" in browser.done(f"{address}/state", state="active")
    assert "Connected and checked." in browser.done(address, **form(mail))


def test_a_passing_trouble_leaves_an_account_that_was_proven_in_service(
    browser: Browser, wiring: Wiring, mail: relay.Relay
) -> None:
    browser.post("/settings/accounts/new", **form(mail))
    address = f"/settings/accounts/{shown('account', the(wiring, Account).id)}"
    mail.steps["EHLO"] = "421 4.3.2 busy"
    assert "It did not work." in browser.post(f"{address}/verify", status=422).text
    assert the(wiring, Account).state == "active"


def test_an_inbox_that_cannot_be_read_leaves_sending_in_service(
    browser: Browser, wiring: Wiring, mail: relay.Relay
) -> None:
    inbox = {"s-imap_host": "127.0.0.1", "s-imap_port": str(relay.closed_port()), "s-imap_security": "off"}
    page = browser.done("/settings/accounts/new", **form(mail, **inbox))
    assert "Messages go out, but replies and bounces are not read." in page
    assert "Incoming mail by 127.0.0.1 does not work" in page
    assert the(wiring, Account).state == "active" and "The inbox is not read" in browser.get("/")
    address = f"/settings/accounts/{shown('account', the(wiring, Account).id)}"
    browser.post(address, **form(mail, **{"s-imap_host": ""}))
    assert the(wiring, Account).inbox_problem is None


def test_an_account_by_which_nothing_ever_went_is_deleted(
    browser: Browser, browsers: Browsers, wiring: Wiring, mail: relay.Relay
) -> None:
    browser.post("/settings/accounts/new", **form(mail))
    address = f"/settings/accounts/{shown('account', the(wiring, Account).id)}"
    browsers("author").post(f"{address}/delete", status=403)
    assert "Our mail" not in browser.done(f"{address}/delete")
    with wiring.database.read() as session:
        assert not session.scalars(select(Account)).all()
        assert "connector_account.removed" in session.scalars(select(AuditEntry.act)).all()


def test_an_account_that_carries_messages_is_not_deleted(browser: Browser, wiring: Wiring) -> None:
    with wiring.database.write() as session:
        ids = samples.world(session, wiring.now(), samples.programme(session, wiring.now(), "Here"))
    address = f"/settings/accounts/{shown('account', ids['acc'])}"
    assert "switch it off instead" in browser.post(f"{address}/delete", status=422).text


def test_mail_to_people_outside_whose_links_lead_nowhere_is_warned_of(
    browser: Browser, wiring: Wiring, mail: relay.Relay
) -> None:
    warning = "People outside cannot open the links"
    browser.post("/first/practice")
    assert warning not in browser.get("/first")
    browser.post("/settings/accounts/new", **form(mail))
    address = f"/settings/accounts/{shown('account', the_mail(wiring).id)}"
    assert warning in browser.get("/first") and warning in browser.get(address)


def the_mail(wiring: Wiring) -> Account:
    with wiring.database.read() as session:
        return session.scalars(select(Account).where(Account.test.is_(False))).one()


def test_somebody_without_an_address_is_told_why_no_test_goes(
    browser: Browser, wiring: Wiring, mail: relay.Relay
) -> None:
    browser.post("/settings/accounts/new", **form(mail))
    address = f"/settings/accounts/{shown('account', the(wiring, Account).id)}"
    assert "you have no e-mail address here" in browser.post(f"{address}/try", status=422).text


def test_a_secret_is_written_and_never_read(browser: Browser, wiring: Wiring, mail: relay.Relay) -> None:
    """I8, security 2: set, ends with …; an empty field keeps it."""
    browser.post("/settings/accounts/new", **form(mail, **{"s-username": "us", "s-password": SECRET}))
    account = the(wiring, Account)
    address = f"/settings/accounts/{shown('account', account.id)}"
    page = browser.get(address)
    assert SECRET not in page and "ends with lbox" in page.replace("\u2068", "").replace("\u2069", "")
    browser.post(address, **form(mail, name="New name", **{"s-username": "us", "s-password": ""}))
    changed = the(wiring, Account)
    assert changed.name == "New name"
    assert wiring.keyring.open(changed.id, changed.secrets) == {"password": SECRET}
    with wiring.database.read() as session:
        assert SECRET not in str([(one.before, one.after) for one in session.scalars(select(AuditEntry))])


def test_a_short_secret_is_not_given_away_by_its_end(
    browser: Browser, wiring: Wiring, mail: relay.Relay
) -> None:
    browser.post("/settings/accounts/new", **form(mail, **{"s-username": "us", "s-password": "secret99"}))
    page = browser.get(f"/settings/accounts/{shown('account', the(wiring, Account).id)}")
    assert "Set. Leave it empty" in page and "et99" not in page


@pytest.mark.parametrize(
    "wrong, field, kept",
    [
        ({"s-port": "x"}, "s-port", "x"),
        ({"s-host": ""}, "s-host", "Our mail"),
        ({"s-port": "70000"}, "s-port", "70000"),
    ],
)
def test_a_wrong_setting_is_told_at_its_field_and_what_was_typed_stays(
    browser: Browser, wiring: Wiring, mail: relay.Relay, wrong: dict[str, str], field: str, kept: str
) -> None:
    answer = browser.post("/settings/accounts/new", status=422, **form(mail, **wrong))
    assert f'id="f-{field}-why"' in answer.text and f'value="{kept}"' in answer.text
    with wiring.database.read() as session:
        assert not session.scalars(select(Account)).all()


def test_limits_of_ones_own_are_typed_shown_with_their_use_and_taken_away(
    browser: Browser, wiring: Wiring, mail: relay.Relay
) -> None:
    browser.post(
        "/settings/accounts/new", **form(mail, **{"l-": "yes", "l-per_day": "40", "l-per_second": "2.5"})
    )
    account = the(wiring, Account)
    address = f"/settings/accounts/{shown('account', account.id)}"
    assert account.own_limits == {"per_day": 40, "per_second": 2.5}
    page = browser.get(address)
    assert "0 used of 40" in page and 'name="l-domain_per_minute"' in page and "l-app_per_day" not in page
    for wrong in ("many", "0", "1.5", "nan"):
        refused = browser.post(address, status=422, **form(mail, **{"l-": "yes", "l-per_day": wrong}))
        assert "f-l-per_day-why" in refused.text
    browser.done(address, **form(mail))
    assert the(wiring, Account).own_limits == {"per_day": 40, "per_second": 2.5}
    browser.done(address, **form(mail, **{"l-": "yes"}))
    assert the(wiring, Account).own_limits is None


def test_an_account_that_waits_or_is_in_trouble_says_why_and_until_when(
    browser: Browser, wiring: Wiring, mail: relay.Relay
) -> None:
    browser.post("/settings/accounts/new", **form(mail))
    address = f"/settings/accounts/{shown('account', the(wiring, Account).id)}"
    later = wiring.now() + timedelta(hours=1)
    with wiring.database.write() as session:
        account = session.scalars(select(Account)).one()
        account.limited_until_at = account.not_before_at = later
        account.trouble_since_at, account.trouble = wiring.now(), "no route to host"
    page = browser.get(address)
    assert "A limit is used up" in page and "It waits" in page
    for place in (address, "/settings/accounts", "/"):
        assert "In trouble" in browser.get(place) and "no route to host" in browser.get(place)


def test_every_preset_fits_the_connector(browser: Browser) -> None:
    names = {one.name for one in registry.provider("smtp").settings}
    for preset in PRESETS:
        assert set(preset.settings) <= names
        page = browser.get("/settings/accounts/new", connector="smtp", preset=preset.key)
        assert str(preset.settings.get("host", "")) in page


@pytest.mark.parametrize("name", registry.names())
def test_every_connector_asks_for_all_it_needs(browser: Browser, name: str) -> None:
    page = browser.get("/settings/accounts/new", connector=name)
    for each in registry.provider(name).settings:
        assert f'name="s-{each.name}"' in page


def test_an_unknown_connector_is_nothing(browser: Browser) -> None:
    browser.get("/settings/accounts/new", connector="nothing", status=404)


def test_an_account_goes_out_of_service_and_comes_back(
    browser: Browser, wiring: Wiring, mail: relay.Relay
) -> None:
    browser.post("/settings/accounts/new", **form(mail))
    address = f"/settings/accounts/{shown('account', the(wiring, Account).id)}"
    assert "Switched off" in browser.done(f"{address}/state", state="disabled")
    assert the(wiring, Account).state == "disabled"
    assert "In service" in browser.done(f"{address}/state", state="active")


def test_who_may_not_change_an_account_reads_it_without_a_form(browsers: Browsers, wiring: Wiring) -> None:
    with wiring.database.write() as session:
        ids = samples.world(session, wiring.now(), here := samples.programme(session, wiring.now(), "Here"))
        other = samples.programme(session, wiring.now(), "Other")
    address = f"/settings/accounts/{shown('account', ids['acc'])}"
    page = browsers("author", here).get(address)
    assert 'name="sender"' not in page and "Check the login" not in page
    browsers("author", here).post(f"{address}/verify", status=403)
    browsers("author", other).get(address, status=404)
    browsers("administrator", other).post(f"{address}/state", state="disabled", status=404)


def test_somebody_is_invited_with_a_role_and_the_link_lets_them_in(
    browser: Browser, browsers: Browsers, wiring: Wiring
) -> None:
    answer = browser.post(
        "/settings/people", name="Bo", email="bo@example.org", role="author", language="cy", status=200
    )
    link = re.search(r"http://\S+?(/let-in/[\w-]+)", answer.text)
    assert link and "shown this once" in answer.text
    with wiring.database.read() as session:
        bo = session.scalars(select(User).where(User.email_key == "bo@example.org")).one()
        assert session.scalars(select(Grant.role).where(Grant.user_id == bo.id)).all() == ["author"]
        assert bo.language == "cy"
    stranger = browsers.app.test_client()
    assert stranger.post(link[1], data={"password": "twelve words or so"}).headers["Location"] == "/"
    assert stranger.get("/write").status_code == 200


@pytest.mark.parametrize(
    "typed, field",
    [
        ({"name": "Bo", "email": "", "role": "author"}, "email"),
        ({"name": "", "email": "b@example.org", "role": "author"}, "name"),
        ({"name": "Bo", "email": "no address", "role": "author"}, "email"),
    ],
)  # fmt: skip
def test_an_invitation_that_cannot_be_is_told_at_its_field(
    browser: Browser, typed: dict[str, Any], field: str
) -> None:
    assert f'id="f-{field}-why"' in browser.post("/settings/people", status=422, **typed).text


def test_an_invitation_needs_a_role(browser: Browser, wiring: Wiring) -> None:
    answer = browser.post("/settings/people", name="Bo", email="b@example.org", status=422)
    assert "choose what this person may do" in answer.text and 'value="b@example.org"' in answer.text
    with wiring.database.read() as session:
        assert not session.scalars(select(User).where(User.name == "Bo")).all()


def test_roles_are_given_and_taken_and_the_last_administrator_stays(
    browser: Browser, browsers: Browsers, wiring: Wiring
) -> None:
    """A11."""
    author = browsers("author")
    address = f"/settings/people/{shown('user', author.user_id)}"
    assert "Checker" in browser.done(f"{address}/roles", role="approver")
    assert author.client.get("/").status_code == 303
    own = f"/settings/people/{shown('user', browser.user_id)}"
    with wiring.database.read() as session:
        mine = session.scalars(select(Grant.id).where(Grant.user_id == browser.user_id)).one()
    answer = browser.post(f"{own}/roles/{shown('grant', mine)}/take", status=422)
    assert "this is the last administrator of everything" in answer.text
    assert "last administrator" in browser.post(f"{own}/state", state="disabled", status=422).text


def test_who_changes_their_own_roles_stays_at_this_browser_with_a_new_login(
    browser: Browser, wiring: Wiring
) -> None:
    """A3."""
    before = browser.client.get_cookie("dolen").value
    browser.post(f"/settings/people/{shown('user', browser.user_id)}/roles", role="auditor")
    assert browser.client.get_cookie("dolen").value != before
    assert "Auditor" in browser.get(f"/settings/people/{shown('user', browser.user_id)}")


def test_a_disabled_person_is_out_with_every_login(
    browser: Browser, browsers: Browsers, wiring: Wiring
) -> None:
    author = browsers("author")
    address = f"/settings/people/{shown('user', author.user_id)}"
    assert "Switched off" in browser.done(f"{address}/state", state="disabled")
    with wiring.database.read() as session:
        assert not session.scalars(select(Login).where(Login.user_id == author.user_id)).all()
    assert "let them in again first" in browser.post(f"{address}/link", status=422).text


def test_an_administrator_of_one_programme_gives_roles_there_only(
    browsers: Browsers, wiring: Wiring, general: int
) -> None:
    local, author = browsers("administrator", general), browsers(None)
    address = f"/settings/people/{shown('user', author.user_id)}"
    local.post(f"{address}/roles", role="author", programme_id=shown("programme", general))
    local.post(f"{address}/roles", role="author", programme_id="", status=422)
    local.post("/settings/people", name="Bo", email="bo@example.org", role="author", status=422)
    assert "Invite" not in local.get("/settings/people")


def test_a_token_is_shown_once_and_works_until_it_is_revoked(browser: Browser, wiring: Wiring) -> None:
    page = browser.post(
        "/settings/tokens", name="A script", kind="machine", role="viewer", life="30", status=200
    ).text
    text = re.search(r"dol_live_\w{8}_[\w-]{43}", page)
    assert text and text[0] not in browser.get("/settings/tokens")
    assert authenticate(wiring.database, wiring.now(), f"Bearer {text[0]}").kind == "machine"
    token = the(wiring, Token)
    address = f"/settings/tokens/{shown('token', token.id)}"
    fresh = re.search(
        r"dol_live_\w{8}_[\w-]{43}", browser.post(f"{address}/rotate", overlap="3600", status=200).text
    )
    assert fresh and authenticate(wiring.database, wiring.now(), f"Bearer {text[0]}")
    browser.post(f"{address}/revoke")
    with pytest.raises(Exception, match="revoked"):
        authenticate(wiring.database, wiring.now(), f"Bearer {text[0]}")


def test_a_token_needs_a_name(browser: Browser) -> None:
    assert 'id="f-name-why"' in browser.post("/settings/tokens", name=" ", kind="person", status=422).text


def test_an_author_makes_tokens_of_their_own_only(
    browsers: Browsers, wiring: Wiring, browser: Browser
) -> None:
    author = browsers("author")
    assert 'name="kind"' not in author.get("/settings/tokens")
    author.post("/settings/tokens", name="x", kind="machine", role="administrator", status=422)
    author.post("/settings/tokens", name="Mine", status=200)
    assert the(wiring, Token).user_id == author.user_id
    other = browsers("author")
    assert "Mine" not in other.get("/settings/tokens")
    other.post(f"/settings/tokens/{shown('token', the(wiring, Token).id)}/revoke", status=404)


def test_a_lower_assurance_needs_a_reason(browser: Browser, wiring: Wiring, general: int) -> None:
    """L2."""
    address = f"/settings/policies/programmes/{shown('programme', general)}"
    browser.post(address, assurance="agreed")
    answer = browser.post(address, assurance="light", status=422)
    assert "needs a reason" in answer.text and re.search(r'id="r-\w+-why"', answer.text)
    browser.post(address, assurance="light", reason="a trial")
    with wiring.database.read() as session:
        assert session.get_one(Programme, general).assurance == "light"


def test_what_is_no_policy_is_refused(browser: Browser) -> None:
    browser.post("/settings/policies/second-step", second_step_for="dogs", status=422)


def test_everything_is_stopped_and_goes_on_with_reasons(browser: Browser, wiring: Wiring) -> None:
    browser.post("/settings/stops", what="all", reason=" ", status=422)
    page = browser.done("/settings/stops", what="all", reason="A wrong number in the letter")
    assert "Nothing more goes out" in page and "A wrong number in the letter" in page
    address = f"/settings/stops/{shown('stop', the(wiring, Stop).id)}/lift"
    browser.post(address, why="", status=422)
    assert "The number is right now" in browser.done(address, why="The number is right now")
    assert the(wiring, Stop).lifted_at is not None


@pytest.mark.parametrize(
    "kind, scope", [("programme", "programme"), ("account", "account"), ("segment", "segment")]
)
def test_one_thing_is_stopped_by_name(browser: Browser, wiring: Wiring, kind: str, scope: str) -> None:
    prefixes = {"programme": "prg", "account": "acc", "segment": "seg"}
    with wiring.database.write() as session:
        ids = samples.world(session, wiring.now(), samples.programme(session, wiring.now(), "Here"))
    browser.post("/settings/stops", what=shown(kind, ids[prefixes[kind]]), reason="a flood")
    with wiring.database.read() as session:
        assert session.scalars(select(Stop.scope).where(Stop.reason == "a flood")).one() == scope


def test_what_is_not_in_reach_is_not_stopped(browsers: Browsers, wiring: Wiring, general: int) -> None:
    with wiring.database.write() as session:
        other = samples.programme(session, wiring.now(), "Other")
    local = browsers("author", other)
    local.post("/settings/stops", what=shown("programme", general), reason="x", status=404)
    local.post("/settings/stops", what="all", reason="x", status=422)
    local.post("/settings/stops", what="nonsense", reason="x", status=422)
    browsers("author").post("/settings/stops/stp_0000000000001/lift", why="x", status=403)


def test_an_address_is_not_contacted_and_then_again(browser: Browser, wiring: Wiring) -> None:
    page = browser.done(
        "/settings/do-not-contact", channel="email", address="Ann@Example.org", note="asked by phone"
    )
    assert "ann@example.org" in page and "Added by hand" in page
    address = f"/settings/do-not-contact/{shown('suppression', the(wiring, Suppression).id)}/lift"
    browser.post(address, why="", status=422)
    assert "ann@example.org" not in browser.done(address, why="asked to come back")
    assert "ann@example.org" in browser.get("/settings/do-not-contact", over="yes")


def test_an_address_that_is_none_is_told_at_its_field(browser: Browser) -> None:
    answer = browser.post("/settings/do-not-contact", channel="email", address="none", status=422)
    assert 'id="f-address-why"' in answer.text and 'value="none"' in answer.text


def test_who_did_what_is_read_by_person_thing_and_programme(
    browser: Browser, browsers: Browsers, wiring: Wiring, general: int
) -> None:
    browser.post(f"/settings/policies/programmes/{shown('programme', general)}", assurance="agreed")
    browser.post("/settings/tokens", name="A script", kind="person", status=200)
    mine = browser.get("/settings/audit", who=shown("user", browser.user_id))
    assert "Programme: changed" in mine and "Token: made" in mine
    about = browser.get("/settings/audit", about=shown("programme", general))
    assert "Programme: changed" in about and "Token: made" not in about
    assert "Token: made" not in browser.get("/settings/audit", programme=shown("programme", general))
    assert "not the number of anything" in browser.get("/settings/audit", about="nonsense")
    browsers("author").get("/settings/audit", status=403)
    local = browsers("auditor", general).get("/settings/audit")
    assert "Programme: changed" in local and "Token: made" not in local


def test_settings_leads_to_the_first_room_that_opens(browsers: Browsers) -> None:
    assert browsers("viewer").client.get("/settings").headers["Location"] == "/settings/accounts"
    assert browsers(None).client.get("/settings").headers["Location"] == "/me"


def test_every_room_of_the_settings_is_drawn_in_every_language(browser: Browser, wiring: Wiring) -> None:
    with wiring.database.write() as session:
        samples.world(session, wiring.now(), samples.programme(session, wiring.now(), "Here"))
    for room in ("accounts", "people", "tokens", "policies", "stops", "do-not-contact", "audit"):
        for language in ("en", "cy", "ar"):
            page = browser.get(f"/settings/{room}", language=language)
            assert FORM_KEY.search(page) and "<h1" in page


def test_who_did_what_tells_things_by_name_and_leads_to_them(browser: Browser, wiring: Wiring) -> None:
    now = wiring.now()
    with wiring.database.write() as session:
        made = samples.world(session, now, samples.programme(session, now, "Rivers"))
        for prefix, number in made.items():
            kind = next(kind for kind, one in PREFIXES.items() if one == prefix)
            note(session, now, "console", "thing.changed", kind, number)
    pages = [browser.get(f"/settings/audit?language={language}") for language in ("en", "cy", "ar")]
    for page in pages:
        for room, kind, prefix, name in (
            ("/people", "stakeholder", "stk", "Ann"),
            ("/programmes", "programme", "prg", "Rivers"),
            ("/groups", "segment", "seg", "Picked"),
            ("/messages", "message", "msg", "Hello"),
            ("/strategies", "strategy", "str", "For everyone"),
            ("/people/imports", "import", "imp", "bo.csv"),
            ("/settings/people", "user", "usr", "Example"),
        ):
            link = f'<a href="{room}/{shown(kind, made[prefix])}"><bdi>{name}</bdi></a>'
            assert link in page, link
        assert f'<a href="/people/{shown("stakeholder", made["stk"])}"><bdi>Ann</bdi></a>\n<small>' in page
        assert "<bdi>example</bdi>" in page  # a token has a name and no page


def test_every_act_has_words() -> None:
    words = (ROOT / "templates/pages/settings_acts.html").read_text(encoding="utf-8")
    about, done = ({*re.findall(r'^  "(\w+)"', part, re.M)} for part in words.split("{% set done"))
    noted = acts_of_the_code()
    assert len(noted) > 100
    assert [
        one for one in sorted(noted) if not (one.partition(".")[0] in about and one.partition(".")[2] in done)
    ] == []


def acts_of_the_code() -> set[str]:
    """What is written down as done, by the calls of `note` in the code."""
    calls = [
        call
        for path in (ROOT / "service").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", getattr(call.func, "id", "")) in ("note", "_note")
    ]
    said = [one.value for call in calls for one in call.args if isinstance(one, ast.Constant)]
    return {one for one in said if isinstance(one, str) and re.fullmatch(r"[a-z_]+\.[a-z_]+", one)}


def test_who_did_what_names_nobody_whom_its_reader_may_not_see(browsers: Browsers, wiring: Wiring) -> None:
    now = wiring.now()
    with wiring.database.write() as session:
        here, there = (samples.programme(session, now, name) for name in ("Here", "There"))
        ann = samples.world(session, now, there)["stk"]
        note(session, now, "console", "stakeholder.changed", "stakeholder", ann, programme_id=here)
    local = browsers("auditor", here).get("/settings/audit")
    assert str(shown("stakeholder", ann)) in local and "<bdi>Ann</bdi>" not in local
    assert "<bdi>Ann</bdi>" in browsers("auditor").get("/settings/audit")


@pytest.mark.parametrize(
    ("language", "question", "name"),
    [
        ("en", "The number of the organisation&#39;s page at LinkedIn", "Any system of your own"),
        ("cy", "Rhif tudalen y sefydliad ar LinkedIn", "Unrhyw system o&#39;ch eiddo"),
        ("ar", "رقم صفحة المنظمة على LinkedIn", "أي نظام لك"),
    ],
)
def test_every_connector_asks_and_is_called_in_the_readers_language(
    browser: Browser, language: str, question: str, name: str
) -> None:
    page = browser.get(f"/settings/accounts/new?connector=linkedin&language={language}")
    assert unescape(question) in page and "organization_id</label>" not in page
    first, more, *_rest = page.partition("<main")[2].split("<details")
    assert "/accounts/signed-in" in first and "s-access_token" in more  # signing in fills it
    assert unescape(name) in browser.get(f"/settings/accounts?language={language}")
