"""The front door from a checkout in any folder. Its lines are run here as make would hand them to
the shell; make itself is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"


def test_a_checkout_in_a_folder_with_blanks_is_linted(tmp_path: Path) -> None:
    checkout = tmp_path / "my coffee"
    (checkout / "host_bridge/addons/odoo19/connector_coffee").mkdir(parents=True)
    pylint = checkout / ".venv/bin/pylint"
    pylint.parent.mkdir(parents=True)
    pylint.write_text("#!/bin/sh\necho linted $2\n")
    pylint.chmod(0o755)
    (line,) = [row for row in MAKEFILE.read_text().splitlines() if "pylintrc" in row]
    words = line.strip("\t@").replace("$(CURDIR)", str(checkout)).replace("$(BIN)", ".venv/bin")
    done = subprocess.run(["bash", "-euc", words], cwd=checkout, capture_output=True, text=True)
    assert done.stdout == "linted connector_coffee/\n", done.stderr
