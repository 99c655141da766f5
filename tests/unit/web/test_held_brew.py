"""A brew that could not be taken: where its checkpoint leads until it is replayed, and after."""

from __future__ import annotations

import pytest

from host_bridge.views import QuarantineView
from host_bridge.web.pages.checkpoints import describe
from tests.support.stack import eventually
from tests.unit.web.conftest import MACHINE, Console

pytestmark = pytest.mark.broker


@pytest.fixture
def held(console: Console) -> QuarantineView:
    external_id = console.machine.journals(
        kind="brew", shot=9, slot="0", recipe_rev=1, source="local", command=None,
        start_uptime_ms=90_000_000, duration_ms=27400, volume_ul=36200, temp_mean_mc=93040,
        energy_j=9400, result="ok", reason=None,
    )  # fmt: skip
    eventually(lambda: console.bridge.quarantined_fact(MACHINE, external_id))
    found = console.bridge.quarantined_fact(MACHINE, external_id)
    assert found is not None
    return found


def test_its_checkpoint_leads_to_what_came_and_why_it_was_refused(
    console: Console, held: QuarantineView
) -> None:
    def asked() -> list[str]:
        return [str(describe(view)) for view in console.bridge.checkpoints()
                if view.coffee_id == held.external_id]  # fmt: skip

    eventually(asked)
    page = f"/brews/{MACHINE}/{held.external_id}"
    assert f'href="{page}"' in asked()[0]
    assert "replay it in quarantine" in asked()[0]
    answer = console.http.get(page)
    assert answer.status_code == 200
    for text in ("In quarantine", "start_uptime_ms", "is after the end", "90000000",
                 f"/quarantine?before={held.id + 1}"):  # fmt: skip
        assert text in answer.text, text


def test_once_discarded_the_page_says_so(console: Console, held: QuarantineView) -> None:
    console.bridge.discard(held.id, "Ada")
    assert console.bridge.quarantined_fact(MACHINE, held.external_id or "") is None
    answer = console.http.get(f"/brews/{MACHINE}/{held.external_id}")
    assert answer.status_code == 404
    assert "discarded from quarantine" in answer.text


@pytest.mark.parametrize("external_id", ["nix", "9f3ac21b/x", "9f3ac21b/9999999999999999999999"])
def test_what_names_no_fact_is_none(console: Console, external_id: str) -> None:
    assert console.bridge.quarantined_fact(MACHINE, external_id) is None
