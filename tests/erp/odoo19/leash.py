"""Runs a program and ends it when its parent has gone, so a killed test run leaves no server.

    python leash.py PARENT_PID PROGRAM ARG…

Stands alone: it is run by path, as root too, and hands the program on with the same signals.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

POLL_S = 0.25
GRACE_S = 5.0


def main() -> int:
    parent, *command = sys.argv[1:]
    user = os.environ.pop("LEASH_USER", None)
    child = subprocess.Popen(command, user=user, group=user, extra_groups=[] if user else None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda number, _frame: child.send_signal(number))
    while child.poll() is None:
        if os.getppid() != int(parent):
            child.send_signal(signal.SIGINT)
            time.sleep(GRACE_S)
            os.killpg(os.getpgrp(), signal.SIGKILL)
        time.sleep(POLL_S)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main())
