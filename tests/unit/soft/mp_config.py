# Settings: defaults, limits, secrets, power cuts, and the tune that goes beside them.
import board
import config
import files
from config import Config
from ramflash import Board, every_cut


def test_a_new_board_has_defaults_and_its_own_name():
    flash = Board()
    c = config.load()
    name = c["machine"]
    assert len(name) == 9 and name[0] == "c" and all(x in "0123456789abcdef" for x in name[1:])
    assert c["broker_port"] == 0 and c["broker_tls"] is False and c["wifi_key"] == ""
    assert c["button_slot"] == 0
    flash.close()


def test_provisioning_merges_and_survives():
    flash = Board()
    config.provision({"machine": "sim-1900", "broker_host": "127.0.0.1", "broker_port": 1883})
    config.provision({"wifi_ssid": "sim", "wifi_key": "sim-key-1"})
    c = config.load()
    assert (c["machine"], c["broker_host"], c["broker_port"], c["wifi_key"]) == (
        "sim-1900", "127.0.0.1", 1883, "sim-key-1")
    flash.close()


def test_provisioning_says_every_field_that_is_wrong_and_changes_nothing():
    flash = Board()
    try:
        config.provision({"machine": "No Caps", "broker_port": 70000, "wifi_ssid": "fine"})
        assert False
    except ValueError as e:
        assert "machine: " in str(e)
        assert "broker_port: send a whole number from 0 to 65535" in str(e)
    assert config.load()["wifi_ssid"] == ""
    flash.close()


def test_what_a_setting_may_not_be():
    flash = Board()
    c = Config()
    for name, bad in (
        ("wifi_ssid", 7), ("wifi_ssid", "x" * 33), ("wifi_ssid", "ü" * 17), ("broker_tls", 1),
        ("broker_port", -1), ("broker_port", True), ("broker_port", "1883"), ("button_slot", 16),
        ("brew_setpoint_mc", 79999), ("brew_setpoint_mc", 98001), ("brew_setpoint_mc", None),
        ("steam_setpoint_mc", 120000), ("nonsense", 1), (7, 1),
        ("machine", "other"), ("command_key", "x"), ("broker_ca", "x.pem"), ("wifi_country", "DE"),
        ("broker_tls", True), ("broker_tls", False), ("link", "usb"), ("uart_baud", 9600),
    ):
        wrong = c.put({name: bad})
        assert [field for field, message in wrong] == [str(name)], (name, wrong)
        assert len(wrong[0][1]) > 10
    assert "make provision" in c.put({"link": "usb"})[0][1]  # what a person can do
    assert c.put({"brew_setpoint_mc": 80000}) == [] and c.put({"brew_setpoint_mc": 0}) == []
    assert c.put({"button_slot": 3, "broker_port": -1}) != [] and c["button_slot"] == 0
    flash.close()


def test_a_country_is_two_letters():
    flash = Board()
    for bad in ("D", "D1", "49", "ß", 49):
        try:
            config.provision({"wifi_country": bad})
            assert False, bad
        except ValueError as e:
            assert str(e).startswith("wifi_country: send "), e
    for good in ("DE", "de", ""):
        config.provision({"wifi_country": good})
    flash.close()


def test_a_uart_is_only_for_a_board_that_has_one():
    flash = Board()
    pins = board.UART
    config.provision({"link": "uart"})
    board.UART = None
    try:
        assert config.load()["link"] == "wifi"
        [(field, message)] = config.problems({"link": "uart"}, False)
        assert field == "link" and "usb" in message
        assert config.problems({"link": "fax"}, False)[0][0] == "link"
        config.provision({"link": "usb"})
    finally:
        board.UART = pins
    for baud in (0, 9599, 921601):
        assert config.problems({"uart_baud": baud}, False)[0][0] == "uart_baud"
    flash.close()


def test_secrets_are_shown_only_as_set():
    flash = Board()
    config.provision({"wifi_key": "hunter2hunter2", "command_key": "k"})
    shown = config.load().shown()
    assert shown["wifi_key"] is True and shown["command_key"] is True
    assert shown["broker_password"] is False
    assert "hunter2" not in str(shown)
    flash.close()


def test_every_power_cut_keeps_the_old_or_the_new_settings():
    flash = Board()
    config.provision({"wifi_ssid": "old", "button_slot": 1})

    def check(finished):
        c = config.load()
        got = (c["wifi_ssid"], c["button_slot"])
        assert got == ("new", 2) if finished else got in (("old", 1), ("new", 2))

    new = {"wifi_ssid": "new", "button_slot": 2}
    assert every_cut(flash, lambda: Config().put(new), check) > 3
    flash.close()


def test_a_stored_setting_that_is_no_longer_allowed_falls_back_alone():
    flash = Board()
    files.replace("config", b'{"brew_setpoint_mc":120000,"wifi_ssid":"x","gone":1}')
    c = config.load()
    assert c["brew_setpoint_mc"] == 0 and c["wifi_ssid"] == "x"
    files.replace("config", b"[1]")
    assert config.load()["wifi_ssid"] == ""
    flash.close()


def test_an_unchanged_setting_writes_nothing():
    flash = Board()
    c = Config()
    c.put({"button_slot": 3})
    operations = flash.flash.operations
    c.put({"button_slot": 3})
    assert flash.flash.operations == operations
    flash.close()


def test_a_tune_is_kept():
    flash = Board()
    c = Config()
    assert c.tune() is None
    c.keep_tune([1, 2, 3, 4, 5])
    assert Config().tune() == [1, 2, 3, 4, 5]
    files.replace("tune", b'{"brew":[1]}')
    assert Config().tune() is None
    flash.close()


def test_a_machine_tunes_itself_once_again_or_never():
    flash = Board()
    figures = [1300, 1900, 1200, 6000, 1500]
    c = Config()
    assert c["autotune"] == "once" and c.wants_tune()
    c.keep_tune(figures)
    assert not config.load().wants_tune()
    c.put({"autotune": "again"})
    # the old figures serve until there are new ones
    assert config.load().wants_tune() and config.load().tune() == figures
    c.keep_tune(figures)
    c = config.load()
    assert c["autotune"] == "once" and not c.wants_tune()
    c.put({"autotune": "off"})
    c.keep_tune(figures)  # one that was under way
    assert not c.wants_tune() and c.tune() is None
    c.put({"autotune": "once"})
    assert config.load().wants_tune()
    assert config.problems({"autotune": "yes"}) == [("autotune", "send one of once, again, off")]
    flash.close()
