"""`python -m simulator` as a person uses it: real processes, real boards."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from simulator.machine import Machine
from simulator.supervisor import ROOT
from tests.support.mosquitto import free_port


def simulate(*words: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", *words], cwd=ROOT, capture_output=True, text=True,
        timeout=timeout_s, env={"COLUMNS": "100", "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
    )


def test_help_teaches() -> None:
    done = simulate("--help")
    assert done.returncode == 0
    for word in ("--plot shot.png", "--scenario", "[[step]]", "--fault", "--speed", "--count"):
        assert word in done.stdout, word


def test_list_names_faults_and_settings() -> None:
    done = simulate("--list", "--model", "2900")
    assert done.returncode == 0, done.stderr
    assert re.search(r"stuck_flowmeter\s+1: no pulses", done.stdout)
    assert "wifi_lost" in done.stdout and "hopper" in done.stdout
    assert re.search(r"buttons \(press = .*\n +brew, water, steam", done.stdout)


def test_mistakes_cost_a_line_and_status_2(tmp_path: Path) -> None:
    for words, says in (
        (("--model", "1800"), "no such board; use one of 1900, "),
        (("--speed", "0"), "from 0.001 to 1000000, or max"),
        (("--fault", "stuck_flotmeter"), "stuck_flowmeter"),  # and the other one does not hang
        (("--fault", "grinder_jam", "--model", "1900"), "this machine has no fault"),
        (("--duration", "-5"), "greater than or equal to 0"),
        (("--panel-port", "99999"), "less than or equal to 65535"),
        (("--scenario", str(tmp_path / "none.toml")), "none.toml"),
        (("--panel-port", "18081", "--panel-host", ""), "--panel-host is empty"),
        (("--broker", "[::1]:1883"), "boards speak IPv4"),
        (("--fault", "pump_broken=7"), "pump_broken: 7 is not in 0...1"),
    ):
        done = simulate("--data", str(tmp_path / "d"), *words)
        assert done.returncode == 2, (words, done.stdout, done.stderr)
        assert says in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr


def test_a_folder_or_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with Machine("1900", data=tmp_path / "sim-1900") as running:
        flash = (tmp_path / "sim-1900" / "flash.bin").read_bytes()
        done = simulate("--model", "1900", "--data", str(tmp_path), "--duration", "1")
        assert done.returncode == 2 and "is in use by another simulator" in done.stderr
        assert (tmp_path / "sim-1900" / "flash.bin").read_bytes() == flash
        running.run(10)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = simulate("--panel-port", port, "--duration", "1", "--data", str(tmp_path))
        assert done.returncode == 2 and f"--panel-port {port} is already in use" in done.stderr
    assert simulate("--duration", "1", "--data", str(tmp_path), "--speed", "max").returncode == 0


def test_a_story_at_full_speed_ends_by_itself(tmp_path: Path) -> None:
    story = tmp_path / "story.toml"
    story.write_text(
        "[[step]]\nat_s = 20\nset = { cup = 0 }\n"
        "[[step]]\nat_s = 30\npower_cut = true\n"
        "[[step]]\nat_s = 40\nfault = { nonsense = 1 }\n"
        "[[step]]\nat_s = 41\npress = \"brww\"\n"
        "[[step]]\nat_s = 61\nset = { cup = 1, tank = 1 }\n"
    )
    done = simulate("--model", "1900", "--name", "one", "--speed", "max", "--duration", "60",
                    "--data", str(tmp_path / "d"), "--scenario", str(story))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 of its steps comes after --duration 60 and will not happen" in done.stderr
    assert f"2 scenario steps were refused; correct {story}" in done.stderr
    lines = done.stdout.splitlines()
    resets = [line for line in lines if "reset: power" in line]
    assert len(resets) == 1 and "30.0 s" in resets[0]  # the step ends one life, not the next too
    told = [line.partition("refused: ")[2] for line in lines if "scenario step refused: " in line]
    assert told[0].startswith("$.step[2].fault: this machine has no fault 'nonsense'; ")
    assert told[1] == (
        "$.step[3].press: this machine has no button 'brww'; use one of brew, water")
    assert any(re.search(r"60\.\d s +one +stopped", line) for line in lines)
    state = (tmp_path / "d" / "one" / "state.bin").read_bytes()
    assert json.loads(state.split(b"\n", 1)[0])["world_us"] >= 60_000_000


def test_a_speed_from_a_story_outlives_a_reset(tmp_path: Path) -> None:
    story = tmp_path / "story.toml"
    story.write_text(
        "[[step]]\nat_s = 1\nspeed = 0\n[[step]]\nat_s = 2\npower_cut = true\n"
    )
    done = simulate("--model", "1900", "--duration", "3600", "--data", str(tmp_path / "d"),
                    "--scenario", str(story))  # an hour, were it back to real time
    assert done.returncode == 0 and "3600.0 s  sim-1900  stopped" in done.stdout


def test_panel_answers_and_sigterm_is_a_clean_end(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "simulator", "--model", "1900", "--panel-port", str(port),
               "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        while "front panels" not in process.stdout.readline():
            assert process.poll() is None
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
            text = page.read().decode()
        assert "sim-1900" in text and "Hot water" in text
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(30) == 0
    assert time.monotonic() - began < 30
    assert "Traceback" not in rest, rest
    assert (tmp_path / "sim-1900" / "state.bin").exists()


def test_plot_draws_a_shot(tmp_path: Path) -> None:
    picture = tmp_path / "shot.png"
    done = simulate("--model", "1900", "--plot", str(picture))
    assert done.returncode == 0, done.stdout + done.stderr
    raw = picture.read_bytes()
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(raw) > 50_000
