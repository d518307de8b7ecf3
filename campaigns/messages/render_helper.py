"""Words that nobody has approved yet are rendered in a process of their own, with little memory, time and nothing else.

Rules: the process has an empty environment, opens no files, makes no processes and dies after one call; what it says
is cut at a cap, so the worst a draft can do is waste two seconds of one processor.
Source: security 5, bad input T3 to T5, T11.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BadTemplate, DomainError, MissingData
from . import render

CPU_MAX_S = 2
# By the clock: words cannot sleep, so only a busy machine takes longer than the processor's time, and is waited for.
TIME_MAX_S = 10.0
MEMORY_MAX = 256 * 2**20
PEOPLE_MAX = 20
ANSWER_MAX = PEOPLE_MAX * (render.HTML_MAX + render.TEXT_MAX + render.SUBJECT_MAX)
# The rooms' own start would load the whole domain and both databases' drivers into the small process.
START = """
import sys, types
package = types.ModuleType("campaigns")
package.__path__ = [sys.argv[1]]
sys.modules["campaigns"] = package
from campaigns.messages.render_helper import serve
serve()
"""


@dataclass(frozen=True, slots=True)
class Preview:
    """How the words look for one person, or what stands in the way: names of missing values, or what is wrong."""

    rendered: render.Rendered | None = None
    missing: list[str] = field(default_factory=list)
    wrong: str = ""


def preview(words: render.Words, people: Sequence[Mapping[str, Any]]) -> list[Preview]:
    """The words for each of at most 20 people, given as `render.facts`.

    BadTemplate where the words leave the template language, or take more time or memory than a draft may.
    """
    if len(people) > PEOPLE_MAX:
        raise ValueError(f"a preview is for at most {PEOPLE_MAX} people")
    asked = {"words": [words.subject, words.text, words.html], "people": [dict(one) for one in people]}
    answer = _ask(json.dumps(asked).encode())
    if "wrong" in answer:
        raise BadTemplate(answer["wrong"], pointer=answer["pointer"], **answer["facts"])
    return [_read(one) for one in answer["previews"]]


def serve() -> None:
    """The inside of the process: one question on standard input, one answer on standard output."""
    asked = json.loads(sys.stdin.buffer.read())
    _warm_up()
    _shut_in()
    try:
        answer = _answer(asked)
    except MemoryError:
        answer = {"wrong": "these words need more memory than a draft may", "pointer": None, "facts": {}}
    sys.stdout.buffer.write(json.dumps(answer).encode())


def _ask(question: bytes) -> dict[str, Any]:
    package = str(Path(__file__).resolve().parent.parent)
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", START, package],
            input=question, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=TIME_MAX_S, env={}, cwd="/",
            check=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise BadTemplate("these words take longer to fill in than a draft may") from None
    except subprocess.CalledProcessError:
        raise BadTemplate("these words need more time or memory than a draft may") from None
    if len(done.stdout) > ANSWER_MAX:
        raise BadTemplate("these words are longer than a draft may be")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    words = _Words(*asked["words"])
    try:
        slots = render.check(words.subject, words.text, words.html)
    except DomainError as wrong:
        return {"wrong": wrong.detail, "pointer": wrong.pointer, "facts": wrong.facts}
    return {"previews": [_one(words, slots, facts) for facts in asked["people"]]}


def _one(words: render.Words, slots: list[str], facts: dict[str, Any]) -> dict[str, Any]:
    try:
        made = render.render(words, render.values(slots, facts))
    except MissingData as missing:
        return {"missing": missing.names}
    except DomainError as wrong:
        return {"wrong": wrong.detail}
    return {"rendered": [made.subject, made.text, made.html]}


def _read(one: dict[str, Any]) -> Preview:
    made = one.get("rendered")
    return Preview(render.Rendered(*made) if made else None, one.get("missing", []), one.get("wrong", ""))


def _warm_up() -> None:
    """Have Python load what it only loads at a first text in quotes and at a first error."""
    for text in ("{{ name|default('somebody') }}", "{{"):
        with suppress(BadTemplate):
            slots = render.check(text, text, text)
            render.render(_Words(text, text, text), render.values(slots, {}))


def _shut_in() -> None:
    """Take away what filling in words does not need; it cannot be had back."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX_S, CPU_MAX_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # No new file, socket or pipe: the three it has are enough.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


@dataclass(frozen=True, slots=True)
class _Words:
    subject: str
    text: str
    html: str
