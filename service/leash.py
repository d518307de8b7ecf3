"""Processes that others of ours started end with whoever started them, even where that one is killed with -9."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys

# linux/prctl.h
PR_SET_PDEATHSIG = 1


def hold(number: int = signal.SIGTERM) -> None:
    """From now on this signal comes when the process (its thread) that started this one ends. Linux alone can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():  # gone before we asked: nothing would come
        os.kill(os.getpid(), number)
