"""Compiled letters: the same as the sandbox makes, and as a mail program reads them."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from campaigns.delivery.compose import Frame
from campaigns.errors import BadTemplate, DomainError, MissingData
from campaigns.links import Links, Tokens
from campaigns.messages import marks, render
from campaigns.messages.compiled import Source, Stencil
from campaigns.messages.marks import CLOSE, MIDDLE, OPEN, PROBE
from connectors import mail
from connectors.api import Filled, Outbound, Refused

LINKS = Links("https://dolen.example", (b"k" * 32,), "mail.example")
ONE = Frame(("cy",), bulk=True, broadcast=False, base_url=LINKS.base_url)
TWO = replace(ONE, languages=("cy", "ar"))
LETTER = Outbound(
    key="dlv_01J9ZX0000000", to="sioned@example.org", sender="helo@cyngor.example",
    since=datetime(2026, 11, 2, 9, 0, tzinfo=UTC),
)  # fmt: skip

# What a person, a file or a form may have put into a field.
HOSTILE = [
    "Siân", "مركز المدينة", "👩‍👩‍👧", "a & b", "<b>x</b>", "<script>alert(1)</script>", '"><img src=x>',
    "x' onload='y", "lt;", "amp;", "#60;", "b", "/b", "!--", "-->", "copy", ".", "..", "\n.\n",
    "\r\nBcc: x@y.example", "a\rb", " ", "", " a", "a ", "a\xa0b", "\xa0", "\u200fابن\u200e",
    "\u2066x\u2069", "\ufeff", "x\u2028y", "\0", "\x85", "é" * 300, "a" * 1_200, "=", "=?utf-8?b?YQ==?=",
    "javascript:alert(1)",
    "https://x.example/", "https://x.example/?a=b&c", "http://a.b.example", "https://x.example:9/",
    "//x", "/m/a", 'src="/m/', "{{ name }}", "{% if %}", OPEN,
    f"{OPEN}0{MIDDLE}{CLOSE}", MIDDLE, CLOSE, "\ue000", "\ufffe", "\U0001ffff", "-", "0", "a ¦ b", "¦",
    "\t", "a\nb", "From x", "\ud83d", "a;b=c/d", "]]>", "&nbsp;", "&copy;", "\u3000x", "x\u0085",
]  # fmt: skip
PLAIN = [
    "Siân",
    "https://x.example/a&b",
    "أحمد علي",
    "Llangefni",
    "Ann Jones",
    "x",
    "b",
    "42",
    "A & B <c>",
    'd\'Arcy "e"',
]
plain = st.sampled_from(PLAIN)
values = st.one_of(
    plain,
    plain,
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9),
)
items = st.one_of(plain, plain, values, st.integers(-3, 99), st.booleans())
objects = st.fixed_dictionaries({"a": items}, optional={"b": st.lists(items, max_size=2)})
LISTS = st.one_of(st.lists(items, max_size=4), st.lists(objects, max_size=3), st.lists(st.none(), max_size=2))
SLOTS = st.fixed_dictionaries(
    {"name": values, "fields.town": values, "data.items": LISTS, "data.one.b": st.lists(items, max_size=2)},
    optional={
        "fields.member": st.one_of(values, st.booleans(), st.integers(0, 5)),
        "data.n": st.one_of(st.integers(0, 9), st.floats(0, 9), st.integers(0, 9), values),
        "data.one": objects,
        "data.one.a": items,
    },
)

SAID = [
    "Annwyl ", "مرحبا ", " 🎉 ", "\n", "\n\n", ".\n", "\n.", ". ", "x" * 80, "a & b ", "=", " ", "é",
    "ŵ" * 30, "&", "&am", "&#", "lt;", "<", "</", "<!", "\xa0",
]  # fmt: skip
TAGS = [
    "<p>", "</p>", "<b>", "</b>", "<div dir='rtl'>", "</div>", "<h1>", "<br>", "<hr>", "<table>", "<tr>",
    "<td>", "</td>", "</table>", "<ul><li>", "<a href='https://x.example/c/", "'>",
    '<a href="https://x.example/?c=', '">', '<a href="', '<a href="https://', "<a href=https://x.example/",
    ">", '<a href="mailto:', '<a href="javascript:', "</a>", '<img src="/m/', '<img alt="', '<p title="',
    "<p title='", "<p title=", '<p style="color: ', '<p class="', "<!-- ", " -->", "<xmp>", "</xmp>",
    "<textarea>", "</textarea>", "<style>", "</style>", "<title>", "</title>", "<pre>", "</pre>",
    "<select><option>", "</select>", "<svg>", "</svg>", "<plaintext>", "<script>", "</script>",
    "<colgroup>", "<caption>", "<noscript>", "<math><mi>", "<p ", "<p a", "<", "]]>", "<![CDATA[", "<?x ",
    "<frameset>", "<body ", "<center>", "<font color='", "&nbsp;", "&copy", "&lt", "<a name='",
    "<q cite='https://x.example/", "<blockquote>",
]  # fmt: skip
PRINTED = [
    "{{ name }}", "{{ name|upper }}", "{{ fields.town }}", "{{ fields.town|default }}",
    "{{ fields.town|default('<i>') }}", "{{ fields.town|capitalize|trim }}", "{{ data.n|default('3') }}",
    "{{ data.items|join }}", "{{ data.items|join(' & ') }}", "{{ data.items|length }}",
    "{{ data.items|first }}", "{{ data.items|last|default('x') }}", "{{ 'a<b'|upper }}", "{{ 3.0 }}",
    "{{ true }}", "{{ unsubscribe_url }}", "{{ preferences_url }}", "{{ reader_token }}",
    "{{ data.one.a|default }}", "{{ reader_token|upper }}", f"{{{{ '{OPEN}0' }}}}", "{{ data.one.b|join }}",
    "{{ fields.member|default }}",
]  # fmt: skip
TESTS = [
    "name", "fields.member", "not fields.town", "data.n > 3", "data.n == 4", "fields.town != 'b'",
    "data.items|length", "fields.member and name", "fields.town or data.n <= 2", "data.items|first",
    "data.one.a", "unsubscribe_url", "data.one", "fields.town|default('') == ''",
]  # fmt: skip
EACH = ["data.items", "data.one.b"]
ITEMS = [
    "{{ i }}", "{{ i.a }}", "{{ i.b|default }}", "{% if i %}+{% endif %}", "{{ i|upper }}",
    "{% for j in i %}{{ j }},{% endfor %}", "{% for j in i.b %}({{ j }}){% else %}-{% endfor %}", " ",
    "{{ name }}", "{{ unsubscribe_url }}",
]  # fmt: skip


def templates(said: list[str]) -> st.SearchStrategy[str]:
    flat = st.sampled_from(said + PRINTED * 2)
    loop = st.builds(
        "{{% for i in {} %}}{}{{% else %}}{}{{% endfor %}}".format,
        st.sampled_from(EACH), st.lists(st.sampled_from(ITEMS + said), max_size=3).map("".join), flat,
    )  # fmt: skip
    branch = st.builds(
        "{{% if {} %}}{}{{% elif {} %}}{}{{% else %}}{}{{% endif %}}".format,
        st.sampled_from(TESTS), st.one_of(flat, loop), st.sampled_from(TESTS), flat, flat,
    )  # fmt: skip
    return st.lists(st.one_of(flat, flat, flat, branch, loop), max_size=8).map("".join)


sources = st.builds(
    Source, templates([one for one in SAID if "\n" not in one]), templates(SAID), templates(SAID + TAGS * 2)
)


def read(found: Any) -> tuple[str, str, str]:
    subject, text, html = found
    return str(subject), str(text), str(html)


def sandboxed(words: tuple[Source, ...], frame: Frame, slots: dict[str, Any]) -> tuple[str, str, str]:
    late = frame.late(Tokens(LINKS, 77))
    return frame.finish([render.render(one, {**slots, **late}) for one in words], late)


def check(words: tuple[Source, ...], frame: Frame, slots: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The letter, which is that of the sandbox, or fails as it does; and as a mail program reads it."""
    stencil = Stencil(words, frame.late, frame.finish)
    try:
        expected = sandboxed(words, frame, slots)
    except DomainError as wrong:
        with pytest.raises(type(wrong), match=re.escape(str(wrong))):
            stencil.fill(slots, Tokens(LINKS, 77))
        return "", "", ""
    filled = stencil.fill(slots, Tokens(LINKS, 77))
    assert read(filled) == expected
    check_mail(filled, expected)
    return filled


def check_mail(filled: Any, expected: tuple[str, str, str]) -> None:
    subject, text, html = filled
    letter = replace(LETTER, subject=subject, text=text, html=html)
    try:
        raw = mail.build(letter)
    except Refused:  # half a character, or a control in the subject
        with pytest.raises(Refused):
            mail.build(replace(LETTER, subject=expected[0], text=expected[1], html=expected[2]))
        return
    assert raw == mail.build(letter) and raw.isascii() and b"\r\n." not in raw
    assert b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b"")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998 and max(map(len, body.split(b"\r\n"))) <= 76
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage) and not message.defects
    assert str(message["Subject"] or "") == expected[0]
    for kind, words in (("plain", expected[1]), ("html", expected[2])):
        part = message.get_body((kind,))
        assert (part is not None) == bool(words) or not (expected[1] or expected[2])
        if part is not None and words:
            assert lines(str(part.get_content())) == lines(words)


def lines(text: str) -> str:
    text = re.sub(r"\r\n?", "\n", text)
    return text if text.endswith("\n") else text + "\n"


def checked(words: Source) -> Source:
    try:
        render.check(*words)
    except BadTemplate:
        assume(False)
    return words


@given(words=sources, slots=SLOTS, bulk=st.booleans(), broadcast=st.booleans())
@example(Source("", "x", "<{{ name }}"), {"name": "b"}, True, False)
@example(Source("", "x", "&{{ name }}"), {"name": "lt;"}, True, False)
@example(Source("", "x", "<p title={{ name }}>x"), {"name": "a onclick=b"}, True, False)
@example(Source("", "x", '<a href="{{ name }}">x</a>'), {"name": "javascript:alert(1)"}, True, False)
@example(Source("", "x", '<a href="https://{{ name }}/">x</a>'), {"name": "a b"}, True, False)
@example(Source("", "x", "<xmp>{{ name }}</xmp>"), {"name": "a&b"}, True, False)
@example(Source("", "x", "<!-- {{ name }}> x -->"), {"name": "--"}, True, False)
@example(Source("{{ name }}", "{{ name }}", "{{ name }}"), {"name": "x" * 1_001}, True, False)
@settings(max_examples=400, deadline=None)
def test_a_compiled_letter_is_what_the_sandbox_makes_and_what_a_mail_program_reads(
    words: Source, slots: dict[str, Any], bulk: bool, broadcast: bool
) -> None:
    """C1, D2, T12, T13: for any words of the language and any values."""
    check((checked(words),), replace(ONE, bulk=bulk, broadcast=broadcast), slots)


@given(above=sources, below=sources, slots=SLOTS)
@example(
    Source("{{ name }}", "a", ""), Source("{{ fields.town }}", "b", ""), {"name": "x", "fields.town": "x"}
)
@example(
    Source("{{ name }}", "a", ""), Source("{{ fields.town }}", "b", ""), {"name": "x", "fields.town": "y"}
)
@settings(max_examples=150, deadline=None)
def test_so_is_a_letter_in_two_languages(above: Source, below: Source, slots: dict[str, Any]) -> None:
    """L6"""
    check((checked(above), checked(below)), TWO, slots)


def made(words: Source, slots: dict[str, Any]) -> tuple[Any, Any, Any]:
    return check((checked(words),), ONE, {"name": "Siân", **slots})


@pytest.mark.parametrize(
    "html",
    [
        "<p>Annwyl {{ name }}, {{ fields.town }}</p>",
        '<a href="{{ unsubscribe_url }}">{{ unsubscribe_url }}</a><p>{{ name }}</p>',
        '<a href="https://x.example/c/{{ fields.town }}?n={{ name }}&amp;t={{ reader_token }}">x</a>',
        '<img src="/m/{{ fields.town }}.png" alt="{{ name }}">',
        "{% if fields.town == 'b' %}<b>{{ name }}</b>{% else %}<i>{{ name }}</i>{% endif %}",
        "<ul>{% for one in data.items %}<li>{{ one.a|upper }}</li>{% endfor %}</ul>{{ name }}",
        "<table><tr><td>{{ name }}</td></tr></table>",
    ],
)
@pytest.mark.parametrize("town", ["Llangefni", "مركز & <b>", "a\"b'c =x", "😀\u200f\xa0y"])
def test_values_in_words_and_behind_the_host_of_a_link_compile(html: str, town: str) -> None:
    """Only the values are the letter's own: what lies between them is one object in all letters."""
    words, rows = Source("I {{ name }}", "{{ name }} {{ fields.town }}", html), [{"a": "x"}]
    first = made(words, {"fields.town": town, "data.items": rows})
    assert isinstance(first[2], Filled) and first[2].values
    stencil = Stencil((words,), ONE.late, ONE.finish)
    filled = [
        stencil.fill({"name": name, "fields.town": "x", "data.items": rows}, Tokens(LINKS, number))
        for number, name in enumerate(("Ann", "Ben"))
    ]
    for one, two in zip(*filled, strict=True):
        assert isinstance(one, Filled) and isinstance(two, Filled) and one.constants is two.constants


@pytest.mark.parametrize(
    "html",
    [
        '<p style="color: {{ name }}">x</p>',
        '<a href="{{ reader_token }}">x</a>',
        '<a href="{{ name }}.example/">x</a>',
        '<a href="https://{{ name }}/">x</a>',
        '<p lang="{{ name }}">x</p>',
        "<p title={{ name }}>x</p>",
        "<xmp>{{ name }}</xmp>",
        "<style>{{ name }}</style>",
        "<{{ name }}",
        "x &{{ name }}",
        "<!-- {{ name }} -->",
        "{{ unsubscribe_url|upper }}",
        "{% for one in data.items %}{% if one %}{{ name }}{% endif %}{% endfor %}",
        f"{{{{ name }}}}{OPEN}",
        "{{ name }}" * 300,
    ],
)
def test_values_where_they_could_mean_more_are_filled_in_by_the_sandbox(html: str) -> None:
    assert isinstance(made(Source("", "x", html), {"data.items": ["a"]})[2], str)


@pytest.mark.parametrize("name", [" x", "x\n", "a\rb", "\x85", "x\u2028", "\ufeff", "x" * 1_001, "\xa0", " "])
def test_a_value_that_is_not_plain_is_filled_in_by_the_sandbox(name: str) -> None:
    assert not isinstance(made(Source("", "{{ name }}" * 100, ""), {"name": name})[1], Filled)


@pytest.mark.parametrize(
    ("link", "compiled"),
    [
        ("https://x.example/a?b=c&d='e'", True),
        ("http://a-b.x.example", True),
        ("https://x.example#<i>", True),
        ("javascript:alert(1)", False),
        ("https://x.example:99999/", False),
        ("https://1.2.3.4.5/", False),
        ("https://xn--a.example/", False),
        ("https://x y.example/", False),
        ("https://x.example\\@y", False),
        ("//x.example/", False),
        ("mailto:a@b.example", False),
        ("/m/x.png", False),
        ("x", False),
    ],
)
@pytest.mark.parametrize("html", ['<a href="{{ fields.link }}">x</a>', "<img src='{{ fields.link }}/y'>"])
def test_a_link_that_is_a_value_compiles_where_the_cleaner_surely_keeps_it(
    html: str, link: str, compiled: bool
) -> None:
    """T12"""
    assert isinstance(made(Source("", "x", html), {"fields.link": link})[2], Filled) == compiled


@given(text=st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(PROBE)))
def test_what_is_quiet_is_written_the_same_in_every_place(text: str) -> None:
    assert marks.is_quiet(text) == ({change(text) for change in marks._CHANGES.values()} == {text})


WORDS = "Mae'r gwaith ar y bont newydd yn dechrau yn y gwanwyn, <b>nid</b> cyn hynny. " * 3


@pytest.mark.parametrize("piece", [WORDS, f"{WORDS}\n", f"{WORDS}&nbsp;ü"])
@pytest.mark.parametrize("town", ["Llangefni", "x;}", WORDS, "\u200f\r"])
def test_what_the_sandbox_fills_in_is_cut_at_what_all_letters_share(piece: str, town: str) -> None:
    """Encoding it anew for each letter takes longer than all the rest."""
    html = f'<p style="color: {{{{ fields.town }}}}">{piece}</p><p>{{{{ name }}}}</p>{piece}'
    filled = made(
        Source("", f"{{{{ name }}}} {piece}{{{{ fields.town }}}}{piece}", html), {"fields.town": town}
    )
    for words in filled[1:]:
        assert isinstance(words, Filled) and sum(map(len, words.constants)) > len(piece)


def test_a_value_missing_from_a_list_that_is_empty_is_missing_all_the_same() -> None:
    words = Source("", "{% for one in data.items %}{{ fields.town }}{% endfor %}", "")
    with pytest.raises(MissingData) as missing:
        sandboxed((words,), ONE, {"data.items": []})
    with pytest.raises(MissingData) as again:
        Stencil((words,), ONE.late, ONE.finish).fill({"data.items": []}, Tokens(LINKS, 1))
    assert again.value.names == missing.value.names == ["fields.town"]


def test_only_the_tokens_that_are_used_are_made() -> None:
    tokens = Tokens(LINKS, 77)
    Stencil((Source("", "{{ name }}", ""),), ONE.late, ONE.finish).fill({"name": "Siân"}, tokens)
    assert set(tokens) == {"unsubscribe", "preferences"}
