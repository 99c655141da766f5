"""What the tools for boards make of a line that is cut, and of settings as people write them."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import trustme
import typer
from mpremote.transport import TransportError
from typer.testing import CliRunner

from host_bridge.board import doctor
from host_bridge.board import flash as flashing
from host_bridge.board import provision as provisioning
from host_bridge.board.build import compile_for, model_of
from host_bridge.board.device import ON_BOARD, Device, Identity
from host_bridge.board.errors import BoardError, BusyBoard, LostBoard
from host_bridge.board.flash import Progress
from host_bridge.board.provision import gather
from host_bridge.cli import app
from host_bridge.cli.board import cured, waiting


def up(boot: int) -> bytes:
    return b"coffee: up " + json.dumps({"boot": boot, "build": "1a2b3c4d"}).encode() + b"\r\n"


class Heard(Device):
    """A board of which only what it says is known."""

    def __init__(self, *pieces: bytes) -> None:
        super().__init__("/dev/ttyACM0")
        self._pieces = iter(pieces)

    def _heard(self) -> bytes:
        return next(self._pieces, b"")


class Answers(Device):
    """A board that answers each call with the same."""

    def __init__(self, said: str) -> None:
        super().__init__("/dev/ttyACM0")
        self._said = said

    def exec(self, code: str) -> str:
        return self._said


class Runs(Device):
    """A board that runs what it is asked, with one setting."""

    def __init__(self, **settings: str) -> None:
        super().__init__("/dev/ttyACM0")
        self._known = {"settings"}
        self._settings = settings

    def exec(self, code: str) -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            print("something printed before @@ it")
            exec(code, {"json": json, "sys": sys, "shown": lambda: self._settings})
        return said.getvalue().replace("\n", "\r\n")


def test_a_birth_that_a_reset_cut_does_not_hide_the_next_one() -> None:
    board = Heard(up(6)[:25], up(7), up(7))
    assert board.wait_birth(timeout_s=5)["boot"] == 7


@pytest.mark.parametrize("name", ["Cafe@@Home", "@@", 'a"@@"b'])
def test_a_setting_may_hold_what_marks_an_answer(name: str) -> None:
    assert Runs(wifi_ssid=name).run("settings", "shown()") == {"wifi_ssid": name}


@pytest.mark.parametrize("said", ["", "noise", '\r\n@@{"wifi'])
def test_an_answer_that_a_line_spoilt_is_named_with_the_cure(said: str) -> None:
    with pytest.raises(LostBoard, match=r"/dev/ttyACM0: .*again"):
        Answers(said).run("settings", "shown()")


def test_a_board_that_cannot_be_identified_is_named_with_the_cure() -> None:
    for said in ("", "['micropy", "['micropython', [1, 26]]", "5"):
        with pytest.raises(LostBoard, match=r"/dev/ttyACM0: .*garbled.*check the cable"):
            Answers(said).identify()


def test_the_oldest_micropython_that_can_is_taken() -> None:
    Identity("Raspberry Pi Pico W with RP2040", (1, 26, 0), 0, "rp2").check()
    with pytest.raises(BoardError, match="is too old"):
        Identity("Raspberry Pi Pico W with RP2040", (1, 25, 9), 0, "rp2").check()


@pytest.mark.parametrize("number", [0, 12, 13, 15])
def test_a_chip_of_an_architecture_that_came_later_is_refused_as_any_other(number: int) -> None:
    """It is shown before it is judged."""
    there = Identity("Board of tomorrow", (1, 40, 0), number << 10 | 0x306, "new")
    assert str(there).endswith("1.40.0, rv64imc" if number == 12 else "1.40.0, bytecode only")
    with pytest.raises(BoardError, match=r"this is Board of tomorrow \(new\), not a Raspberry"):
        there.check()


def test_a_prompt_ends_the_wait_unless_the_machine_is_held() -> None:
    """A hold ends by itself; whoever is at the prompt after it was up has ended."""
    board = Heard(b"coffee: held\r\n>>> ", up(7), up(7))
    assert board.wait_birth(timeout_s=5)["boot"] == 7
    with pytest.raises(BoardError, match="did not come up"):
        Heard(up(7), b"\n>>> ", up(7)).wait_birth(timeout_s=5)


def test_a_file_that_did_not_settle_as_it_was_sent_is_said(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Device, "run", lambda *given: "another digest")
    with pytest.raises(BoardError, match=r"app\.d/1: the board did not store what was sent"):
        Answers("").put("app.d/1", b"content", lambda n: None)


def test_a_machine_that_pours_is_said_to_be_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    def pours(**given: Any) -> None:
        print("coffee: busy")
        raise TransportError("could not enter raw repl")

    board = Device("/dev/ttyACM0")
    board._transport = SimpleNamespace(
        serial=SimpleNamespace(timeout=0), enter_raw_repl=pours, close=lambda: None)
    with pytest.raises(BusyBoard, match="is pouring and was not interrupted"):
        board.interrupt()


def test_what_mpremote_prints_of_a_lost_board_is_not_shown(
    capsys: pytest.CaptureFixture[str]
) -> None:
    def lost(*given: Any, **more: Any) -> None:
        print(b"")
        raise OSError("could not enter raw repl")

    for act in (lambda board: board.exec("1"), lambda board: board.start("1"), Device.reset):
        board = Device("/dev/ttyACM0")
        board._transport = SimpleNamespace(
            exec_raw=lost, exec_raw_no_follow=lost, close=lambda: None)
        with pytest.raises(LostBoard, match="no longer answers"):
            act(board)
    assert capsys.readouterr().out == ""


def test_a_board_that_goes_while_its_port_is_opened_is_waited_for(vanishing_port: str) -> None:
    assert Device(vanishing_port)._heard() == b""
    with pytest.raises(LostBoard, match="is the board plugged in"):
        Device(vanishing_port).interrupt()


def test_settings_in_another_encoding_are_refused_with_the_file_and_the_cure(
    tmp_path: Path,
) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes('wifi_ssid = "Café"\n'.encode("latin-1"))
    with pytest.raises(BoardError, match=r"settings\.toml: .*UTF-8"):
        gather(file, None)


def test_flags_and_numbers_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("BROKER_TLS", "true"), ("BREW_SETPOINT_MC", "93500"), ("STEAM_SETPOINT_MC", "0"),
        ("WIFI_SSID", "true"), ("BUTTON_SLOT", "3"), ("DESCALE_L", "40"),
    ):  # fmt: skip
        monkeypatch.setenv(f"COFFEE_BOARD_{name}", value)
    assert gather(None, None) == {
        "broker_tls": True, "brew_setpoint_mc": 93500, "steam_setpoint_mc": 0,
        "wifi_ssid": "true", "button_slot": 3, "descale_l": 40,
    }  # fmt: skip
    monkeypatch.setenv("COFFEE_BOARD_BROKER_TLS", "False")
    assert gather(None, None)["broker_tls"] is False
    monkeypatch.setenv("COFFEE_BOARD_BROKER_TLS", "maybe")
    with pytest.raises(BoardError, match=r"broker_tls: 'maybe'.*true or false"):
        gather(None, None)


class Examined(Device):
    """A board whose self-test runs when somebody presses Ctrl-C, or fails."""

    error: BaseException = KeyboardInterrupt()
    released = 0

    def interrupt(self) -> None:
        pass

    def hold(self) -> bool:
        return True

    def run(self, name: str, call: str) -> Any:
        raise self.error

    def release(self) -> None:
        Examined.released += 1
        raise LostBoard("no prompt: its self-test still runs")


@pytest.mark.parametrize(
    ("error", "released"),
    [(KeyboardInterrupt(), 0), (BoardError("MemoryError"), 1)],
)
def test_what_ended_a_self_test_is_what_one_hears(
    error: BaseException, released: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Examined, "error", error)
    monkeypatch.setattr(Examined, "released", 0)
    monkeypatch.setattr(doctor, "Device", Examined)
    with pytest.raises(type(error)) as caught:
        doctor.examine("/dev/ttyACM0", Progress(lambda line: None))
    assert caught.value is error
    assert Examined.released == released


def test_a_checkout_that_cannot_be_written_can_still_be_flashed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = Path.write_text

    def read_only(path: Path, text: str, *more: Any) -> int:
        if path.name == "names.txt":
            raise PermissionError(13, "Permission denied", str(path))
        return write(path, text, *more)

    monkeypatch.setattr(Path, "write_text", read_only)
    assert compile_for("1900", "x64", compact=True).files


def test_a_full_disk_ends_a_flash_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any, **more: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("host_bridge.board.build.TemporaryDirectory", full)
    with pytest.raises(BoardError, match=r"No space left on device.*free disk space"):
        compile_for("1900", "x64")


def test_what_to_install_is_said_whole(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), cured():
        raise ImportError(name="mpremote")
    assert "'coffee-controller[board]'" in capsys.readouterr().err


def test_a_console_without_its_package_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make run` alone brings no mpremote."""
    started: list[str] = []
    monkeypatch.setattr("host_bridge.cli.board.os.execv", lambda path, words: started.append(path))
    monkeypatch.setitem(sys.modules, "mpremote", None)
    result = CliRunner().invoke(app, ["board", "console", "/dev/ttyACM0"])
    assert result.exit_code == 1 and started == []
    assert "mpremote is missing; run: pip install 'coffee-controller[board]'" in result.output


def test_settings_saved_with_a_mark_that_no_editor_shows_are_read(tmp_path: Path) -> None:
    file = tmp_path / "kitchen.toml"
    file.write_bytes(b"\xef\xbb\xbfmachine = 'kitchen'\n")
    assert gather(file, None)["machine"] == "kitchen"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("wifi_key = 12345678", 'wifi_key: it is no text; put it in quotes, as in wifi_key = "…"'),
        ("broker_ca = true", 'broker_ca: it is no text; put it in quotes'),
        ("machine = 2026-11-30", 'machine: it is no text; put it in quotes'),
        ("uart_baud = nan", "uart_baud: give a text in quotes, a whole number, or true or false"),
        ("[wifi]\nssid = 'x'", "wifi: give a text in quotes, a whole number, or true or false"),
        ("machine = kitchen", "with lines such as machine = \"kitchen\""),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_with_the_cure(
    line: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(line)
    with pytest.raises(BoardError) as caught:
        gather(file, None)
    assert said in str(caught.value)
    assert "12345678" not in str(caught.value), "it may be a secret"


def test_a_text_in_another_encoding_is_refused_before_it_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COFFEE_BOARD_WIFI_KEY", "caf\udce9")  # as Python reads Latin-1 bytes
    with pytest.raises(BoardError, match="wifi_key: it is not UTF-8; set the terminal"):
        gather(None, None)
    monkeypatch.delenv("COFFEE_BOARD_WIFI_KEY")
    typed = iter(["caf\udce9", "blue café"])
    asked: list[str] = []

    def ask(name: str, question: str, secret: bool) -> str:
        asked.append(question)
        return next(typed) if name == "wifi_key" else ""

    assert gather(None, ask) == {"wifi_key": "blue café"}
    assert [q for q in asked if "not UTF-8" in q] and "caf" not in "".join(asked)


def test_a_name_cannot_be_cleared() -> None:
    typed = iter(["-", "kitchen"])

    def ask(name: str, question: str, secret: bool) -> str:
        return next(typed) if name == "machine" else ""

    assert gather(None, ask) == {"machine": "kitchen"}


def expired(folder: Path) -> bytes:
    """A CA's certificate that ended yesterday, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Old CA")])
    until = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, until - timedelta(days=365), until
    ).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("made", "said"),
    [(expired, "expired on .* must be renewed"), (lambda folder: b"", "Empty certificate")],
)
def test_a_ca_no_machine_could_use_is_refused(made: Any, said: str, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(made(tmp_path))
    with pytest.raises(BoardError, match=rf"broker_ca: .*ca\.pem: .*{said}"):
        provisioning.provision("/dev/nowhere", {"broker_ca": str(file)}, Progress())


@pytest.mark.parametrize("whose", ["the broker's", "the CA's"])
def test_a_chain_given_for_the_ca_is_said(whose: str, tmp_path: Path) -> None:
    ca = trustme.CA()
    leaf = ca.issue_cert("broker.example")
    pems = [leaf.cert_chain_pems[0].bytes(), ca.cert_pem.bytes()]
    file = tmp_path / "fullchain.pem"
    file.write_bytes(b"".join(pems if whose == "the broker's" else pems[1:]))
    said: list[str] = []
    with pytest.raises(LostBoard):
        provisioning.provision("/dev/nowhere", {"broker_ca": str(file)}, Progress(said.append))
    assert said == ([provisioning.NO_AUTHORITY] if whose == "the broker's" else [])


@pytest.mark.parametrize("key", ["short", "1234567", "", "8 chars!", "cafés ✓"])
def test_a_key_with_which_no_network_can_be_joined_is_refused(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COFFEE_BOARD_WIFI_KEY", key)
    if key in ("short", "1234567"):
        with pytest.raises(BoardError, match=r"^wifi_key: it has at least 8") as said:
            gather(None, None)
        assert key not in str(said.value)
    else:
        assert gather(None, None) == {"wifi_key": key}


def test_a_copied_board_that_still_says_it_is_the_other_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "boards" / "coffee_3900"
    folder.mkdir(parents=True)
    (folder / "board.py").write_text('MODEL = "1900"\n')
    monkeypatch.setattr("host_bridge.board.build.ROOT", tmp_path)
    result = CliRunner().invoke(app, ["board", "flash", "/dev/nowhere", "--board", "3900"])
    assert result.exit_code == 1
    assert 'MODEL is 1900; write MODEL = "3900"' in result.output
    (folder / "board.py").write_text('MODEL = "3900"\n')
    assert model_of("coffee-3900") == "3900"
    folder.rename(folder.with_name("coffee_3900_rev_b"))  # another board in the same machine
    assert model_of("3900-rev-b") == "3900"


def test_what_is_shown_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """rich takes :100: and :b: for pictures, and both may stand in an address."""
    address = "2001:db8:100:b:x::1"
    monkeypatch.setattr(provisioning, "provision", lambda *given: {"broker_host": address})
    monkeypatch.setenv("COFFEE_BOARD_BROKER_HOST", "broker.example")
    result = CliRunner().invoke(app, ["board", "provision", "/dev/nowhere"])
    assert f"broker_host = {address}" in result.output


class Foreign(Examined):
    """A board with nothing of ours."""

    def hold(self) -> bool:
        return False


class Fails:
    """A line to a board on which a command fails."""

    def __init__(self, trace: bytes) -> None:
        self._trace = trace

    def exec_raw(self, code: str, timeout: float) -> tuple[bytes, bytes]:
        return b"", self._trace


@pytest.mark.parametrize(
    ("last", "said"),
    [(b"OSError: 28", "the board's flash is full; delete"), (b"OSError: 2", "the board said:")],
)
def test_a_full_flash_is_said_with_its_cure(last: bytes, said: str) -> None:
    board = Device("/dev/ttyACM0")
    board._transport = Fails(b'Traceback (most recent call last):\r\n  File "<stdin>"\r\n' + last
                             + b"\r\n")
    with pytest.raises(BoardError, match=said) as caught:
        board.exec("open('new','wb')")
    assert ("Traceback" in str(caught.value)) == (last == b"OSError: 2")


class Stands(Examined):
    """A board that answers each part of the self-test, and then does not start."""

    def run(self, name: str, call: str) -> Any:
        return [["flash", "BAD", "3 KiB free", "delete what is not the machine's"]]

    def release(self) -> None:
        pass

    def wait_birth(self, timeout_s: float = 0) -> dict[str, Any]:
        raise BoardError("the machine did not come up. Its console: …")


def test_what_a_self_test_found_is_shown_of_a_machine_that_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "Device", Stands)
    said: list[str] = []
    found = doctor.examine("/dev/ttyACM0", Progress(said.append))
    assert "3 KiB free" in [row.found for row in found]
    assert (found[-1].part, found[-1].verdict) == ("start", doctor.BAD)
    assert "did not come up" in said[-1]


def test_a_start_that_a_full_flash_ended_says_so() -> None:
    board = Heard(b"Traceback (most recent call last):\r\nOSError: 28\r\nMicroPython\r\n>>> ")
    with pytest.raises(BoardError, match=r"did not come up(?s:.*)the board's flash is full"):
        board.wait_birth(timeout_s=5)


@pytest.mark.parametrize("host", [
    "mqtt://broker", "mqtt://u:hunter2@broker:1883", "broker:1883", "192.0.2.10:1883", " broker",
    "my broker", "broker/", "[2001:db8::1]", "[2001:db8::1]:1883", "2001:db8::1::2",
    "bröker.example", "a,b", "a..b", ".",
])  # fmt: skip
def test_a_broker_that_no_machine_could_look_up_is_refused(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COFFEE_BOARD_BROKER_HOST", host)
    with pytest.raises(BoardError, match=r"^broker_host: .*broker\.example.*broker_port") as said:
        gather(None, None)
    assert "hunter2" not in str(said.value)


@pytest.mark.parametrize(
    "host", ["broker", "broker_1", "broker.example", "192.0.2.10", "2001:db8::1", "fe80::1%2", ""])
def test_a_broker_may_have_a_bare_name_or_any_address(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COFFEE_BOARD_BROKER_HOST", host)
    assert gather(None, None) == {"broker_host": host}


def test_a_broker_typed_with_its_port_is_asked_for_again_and_can_be_cleared() -> None:
    for last, kept in (("broker", "broker"), ("-", "")):
        typed = iter(["broker:1883", last])

        def ask(name: str, question: str, secret: bool, typed: Any = typed) -> str:
            return next(typed) if name == "broker_host" else ""

        assert gather(None, ask) == {"broker_host": kept}


@pytest.mark.parametrize(
    ("there", "meant"),
    [
        (["site"], "site/ca.pem"), (["site", "."], "site/ca.pem"), (["."], "ca.pem"),
        ([], "site/ca.pem"),
    ],
)
def test_a_ca_is_looked_for_beside_the_file_that_names_it(
    there: list[str], meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site").mkdir()
    for folder in there:
        (tmp_path / folder / "ca.pem").write_text("a CA")
    (tmp_path / "site/kitchen.toml").write_text('broker_ca = "ca.pem"\n')
    assert gather(Path("site/kitchen.toml"), None) == {"broker_ca": meant}


@pytest.mark.parametrize("by_file", [True, False])
def test_a_ca_in_one_s_home_is_found(
    by_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    file = tmp_path / "site" / "kitchen.toml"
    file.parent.mkdir()
    file.write_text('broker_ca = "~/ca.pem"\n')
    settings = gather(file, None) if by_file else {"broker_ca": "~/ca.pem"}
    with pytest.raises(LostBoard):  # the certificate is read before the port is opened
        provisioning.provision("/dev/nowhere", settings, Progress(str))


def test_an_absolute_ca_none_and_one_of_the_environment_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kitchen.toml"
    for named in ("/nowhere/ca.pem", ""):
        file.write_text(f'broker_ca = "{named}"\n')
        assert gather(file, None) == {"broker_ca": named}
    monkeypatch.setenv("COFFEE_BOARD_BROKER_CA", "ca.pem")
    assert gather(file, None) == {"broker_ca": "ca.pem"}


@pytest.mark.parametrize(
    ("by_make", "said", "not_said"),
    [(True, "FROM=settings.toml", "--"), (False, "--from settings.toml", "FROM=")],
)
def test_settings_are_asked_for_in_the_words_that_were_typed(
    by_make: bool, said: str, not_said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_make:
        monkeypatch.setenv("MAKELEVEL", "1")
    else:
        monkeypatch.delenv("MAKELEVEL", raising=False)
    result = CliRunner().invoke(app, ["board", "provision", "/dev/ttyACM0"])
    assert result.exit_code == 1
    assert said in result.output and not_said not in result.output


@pytest.mark.parametrize(
    ("by_make", "said"),
    [
        (True, ["`make flash`", "`make unflash JOURNAL=1`", "BOARD=2900", "ANY_CHIP=1"]),
        (False, ["`coffee-bridge board flash`", "`coffee-bridge board unflash --journal`",
                 "--board 2900", "--any-chip"]),
    ],
)
def test_messages_name_what_the_caller_used(
    by_make: bool, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_make:
        monkeypatch.setenv("MAKELEVEL", "1")
    else:
        monkeypatch.delenv("MAKELEVEL", raising=False)
    monkeypatch.setattr(doctor, "Device", Foreign)
    other = Identity("Generic ESP32", (1, 26, 0), 0, "esp32")
    board = Heard(b"OSError: 28\r\n>>> ")
    heard = []
    for call in (
        lambda: doctor.examine("/dev/ttyACM0", Progress(str)), board.wait_birth,
        lambda: flashing._same_machine("1900", "2900", "/dev/ttyACM0"), other.check,
    ):
        with pytest.raises(BoardError) as caught:
            call()
        heard.append(str(caught.value))
    assert all(words in text for words, text in zip(said, heard, strict=True)), heard


class Away(Device):
    """A board whose port is gone once it was told to start again."""

    def _reset(self, code: str) -> None:
        self.close()


class Clock:
    """Time that passes only while somebody waits. `ends` is called at each look at it."""

    now_s = 1000.0

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("host_bridge.board.device.time", self)

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.mark.parametrize("what", [Away._take, Away.wait_birth])
def test_a_port_that_does_not_come_back_is_said_early(
    what: Callable[[Away], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    with pytest.raises(LostBoard, match=r"ttyACM0 is gone; .*run the same command again.*devs"):
        what(Away(str(tmp_path / "ttyACM0")))
    assert clock.now_s < 1000 + 60, "five minutes are for a board that is there"


def test_a_port_that_is_away_for_a_restart_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    port = tmp_path / "ttyACM0"
    said = iter([b"", up(7), b"", up(7)])

    def hear(board: Device) -> bytes:
        clock.sleep(10)
        port.unlink(missing_ok=True) if port.exists() else port.touch()
        return next(said)

    monkeypatch.setattr(Away, "_heard", hear)
    assert Away(str(port)).wait_birth()["boot"] == 7


def test_a_port_is_not_gone_that_leaves_after_the_board_was_asked_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    port = tmp_path / "ttyACM0"
    taken = iter([False, True])

    def starting(board: Device) -> None:
        port.touch()
        board._open()
        clock.sleep(25)  # until it hears us

    def resets(board: Device, code: str) -> None:
        board.close()
        port.unlink(missing_ok=True)  # until it has started

    monkeypatch.setattr("mpremote.transport_serial.SerialTransport", MagicMock())
    monkeypatch.setattr(Away, "_raw_repl", starting)
    monkeypatch.setattr(Away, "_reset", resets)
    monkeypatch.setattr(Away, "run", lambda *given: next(taken))
    port.touch()
    Away(str(port))._take()
    assert next(taken, None) is None


def test_in_a_log_each_long_wait_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    waits = waiting()
    for seconds in (0.3, 4, 9, 11, 60, 0.3, 8, 0.3, 12, 13):
        waits(seconds)
    line = "waiting for the machine to start, 5 minutes at most\n"
    assert capsys.readouterr().err == 2 * line


def self_test(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of the self-test that is sent to a board."""
    for module in ("board", "machine"):
        monkeypatch.setitem(sys.modules, module, MagicMock())
    guards = SimpleNamespace(RAIL_LOW=0, RAIL_HIGH=1 << 18)
    monkeypatch.setitem(sys.modules, "guards", guards)
    names: dict[str, Any] = {}
    exec((ON_BOARD / "doctor.py").read_text(), names)
    return names


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [("pressure", -4, "0.00 bar"), ("pressure", 4, "0.00 bar"), ("pressure", -16, "-0.02 bar"),
     ("brew boiler", -40, "0.0 C"), ("brew boiler", -1260, "-1.3 C")],
)
def test_what_is_nothing_has_no_sign(
    name: str, value: int, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensors = MagicMock(read=lambda table, raw: value)
    row = self_test(monkeypatch)["_judged"](sensors, name, None, [1000, 1001])
    assert row[2].startswith(shown + ",")


class Full(Examined):
    """A held board on which something cannot be done."""

    error = BoardError("the board's flash is full")


@pytest.mark.parametrize("what", [
    lambda: flashing.flash("/dev/ttyACM0", "1900", Progress(str), any_chip=True),
    lambda: flashing.unflash("/dev/ttyACM0", Progress(str)),
    lambda: provisioning.provision("/dev/ttyACM0", {}, Progress(str)),
])
def test_a_machine_is_let_go_when_nothing_comes_of_it(
    what: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Examined, "released", 0)
    monkeypatch.setattr(Full, "identify", lambda self: SimpleNamespace(architecture=""))
    for module in (flashing, provisioning):
        monkeypatch.setattr(module, "Device", Full)
    with pytest.raises(BoardError, match="flash is full"):
        what()
    assert Examined.released == 1
