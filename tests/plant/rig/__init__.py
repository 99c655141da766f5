"""CPython's side of the control rig: runs one scenario under the real MicroPython."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from simulator.interpreter import find_interpreter

ROOT = Path(__file__).resolve().parents[3]


def figures(board: str, scenario: str, **args: Any) -> dict[str, Any]:
    """What `scenarios.<scenario>(**args)` measures on boards/<board>.

    Raises:
        RuntimeError: the scenario failed; the text is MicroPython's traceback.
    """
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.json"
        job.write_text(
            json.dumps({"root": str(ROOT), "board": board, "scenario": scenario, "args": args})
        )
        main = Path(__file__).with_name("rig_main.py")
        done = subprocess.run(
            [*find_interpreter(), "-X", "heapsize=24000k", str(main), str(job)],
            capture_output=True, text=True, timeout=3000,
        )
    for line in done.stdout.splitlines():
        if line.startswith("@@"):
            found: dict[str, Any] = json.loads(line[2:])
            return found
    raise RuntimeError(f"{scenario} on {board}:\n{done.stdout}\n{done.stderr}")
