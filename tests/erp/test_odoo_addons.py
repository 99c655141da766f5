"""The addons' own tests, by Odoo's own runner."""

from __future__ import annotations

import pytest

from tests.erp.odoo19 import runner
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
