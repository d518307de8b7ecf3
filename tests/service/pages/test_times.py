"""The times of a message that recurs at a browser: chosen, looked at, moved, called off."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.messages.tables import Timing
from service.pages import times

from .conftest import Browser, Browsers
from .test_messages import account, write  # noqa: F401  a connected account is a fixture

FIRST = datetime.now(UTC).date() + timedelta(days=7)
WHEN = {"act": "schedule", "local": f"{FIRST}T09:00", "zone": "Europe/London"}


def shown(days: int, clock: str = "09:00") -> str:
    """So many days after the first, as the page says it."""
    on = FIRST + timedelta(days=days)
    return f"{on.day} {on:%b} {on.year}, {clock}"


@pytest.fixture
def weekly(browser: Browser, account: str) -> str:  # noqa: F811
    """The page of a message that goes out each week."""
    place = write(browser, account)
    browser.post(place, repeats="FREQ=WEEKLY", until=str(FIRST + timedelta(days=30)), **WHEN)
    browser.post(place, act="submit")
    return place


def numbers(page: str) -> list[str]:
    return re.findall(r'<tr id="(occ_\w+)"', page)


def test_a_message_that_recurs_says_how_often_and_leads_to_each_time(browser: Browser, weekly: str) -> None:
    """C12"""
    page = browser.get(weekly)
    assert "Each week" in page and f"until {shown(30)[:-7]}" in page and f'href="{weekly}/times"' in page
    told = browser.get(f"{weekly}/times")
    assert all(shown(days) in told for days in (0, 7, 14, 21, 28)) and shown(35) not in told


def test_one_time_is_moved_and_one_called_off(browser: Browser, weekly: str) -> None:
    """C12"""
    first, second, *rest = numbers(browser.get(f"{weekly}/times"))
    page = browser.done(f"{weekly}/times", act="move", time=first, local=f"{FIRST}T10:30")
    assert "Moved." in page and shown(0, "10:30") in page
    page = browser.done(f"{weekly}/times", act="call_off", time=second)
    assert "Called off" in page and len(numbers(page)) == len(rest) + 2


def test_a_time_that_is_taken_is_refused_with_the_reason(browser: Browser, weekly: str) -> None:
    first = numbers(browser.get(f"{weekly}/times"))[0]
    answer = browser.post(
        f"{weekly}/times", status=422, act="move", time=first, local=f"{FIRST + timedelta(days=7)}T09:00"
    )
    assert "at this time already" in answer.text


def test_a_rule_that_is_none_is_refused_where_it_was_written(browser: Browser, account: str) -> None:  # noqa: F811
    place = write(browser, account)
    answer = browser.post(place, status=422, repeats="own", timing="every now and then", **WHEN)
    assert "no rule such as" in answer.text and 'value="every now and then"' in answer.text


@pytest.mark.parametrize(
    "rule", [None, "FREQ=DAILY", "FREQ=WEEKLY;UNTIL=20310630", "FREQ=MONTHLY;UNTIL=20310630;BYDAY=-1FR"]
)
def test_what_a_form_shows_of_a_rule_says_the_same_when_it_is_sent_back(rule: str | None) -> None:
    shown = times.apart(Timing(message_id=1, rule=rule))
    sent = {"repeats": shown.chosen, "timing": shown.written, "until": str(shown.until or "")}
    again = times.rule_of(sent)
    assert sorted((again or "").split(";")) == sorted((rule or "").split(";"))


@pytest.mark.parametrize(("language", "word"), [("cy", "Bob wythnos"), ("ar", "كل أسبوع")])
def test_it_is_told_in_the_readers_language(
    browsers: Browsers, weekly: str, language: str, word: str
) -> None:
    assert word in browsers(language=language).get(f"{weekly}/times")


def test_everybodys_own_clock_is_chosen_and_told(browser: Browser, account: str) -> None:  # noqa: F811
    """E2"""
    place = write(browser, account)
    page = browser.done(place, whose="next_day", **WHEN)
    assert "by each person's own clock" in page and 'value="next_day" selected' in page
    assert "by each person's own clock" not in browser.done(place, whose="", **WHEN)


def test_a_first_part_is_chosen_and_shown_again(browser: Browser, account: str) -> None:  # noqa: F811
    """E10"""
    place = write(browser, account)
    page = browser.done(place, first="20", then="4", **WHEN)
    assert 'name="first" type="number" value="20"' in page and 'name="then" type="number" value="4"' in page
    answer = browser.post(place, status=422, first="100", then="4", **WHEN)
    assert "from 1 to 99 per cent" in answer.text


def test_a_follow_up_is_chosen_and_told(browser: Browser, account: str) -> None:  # noqa: F811
    """E14"""
    first = write(browser, account, subject="The first walk")
    second = write(browser, account, subject="A reminder")
    number = first.rsplit("/", 1)[1]
    asked = {"after": number, "asks": "not_clicked", "days": "3"}
    page = browser.done(second, act="schedule", local="", zone="Europe/London", **asked)
    assert "3 days after another message" in page and "who has not pressed a link in it" in page
    assert f'<option value="{number}" selected>' in page
