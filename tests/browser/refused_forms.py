"""Every form that was refused: the page that says why hinders nobody either."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page

from ..places import addresses
from .every_page import findings
from .site import Site, Visit, come_in

# These would end the visit, stop everything, or leave the page; their refusals are shown like the others.
APART = ("/sign-out", "/me", "/settings/stops", "/tour", "/first")
OURS = re.compile(r"[a-z]{3}_[0-9A-Z]{10,}|\d+")
FORMS = """() => [...document.forms].filter(form => form.method === "post").map(form => ({
  place: new URL(form.action).pathname, names: [...new FormData(form).keys()].sort().join() }))"""
# Sent with nothing filled in, by the page itself, so that it comes from where it must come from.
SEND = """async ({ place, names }) => {
  const form = [...document.forms].find(one => one.method === "post" && new URL(one.action).pathname === place
    && [...new FormData(one).keys()].sort().join() === names);
  if (!form) return 0;  // one sent before has taken it away
  const data = new FormData(form);
  for (const one of form.querySelectorAll("input:not([type=hidden]):not([type=file]), textarea, select"))
    if (one.name) data.set(one.name, "");
  const answer = await fetch(form.action, { method: "POST", body: data, headers: { Accept: "text/html" } });
  const page = await answer.text();
  if (answer.status < 400 || !answer.headers.get("content-type").startsWith("text/html")) return 0;
  document.open();
  document.write(page.replace(/<script[^>]*><\\/script>/g, ""));  // they run in this document already
  document.close();
  return answer.status;
}"""


@pytest.mark.timeout(1800)
def test_no_page_that_refuses_a_form_hinders_anybody(site: Site, visit: Visit) -> None:
    visitor = visit(site.url, bypass_csp=True)
    come_in(visitor, site.first_visit(), "team")
    site.dolen("sample", "load")
    wiring = site.wiring()
    with wiring.database.read() as session:
        places = sorted(addresses(session).values())
    wiring.close()
    sent: set[str] = set()
    refused = [found for place in places for found in _refusals(visitor.page, place, sent)]
    wrong = [f"{place} {found}" for place, marks in refused for found in marks]
    assert len(refused) > 40
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)


def _refusals(page: Page, place: str, sent: set[str]) -> list[tuple[str, list[str]]]:
    """Of the forms on a page that are not in `sent` yet: where each that was refused went, and what axe finds."""
    answer = page.goto(place)
    if answer is None or answer.status != 200:  # a form sent before has taken it away
        return []
    found = []
    forms: list[dict[str, Any]] = page.evaluate(FORMS)
    for form in forms:
        once = OURS.sub("…", form["place"]) + form["names"]
        if once in sent or form["place"].startswith(APART):
            continue
        sent.add(once)
        page.goto(place)
        if page.evaluate(SEND, form):
            page.wait_for_load_state()
            found.append((form["place"], findings(page)))
    return found
