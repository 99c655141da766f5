"""Odoo's own test runner on our addons; a run that found no test has failed.

python -m tests.erp.odoo19.runner [--tags …]
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.erp.odoo19.install import ADDONS, BUILD, InstallError
from tests.erp.odoo19.template import SHOP, Cluster, cluster, run_odoo

ALL: Final = tuple(sorted(path.parent.name for path in ADDONS.glob("*/__manifest__.py")))
DATABASE: Final = "coffee_addon_tests"
_RESULT: Final = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading")
_TEST: Final = re.compile(r" odoo\.addons\.(\w+)\.tests\.\S+: Starting (\w+\.\w+)")


@dataclass(frozen=True, slots=True)
class Result:
    passed: int
    failed: int
    modules: frozenset[str]
    """Addons of which at least one test ran."""
    log: str

    @property
    def complaints(self) -> str:
        """Errors with what follows them, without the lines of tests that went well."""
        lines = re.split(r"\n(?=\d{4}-\d\d-\d\d )", self.log)
        return "\n".join(line for line in lines if " ERROR " in line or " FAIL: " in line)


def run(ready: Cluster, tags: str = "") -> Result:
    """Installs all our addons into a database that has stock and sale, and runs their tests.

    Raises:
        InstallError: they cannot even be installed.
    """
    tags = tags or ",".join(f"/{name}" for name in ALL)
    with tempfile.TemporaryDirectory(prefix="coffee-odoo-") as folder:
        data_dir = Path(folder)
        ready.copy(SHOP, DATABASE, data_dir)
        try:
            log = run_odoo(
                ready.odoo, ready.postgres, DATABASE, BUILD / "addon-tests.log", data_dir,
                "-i", ",".join(ALL), f"--test-tags={tags}", "--http-port=0", check=False,
            )  # fmt: skip
        finally:
            ready.postgres.drop(DATABASE)
    found = _RESULT.search(log)
    if not found:
        raise InstallError(f"{log[-3000:]}\nOdoo ran no tests: see {BUILD}/addon-tests.log")
    failed, errors, total = map(int, found.groups())
    modules = frozenset(name for name, _test in _TEST.findall(log))
    return Result(total - failed - errors, failed + errors, modules, log)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", default="", help="as Odoo's --test-tags")
    arguments = parser.parse_args()
    try:
        with cluster() as ready:
            result = run(ready, arguments.tags)
    except InstallError as error:
        sys.exit(str(error))
    print(result.complaints)
    print(f"{result.passed} passed, {result.failed} failed")
    return 1 if result.failed or not result.passed else 0


if __name__ == "__main__":
    sys.exit(main())
