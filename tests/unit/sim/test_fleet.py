"""From options and scenario files to jobs: what is made, and how mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.fleet import Fleet, FleetRefused, Wish, make_jobs
from simulator.scenario import ScenarioRefused, read_scenario


def test_one_of_each_with_its_own_seed_and_folder() -> None:
    jobs = make_jobs(Wish(["1900", "2900"], seed=5, data=Path("d"), broker="h:1883", speed=3))
    assert [(j.name, j.model, j.seed, j.data) for j in jobs] == [
        ("sim-1900", "1900", 5, Path("d/sim-1900")), ("sim-2900", "2900", 6, Path("d/sim-2900")),
    ]
    assert jobs[0].uid() != jobs[1].uid()
    assert jobs[0].settings()["broker_port"] == 1883
    assert jobs[0].speed == 3


def test_many_of_a_kind() -> None:
    jobs = make_jobs(Wish(["2900"], count=3))
    assert [j.name for j in jobs] == ["sim-2900-1", "sim-2900-2", "sim-2900-3"]


def test_faults_of_all_and_of_one() -> None:
    wish = Wish(["1900", "2900"], faults=["stuck_float", "sim-2900:scaled_heater_brew=500"])
    one, two = make_jobs(wish)
    assert one.faults == {"stuck_float": 1}
    assert two.faults == {"stuck_float": 1, "scaled_heater_brew": 500}


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (Wish(["1800"]), "--model: board 1800: no such board; use one of 1900, "),
        (Wish(["1900", "1900"]), "two machines have it"),
        (Wish(["1900"], names=["A b"]), "1 to 32 characters of a-z"),
        (Wish(["1900"], names=["x" * 33]), "1 to 32"),
        (Wish(["1900"], names=["a", "b"]), "one --name for each --model"),
        (Wish(["1900"], names=["a"], count=2), "leave it out with --count"),
        (Wish(["1900"], broker="localhost"), "host:port"),
        (Wish(["1900"], broker="localhost:99999"), "host:port"),
        (Wish(["1900"], faults=["other:stuck_float"]), "no machine other"),
        (Wish(["1900"], faults=["stuck_float=much"]), "whole number"),
    ],
)
def test_wrong_wishes_are_named(wish: Wish, says: str) -> None:
    with pytest.raises(FleetRefused, match=says):
        make_jobs(wish)


STORY = """
[[step]]
at_s = 30
machine = "b"
power_cut = true

[[step]]
at_s = 10.5
press = "brew"
hold_ms = 900
set = { cup = 0 }
fault = { stuck_float = 1 }
clear = ["wifi_lost"]
"""


def test_scenario_in_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(STORY)
    scenario = read_scenario(tmp_path / "s.toml", ["a", "b"])
    assert scenario.for_machine("a") == [
        (10_500, {"do": "set", "name": "cup", "value": 0, "where": "$.step[1].set"}),
        (10_500, {"do": "press", "what": "brew", "ms": 900, "where": "$.step[1].press"}),
        (10_500, {"do": "fault", "name": "stuck_float", "value": 1, "where": "$.step[1].fault"}),
        (10_500, {"do": "fault", "name": "wifi_lost", "value": 0, "where": "$.step[1].clear"}),
    ]
    last = (30_000, {"do": "power_cut", "where": "$.step[0].power_cut"})
    assert scenario.for_machine("b")[-1] == last


def test_a_fault_takes_what_the_list_of_faults_says(tmp_path: Path) -> None:
    """`coffee-sim --list`: permille the puck's resistance runs to in 1 s, or [permille, ms]."""
    text = "[[step]]\nat_s = 1\nfault = { puck_step = [500, 2000] }"
    (tmp_path / "s.toml").write_text(text)
    ((_, request),) = read_scenario(tmp_path / "s.toml", ["a"]).for_machine("a")
    assert request["value"] == [500, 2000]


def test_a_mark_that_no_editor_shows_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_bytes(b"\xef\xbb\xbf" + STORY.encode())
    assert len(read_scenario(tmp_path / "s.toml", ["b"]).step) == 2


@pytest.mark.parametrize(
    ("name", "says"),
    [(".", "--scenario .*: cannot be read .Is a directory.; give a readable file"),
     ("none.toml", "cannot be read .No such file"),
     ("latin.toml", "latin.toml: not UTF-8 at byte 2; save the file as UTF-8")],
)  # fmt: skip
def test_a_scenario_that_cannot_be_read_is_told_with_the_cure(
    tmp_path: Path, name: str, says: str
) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# \xe4")
    with pytest.raises(ScenarioRefused, match=says):
        read_scenario(tmp_path / name, ["a"])


def test_a_folder_that_cannot_be_made_is_told_with_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    jobs = make_jobs(Wish(["1900"], data=tmp_path / "file"))
    with pytest.raises(FleetRefused, match=r"--data: .*Not a directory.*give another folder"):
        Fleet(jobs, lambda name, event: None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[step]]\npress = 'brew'", r"at_s.*step\[0\]"),
        ("[[step]]\nat_s = 1\nprss = 'brew'", "prss.*a step has the fields at_s"),
        ("[[step]]\nat_s = 'soon'\npress = 'brew'", r"at_s.*|.*float"),
        ("[[step]]\nat_s = 1", "does nothing"),
        ("[[step]]\nat_s = 1\nmachine = 'c'\npress = 'brew'", "'c'; this run has a, b"),
        ("[[step]\n", "s.toml: not TOML: .*correct that line"),
        ("[[step]]\nat_s = 1\npress = 'brew'\nhold_ms = -5", r"step\[0\].hold_ms"),
        ("[[step]]\nat_s = 1\nfault = {stuck_float = [1, 2]}", r"step\[0\].fault.stuck_float"),
        ("[[step]]\nat_s = 1\nfault = {puck_step = [1]}", r"puck_step: or .permille, ms."),
        ("[[step]]\nat_s = 1\npower_cut_after_flash_ops = -1", r"power_cut_after_flash_ops"),
    ],
)
def test_wrong_scenarios_are_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(ScenarioRefused, match=says):
        read_scenario(tmp_path / "s.toml", ["a", "b"])
