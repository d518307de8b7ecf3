"""The corpus of incoming mail, a part of it: `make prove NAME=inbound` reads it whole."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.corpus.mail import Sample, automatic, people, samples
from tests.corpus.mail.judge import is_dropped, mistakes

CORPUS = samples()
PART = CORPUS[::4]
BY_SUBJECT = [one for one in CORPUS if one.name.startswith(("by_subject in ", "by_other_subject in "))]


@pytest.mark.parametrize("sample", PART, ids=[one.name for one in PART])
def test_a_mail_is_told_for_what_it_is(sample: Sample) -> None:
    """M1, M3, M6, M7, M9, M10; DC3"""
    assert mistakes(sample) == []
    assert not is_dropped(sample)


@pytest.mark.parametrize("sample", BY_SUBJECT, ids=[one.name for one in BY_SUBJECT])
def test_a_machines_answer_is_known_by_its_subject_alone_in_every_language(sample: Sample) -> None:
    """M1"""
    assert mistakes(sample) == []


def test_the_corpus_has_what_the_proof_needs() -> None:
    every = Counter(sample.group for sample in CORPUS)
    assert every["dsn"] >= 120 and every["arf"] >= 30
    assert every["auto_reply"] >= 100 and len({one.code for one in automatic.TONGUES}) >= 10
    assert every["person"] >= 100
    assert len(BY_SUBJECT) >= 20 and any(" in cy" in one.name for one in BY_SUBJECT)
    for speech in people.SPEECHES:
        assert sum(f" in {speech.code} " in one.name for one in CORPUS) >= 30
    assert len({sample.raw for sample in CORPUS}) == len(CORPUS)


def test_a_mail_that_is_read_wrongly_is_found() -> None:
    """The judge itself: somebody else's label fits no mail."""
    person, report = CORPUS[-1], CORPUS[0]
    assert mistakes(Sample("", "", person.raw, report.expected))
    assert is_dropped(Sample("", "", report.raw, person.expected))
