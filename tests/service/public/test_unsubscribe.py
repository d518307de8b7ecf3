"""The way out: reading changes nothing, a press acts, one-click acts at once, and it can be undone."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from campaigns.audit import AuditEntry
from campaigns.messages import layout
from campaigns.stakeholders import consent
from campaigns.stakeholders.tables import Consent, Suppression
from service.wiring import Wiring

from .conftest import Sent

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def may(wiring: Wiring, sent: Sent) -> bool:
    pair = (sent.person_id, "ann@example.org")
    with wiring.database.read() as session:
        decided = consent.decide(
            session, wiring.now(), purpose="direct_marketing", channel="email", pairs=[pair]
        )
    return decided[pair].reason is None


def rows(wiring: Wiring) -> tuple[int, int]:
    with wiring.database.read() as session:
        return (
            session.scalars(select(func.count()).select_from(Consent)).one(),
            session.scalars(select(func.count()).select_from(Suppression)).one(),
        )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "headers", [{}, {"X-HTTP-Method-Override": "POST"}, {"List-Unsubscribe": "One-Click"}]
)
def test_opening_the_link_changes_nothing(
    browser: FlaskClient, wiring: Wiring, sent: Sent, method: str, headers: dict[str, str]
) -> None:
    """U12, U14, H4."""
    for query in ("", "?act=stop", "?List-Unsubscribe=One-Click", "?language=ar"):
        answer = browser.open(sent.path + query, method=method, headers=headers)
        assert answer.status_code == 200
    assert rows(wiring) == (1, 0) and may(wiring, sent)


def test_a_press_stops_the_mail_and_a_second_press_changes_nothing(
    browser: FlaskClient, wiring: Wiring, sent: Sent
) -> None:
    assert "Atal y negeseuon hyn?" in browser.get(sent.path).text
    for _ in range(2):
        answer = browser.post(sent.path, data={"act": "stop"})
        assert answer.status_code == 200 and "wedi'u hatal" in answer.text
        assert rows(wiring) == (2, 1) and not may(wiring, sent)
    assert "wedi'u hatal" in browser.get(sent.path).text
    with wiring.database.read() as session:
        acts = session.scalars(select(AuditEntry.act)).all()
    assert acts == ["delivery.unsubscribed"]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_acts_at_once_without_cookie_or_redirect(
    browser: FlaskClient, wiring: Wiring, sent: Sent, content_type: str
) -> None:
    """U12, U14: RFC 8058, with both kinds of body it allows."""
    for _ in range(2):
        answer = browser.post(sent.path, data=ONE_CLICK, content_type=content_type)
        assert answer.status_code == 200 and "Location" not in answer.headers
        assert "Set-Cookie" not in answer.headers
    assert rows(wiring) == (2, 1) and not may(wiring, sent)
    with wiring.database.read() as session:
        evidence = session.scalars(select(Suppression.evidence)).one()
    assert evidence["how"] == "one_click"


@pytest.mark.parametrize(
    "body",
    [
        {}, {"List-Unsubscribe": "yes"}, {"list-unsubscribe": "one-click"}, {"act": ""}, {"act": "delete"},
        {"act": "stop " * 2000},
    ],
)  # fmt: skip
def test_another_body_changes_nothing(
    browser: FlaskClient, wiring: Wiring, sent: Sent, body: dict[str, str]
) -> None:
    """U14."""
    assert browser.post(sent.path, data=body).status_code in (400, 413)
    assert browser.post(sent.path, data=b'{"act":"stop"}', content_type="application/json").status_code == 400
    assert rows(wiring) == (1, 0)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_no_other_method_is_known(browser: FlaskClient, sent: Sent, method: str) -> None:
    """R41."""
    assert browser.open(sent.path, method=method).status_code == 405


def test_the_same_link_undoes_it(browser: FlaskClient, wiring: Wiring, sent: Sent) -> None:
    """U13."""
    done = browser.post(sent.path, data={"act": "stop"}).text
    assert 'value="undo"' in done and "30 diwrnod" in done
    answer = browser.post(sent.path, data={"act": "undo"})
    assert "Byddwch yn cael y negeseuon hyn eto" in answer.text and may(wiring, sent)
    assert browser.post(sent.path, data={"act": "undo"}).status_code == 200
    assert 'value="stop"' in browser.get(sent.path).text
    with wiring.database.read() as session:
        acts = session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert acts == ["delivery.unsubscribed", "delivery.resubscribed"]


def test_a_one_click_body_never_undoes(browser: FlaskClient, wiring: Wiring, sent: Sent) -> None:
    browser.post(sent.path, data={**ONE_CLICK, "act": "undo"})
    assert not may(wiring, sent)


@pytest.mark.parametrize("path", ["/u/x", "/u/", "/u/" + "a" * 37, "/u/..%2f..%2fetc", "/u/%00"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_is_not_ours_says_so_and_no_more(
    browser: FlaskClient, sent: Sent, path: str, method: str
) -> None:
    answer = browser.open(path, method=method, data=ONE_CLICK if method == "POST" else None)
    assert answer.status_code == 404 and "ann" not in answer.text


def test_a_token_made_for_another_use_is_not_a_way_out(
    browser: FlaskClient, wiring: Wiring, sent: Sent
) -> None:
    token = wiring.links.token("reply", sent.delivery_id)
    assert browser.post(f"/u/{token}", data=ONE_CLICK).status_code == 404
    assert may(wiring, sent)


def test_the_page_names_who_wrote(browser: FlaskClient, wiring: Wiring, sent: Sent) -> None:
    with wiring.database.write() as session:
        layout.set_house(session, wiring.now(), None, name="Cae Celyn")
    assert "<strong><bdi>Cae Celyn</bdi></strong>" in browser.get(sent.path).text


def test_a_forwarded_mail_does_not_tell_the_whole_address(browser: FlaskClient, sent: Sent) -> None:
    text = browser.get(sent.path).text
    assert "<bdi>a…@example.org</bdi>" in text and "ann@example.org" not in text


@pytest.mark.parametrize("act", [None, "stop", "undo", "nonsense"])
def test_the_page_tells_nobody_and_is_not_kept(browser: FlaskClient, sent: Sent, act: str | None) -> None:
    """Security 7."""
    answer = browser.get(sent.path) if act is None else browser.post(sent.path, data={"act": act})
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({}, ("cy", "ltr")),
        ({"query_string": {"language": "ar"}}, ("ar", "rtl")),
        ({"query_string": {"language": "en"}}, ("en", "ltr")),
        ({"query_string": {"language": "xx"}, "headers": {"Accept-Language": "ar"}}, ("cy", "ltr")),
    ],
)
def test_it_speaks_the_readers_language(
    browser: FlaskClient, sent: Sent, wishes: dict[str, Any], expected: tuple[str, str]
) -> None:
    answer = browser.get(sent.path, **wishes)
    assert f'<html lang="{expected[0]}" dir="{expected[1]}">' in answer.text
    assert answer.headers["Content-Language"] == expected[0]


def test_whoever_we_do_not_know_is_read_by_their_browser(browser: FlaskClient) -> None:
    answer = browser.get("/u/x", headers={"Accept-Language": "fr-FR, ar-EG;q=0.8, en;q=0.5"})
    assert '<html lang="ar" dir="rtl">' in answer.text and "هذا الرابط غير صالح" in answer.text
