"""Words on pages: the language of whoever is not signed in, and problems told in the reader's language."""

from __future__ import annotations

from html import unescape

from .conftest import Browser, Browsers

HTML = {"Accept": "text/html"}


def test_whoever_is_not_signed_in_chooses_a_language(browsers: Browsers) -> None:
    client = browsers.app.test_client()
    page = client.get("/sign-in?language=cy", headers=HTML)
    assert page.headers["Content-Language"] == "cy" and 'lang="cy" dir="ltr"' in page.text
    assert 'href="/sign-in?language=ar" lang="ar" dir="rtl"' in page.text and "Mewngofnodi" in page.text


def test_the_chosen_language_stays_when_signing_in_is_refused(browsers: Browsers) -> None:
    client = browsers.app.test_client()
    assert 'action="/sign-in?language=cy"' in client.get("/sign-in?language=cy", headers=HTML).text
    refused = client.post(
        "/sign-in?language=cy", data={"email": "nobody@example.org", "password": "x"}, headers=HTML
    )
    assert refused.status_code == 403
    assert "nid yw'r cyfeiriad a'r cyfrinair hyn yn perthyn i'w gilydd" in unescape(refused.text)


def test_a_word_that_is_no_language_of_ours_is_not_repeated(browsers: Browsers) -> None:
    page = browsers.app.test_client().get('/sign-in?language="><b>', headers=HTML)
    assert page.headers["Content-Language"] == "en" and "<b>" not in page.text


def test_a_problem_is_told_once_and_in_the_readers_language(browser: Browser) -> None:
    page = browser.get("/nothing-here?language=ar", status=404)
    assert 'lang="ar" dir="rtl"' in page and page.count("لا شيء هنا") == 2  # the title and the heading


def test_a_role_that_reaches_no_further_is_told_so_in_welsh(browsers: Browsers) -> None:
    reader = browsers("viewer")
    page = reader.get("/settings/people?language=cy", status=403)
    assert "nid yw eich rolau'n cyrraedd y dudalen hon" in page
