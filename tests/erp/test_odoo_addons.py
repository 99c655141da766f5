"""The addons' own tests, by Odoo's own runner."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.erp.odoo19 import install, runner
from tests.erp.odoo19.template import Cluster


@pytest.mark.slow
def test_the_addons_tests_pass_in_odoos_own_runner(
    odoo_cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    result = runner.run(odoo_cluster)
    with capsys.disabled():
        print(f"\nodoo: {result.passed} passed, {result.failed} failed")
    assert not result.failed, result.complaints
    assert result.modules == set(runner.ALL)


@pytest.mark.parametrize(
    ("says", "told"),
    [("print('Odoo Server 18.0-20250101')", "is Odoo 18.0-20250101, the addons are for Odoo 19"),
     ("import nonsense", "No module named 'nonsense'")],
)  # fmt: skip
def test_another_odoo_is_refused_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str, told: str
) -> None:
    program = tmp_path / "odoo-bin"
    program.write_text(says)
    monkeypatch.setenv("COFFEE_ODOO", str(program))
    monkeypatch.setenv("COFFEE_ODOO_PYTHON", sys.executable)
    with pytest.raises(install.InstallError, match=told):
        install.find().version()


def test_a_saas_version_of_it_will_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "odoo-bin"
    program.write_text("print('Odoo Server saas~19.2+e')")
    monkeypatch.setenv("COFFEE_ODOO", str(program))
    assert install.find().version() == "saas~19.2+e"
