"""A short run of `make prove NAME=api`: requests made up from the contract, and those made to break it."""

from __future__ import annotations

import socket

import pytest

from benchmarks.prove_api import Proof, alone
from service.wiring import Wiring

CASES = 150


def test_the_api_answers_made_up_requests_as_its_contract_says(wiring: Wiring) -> None:
    """L2"""
    with alone():
        tally = Proof(wiring).run(CASES)
    assert not tally.failed, "\n".join(tally.failed.values())
    assert (tally.cases, tally.failures) == (CASES, 0)


def test_the_proof_reaches_no_other_machine() -> None:
    with alone():
        with pytest.raises(OSError, match="no other machine"), socket.socket() as sock:
            sock.connect(("192.0.2.1", 9))
        with pytest.raises(socket.gaierror):
            socket.create_connection(("example.org", 9))
