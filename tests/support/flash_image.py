"""Reads the journal out of a simulated machine's flash image, with the firmware's own journal.py.

Works on a copy, under the real MicroPython: what it says is what the machine itself would find
after a power cut at this moment.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.interpreter import find_interpreter
from tests.support.micropython import micropython_path

_READER = """
import sys
sys.path[:0] = {path!r}
import json, os, vfs
from flash import Flash
vfs.mount(vfs.VfsLfs2(Flash({image!r}), progsize=256), "/flash")
os.chdir("/flash")
import journal

class Clock:
    def stamp(self, fact):
        return fact

j = journal.Journal(Clock())
print("@@HEAD", json.dumps([j.id, j.first, j.next]))
seq = j.first
while seq < j.next:
    facts = j.read(seq, 4096)
    if not facts:
        break
    for fact in facts:
        print("@@FACT", str(fact, "utf-8"))
        seq += 1
print("@@END")
"""


@dataclass(frozen=True)
class Journalled:
    """One machine's journal: every seq from 1 to `next - 1` was journalled; `held` still stand."""

    journal: str
    first: int
    next: int
    held: dict[int, dict[str, Any]]


def read_journal(image: Path, board: str = "coffee_1900") -> Journalled:
    """What the flash in `image` holds.

    Raises:
        RuntimeError: MicroPython could not mount or read it; the text is its own.
    """
    with tempfile.TemporaryDirectory() as work:
        copy = Path(work) / "flash.bin"
        shutil.copy(image, copy)
        script = Path(work) / "reader.py"
        script.write_text(_READER.format(path=micropython_path(board), image=str(copy)))
        done = subprocess.run(
            [*find_interpreter(), "-X", "heapsize=4M", str(script)],
            cwd=work, capture_output=True, text=True, timeout=120,
        )
    lines = done.stdout.splitlines()
    if "@@END" not in lines:
        raise RuntimeError(f"{image}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    head = next(json.loads(line[7:]) for line in lines if line.startswith("@@HEAD"))
    facts = [json.loads(line[7:]) for line in lines if line.startswith("@@FACT")]
    return Journalled(*head, held={fact["seq"]: fact for fact in facts})
