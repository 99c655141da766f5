"""The simulator when something is missing, full or slow: it says so and leaves nothing."""

from __future__ import annotations

import json
import math
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest
import typer

from simulator import cli
from simulator.fleet import FleetRefused, Wish, make_jobs
from simulator.interpreter import SETTING, InterpreterMissing
from simulator.machine import Machine
from simulator.scenario import ScenarioRefused, read_scenario
from simulator.supervisor import Board, BoardBroken, FolderInUse, Job
from tests.support.mosquitto import free_port
from tests.unit.sim.test_cli import simulate


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.timeout(30)
def test_no_micropython_is_said_at_once_with_its_cure_and_leaves_no_folder(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "/nowhere/micropython")
    with pytest.raises(InterpreterMissing, match="unset it or correct it"):
        Machine("1900")
    assert list(temporary.iterdir()) == []


@pytest.mark.timeout(30)
def test_a_board_whose_process_cannot_be_started_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*given: Any, **more: Any) -> Any:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("simulator.supervisor.subprocess.Popen", refused)
    with pytest.raises(BoardBroken, match=r"sim-1900.*Too many open files"):
        Machine("1900", data=tmp_path)


def test_a_machine_that_does_not_start_leaves_no_folder(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_use(job: Job) -> None:
        raise FolderInUse("in use")

    monkeypatch.setattr("simulator.supervisor._lock", in_use)
    with pytest.raises(FolderInUse):
        Machine("1900")
    assert list(temporary.iterdir()) == []


def test_a_full_disk_under_the_log_resets_no_machine(tmp_path: Path) -> None:
    def full(event: dict[str, Any]) -> None:
        raise OSError(28, "No space left on device")

    board = Board(Job("1900", "one", tmp_path), full)
    board.start()
    try:
        assert board.request("run", ms=100)["ok"]
        assert [event["event"] for event in board.events] == ["started"]
    finally:
        board.close()


def test_a_board_that_does_not_answer_is_named_in_time(tmp_path: Path) -> None:
    board = Board(Job("1900", "one", tmp_path))
    ours, theirs = socket.socketpair()
    board._line = ours
    board._started.set()
    with ours, theirs, pytest.raises(TimeoutError, match=r"one .*look"):
        board.request("look", timeout_s=0.05)


@pytest.mark.parametrize("text", ["[/brew]", "no button [brew]", "list[int]", "\\[x]"])
def test_what_a_board_says_is_shown_as_it_is(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    events: tuple[dict[str, Any], ...] = (
        {"event": "main_ended", "error": text},
        {"event": "step_failed", "step": {"do": text}, "error": text},
        {"event": "started", "faults": {text: 1}},
        {"event": "reset", "cause": text, "uptime_ms": 5},
    )
    for event in events:
        cli._tell([], "one", {"world_ms": 1000, **event})
        assert text in capsys.readouterr().out.replace("\n", " "), event


@pytest.mark.parametrize("text", ["inf", "1e999", "nan", "1e308", "1e-300"])
def test_a_speed_no_clock_can_keep_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"from 0\.001 to 1000000, or max"):
        cli.parse_speed(text)


@pytest.mark.parametrize("duration_s", [math.inf, math.nan, 1e308])
def test_an_endless_duration_is_to_be_left_out(duration_s: float) -> None:
    with pytest.raises(FleetRefused, match=r"--duration .*leave it out"):
        make_jobs(Wish(["1900"], duration_s=duration_s))


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("at_s = inf\npress = 'brew'", r"step\[0\].at_s"),
        ("at_s = 1e308\npress = 'brew'", r"step\[0\].at_s"),
        ("at_s = nan\npress = 'brew'", r"step\[0\].at_s"),
        ("at_s = -1\npress = 'brew'", r"step\[0\].at_s"),
        ("at_s = 1\nspeed = -2", r"step\[0\].speed"),
        ("at_s = 1\nspeed = inf", r"step\[0\].speed"),
        ("at_s = 1\nspeed = 1e-300", r"step\[0\].speed .*from 0\.001 to 1000000, or 0"),
    ],
)
def test_a_scenario_has_only_figures_that_can_come(tmp_path: Path, step: str, says: str) -> None:
    (tmp_path / "s.toml").write_text(f"[[step]]\n{step}\n")
    with pytest.raises(ScenarioRefused, match=says):
        read_scenario(tmp_path / "s.toml", ["a"])


@pytest.mark.parametrize(
    ("name", "says"),
    [("none/shot.png", "there is no folder"), ("shot.txt", "ending in .png"), ("", "a folder")],
)
def test_a_picture_that_cannot_be_written_is_refused_before_the_shot(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simulator import plot

    shots: list[Job] = []
    monkeypatch.setattr(plot, "record_shot", shots.append)
    with pytest.raises(FleetRefused, match=f"--plot .*{says}"):
        plot.plot_shot(Wish(["1900"]), tmp_path / name)
    assert shots == []


def test_a_folder_that_takes_no_picture_is_refused_before_the_shot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simulator import plot

    shots: list[Job] = []
    monkeypatch.setattr(plot, "record_shot", shots.append)
    monkeypatch.setattr("simulator.plot.os.access", lambda path, mode: False)
    with pytest.raises(FleetRefused, match=r"--plot .*this user cannot write there"):
        plot.plot_shot(Wish(["1900"]), tmp_path / "shot.png")
    assert shots == []


def test_a_folder_that_cannot_be_written_is_told_with_the_option(tmp_path: Path) -> None:
    (tmp_path / "simulator.lock").mkdir()  # nobody, not even root, can open it for writing
    with pytest.raises(BoardBroken, match=r"--data: .* cannot be written .Is a directory"):
        Board(Job("1900", "one", tmp_path)).start()


def test_a_picture_without_an_ending_is_said_to_be_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    from simulator import plot

    monkeypatch.setattr(plot, "record_shot", lambda job: None)
    monkeypatch.setattr(plot, "draw", lambda shot: Figure())
    (written,) = plot.plot_shot(Wish(["1900"]), tmp_path / "shot")
    assert written.exists() and written == tmp_path / "shot.png"


def test_the_panels_say_where_they_are_and_why_they_cannot_be(tmp_path: Path) -> None:
    port = free_port()
    words = ("--model", "1900", "--duration", "80", "--speed", "20", "--data", str(tmp_path),
             "--panel-port", str(port), "--panel-host")  # fmt: skip
    there = simulate(*words, "127.0.0.2")
    assert f"http://127.0.0.2:{port}" in there.stdout, there.stdout + there.stderr
    for host in ("203.0.113.7", "no..host"):  # not ours, no name
        refused = simulate(*words, host)
        assert refused.returncode == 2
        assert f"--panel-host {host}" in refused.stderr and "is taken" not in refused.stderr


def test_a_run_that_is_over_before_its_panel_is_there_just_ends(tmp_path: Path) -> None:
    words = ("--model", "1900", "--duration", "0.1", "--speed", "max", "--data", str(tmp_path))
    done = simulate(*words, "--panel-port", str(free_port()))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broker_port_in_other_digits_is_refused() -> None:
    with pytest.raises(FleetRefused, match="host:port"):
        make_jobs(Wish(["1900"], broker="localhost:²"))


def test_jobs_of_a_run_are_json_that_every_reader_takes() -> None:
    for job in make_jobs(Wish(["1900"], duration_s=3.5, speed=cli.parse_speed("1e6"))):
        json.dumps(job.words(), allow_nan=False)


@pytest.mark.parametrize("ignored", [
    ("--scenario", "day.toml"), ("--duration", "5"), ("--broker", "127.0.0.1:1883"),
    ("--panel-port", "8001")])  # fmt: skip
def test_an_option_that_a_plot_would_ignore_is_refused(
    ignored: tuple[str, str], tmp_path: Path
) -> None:
    done = simulate("--model", "1900", "--plot", str(tmp_path / "shot.png"), *ignored)
    assert done.returncode == 2
    assert f"{ignored[0]} has no use beside --plot" in done.stderr


def test_a_late_reply_is_not_taken_for_that_of_the_next_request(tmp_path: Path) -> None:
    with Machine("1900", data=tmp_path) as machine:
        with pytest.raises(TimeoutError):
            machine.board.request("run", ms=50_000, timeout_s=0.001)
        assert "outputs" in machine.board.request("look")


def test_a_machine_that_does_not_get_ready_is_told_with_the_fault_in_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from simulator import plot

    monkeypatch.setattr(plot, "HEAT_UP_MS", 60_000)
    (job,) = make_jobs(Wish(["1900"], faults=["sensor_open_brew"]))
    with pytest.raises(plot.NoShot) as said:
        plot.record_shot(job)
    told, _, console = str(said.value).partition("\n")
    assert told == ("sim-1900 is not ready 1 simulated minutes after power-on; leave out --fault "
                    "sensor_open_brew. Its console:")
    assert "coffee: up" in console


def test_what_is_drawn_stays_on_its_axis_and_names_of_phases_apart() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from simulator import plot

    rows = 400
    names = ("setpoint_mc", "temp_mc", "flow_ul_s", "pressure_mbar", "volume_ul", "weight_mg",
             "duty_permille", "pump_permille", "steam_duty_permille")  # fmt: skip
    columns: plot.Columns = {f"live_{name}": [1.0] * rows for name in names}
    columns |= {f"t_{name}": [1.0] * rows for name in ("temp_group_inlet_mc", "cup_mg")}
    columns |= {"t_pressure_group_mbar": [5.0] * rows, "t_flow_cup_ul_s": [9.0] * rows}
    columns |= {"live_pressure_mbar": [16.0] * rows, "live_weight_mg": [90.0] * rows}
    columns["t"] = [row / 8 for row in range(rows)]  # 50 s; the phases begin a second apart
    columns["state"] = [2.0] * 24 + [3.0] * 8 + [4.0] * 40 + [5.0] * (rows - 72)
    figure = plot.draw(plot.Recorded("2900", columns))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    for axis in figure.axes:
        for line in axis.get_lines():
            if line.get_transform() == axis.transData and len(line.get_ydata()):
                assert max(line.get_ydata()) <= axis.get_ylim()[1], line.get_label()
    first, second, _ = figure.axes[0].texts
    gap = second.get_transform().transform((columns["t"][32] - columns["t"][24], 0))
    across = gap[0] - second.get_transform().transform((0, 0))[0]
    height = first.get_fontsize() * figure.dpi / 72
    assert across * math.sin(math.radians(first.get_rotation())) > height
