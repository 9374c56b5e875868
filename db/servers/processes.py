"""Ties a process of ours to the one that started it, so that a killed parent leaves nothing behind."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def dies_with_parent(signum: signal.Signals = signal.SIGKILL) -> Callable[[], None] | None:
    """For Popen's preexec_fn: the kernel sends `signum` to the child when the thread that started it ends.

    Runs after Popen changed the user, which matters: Linux forgets the wish whenever a process changes its user.
    None where the system has no such thing; there a supervisor killed with -9 leaves its children running.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up here: a fresh child should do as little as possible before exec
    parent = os.getpid()

    def wish() -> None:
        prctl(_PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:  # it ended before the wish was made
            os.kill(os.getpid(), signum)

    return wish
