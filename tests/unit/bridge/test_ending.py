"""Being asked to end, at whatever moment."""

from __future__ import annotations

import subprocess
import sys

ASKED = """
import signal
from host_bridge.cli.serve import asked_to_end, until_asked

asked = asked_to_end(signal.SIGALRM)
for n in range(2000):
    signal.setitimer(signal.ITIMER_REAL, (1 + n % 50) * 1e-6)
    until_asked(asked, 0.001)
    asked.clear()
"""


def test_a_signal_that_comes_as_the_waiting_begins_is_not_lost() -> None:
    """An Event, or anything that waits for ever, hangs here within a second."""
    subprocess.run([sys.executable, "-c", ASKED], check=True, timeout=120)
