"""Who is bound to the process that started it ends with it, also where that one has ended before."""

from __future__ import annotations

import subprocess
import sys

import pytest

PARENT = """
import multiprocessing, os, signal, sys, time
from service import leash

def child():
    while multiprocessing.parent_process().is_alive():
        time.sleep(0.01)
    print("alone", flush=True)
    leash.hold(signal.SIGKILL)
    print("still here", flush=True)

multiprocessing.get_context("fork").Process(target=child).start()
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_whose_parent_has_ended_before_it_was_bound_ends_at_once() -> None:
    """A server killed as its worker came up left it behind, answering on the same port."""
    told = subprocess.run([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, timeout=60)
    assert told.stdout == "alone\n"
