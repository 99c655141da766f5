"""Mistakes in a file of settings, as people make them: each is named with its cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme

from host_bridge.board import provision as provisioning
from host_bridge.board.device import Device
from host_bridge.board.errors import BoardError, LostBoard
from host_bridge.board.flash import Progress
from host_bridge.board.provision import gather

PEM = trustme.CA().cert_pem.bytes().decode()


def refusal(text: str, folder: Path) -> str:
    """What is said of a file with this text."""
    file = folder / "my settings.toml"
    file.write_text(text)
    with pytest.raises(BoardError) as caught:
        gather(file, None)
    return str(caught.value)


def test_a_certificate_instead_of_its_path_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = "broker_ca: give the path of the certificate's file, not what is in it"
    assert refusal(f'broker_ca = """{PEM}"""', tmp_path) == wanted
    monkeypatch.setenv("COFFEE_BOARD_BROKER_CA", PEM)
    assert refusal("", tmp_path) == wanted


def test_a_path_nobody_can_look_at_is_no_crash(tmp_path: Path) -> None:
    """Such as one in a folder of root's, or one too long."""
    file = tmp_path / "settings.toml"
    file.write_text(f'broker_ca = "{"x" * 300}"')
    with pytest.raises(BoardError, match=r"^broker_ca: .*give a CA certificate file"):
        provisioning.provision("/dev/nowhere", gather(file, None), Progress(str))


def test_lists_without_end_are_said_with_the_file(tmp_path: Path) -> None:
    said = refusal("machine = " + "[" * 3000 + "]" * 3000, tmp_path)
    assert "my settings.toml: " in said and "give a TOML settings file" in said


def test_a_file_in_the_home_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of --from=~/kitchen.toml the shell leaves ~ as it is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "kitchen.toml").write_text('machine = "kitchen"\nbroker_ca = "ca.pem"')
    found = gather(Path("~/kitchen.toml"), None)
    assert found == {"machine": "kitchen", "broker_ca": str(tmp_path / "ca.pem")}


def test_a_number_without_end_is_said_with_the_file(tmp_path: Path) -> None:
    said = refusal("broker_port = " + "9" * 5000, tmp_path)
    assert "my settings.toml: " in said and "give a TOML settings file" in said


@pytest.mark.parametrize("name", [
    "wifi_ssid", "wifi_key", "wifi_country", "broker_host", "broker_user", "broker_password",
    "broker_ca", "command_key",
])  # fmt: skip
def test_a_dash_clears_only_where_one_is_asked(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept as it stands it would be the machine's key, or its broker's name."""
    wanted = f'{name}: write "" to clear it'
    (tmp_path / "-").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"COFFEE_BOARD_{name.upper()}", "-")
    assert wanted in refusal("", tmp_path)
    monkeypatch.delenv(f"COFFEE_BOARD_{name.upper()}")
    assert wanted in refusal(f'{name} = "-"', tmp_path)

    def ask(asked: str, question: str, secret: bool) -> str:
        return "-" if asked == name else ""

    assert gather(None, ask)[name] == ""


def test_of_several_certificates_it_is_said_which_one_is_taken(tmp_path: Path) -> None:
    said: list[str] = []
    for number in (1, 3):
        (tmp_path / "ca.pem").write_text(PEM * number)
        settings: dict[str, Any] = {"broker_ca": str(tmp_path / "ca.pem")}
        with pytest.raises(LostBoard):
            provisioning.provision("/dev/nowhere", settings, Progress(said.append))
    assert said == [provisioning.FIRST_OF_MANY]


def test_what_is_known_or_of_no_use_over_the_chosen_line_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COFFEE_BOARD_BROKER_PASSWORD", "of the environment")
    asked: list[str] = []

    def ask(name: str, question: str, secret: bool) -> str:
        asked.append(name)
        assert secret == (name in provisioning.SECRET)
        return "usb" if name == "link" else ""

    assert gather(None, ask) == {"broker_password": "of the environment", "link": "usb"}
    assert asked == ["machine", "link", "broker_user", "command_key"]


def test_a_board_without_firmware_is_said_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Empty(Device):
        def interrupt(self) -> None:
            pass

        def hold(self) -> bool:
            return False

    monkeypatch.setattr(provisioning, "Device", Empty)
    with pytest.raises(BoardError, match=r"no firmware on this board; run .* flash` first"):
        provisioning.provision("/dev/ttyACM0", {"machine": "kitchen"}, Progress(str))


def test_a_port_that_no_broker_can_have_is_asked_again() -> None:
    typed = iter(["65536", "-", "٣", "65535"])

    def ask(name: str, question: str, secret: bool) -> str:
        return next(typed) if name == "broker_port" else ""

    assert gather(None, ask) == {"broker_port": 65535}
