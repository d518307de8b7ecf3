"""The story of the demo, step by step: a sample year, then one mailing through everything that can happen to it.

Rules: every step is played on the running system from outside, by the API, by mail and by kill -9, and returns the
facts that the tour's page tells. A step that does not hold is a RuntimeError.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any

from .cast import Cast
from .client import Client, press

PEOPLE = Path(__file__).with_name("people.csv")
POST = "Diogel yn y dŵr · Safe in the water · آمنون في الماء"
WORDS = {
    "en": (
        "Swim safely this winter",
        "Hello {{ name }},\n\nThe water is colder than it looks. Meet us on Saturday.\n",
    ),
    "cy": (
        "Nofio'n ddiogel y gaeaf hwn",
        "Helo {{ name }},\n\nMae'r dŵr yn oerach nag y mae'n edrych. Dewch ddydd Sadwrn.\n",
    ),
    "ar": ("سباحة آمنة هذا الشتاء", "مرحبًا {{ name }}،\n\nالماء أبرد مما يبدو. نلتقي بكم يوم السبت.\n"),
}
Facts = dict[str, Any]


@dataclass
class Story:
    """What was made on the way."""

    cast: Cast
    boss: Client
    checker: Client
    ids: dict[str, str] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def say(self, words: str) -> None:
        """One step, told as it happens."""
        print(f"[{time.monotonic() - self.began:5.1f} s] {words}", flush=True)


def prepare(cast: Cast) -> Story:
    """The stage before the first step: accounts, the sample year, fifty people more, and a mailing as a draft."""
    boss = cast.dolen("token")
    checker = cast.dolen("user", "add", "Checker (sample)", "--role", "approver").split()[0]
    story = Story(
        cast, Client(cast.base_url, boss), Client(cast.base_url, cast.dolen("token", "--user", checker))
    )
    for step in (connect, sample_year, import_people, write):
        step(story)
    return story


def connect(story: Story) -> None:
    """A mail account with an inbox, and a network to practise on."""
    cast = story.cast
    mail = story.boss.post(
        "/v1/connector_accounts", connector="smtp", name="Mail", sender="hello@dolen.example",
        sender_name="Diogel yn y dŵr",
        settings={
            "host": "127.0.0.1", "port": cast.smtp_port, "security": "off", "inbox_domain": "dolen.example",
            "imap_host": "127.0.0.1", "imap_port": cast.imap_port, "imap_security": "off", "imap_username": "dolen",
            "deadline_s": 3.0,
        },
        secrets={"imap_password": cast.password},
    )  # fmt: skip
    assert cast.practice is not None
    network = story.boss.post(
        "/v1/connector_accounts", connector="simulator", name="Network", language="cy",
        settings={"url": cast.practice.url, "channel": "practice"},
    )  # fmt: skip
    for account in (mail, network):
        verified = story.boss.post(f"/v1/connector_accounts/{account['id']}/verify")
        _must(verified["ok"], f"{account['name']} does not answer: {verified['problem']}")
    story.ids |= {"mail": mail["id"], "network": network["id"]}
    story.say("Connected: real SMTP and IMAP on this machine, and a practice network.")


def sample_year(story: Story) -> None:
    """A year of history, through the accounts that were just connected."""
    made = story.cast.dolen("sample", "load", "--mail", story.ids["mail"], "--network", story.ids["network"])
    story.ids["programme"] = made.split()[-1]
    groups = story.boss.get("/v1/segments?limit=200")["data"]
    strategies = story.boss.get("/v1/strategies?limit=200")["data"]
    story.ids["group"] = next(one["id"] for one in groups if one["name"] == "Winter news")
    story.ids["strategy"] = next(one["id"] for one in strategies if one["name"] == "Winter together")
    story.say("Loaded: a year of an invented health programme, every person of it marked as sample.")


def import_people(story: Story) -> None:
    """Fifty people in three languages, with one consent declaration for the file."""
    declared = {
        "purpose": "direct_marketing", "channel": "email", "basis": "consent", "source": "Sign-up day (sample)",
        "wording_version": "2026-1", "at": _today(),
    }  # fmt: skip
    imported = story.boss.upload(
        "/v1/imports", "people.csv", PEOPLE.read_bytes(), programme_id=story.ids["programme"],
        declaration=json.dumps(declared),
    )  # fmt: skip
    story.boss.post(f"/v1/imports/{imported['id']}/confirm")
    done = story.boss.until(f"/v1/imports/{imported['id']}", lambda one: one["state"] == "finished")
    story.say(f"Imported people.csv: {done['counts']}.")


def write(story: Story) -> None:
    """Words in three languages for a mailing and a post, as a draft that says who would be left out."""
    story.ids["message"] = _draft(story, "Cold water", WORDS, POST)
    rows = story.boss.post(f"/v1/messages/{story.ids['message']}/rehearse")["data"]
    left = Counter(row["reason"] for row in rows if row["state"] == "excluded")
    story.ids["left_out"] = str(sum(left.values()))
    story.say(
        f"A mailing stands in three languages. {sum(left.values())} would be left out, because: {dict(left)}."
    )


def send(story: Story) -> Facts:
    """The author asks for it to go, a second person checks, and it goes."""
    path = f"/v1/messages/{story.ids['message']}"
    waiting = story.boss.post(f"{path}/submit")
    _must(waiting["state"] == "waiting", f"it waits for a second person, and is not {waiting['state']}")
    story.checker.post(f"{path}/approvals", digest=waiting["digest"], decision="approved")
    going = story.boss.until(path, lambda one: one["state"] in ("sending", "finished"))
    story.say(f"Sent: checked by a second person under an agreed strategy, and now {going['state']}.")
    return {"intended": going["counts"]["intended"], "excluded": going["counts"]["excluded"]}


def pull_the_plug(story: Story) -> Facts:
    """kill -9 of the worker while letters are on their way, another takes over, and the books are compared."""
    before = len(story.cast.letters())
    deadline = time.monotonic() + 30
    while len(story.cast.letters()) < before + 12 and time.monotonic() < deadline:
        time.sleep(0.01)
    story.cast.kill("work")
    at = len(story.cast.letters())
    story.say(f"kill -9 of the worker, {at} letters into the mailing.")
    story.cast.start("work")
    path = f"/v1/messages/{story.ids['message']}"
    story.boss.until(path, lambda one: one["state"] == "finished")
    story.say(
        "Another worker took over; what was in the killed one's hands is `unknown`, never repeated blindly."
    )
    return {"letters": at} | books(story)


def books(story: Story) -> Facts:
    """Three books side by side; a person decides what nobody else can know, with the relay's log as evidence."""
    path = f"/v1/messages/{story.ids['message']}"
    letters = _accepted(story)
    unknown = story.boss.get(f"{path}/deliveries?state=unknown&limit=200")["data"]
    for row in unknown:
        gone = bool(letters[row["id"].upper()])
        outcome, evidence = ("sent", "in the relay's log") if gone else ("queued", "not in the relay's log")
        story.boss.post(f"/v1/deliveries/{row['id']}/decide", outcome=outcome, evidence=evidence)
    if unknown:
        story.say(f"{len(unknown)} unknown, decided by a person with the relay's log as evidence.")
    done = story.boss.until(path, lambda one: one["state"] == "finished" and not one["counts"]["unknown"])
    return {"unknown": len(unknown)} | _compare(story, done["counts"])


def _accepted(story: Story) -> Counter[str]:
    """How often the post office and the practice network took each delivery, from their own logs."""
    assert story.cast.practice is not None
    return Counter(
        [letter["message_id"].split("@")[0].strip("<").upper() for letter in story.cast.letters()]
        + [entry["key"].upper() for entry in story.cast.practice.accepted()]
    )


def _compare(story: Story, counts: dict[str, int]) -> Facts:
    path: str | None = f"/v1/messages/{story.ids['message']}/deliveries?limit=200"
    rows: list[dict[str, Any]] = []
    while path:
        page = story.boss.get(path)
        rows += page["data"]
        path = (
            page["next"] and f"/v1/messages/{story.ids['message']}/deliveries?limit=200&after={page['next']}"
        )
    accepted = _accepted(story)
    lost = [
        row["id"] for row in rows if row["state"] in ("sent", "bounced") and not accepted[row["id"].upper()]
    ]
    twice = [name for name, count in accepted.items() if count > 1]
    final = sum(counts[word] for word in ("sent", "bounced", "failed", "unknown", "excluded", "cancelled"))
    _must(not lost and not twice, f"lost {lost}, twice {twice}")
    _must(final == counts["intended"] == len(rows), f"the books do not agree: {counts}, {len(rows)} rows")
    story.say(f"From the providers' own logs: lost {len(lost)}, twice {len(twice)}. {counts}")
    return {"lost": len(lost), "twice": len(twice), "sent": counts["sent"]}


def reply(story: Story) -> Facts:
    """A Welsh reply by IMAP; it stands on the writer's record, and its clock runs."""
    story.cast.inbox.append(_reply(story.cast.letter_to("mair.eluned.evans@people.example")))
    found = story.boss.until(
        f"/v1/responses?message={story.ids['message']}",
        lambda page: {"reply", "bounce"} <= {one["kind"] for one in page["data"]},
    )
    one = next(one for one in found["data"] if one["kind"] == "reply")
    story.ids |= {"reply": one["id"], "person": one["stakeholder_id"]}
    story.say(f"Came in by IMAP: “{one['text']}”, matched by {one['matched_by']}; and a bounce.")
    return {"response": one["id"], "person": one["stakeholder_id"], "text": one["text"]}


def _reply(letter: dict[str, str]) -> bytes:
    made = EmailMessage()
    made["From"], made["To"] = "Mair Eluned Evans <mair.eluned.evans@people.example>", letter["reply_to"]
    made["Subject"], made["Date"] = f"Re: {letter['subject']}", formatdate()
    made["Message-ID"], made["In-Reply-To"] = make_msgid(domain="people.example"), letter["message_id"]
    made.set_content("Diolch yn fawr! Oes lle i ddau ar ddydd Sadwrn?\n")
    return made.as_bytes()


def opt_out(story: Story) -> Facts:
    """One click in a mail, and the very next sending leaves her out."""
    way_out = story.cast.letter_to("helen.marsh@people.example")["way_out"]
    press(way_out, **{"List-Unsubscribe": "One-Click"})
    again = _draft(story, "Cold water, again", WORDS, POST)
    rows = story.boss.post(f"/v1/messages/{again}/rehearse")["data"]
    _must(
        any(row["state"] == "excluded" and row["address"] == "helen.marsh@people.example" for row in rows),
        "an opt-out is honoured on the very next sending",
    )
    story.ids["again"] = again
    left = sum(row["state"] == "excluded" for row in rows)
    story.say(f"Helen Marsh pressed the way out in her mail. The next sending would leave out {left}.")
    return {"before": int(story.ids["left_out"]), "after": left, "message": again}


def agree(story: Story) -> Facts:
    """A new version of the strategy needs a partner: the next mailing is held until they agree by the outside link."""
    strategy = f"/v1/strategies/{story.ids['strategy']}"
    partner = _person(story, "DEMO-001")
    known = story.boss.get(f"{strategy}/parties")["data"]
    wanted = [{name: one[name] for name in ("kind", "ref", "part", "label")} for one in known]
    wanted.append(
        {"kind": "stakeholder", "ref": partner, "part": "required", "label": "Gwen Parry, swimming club"}
    )
    parties = story.boss.put(f"{strategy}/parties", parties=wanted)["data"]
    version = story.boss.get(f"{strategy}/versions/1")
    path = f"/v1/messages/{story.ids['again']}"
    waiting = story.boss.post(f"{path}/submit")
    story.checker.post(f"{path}/approvals", digest=waiting["digest"], decision="approved")
    held = story.boss.get(path)
    _must(held["state"] == "held", f"checked, not agreed: it must be held, not {held['state']}")
    story.say(f"Checked by a second person, and held: {held['held_by'][0]['detail']}")
    link = story.boss.post(f"{strategy}/versions/1/links", party=parties[-1]["id"])
    press(link["url"], act="comment", section="aims", text="Pryd fydd y sesiwn nesaf?")
    press(link["url"], act="decide", decision="agreed", digest=version["digest"], reason="")
    story.boss.until(path, lambda one: one["state"] in ("sending", "finished"))
    story.say("The partner agreed by the outside link, without a login, and the held mailing goes.")
    return {"message": story.ids["again"], "strategy": story.ids["strategy"]}


def one_call(story: Story) -> Facts:
    """The same by one call, as a program would: she is answered in her language, and an appointment goes out."""
    if "reply" in story.ids:
        story.boss.post(
            f"/v1/responses/{story.ids['reply']}/answer",
            text="Oes, mae croeso i'r ddau ohonoch. Welwn ni chi yno!",
        )
    sent = story.boss.post(
        "/v1/messages", to="ann.carter@people.example", subject="Your appointment", text="At 10."
    )
    done = story.boss.until(f"/v1/messages/{sent['id']}", lambda one: one["state"] == "finished")
    _must(done["counts"]["sent"] == 1, f"one call, one mail: {done['counts']}")
    story.say(f"One call, one mail: {sent['state']}, then sent. {done['assurance_words']}")
    return {"message": sent["id"], "token": story.boss.token, "base_url": story.cast.base_url}


# What the tour plays, in this order; the names are those of its page.
STEPS: dict[str, Callable[[Story], Facts]] = {
    "send": send,
    "plug": pull_the_plug,
    "reply": reply,
    "opt_out": opt_out,
    "agree": agree,
    "call": one_call,
}


def record(story: Story) -> None:
    """One engagement record, and the counts."""
    page = story.boss.until(
        f"/v1/stakeholders/{story.ids['person']}/engagement", lambda one: len(one["data"]) >= 4
    )
    print("\nThe engagement record of Mair Eluned Evans, newest first:")
    for entry in page["data"]:
        known = entry["evidence"]
        facts = [str(known[name])[:60] for name in ("what", "state", "subject", "text") if name in known]
        print(f"  {entry['at'][:19]}  {entry['kind']:<15} {' · '.join(facts)}")
    done = story.boss.get(f"/v1/messages/{story.ids['message']}")
    counts, reasons = done["counts"], done["reasons"]
    print(
        "\nThe mailing, reconciled: "
        + ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    )
    if reasons:
        print("  because: " + ", ".join(f"{name} {count}" for name, count in reasons.items()))
    _must(counts["bounced"] == 1, f"one bounce was expected: {counts}")


def _draft(story: Story, name: str, words: dict[str, tuple[str, str]], post: str) -> str:
    item = story.boss.post("/v1/content_items", name=name, programme_id=story.ids["programme"])
    for language, (subject, text) in words.items():
        story.boss.put(
            f"/v1/content_items/{item['id']}/variants/email/{language}", subject=subject, text=text
        )
    story.boss.put(f"/v1/content_items/{item['id']}/variants/practice/cy", text=post)
    made = story.boss.post(
        "/v1/messages", content_item=item["id"], segment=story.ids["group"], strategy_id=story.ids["strategy"],
        accounts=[story.ids["mail"], story.ids["network"]], programme_id=story.ids["programme"], draft=True,
    )  # fmt: skip
    return str(made["id"])


def _person(story: Story, external_id: str) -> str:
    found: dict[str, Any] = story.boss.get(f"/v1/stakeholders?external_id={external_id}")
    return str(found["data"][0]["id"])


def _today() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _must(true: Any, words: str) -> None:
    if not true:
        raise RuntimeError(words)
