# boards: coffee_2900
# boot.py: every output low in the first instructions, and nothing else touched before.
import sys

import board

OUTPUTS = ("HEATER_BREW", "HEATER_STEAM", "PUMP", "VALVE_BREW", "VALVE_STEAM", "VALVE_WATER",
           "VALVE_REFILL", "GRINDER", "SAFETY_RELAY")


class Recorder:
    # stands for `machine`: any use of anything but Pin fails
    def __init__(self):
        self.made = []

        class Pin:
            OUT = 1

            def __init__(pin, number, mode=None, pull=None, value=None):
                self.made.append((number, mode, value))

        self.Pin = Pin


def boot(path):
    recorder = Recorder()
    kept = sys.modules.get("machine")
    before = set(sys.modules)
    sys.modules["machine"] = recorder
    try:
        with open(path) as f:
            exec(f.read(), {"__name__": "boot"})
    finally:
        del sys.modules["machine"]
        if kept:
            sys.modules["machine"] = kept
    return recorder.made, set(sys.modules) - before - {"machine"}


def boot_path():
    for folder in sys.path:
        if folder.endswith("/firmware"):
            return folder + "/boot.py"


def test_every_output_is_driven_low_and_none_twice():
    made, _ = boot(boot_path())
    want = [getattr(board, role) for role in OUTPUTS if getattr(board, role) is not None]
    assert len(want) == 9
    assert sorted(number for number, _, _ in made) == sorted(want)
    assert all(mode == 1 and value == 0 for _, mode, value in made)


def test_contactor_and_heaters_come_first():
    made, _ = boot(boot_path())
    assert [n for n, _, _ in made[:3]] == [
        board.SAFETY_RELAY, board.HEATER_BREW, board.HEATER_STEAM]


def test_nothing_else_is_imported_before():
    made, imported = boot(boot_path())
    assert made and imported <= {"versions"}, imported
    with open(boot_path()) as f:
        code = [line for line in f.read().split("\n") if line and line[0] != "#"]
    assert code[:4] == [
        "import versions", "versions.mount()", "import board", "from machine import Pin"]
    assert not [line for line in code[4:] if "import" in line]
