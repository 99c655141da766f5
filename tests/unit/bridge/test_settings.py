"""Settings: file under environment under command line, errors that name field and cure; no secrets
in print or log."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import structlog

from host_bridge.log import blank_secrets, configure
from host_bridge.settings import SettingsError, load


def file(folder: Path, text: str) -> Path:
    path = folder / "coffee.toml"
    path.write_text(text)
    return path


def test_environment_over_file_and_command_line_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(
        tmp_path, 'language = "de_DE"\n[mqtt]\nhost = "file"\nport = 1\nkeepalive_s = 60\n'
    )
    monkeypatch.setenv("COFFEE_MQTT_HOST", "environment")
    monkeypatch.setenv("COFFEE_MQTT_PORT", "2")
    found = load(path, data=None, mqtt={"port": 3, "host": None})
    assert (found.language, found.mqtt.host, found.mqtt.port, found.mqtt.keepalive_s) == (
        "de_DE", "environment", 3, 60)  # fmt: skip


def test_the_example_file_is_valid_and_says_the_defaults() -> None:
    example = Path(__file__).resolve().parents[3] / "coffee.example.toml"
    shown = load(example)
    assert shown.model_dump(exclude={"web", "mqtt"}) == load().model_dump(exclude={"web", "mqtt"})


def test_an_error_names_where_the_value_came_from(tmp_path: Path) -> None:
    path = file(tmp_path, "[web]\nport = 5")
    with pytest.raises(SettingsError, match=r"web.port: .* \(from --web-port; see"):
        load(path, web={"port": 70_000})
    with pytest.raises(SettingsError, match=r"mqtt.port: .* \(from --mqtt-port; see"):
        load(path, mqtt={"host": None, "port": 0}, web={"port": None})


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("[pour]\noffice_days = [8]", "COFFEE_POUR_OFFICE_DAYS"),
        ("[mqtt]\ncommand_keys = {m-1 = ''}", "COFFEE_MQTT_COMMAND_KEYS"),
        ("[languages]\nm-1 = 'x'", "COFFEE_LANGUAGES"),
        ("[mqtt]\nhots = 'x'", "COFFEE_MQTT_HOTS"),
    ],
)
def test_an_error_names_a_variable_that_can_be_set(
    tmp_path: Path, text: str, variable: str
) -> None:
    """COFFEE_POUR_OFFICE_DAYS_0 is none, and no shell sets COFFEE_LANGUAGES_M-1."""
    with pytest.raises(SettingsError, match=rf"or {variable}; see"):
        load(file(tmp_path, text))


def test_a_mark_that_no_editor_shows_is_named(tmp_path: Path) -> None:
    path = tmp_path / "coffee.toml"
    path.write_bytes(b"\xef\xbb\xbfname = 'x'")
    with pytest.raises(SettingsError, match="save the file as UTF-8 without a byte order mark"):
        load(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[mqtt]\nport = 70000", "mqtt.port: Input should be less than or equal to 65535"),
        ("[mqtt]\nhsot = 'x'", "mqtt.hsot: no such setting; remove it or correct its name"),
        ("[mqtt]\nca_file = '/no/such'", "mqtt.ca_file: /no/such cannot be read"),
        ("[pour]\nenabled = true", "pour: enabled needs machine; name the machine"),
        ("[pour]\noffice_from = 19:00:00", "pour: office_from must be before office_to"),
        ("language = 'english'", "language: "),
        ("[pour]\noffice_days = [8]", "pour.office_days.0: "),
        ("[gateway]\nkind = 'odoo'", "gateway: kind 'odoo' needs url, key; give them too"),
        ("[gateway]\nkind = 'odoo'\nurl = 'odoo.example'", "gateway.url: 'odoo.example' is no"),
        ("[gateway]\nurl = 'https://me:pw@odoo.example'", "gateway.url: give scheme, host, port"),
        ("[gateway]\nkind = 'odoo'\ntransport = 'xmlrpc'", "needs url, key, database, login"),
        ("[pour]\ntimezone = 'Mars/Olympus'", "pour.timezone: 'Mars/Olympus' is not a time zone"),
        ("[gateway]\nkind = 'odoo'\nurl = 'http://o'\nkey = ''", "gateway: kind 'odoo' needs key"),
        ("data = ''", "data: is empty; name a folder"),
        ("[web]\nhost = ''", "web.host: is empty; give an address of this computer"),
        ("[mqtt]\ncommand_keys = {'Sim 1' = 'k'}", "mqtt.command_keys.Sim 1"),
        ("[mqtt]\ncommand_keys = {m1 = ''}", "mqtt.command_keys.m1: is empty: no command would"),
        ("[mqtt]\nhost = 'broker..lan'", "mqtt.host: 'broker..lan' is not a host name"),
        ("[mqtt]\nhost = 'broker lan'", "mqtt.host: 'broker lan' has a space or an invisible"),
        (f"[web]\nhost = '{'x' * 64}'", "is not a host name (label"),
        ("[inbox]\nkeep_days = inf", "inbox.keep_days: Input should be less than or equal to"),
        ("[inbox]\ncurve_days = 1e20", "inbox.curve_days: Input should be less than or equal"),
        ("[inbox]\nquarantine_rows = 99999999999999999999", "inbox.quarantine_rows: "),
        ("[importing]\ninfo_wait_s = inf", "importing.info_wait_s: Input should be less than"),
        ("[importing]\nclock_wait_s = inf", "importing.clock_wait_s: Input should be less than"),
        ("[pour]\nprobe_timeout_s = inf", "pour.probe_timeout_s: Input should be less than or"),
    ],
)
def test_errors_name_the_field(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(file(tmp_path, text))
    assert told in str(error.value)
    assert "COFFEE_" in str(error.value)


def test_errors_name_the_file_that_was_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("prot = 1")
    with pytest.raises(SettingsError) as error:
        load(path)
    assert f"(in {path}, or COFFEE_PROT" in str(error.value)
    assert "coffee.toml" not in str(error.value).replace("coffee.example.toml", "")


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"coffee\.toml: not TOML: .*line 1"):
        load(file(tmp_path, "port: 1883"))
    with pytest.raises(SettingsError, match=r"config: .* is not a file"):
        load(tmp_path / "absent.toml")


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "coffee.toml").write_bytes('name = "b"  # größer'.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"coffee\.toml: not UTF-8 at byte 16; save the file"):
        load(tmp_path / "coffee.toml")


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("COFFEE_WBE_TOKEN", "COFFEE_WEB_TOKEN"),
        ("COFFEE_NAEM", "COFFEE_NAME"),
        ("COFFEE_MQTTHOST", "COFFEE_MQTT_HOST"),
        ("coffee_langauge", "COFFEE_LANGUAGE"),
        ("COFFEE_PORT", "COFFEE_MQTT_PORT or COFFEE_WEB_PORT"),
    ],
)
def test_a_misspelt_variable_is_not_ignored(
    monkeypatch: pytest.MonkeyPatch, wrong: str, meant: str
) -> None:
    monkeypatch.setenv(wrong, "x")
    with pytest.raises(SettingsError, match=f"{wrong}: no such setting; did you mean {meant}"):
        load()


def test_variables_of_others_are_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COFFEE_MICROPYTHON", "COFFEE_BOARD_PORT", "COFFEE_ODOO", "COFFEE_PG"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("COFFEE_PORT", "tcp://10.0.0.7:80")  # Kubernetes
    monkeypatch.setenv("COFFEE_LOG_FORMAT", "json")
    monkeypatch.setenv("coffee_mqtt_port", "1884")
    assert (load().log_format, load().mqtt.port) == ("json", 1884)


@pytest.mark.parametrize("token", ["", "short"])
def test_a_token_that_is_no_secret_is_refused(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("COFFEE_WEB_TOKEN", token)
    told = r"web\.token: is too short.*at least 12 characters.*leave it out"
    with pytest.raises(SettingsError, match=told):
        load()


def test_half_a_client_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("x")
    with pytest.raises(SettingsError, match="cert_file and key_file belong together"):
        load(file(tmp_path, f"[mqtt]\ncert_file = '{tmp_path}/c.pem'"))


def test_secrets_do_not_print(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COFFEE_MQTT_PASSWORD", "COFFEE_WEB_TOKEN", "COFFEE_GATEWAY_KEY"):
        monkeypatch.setenv(name, "hunter2-hunter2")
    monkeypatch.setenv("COFFEE_MQTT_COMMAND_KEYS", '{"*": "hunter2"}')
    found = load()
    assert found.command_key("m1") == b"hunter2"
    assert "hunter2" not in repr(found) + str(found) + found.model_dump_json()


def test_a_traceback_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """With rich installed (typer brings it) structlog would show local variables."""
    pytest.importorskip("rich")
    configure("info", "text")
    try:
        key = "-".join(("VERY", "SECRET"))
        try:
            raise ValueError(len(key))
        except ValueError:
            structlog.get_logger("t").exception("unexpected")
    finally:
        structlog.reset_defaults()
    said = capsys.readouterr().err
    assert "ValueError: 11" in said and "VERY-SECRET" not in said


def test_secrets_are_blanked_in_the_log() -> None:
    written = io.StringIO()
    logger = structlog.wrap_logger(
        structlog.WriteLogger(written),
        processors=[blank_secrets, structlog.processors.JSONRenderer()],
    )
    secrets = dict.fromkeys(("password", "web_token", "command_keys", "mac"), "hunter2")
    logger.info("x", machine="m1", keyboard="qwerty", **secrets)
    assert "hunter2" not in written.getvalue()
    assert json.loads(written.getvalue())["machine"] == "m1"
    assert json.loads(written.getvalue())["keyboard"] == "qwerty"


def test_no_error_quotes_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, '[gateway]\nurl = "https://bridge:hunter2@odoo.example:99999"\n')
    with pytest.raises(SettingsError, match=r"gateway\.url: it is not a URL") as caught:
        load(path)
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("COFFEE_MQTT_COMMAND_KEYS", '{"m1": "hunter2"')
    with pytest.raises(SettingsError, match="is not JSON") as caught:
        load()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None, "it would hold the value"


def test_a_client_certificate_without_tls_is_refused(tmp_path: Path) -> None:
    (pem := tmp_path / "c.pem").touch()
    with pytest.raises(SettingsError, match=r"mqtt: .*needs TLS; give ca_file too"):
        load(file(tmp_path, f'[mqtt]\ncert_file = "{pem}"\nkey_file = "{pem}"\n'))
