"""What the serial line's gateway is told on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from host_bridge.cli.line import _trust, host_and_port
from host_bridge.errors import Invalid


def test_a_broker_may_have_an_ipv6_address() -> None:
    assert host_and_port("broker.example:8883") == ("broker.example", 8883)
    assert host_and_port("[::1]:1883") == ("::1", 1883)


@pytest.mark.parametrize("broker", ["", "broker.example", ":1883", "a:0", "a:65536", "a:b"])
def test_what_is_no_broker_is_refused_with_an_example(broker: str) -> None:
    with pytest.raises(Invalid, match=r"--mqtt.*give e\.g\."):
        host_and_port(broker)


@pytest.mark.parametrize("broker", ["broker..lan:1883", f"{'x' * 64}:1883", "my broker:1883"])
def test_a_name_that_no_look_up_can_take_is_refused_before_it(broker: str) -> None:
    with pytest.raises(Invalid, match=r"^--mqtt: '.*(is not a host name|has a space)"):
        host_and_port(broker)


def test_a_certificate_may_lie_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The shell leaves `--tls-ca=~/ca.pem` as it is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    assert _trust(Path("~/ca.pem"))
    with pytest.raises(Invalid, match="--tls-ca"):
        _trust(Path("~/none.pem"))
