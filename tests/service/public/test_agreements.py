"""The agreement page: read, comment, decide once; in three languages and without a script."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.audit import AuditEntry
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies import agreements
from campaigns.strategies.tables import Agreement, AgreementLink, StrategyComment, StrategyVersion
from service.wiring import Wiring
from tests.campaigns.strategies.conftest import lay


@dataclass(frozen=True)
class Asked:
    """The youth council has a link to version 1."""

    path: str
    digest: str
    version_id: int
    party_id: int


@pytest.fixture
def asked(wiring: Wiring) -> Asked:
    """Somebody outside who is asked to agree."""
    with wiring.database.write() as session:
        table = lay(session, wiring.now())
        path = agreements.invite(session, wiring.now(), table.version, table.council, days=30)
        return Asked(path, table.version.digest, table.version.id, table.council.id)


def decisions(wiring: Wiring) -> list[tuple[str, str]]:
    with wiring.database.read() as session:
        return [(one.decision, one.reason) for one in session.scalars(select(Agreement))]


def speak(wiring: Wiring, language: str) -> None:
    with wiring.database.write() as session:
        council = session.scalars(select(Stakeholder).where(Stakeholder.name == "Cyngor Ieuenctid")).one()
        council.languages = [language]


def answer(session: Session, wiring: Wiring, text: str) -> None:
    comment = session.scalars(select(StrategyComment)).one()
    agreements.answer(session, wiring.now(), comment, text, "usr_1")


def test_whoever_decides_sees_that_a_change_is_asked_for(
    browser: FlaskClient, wiring: Wiring, asked: Asked
) -> None:
    """I5"""
    assert "asked for a change" not in browser.get(asked.path).text
    with wiring.database.write() as session:
        version = session.get_one(StrategyVersion, asked.version_id)
        agreements.comment(session, wiring.now(), version, section="aims", text="Where?", by="ann", asks=True)
    shown = browser.get(asked.path).text
    assert "asks for a change" in shown and "You can wait for a new version" in shown
    form = {"act": "decide", "decision": "agreed", "digest": asked.digest}
    assert "You agreed" in browser.post(asked.path, data=form).text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_the_link_changes_nothing(
    browser: FlaskClient, wiring: Wiring, asked: Asked, method: str
) -> None:
    """U12, B4."""
    for query in ("", "?act=decide&decision=agreed", f"?digest={asked.digest}"):
        assert browser.open(asked.path + query, method=method).status_code == 200
    assert decisions(wiring) == []
    with wiring.database.read() as session:
        assert session.scalars(select(AgreementLink.used_at)).one() is None


def test_the_page_shows_the_version_and_what_is_asked(browser: FlaskClient, asked: Asked) -> None:
    text = browser.get(asked.path).text
    for part in (
        "Walk more",
        "Try it",
        "Cyngor Ieuenctid",
        "Version 1",
        "Aims",
        "Key messages",
        asked.digest,
    ):
        assert part in text
    assert "Not answering does not count as agreeing." in text


def test_whoever_agrees_with_what_they_read_has_agreed(
    browser: FlaskClient, wiring: Wiring, asked: Asked
) -> None:
    """B4, SM13."""
    form = {"act": "decide", "decision": "agreed", "digest": asked.digest, "reason": "Da iawn"}
    shown = browser.post(asked.path, data=form)
    assert shown.status_code == 200 and "Thank you" in shown.text and 'name="decision"' not in shown.text
    assert decisions(wiring) == [("agreed", "Da iawn")]
    again = browser.post(asked.path, data=form)
    assert again.status_code == 200 and decisions(wiring) == [("agreed", "Da iawn")]
    other = browser.post(asked.path, data={**form, "decision": "refused"})
    assert other.status_code == 404 and decisions(wiring) == [("agreed", "Da iawn")]
    assert "Thank you" in browser.get(asked.path).text
    with wiring.database.read() as session:
        acts = session.scalars(select(AuditEntry.act)).all()
        assert acts == ["strategy.agreed"]
        version = session.get_one(StrategyVersion, asked.version_id)
        assert asked.party_id not in [one.id for one in agreements.missing(session, version)]


def test_a_refusal_is_kept_with_its_reason(browser: FlaskClient, wiring: Wiring, asked: Asked) -> None:
    form = {"act": "decide", "decision": "refused", "digest": asked.digest, "reason": "Too\r\nearly"}
    assert "You refused on" in browser.post(asked.path, data=form).text
    assert decisions(wiring) == [("refused", "Too\nearly")]


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [
        ({"act": "decide"}, 422, "Please choose whether you agree."),
        ({"act": "decide", "decision": "agreed"}, 422, "This could not be saved."),
        ({"act": "decide", "decision": "agreed", "digest": "sha256:0"}, 422, "This could not be saved."),
        ({"act": "decide", "decision": "perhaps", "digest": "*"}, 422, "This could not be saved."),
        ({"act": "comment", "section": "aims", "text": " "}, 422, "Please write something"),
        ({"act": "comment", "section": "nothing", "text": "x"}, 422, "This could not be saved."),
        ({"act": "comment", "section": "aims", "text": "NUL \0"}, 422, "This could not be saved."),
        ({"act": "agree"}, 400, "Nothing was changed"),
        ({}, 400, "Nothing was changed"),
    ],
)
def test_what_is_not_right_is_told_and_nothing_is_changed(
    browser: FlaskClient, wiring: Wiring, asked: Asked, form: dict[str, str], status: int, says: str
) -> None:
    if form.get("digest") == "*":
        form = {**form, "digest": asked.digest}
    shown = browser.post(asked.path, data=form)
    assert (shown.status_code, says in shown.text) == (status, True)
    assert decisions(wiring) == []
    with wiring.database.read() as session:
        assert session.scalars(select(StrategyComment)).all() == []
        assert session.scalars(select(AuditEntry)).all() == []


def test_what_was_typed_is_not_lost_by_a_mistake(browser: FlaskClient, asked: Asked) -> None:
    """WCAG 3.3.7."""
    shown = browser.post(asked.path, data={"act": "decide", "reason": "<b>Because</b>"})
    assert "&lt;b&gt;Because&lt;/b&gt;</textarea>" in shown.text


def test_a_comment_is_told_answered_and_shown_without_names(
    browser: FlaskClient, wiring: Wiring, asked: Asked
) -> None:
    """B4: you said, we did."""
    form = {"act": "comment", "section": "aims", "text": "Beth am\r\n<script>alert(1)</script>?"}
    shown = browser.post(asked.path, data=form)
    assert shown.status_code == 200 and "Your comment has been sent." in shown.text
    assert "&lt;script&gt;" in shown.text and "<script" not in shown.text
    with wiring.database.write() as session:
        answer(session, wiring, "Added to version 2")
        said = session.scalars(select(StrategyComment)).one()
        assert (said.party_id, said.section, said.by[:4]) == (asked.party_id, "aims", "stk_")
        session.add(
            StrategyComment(
                version_id=asked.version_id, party_id=None, section="aims", text="Also this", by="usr_2",
                at=wiring.now(),
            )
        )  # fmt: skip
    text = browser.get(asked.path).text
    assert "Added to version 2" in text and "Our answer" in text and "Somebody else" in text
    assert "usr_" not in text and "stk_" not in text


def test_after_the_decision_nothing_more_is_taken(browser: FlaskClient, wiring: Wiring, asked: Asked) -> None:
    browser.post(asked.path, data={"act": "decide", "decision": "refused", "digest": asked.digest})
    late = browser.post(asked.path, data={"act": "comment", "section": "aims", "text": "One more thing"})
    assert late.status_code == 422
    with wiring.database.read() as session:
        assert session.scalars(select(StrategyComment)).all() == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_is_forged_or_expired_shows_nothing(
    browser: FlaskClient, wiring: Wiring, asked: Asked, method: str
) -> None:
    form = {"act": "decide", "decision": "agreed", "digest": asked.digest}
    data = form if method == "POST" else None
    for path in ("/agree/x", asked.path[:-1], asked.path + "x"):
        assert browser.open(path, method=method, data=data).status_code == 404
    with wiring.database.write() as session:
        session.scalars(select(AgreementLink)).one().expires_at = wiring.now() - timedelta(seconds=1)
    expired = browser.open(asked.path, method=method, data=data)
    assert expired.status_code == 404 and "Walk more" not in expired.text
    assert decisions(wiring) == []


@pytest.mark.parametrize(
    ("language", "direction", "says"),
    [("cy", "ltr", "Nodau"), ("ar", "rtl", "الأهداف"), ("en", "ltr", "Aims")],
)
def test_the_page_speaks_the_partys_language(
    browser: FlaskClient, wiring: Wiring, asked: Asked, language: str, direction: str, says: str
) -> None:
    speak(wiring, language)
    text = browser.get(asked.path, headers={"Accept-Language": "fr"}).text
    assert f'<html lang="{language}" dir="{direction}">' in text and says in text
    assert '<p dir="auto">Walk more</p>' in text


def test_the_page_can_be_read_by_everybody(browser: FlaskClient, asked: Asked) -> None:
    """WCAG 1.3.1, 2.4.6, 3.3.2, 4.1.2: headings in order, every field labelled, every id once."""
    text = browser.get(asked.path).text
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for field in re.findall(r"<(?:textarea|input type=\"radio\")[^>]*>", text):
        name = re.search(r'id="([^"]+)"', field)
        assert "radio" in field or (name is not None and f'for="{name[1]}"' in text)
    levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(levels, levels[1:], strict=False))
    assert all(f'id="{name}"' in text for name in re.findall(r'aria-labelledby="([^"]+)"', text))
    assert "<title>" in text and '<main id="main"' in text


def test_the_page_tells_nobody_and_is_not_kept(browser: FlaskClient, asked: Asked) -> None:
    """Security 7, A8."""
    for shown in (browser.get(asked.path), browser.post(asked.path), browser.get("/agree/x")):
        assert shown.headers["Referrer-Policy"] == "no-referrer"
        assert shown.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in shown.headers["Content-Security-Policy"]


def test_a_huge_form_is_refused(browser: FlaskClient, wiring: Wiring, asked: Asked) -> None:
    form = {"act": "comment", "section": "aims", "text": "x" * 200_000}
    assert browser.post(asked.path, data=form).status_code == 413
