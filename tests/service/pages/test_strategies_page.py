"""The strategy pages: written in versions, compared, commented on, agreed by whoever must, and by nobody else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from campaigns.base import public_id
from campaigns.stakeholders import addresses, people, segments
from campaigns.strategies import agreements, strategies
from campaigns.strategies.tables import Agreement, Strategy, StrategyDraft
from service import notices
from service.tables import Notice, User
from service.wiring import Wiring

from .. import samples
from .conftest import Browser, Browsers

BODY: dict[str, Any] = {
    "aims": "Walk more",
    "key_messages": "Try it\nBring a friend",
    "purpose": "service",
    "default_language": "cy",
}


@dataclass
class Desk:
    """A programme with a strategy, its writer, and people outside."""

    wiring: Wiring
    browsers: Browsers
    programme: int
    writer: Browser

    def begin(self, **form: Any) -> str:
        """The page of a strategy with its first version, as a path."""
        place = public_id("prg", self.programme)
        to_edit = self.writer.post("/strategies/new", programme=place, name="Walkers", **form).headers[
            "Location"
        ]
        path: str = to_edit.split("/edit")[0]
        self.writer.post(f"{path}/edit", act="save", **BODY)
        return path

    def outside(self, name: str = "Cyngor Ieuenctid") -> str:
        with self.wiring.database.write() as session:
            made = people.create(session, self.wiring.now(), kind="group", name=name)
            people.involve(session, self.wiring.now(), made.id, self.programme)
            addresses.add(session, self.wiring.now(), made.id, "email", "cyngor@example.org")
            return public_id("stk", made.id)

    def name(self, path: str, who: str, **form: str) -> str:
        return self.writer.done(f"{path}/parties", **{"add": who, "add-part": "required"} | form)


@pytest.fixture
def desk(wiring: Wiring, browsers: Browsers) -> Desk:
    with wiring.database.write() as session:
        place = samples.programme(session, wiring.now(), "Walking")
    return Desk(wiring, browsers, place, browsers("author", place, name="Ann Rees"))


def hidden(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def ballot(page: str, act: str = "decide") -> dict[str, Any]:
    """What the form of a decision sends along."""
    form = page[: page.index(f'name="act" value="{act}"')].rsplit("<form", 1)[1]
    return {name: hidden(form, name) for name in ("n", "digest", "party")} | {"act": act}


def test_an_empty_list_says_what_a_strategy_is(browser: Browser) -> None:
    assert "what you tell them, where and how often" in browser.get("/strategies")


def test_a_strategy_is_written_and_reads_like_a_document(desk: Desk) -> None:
    """SM13, B3."""
    path = desk.begin()
    page = desk.writer.get(path)
    assert '<h2 id="aims">Aims</h2>' in page and "<li><bdi>Bring a friend</bdi></li>" in page
    assert "Welsh" in page and "Ann Rees" in page and "Nobody has to agree to it" in page
    listed = desk.writer.get("/strategies")
    assert "Walkers" in listed and "Walking" in listed and "For everyone" in listed


def test_one_strategy_for_each_group(desk: Desk) -> None:
    with desk.wiring.database.write() as session:
        group = segments.create(session, desk.wiring.now(), programme_id=desk.programme, name="Runners")
    path = desk.begin(segment_id=public_id("seg", group.id))
    assert "For <bdi>Runners</bdi>" in desk.writer.get(path)
    again = desk.writer.post(
        "/strategies/new", status=422, programme=public_id("prg", desk.programme), name="Twice",
        segment_id=public_id("seg", group.id),
    )  # fmt: skip
    assert "has a strategy already" in again.text and "Twice" in again.text


def test_a_draft_is_kept_for_its_author_alone(desk: Desk) -> None:
    path = desk.begin()
    kept = desk.writer.done(f"{path}/edit", act="draft", aims="Run far")
    assert "This is your draft" in kept and "Run far" in kept
    colleague = desk.browsers("author", desk.programme)
    assert "Run far" not in colleague.get(f"{path}/edit") and "Walk more" in colleague.get(f"{path}/edit")
    assert "Version 2" in desk.writer.done(f"{path}/edit", act="save", aims="Run far")
    with desk.wiring.database.read() as session:
        assert session.query(StrategyDraft).count() == 0
    desk.writer.done(f"{path}/edit", act="draft", aims="Away")
    assert "Away" not in desk.writer.done(f"{path}/edit", act="drop")


def test_what_is_refused_stands_at_its_field_with_what_was_typed(desk: Desk) -> None:
    path = desk.begin()
    answer = desk.writer.post(f"{path}/edit", act="save", status=422, aims="Run", key_messages="x" * 10_001)
    assert 'id="f-key_messages-why"' in answer.text and "Run" in answer.text
    bad = desk.writer.post(f"{path}/edit", act="save", status=422, default_language="no language")
    assert 'id="f-default_language"' in bad.text and "field wrong" in bad.text


def test_versions_stand_side_by_side_with_their_differences(desk: Desk) -> None:
    path = desk.begin()
    assert "only one version" in desk.writer.get(f"{path}/compare")
    desk.writer.done(f"{path}/edit", act="save", aims="Walk far more", default_language="en")
    page = desk.writer.get(f"{path}/compare", a="1", b="2")
    assert re.search(r"<ins><span class=\"unseen\">\[new: </span>far ", page)
    assert "[taken out: </span>" in page and "Bring" in page
    assert "Both say the same" not in page and "Version 2" in desk.writer.get(
        f"{path}/compare", a="x", b="99999999999"
    )


def test_parties_are_named_changed_and_asked_no_more(desk: Desk) -> None:
    path = desk.begin()
    colleague = desk.browsers("approver", desk.programme, name="Bo Pugh")
    page = desk.name(path, f"user:{public_id('usr', colleague.user_id)}", **{"add-answer": "2027-05-03"})
    assert "Bo Pugh" in page and "2027-05-03" in page
    desk.name(path, "role:approver", **{"add-label": "The checkers", "add-part": "consulted"})
    found = desk.writer.get(f"{path}/parties", find="cyng")
    assert "Nobody of that name" in found
    council = desk.outside()
    assert f"stakeholder:{council}" in desk.writer.get(f"{path}/parties", find="cyng")
    page = desk.name(path, f"stakeholder:{council}")
    key = hidden(page, "form_key") and re.findall(r'name="part-(pty_\w+)"', page)
    assert len(key) == 3
    rest = {f"part-{key[0]}": "informed", f"answer-{key[0]}": "", f"remove-{key[1]}": "yes"}
    page = desk.writer.done(f"{path}/parties", **rest)
    assert "The checkers" not in page and re.findall(r'name="part-(pty_\w+)"', page) == [key[0], key[2]]
    shown = desk.writer.get(path)
    assert "Is told" in shown and "Still waiting for <bdi>Cyngor Ieuenctid</bdi>" in shown
    wrong = desk.writer.post(f"{path}/parties", status=422, add="role:nobody")
    assert "a role is one of" in wrong.text
    late: dict[str, Any] = {"add": "role:approver", "add-answer": "soon"}
    when = desk.writer.post(f"{path}/parties", status=422, **late)
    assert "choose a day" in when.text


def test_a_colleague_agrees_to_what_they_read_and_the_list_says_so(desk: Desk) -> None:
    """B4, SM13."""
    path = desk.begin()
    colleague = desk.browsers("approver", desk.programme, name="Bo Pugh")
    desk.name(path, f"user:{public_id('usr', colleague.user_id)}")
    page = colleague.get(path)
    assert "Still waiting for <bdi>Bo Pugh</bdi>" in page and "I agree" in page
    form = ballot(page)
    stale = colleague.post(path, status=422, **form | {"digest": "sha256:old", "decision": "agreed"})
    assert "read it again" in stale.text
    assert "Refused by" in colleague.done(path, **form, decision="refused", reason="Too far")
    assert "Too far" in desk.writer.get(path)
    assert "Agreed by <bdi>Bo Pugh</bdi>" in colleague.done(path, **form, decision="agreed")
    assert "Agreed by <bdi>Bo Pugh</bdi>" in desk.writer.get("/strategies")


def test_nobody_plays_somebody_else_s_part(desk: Desk) -> None:
    path = desk.begin()
    bo, cai = (desk.browsers("approver", desk.programme, name=name) for name in ("Bo", "Cai"))
    desk.name(path, f"user:{public_id('usr', bo.user_id)}")
    form = ballot(bo.get(path))
    assert 'value="decide"' not in cai.get(path)
    cai.post(path, status=422, **form, decision="agreed")
    desk.writer.post(path, status=422, **form, decision="agreed")
    desk.browsers("viewer", desk.programme).post(path, status=422, **form, decision="agreed")
    with desk.wiring.database.read() as session:
        assert session.query(Agreement).count() == 0


def test_what_was_said_in_a_meeting_is_written_down_by_somebody_else_with_evidence(desk: Desk) -> None:
    path = desk.begin()
    desk.name(path, f"stakeholder:{desk.outside()}")
    assert 'value="record"' not in desk.writer.get(path)
    scribe = desk.browsers("approver", desk.programme, name="Cai Lloyd")
    form = ballot(scribe.get(path), "record") | {"decision": "agreed", "by": "Mair, chair"}
    none = scribe.post(path, status=422, **form, evidence=" ")
    assert 'class="why"' in none.text and "Mair, chair" in none.text
    page = scribe.done(path, **form, evidence="Minutes of 3 May, item 4")
    assert "Minutes of 3 May" in page and "Written down by <bdi>Cai Lloyd</bdi>" in page
    assert "Agreed by <bdi>Cyngor Ieuenctid</bdi>" in page


def test_an_outside_party_gets_a_link_that_is_shown_once(desk: Desk) -> None:
    path = desk.begin()
    desk.name(path, f"stakeholder:{desk.outside()}")
    key = re.search(r'name="party" value="(pty_\w+)"', desk.writer.get(path))
    assert key
    page = desk.writer.post(path, status=200, act="invite", n="1", party=key[1], days="14").text
    link = re.search(r'value="(http[^"]*/agree/[^"]+)"', page)
    assert link and "shown only this once" in page and "mailto:cyngor%40example.org" in page
    assert "/agree/" not in desk.writer.get(path)
    reader = desk.browsers.app.test_client()
    token = link[1].split("/agree/")[1]
    public = reader.get(f"/agree/{token}")
    assert public.status_code == 200 and "Walk more" in public.text
    digest = hidden(public.text, "digest")
    reader.post(f"/agree/{token}", data={"act": "comment", "section": "aims", "text": "Think of wheelchairs"})
    reader.post(f"/agree/{token}", data={"act": "decide", "decision": "agreed", "digest": digest})
    shown = desk.writer.get(path)
    assert "Think of wheelchairs" in shown and "Agreed by <bdi>Cyngor Ieuenctid</bdi>" in shown
    bad = desk.writer.post(path, status=422, act="invite", n="1", party=key[1], days="4000")
    assert "a link lives" in bad.text


def test_comments_are_answered_once_where_they_stand(desk: Desk) -> None:
    """I5."""
    path = desk.begin()
    colleague = desk.browsers("viewer", desk.programme, name="Dai Ellis")
    page = colleague.done(path, act="comment", n="1", section="aims", text="And in winter?")
    assert "And in winter?" in page and "Dai Ellis" in page and "Not answered yet" in page
    comment = hidden(desk.writer.get(path), "comment")
    colleague.post(path, status=422, act="answer", n="1", comment=comment, text="Yes")
    answered = desk.writer.done(path, act="answer", n="1", comment=comment, text="We added boots")
    assert "You said, we did" in answered and "We added boots" in answered
    desk.writer.post(path, status=422, act="answer", n="1", comment=comment, text="Again")
    assert (
        "must not be empty"
        in colleague.post(path, status=422, act="comment", n="1", section="aims", text=" ").text
    )


def test_a_change_that_is_asked_for_keeps_colleagues_from_agreeing_until_it_is_settled(desk: Desk) -> None:
    """I5: a change request blocks; it is told in words, with where it is cleared."""
    path = desk.begin()
    checker = desk.browsers("approver", desk.programme, name="Dai Ellis")
    desk.name(path, "role:approver")
    form: dict[str, Any] = {"act": "comment", "n": "1", "section": "aims", "text": "Say where", "asks": "yes"}
    desk.browsers("viewer", desk.programme).post(path, status=422, **form)
    page = desk.writer.done(path, **form)
    key = hidden(page, "comment")
    assert "Asks for a change" in page and f'href="#comment-{key}"' in page and f'id="comment-{key}"' in page
    vote = ballot(checker.get(path))
    assert 'value="agreed"' not in checker.get(path) and 'value="refused"' in checker.get(path)
    assert "settle that first" in checker.post(path, status=422, decision="agreed", **vote).text
    desk.browsers("viewer", desk.programme).post(path, status=422, act="settle", n="1", comment=key)
    assert "Change asked for, settled" in desk.writer.done(path, act="settle", n="1", comment=key)
    desk.writer.post(path, status=422, act="settle", n="1", comment=key)
    assert "Agreed by" in checker.done(path, decision="agreed", **vote)


def test_a_comment_calls_colleagues_by_name_or_by_choice_and_they_are_told(desk: Desk) -> None:
    """I5: mentions."""
    path = desk.begin()
    ffion = desk.browsers("viewer", desk.programme, name="Ffion Rees", email_key="ffion@example.org")
    desk.browsers("viewer", desk.programme, name="Dai Ellis", email_key="dai@example.org")
    desk.browsers("viewer", None, name="Elin", email_key="elin@example.org")
    form: dict[str, Any] = {"act": "comment", "n": "1", "section": "aims"}
    named = desk.writer.done(
        path, text="@Dai and @nobody, see this", call=public_id("usr", ffion.user_id), **form
    )
    assert re.findall(r'<span class="label">@<bdi>([^<]+)</bdi>', named) in (
        ["Ffion Rees", "Dai Ellis"],
        ["Dai Ellis", "Ffion Rees"],
    )
    stranger = desk.browsers("viewer", samples_elsewhere(desk))
    desk.writer.post(path, status=422, text="Hello", call=public_id("usr", stranger.user_id), **form)
    notices.gather(desk.wiring.database, desk.wiring.now(), "UTC")
    with desk.wiring.database.read() as session:
        rows = session.query(Notice).where(Notice.kind == "mentioned").all()
        told = {session.get_one(User, row.user_id).name for row in rows}
        assert told == {"Ffion Rees", "Dai Ellis"} and all(row.facts["path"].startswith(path) for row in rows)


def samples_elsewhere(desk: Desk) -> int:
    with desk.wiring.database.write() as session:
        return samples.programme(session, desk.wiring.now(), "Elsewhere")


def test_an_archived_strategy_takes_no_new_version(desk: Desk) -> None:
    path = desk.begin()
    desk.writer.done(path, act="archive")
    assert "Walkers" not in desk.writer.get("/strategies")
    assert "Walkers" in desk.writer.get("/strategies", state="archived")
    desk.writer.post(f"{path}/edit", act="save", status=422, aims="More")
    assert "Archived" in desk.writer.get(path)


def test_the_messages_under_a_strategy_are_named(desk: Desk) -> None:
    with desk.wiring.database.write() as session:
        ids = samples.world(session, desk.wiring.now(), desk.programme)
        found = session.get_one(Strategy, ids["str"])
        version = strategies.latest(session, found)
        assert version is not None
        from campaigns.messages.tables import Message

        session.get_one(Message, ids["msg"]).strategy_version_id = version.id
    page = desk.writer.get(f"/strategies/{public_id('str', ids['str'])}")
    assert public_id("msg", ids["msg"]) in page


def test_another_programme_s_strategy_does_not_exist_here(desk: Desk) -> None:
    """I3."""
    path = desk.begin()
    with desk.wiring.database.write() as session:
        elsewhere = samples.programme(session, desk.wiring.now(), "Elsewhere")
    stranger = desk.browsers("author", elsewhere)
    assert "Walkers" not in stranger.get("/strategies")
    for page in ("", "/edit", "/compare", "/parties"):
        stranger.get(f"{path}{page}", status=404)
    stranger.post(path, status=404, act="nonsense")
    desk.writer.post(path, status=303, act="nonsense")
    stranger.post(path, status=404, act="comment", n="1", section="aims", text="Hello")
    desk.browsers("viewer", desk.programme).get(f"{path}/edit", status=403)


def test_the_list_asks_the_database_the_same_number_of_times_however_long_it_is(desk: Desk) -> None:
    from sqlalchemy import event

    def asked() -> int:
        seen: list[Any] = []
        engine = desk.wiring.database.read_engine
        event.listen(engine, "before_cursor_execute", listener := lambda *args: seen.append(args[2]))
        desk.writer.get("/strategies")
        event.remove(engine, "before_cursor_execute", listener)
        return len(seen)

    desk.begin()
    before = asked()
    with desk.wiring.database.write() as session:
        for n in range(5):
            group = segments.create(session, desk.wiring.now(), programme_id=desk.programme, name=f"G{n}")
            made = strategies.create(
                session, desk.wiring.now(), programme_id=desk.programme, segment_id=group.id, name=f"S{n}"
            )
            strategies.new_version(session, desk.wiring.now(), made, {"aims": "x"}, "ann")
            agreements.set_parties(session, made, [{"kind": "role", "ref": "approver"}])
    assert asked() == before
