"""Facts on flash across resets and across a power cut at any flash operation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hil.rig import EmulatedRig, Rig

pytestmark = pytest.mark.hil
OPEN = """
import journal, json
class Clock:
    def stamp(self, fact):
        return fact
j = journal.Journal(Clock())
"""
READ = "[json.loads(f) for f in j.read(j.first, 1 << 20)]"


def opened(rig: Rig) -> list[dict[str, Any]]:
    rig.prompt()
    rig.exec(OPEN)
    facts: list[dict[str, Any]] = rig.ask(READ)
    return facts


def test_facts_outlive_a_reset(rig: Rig) -> None:
    before = opened(rig)
    rig.exec("for k in range(5): j.append({'kind': 'hil', 'n': k})")
    identity = rig.ask("j.id")
    rig.reset()
    after = opened(rig)
    assert after[: len(before)] == before
    assert [f["n"] for f in after[len(before):]] == [0, 1, 2, 3, 4]
    assert rig.ask("j.id") == identity


@pytest.mark.fixture("power")
@pytest.mark.parametrize("after_ms", [100, 230])
def test_power_that_goes_at_any_moment_leaves_whole_facts(rig: Rig, after_ms: int) -> None:
    before = opened(rig)
    rig.start("for k in range(2000): j.append({'kind': 'gone', 'n': k})")
    rig.wait(after_ms)
    rig.jig.power_off()
    rig.jig.power_on()
    after = opened(rig)
    assert after[: len(before)] == before, "a fact that stood is gone or changed"
    new = [f["n"] for f in after[len(before):]]
    assert new, "nothing was written yet: this would prove nothing"
    assert new == list(range(len(new))), "facts are missing in between"


@pytest.mark.fixture("emulator")
@pytest.mark.parametrize("operations", [0, 1, 2, 3, 5, 8, 13])
def test_a_power_cut_leaves_whole_facts(rig: EmulatedRig, operations: int) -> None:
    before = opened(rig)
    rig.board.power_cut(after_flash_operation=operations)
    rig.start("for k in range(40): j.append({'kind': 'cut', 'n': k})")
    assert rig.board.run_until(lambda: not rig.board.powered, 10_000)
    after = opened(rig)
    assert after[: len(before)] == before, "a fact that stood is gone or changed"
    new = [f["n"] for f in after[len(before):]]
    assert new == list(range(len(new))), "facts are missing in between"
    # at least one program a fact: no more can have been kept than were written
    assert len(new) <= operations
    rig.exec("j.append({'kind': 'after'})")
    assert opened(rig)[-1]["kind"] == "after", "the journal does not go on"
