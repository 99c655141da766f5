"""What the firmware composes, at the ends of its value ranges, against docs/asyncapi.yaml."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from simulator.interpreter import find_interpreter
from tests.support.contract import validate
from tests.support.micropython import micropython_path

SCRIPT = Path(__file__).with_name("say_messages.py")


def spoken(board: str, folder: Path) -> list[tuple[str, bytes]]:
    path = micropython_path(board)
    code = f"import sys; sys.path[:0] = {path!r}; exec(open({str(SCRIPT)!r}).read())"
    done = subprocess.run(
        [*find_interpreter(), "-c", code], cwd=folder, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()[-2000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith(b"@")]
    found = []
    for line in lines:
        topic, _, payload = line[1:].partition(b" ")
        found.append((topic.decode(), payload))
    return found


@pytest.mark.parametrize("board", ["coffee_1900", "coffee_2900"])
def test_every_message_is_as_the_contract_says(board: str, tmp_path: Path) -> None:
    said = spoken(board, tmp_path)
    for topic, payload in said:
        validate(topic, payload)
    names = {topic.rpartition("/")[2] for topic, _ in said}
    assert names == {"status", "info", "reply", "state", "shot", "journal"}


def test_a_board_says_what_it_has_and_leaves_out_what_it_lacks(tmp_path: Path) -> None:
    keys = {}
    for board in ("coffee_1900", "coffee_2900"):
        messages = spoken(board, tmp_path)
        states = (validate(topic, p).keys() for topic, p in messages if "/state" in topic)
        keys[board] = next(states)
    more = keys["coffee_2900"] - keys["coffee_1900"]
    assert more == {
        "steam_temp_mc", "steam_setpoint_mc", "steam_duty_permille", "group_temp_mc",
        "pressure_mbar", "weight_mg", "door", "hopper",
    }
    assert not keys["coffee_1900"] - keys["coffee_2900"]
