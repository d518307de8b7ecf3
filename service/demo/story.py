"""The story of the demo: one loop from an imported list to the answer on a person's record."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any

from .cast import Cast
from .client import Client, press

PEOPLE = Path(__file__).with_name("people.csv")
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
POST = "Diogel yn y dŵr · Safe in the water · آمنون في الماء"


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


def play(cast: Cast) -> Story:
    """The whole loop; RuntimeError where it does not hold."""
    story = _people(cast)
    for step in (
        connect, import_people, one_call, raise_assurance, write_strategy, held, agree, pull_the_plug, books,
        came_back, answer, record,
    ):  # fmt: skip
        step(story)
    return story


def _people(cast: Cast) -> Story:
    """Two colleagues: who writes does not check."""
    boss = cast.dolen("token")
    checker = cast.dolen("user", "add", "Checker", "--role", "approver").split()[0]
    return Story(
        cast, Client(cast.base_url, boss), Client(cast.base_url, cast.dolen("token", "--user", checker))
    )


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


def import_people(story: Story) -> None:
    """Fifty people in three languages, with one consent declaration for the file."""
    programme = story.boss.post("/v1/programmes", name="Diogel yn y dŵr (sample)", starts_on=_today()[:10])
    story.ids["programme"] = programme["id"]
    consent = {
        "purpose": "direct_marketing",
        "channel": "email",
        "basis": "consent",
        "source": "Sign-up day (sample)",
    }
    imported = story.boss.upload(
        "/v1/imports", "people.csv", PEOPLE.read_bytes(), programme_id=programme["id"], declaration=json.dumps(
            {**consent, "wording_version": "2026-1", "at": _today()}
        ),
    )  # fmt: skip
    story.boss.post(f"/v1/imports/{imported['id']}/confirm")
    done = story.boss.until(f"/v1/imports/{imported['id']}", lambda one: one["state"] == "finished")
    story.say(f"Imported people.csv: {done['counts']}.")


def one_call(story: Story) -> None:
    """One mail by one call, at `light`."""
    sent = story.boss.post(
        "/v1/messages", to="ann.carter@people.example", subject="Your appointment", text="Tuesday at 10.",
        programme_id=story.ids["programme"],
    )  # fmt: skip
    done = story.boss.until(f"/v1/messages/{sent['id']}", lambda one: one["state"] == "finished")
    _must(done["counts"]["sent"] == 1, f"one call, one mail: {done['counts']}")
    story.say(f"One call, one mail: {sent['state']}, then sent. {done['assurance_words']}")


def raise_assurance(story: Story) -> None:
    """From now on nothing goes without an agreed strategy and a second person."""
    story.boss.patch(f"/v1/programmes/{story.ids['programme']}", assurance="agreed")
    story.say("The programme is raised to `agreed`.")


def write_strategy(story: Story) -> None:
    """A strategy for everyone in the list; a partner outside must agree."""
    group = story.boss.post(
        "/v1/segments", programme_id=story.ids["programme"], name="Swimmers",
        rule={"field": "tag", "op": "has", "value": "sample"},
    )  # fmt: skip
    strategy = story.boss.post(
        "/v1/strategies", name="Cold water", programme_id=story.ids["programme"], segment_id=group["id"]
    )
    version = story.boss.post(
        f"/v1/strategies/{strategy['id']}/versions", aims="Nobody drowns for not knowing the water.",
        key_messages=["Cold water takes your breath."], channels=["email", "practice"], cadence="Once a month",
        response_rules="We answer within a day, in the language we were written to in.", purpose="direct_marketing",
        default_language="en",
    )  # fmt: skip
    partner = _person(story, "DEMO-001")
    parties = story.boss.put(
        f"/v1/strategies/{strategy['id']}/parties",
        parties=[{"kind": "stakeholder", "ref": partner, "part": "required", "label": "Gwen Parry, swimming club"}],
    )  # fmt: skip
    story.ids |= {
        "group": group["id"], "strategy": strategy["id"], "partner": partner, "digest": version["digest"],
        "party": parties["data"][0]["id"],
    }  # fmt: skip
    story.say("A strategy is written; Gwen Parry of the swimming club has to agree to it.")


def held(story: Story) -> None:
    """Words in three languages, a mailing and a post; it says what is missing and holds."""
    item = story.boss.post("/v1/content_items", name="Cold water", programme_id=story.ids["programme"])
    for language, (subject, text) in WORDS.items():
        story.boss.put(
            f"/v1/content_items/{item['id']}/variants/email/{language}", subject=subject, text=text
        )
    story.boss.put(f"/v1/content_items/{item['id']}/variants/practice/cy", text=POST)
    message = story.boss.post(
        "/v1/messages", content_item=item["id"], segment=story.ids["group"], strategy_id=story.ids["strategy"],
        accounts=[story.ids["mail"], story.ids["network"]], programme_id=story.ids["programme"],
    )  # fmt: skip
    story.ids["message"] = message["id"]
    story.say(f"The message is {message['state']}. Before this can go:")
    for obstacle in message["held_by"]:
        print(f"            - {obstacle['detail']}")
    story.checker.post(
        f"/v1/messages/{message['id']}/approvals", digest=message["digest"], decision="approved"
    )
    now = story.boss.get(f"/v1/messages/{message['id']}")
    _must(now["state"] == "held", f"checked, not agreed: it must be held, not {now['state']}")
    story.say(f"Checked by a second person, and still held: {now['held_by'][0]['detail']}")


def agree(story: Story) -> None:
    """The partner opens the link without a login, and agrees."""
    link = story.boss.post(
        f"/v1/strategies/{story.ids['strategy']}/versions/1/links", party=story.ids["party"]
    )
    press(link["url"], act="comment", section="aims", text="Pryd fydd y sesiwn nesaf?")
    press(link["url"], act="decide", decision="agreed", digest=story.ids["digest"], reason="")
    path = f"/v1/messages/{story.ids['message']}"
    story.boss.until(path, lambda one: one["state"] in ("sending", "finished"))
    story.say("The partner agreed by the outside link, and the held message goes.")


def pull_the_plug(story: Story) -> None:
    """kill -9 of the worker while letters are on their way."""
    before = len(story.cast.letters())
    deadline = time.monotonic() + 30
    while len(story.cast.letters()) < before + 12 and time.monotonic() < deadline:
        time.sleep(0.01)
    story.cast.kill("work")
    story.say(f"kill -9 of the worker, {len(story.cast.letters()) - 1} letters into the mailing.")
    story.cast.start("work")
    path = f"/v1/messages/{story.ids['message']}"
    story.boss.until(path, lambda one: one["state"] == "finished")
    story.say(
        "Another worker took over; what was in the killed one's hands is `unknown`, never repeated blindly."
    )


def books(story: Story) -> None:
    """Three books side by side; a person decides what nobody else can know, with the relay's log as evidence."""
    path = f"/v1/messages/{story.ids['message']}"
    letters = {letter["message_id"].split("@")[0].strip("<").upper() for letter in story.cast.letters()}
    unknown = story.boss.get(f"{path}/deliveries?state=unknown&limit=200")["data"]
    for row in unknown:
        gone = row["id"].upper() in letters
        outcome, evidence = ("sent", "in the relay's log") if gone else ("queued", "not in the relay's log")
        story.boss.post(f"/v1/deliveries/{row['id']}/decide", outcome=outcome, evidence=evidence)
    if unknown:
        story.say(f"{len(unknown)} unknown, decided by a person with the relay's log as evidence.")
    done = story.boss.until(path, lambda one: one["state"] == "finished" and not one["counts"]["unknown"])
    _compare(story, done["counts"])


def _compare(story: Story, counts: dict[str, int]) -> None:
    rows = story.boss.get(f"/v1/messages/{story.ids['message']}/deliveries?limit=200")["data"]
    assert story.cast.practice is not None
    accepted = Counter(
        [letter["message_id"].split("@")[0].strip("<").upper() for letter in story.cast.letters()]
        + [entry["key"].upper() for entry in story.cast.practice.accepted()]
    )
    lost = [
        row["id"] for row in rows if row["state"] in ("sent", "bounced") and not accepted[row["id"].upper()]
    ]
    twice = [name for name, count in accepted.items() if count > 1]
    final = sum(counts[word] for word in ("sent", "bounced", "failed", "unknown", "excluded", "cancelled"))
    _must(not lost and not twice, f"lost {lost}, twice {twice}")
    _must(final == counts["intended"] == len(rows), f"the books do not agree: {counts}")
    story.say(f"From the providers' own logs: lost {len(lost)}, twice {len(twice)}.")


def came_back(story: Story) -> None:
    """A Welsh reply by IMAP, a bounce, an opt-out by the link in the mail."""
    letters = {letter["to"]: letter for letter in story.cast.letters()[1:]}
    story.cast.inbox.append(_reply(letters["mair.eluned.evans@people.example"]))
    press(letters["helen.marsh@people.example"]["way_out"], **{"List-Unsubscribe": "One-Click"})
    programme = f"/v1/responses?message={story.ids['message']}"
    found = story.boss.until(
        programme, lambda page: {"reply", "bounce"} <= {one["kind"] for one in page["data"]}
    )
    reply = next(one for one in found["data"] if one["kind"] == "reply")
    story.ids |= {"reply": reply["id"], "person": reply["stakeholder_id"]}
    story.say(
        f"Came in by IMAP: “{reply['text']}”, matched by {reply['matched_by']}; and a bounce; and an opt-out."
    )
    again = story.boss.post(
        "/v1/messages",
        to="helen.marsh@people.example",
        subject="More",
        text="More.",
        purpose="direct_marketing",
        programme_id=story.ids["programme"],
        draft=True,
    )
    rows = story.boss.post(f"/v1/messages/{again['id']}/rehearse")["data"]
    _must(rows[0]["state"] == "excluded", "an opt-out is honoured on the very next message")
    story.say(f"The next message would leave her out, because: {rows[0]['reason']}.")


def _reply(letter: dict[str, str]) -> bytes:
    made = EmailMessage()
    made["From"], made["To"] = "Mair Eluned Evans <mair.eluned.evans@people.example>", letter["reply_to"]
    made["Subject"], made["Date"] = f"Re: {letter['subject']}", formatdate()
    made["Message-ID"], made["In-Reply-To"] = make_msgid(domain="people.example"), letter["message_id"]
    made.set_content("Diolch yn fawr! Oes lle i ddau ar ddydd Sadwrn?\n")
    return made.as_bytes()


def answer(story: Story) -> None:
    """Answered from here, in the language she wrote in."""
    sent = story.boss.post(
        f"/v1/responses/{story.ids['reply']}/answer",
        text="Oes, mae croeso i'r ddau ohonoch. Welwn ni chi yno!",
    )
    story.boss.until(f"/v1/messages/{sent['message_id']}", lambda one: one["state"] == "finished")
    story.say("Answered, in Welsh; it went at once.")


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


def _person(story: Story, external_id: str) -> str:
    found: dict[str, Any] = story.boss.get(f"/v1/stakeholders?external_id={external_id}")
    return str(found["data"][0]["id"])


def _today() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _must(true: Any, words: str) -> None:
    if not true:
        raise RuntimeError(words)
