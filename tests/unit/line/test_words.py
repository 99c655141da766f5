"""What the serial line's gateway is told on the command line."""

from __future__ import annotations

import pytest

from host_bridge.cli.line import host_and_port
from host_bridge.errors import Invalid


def test_a_broker_may_have_an_ipv6_address() -> None:
    assert host_and_port("broker.example:8883") == ("broker.example", 8883)
    assert host_and_port("[::1]:1883") == ("::1", 1883)


@pytest.mark.parametrize("broker", ["", "broker.example", ":1883", "a:0", "a:65536", "a:b"])
def test_what_is_no_broker_is_refused_with_an_example(broker: str) -> None:
    with pytest.raises(Invalid, match=r"--mqtt.*give e\.g\."):
        host_and_port(broker)
