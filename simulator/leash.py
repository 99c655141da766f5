"""Runs a Python module and ends it when its parent has gone.

`python -m simulator.leash PARENT_PID MODULE ARG…`: the demo starts every part this way, so a
demo that is killed leaves no orphan. The parent is watched by its process id, which works on
every Unix and needs nothing from the module.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

POLL_S = 0.25
GRACE_S = 5.0


def watch_parent(parent: int) -> None:
    """End this process once its parent is not `parent`: politely, after GRACE_S by force."""
    while os.getppid() == parent:
        time.sleep(POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    parent, module, *arguments = sys.argv[1:]
    threading.Thread(target=watch_parent, args=(int(parent),), daemon=True).start()
    sys.argv = [module, *arguments]
    sys.path.insert(0, os.getcwd())
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
