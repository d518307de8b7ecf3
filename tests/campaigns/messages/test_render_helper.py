"""Tests of previews: drafts are rendered outside this process, with little time, memory and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from campaigns.errors import BadTemplate
from campaigns.messages import render_helper


@dataclass
class Words:
    subject: str = ""
    text: str = ""
    html: str = ""


def test_one_call_renders_many_people_and_says_what_each_lacks() -> None:
    """C8, T11"""
    words = Words("Hi {{ name }}", "{{ fields.town }}", "<p>{{ name }}</p><script>x</script>")
    one, other = render_helper.preview(words, [{"name": "Ŵ", "fields": {"town": "Bala"}}, {"name": "B"}])
    assert one.rendered is not None and one.rendered.subject == "Hi Ŵ" and one.rendered.html == "<p>Ŵ</p>"
    assert (other.rendered, other.missing) == (None, ["fields.town"])
    [wrong] = render_helper.preview(Words(text="{{ data.x }}"), [{"data": {"x": [1]}}])
    assert wrong.rendered is None and "list" in wrong.wrong


def test_a_draft_outside_the_language_is_refused_with_its_line() -> None:
    """T1, T8"""
    for text in ("a\n{{ name.__class__ }}", "a\n{{ name"):
        with pytest.raises(BadTemplate) as refused:
            render_helper.preview(Words(text=text), [{}])
        assert (refused.value.pointer, refused.value.facts["line"]) == ("/text", 2)


def test_a_draft_that_takes_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """T3: the limit is lowered, because no template of the language is slow enough to meet the real one."""
    monkeypatch.setattr(render_helper, "TIME_MAX_S", 0.001)
    with pytest.raises(BadTemplate, match="longer"):
        render_helper.preview(Words(text="x"), [{}])


BREAKERS = {
    "memory": "x = 'a' * (400 * 2**20)",
    "a file": "open('/etc/passwd')",
    "a socket": "import socket; socket.socket()",
    "the environment": "import os; assert 'PATH' in os.environ",
    "endless work": "while True: pass",
}


@pytest.mark.parametrize("breaker", BREAKERS.values(), ids=BREAKERS)
def test_even_code_that_got_out_finds_nothing_there(breaker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """T4, T9, T11: run inside the shut-in process in place of the template."""
    start = render_helper.START.replace(
        "serve()", f"from campaigns.messages import render_helper as r\nr._shut_in()\n{breaker}"
    )
    monkeypatch.setattr(render_helper, "START", start)
    with pytest.raises(BadTemplate):
        render_helper.preview(Words(text="x"), [{}])


def test_a_preview_is_for_few_people() -> None:
    with pytest.raises(ValueError):
        render_helper.preview(Words(text="x"), [{}] * 21)
