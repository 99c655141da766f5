"""The firmware in bad networks: a proxy that spoils everything, Wi-Fi that goes, names nobody
knows, and TLS with the wrong broker. The brewing side must not notice, the talking side return.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from simulator.machine import Machine
from tests.support.mosquitto import Mosquitto
from tests.support.proxy import Fault, Proxy
from tests.support.site import Site
from tests.support.stack import eventually
from tests.support.wire import Wire

pytestmark = pytest.mark.broker
STATUS = "coffee/v1/sim-1900/status"
JOURNAL = "coffee/v1/sim-1900/journal"
STATE = "coffee/v1/sim-1900/state"
REPLY = "coffee/v1/sim-1900/reply"


@pytest.fixture
def proxy(broker: Mosquitto) -> Iterator[Proxy]:
    made = Proxy(broker.port)
    yield made
    made.close()


def warm(machine: Machine) -> None:
    machine.set("temp_brew_mc", 93000)
    machine.run(1000)
    machine.run_until("state", 2)


def undisturbed(machine: Machine) -> None:
    live = machine.live()
    assert not machine.resets, machine.console()
    assert live["late_ticks"] == 0 and not live["latched"]


def back_online(machine: Machine, wire: Wire, since: int) -> None:
    """A new session stands: the birth is said again, and the curve of facts has no hole."""
    for _ in range(30):
        machine.run(10_000)
        if any(m.topic == STATUS and m.json["online"] for m in wire.messages[since:]):
            break
    wire.wait(STATUS, lambda s: s["online"], since)


def settled(wire: Wire) -> int:
    """Where to look from once the broker has worked off what the spoilt line still brought."""
    before = wire.mark()
    for lap in range(2):  # the first may share the broker's turn with the last spoilt bytes
        wire.publish("coffee/v1/_test/lap", {"lap": lap})
    wire.wait("coffee/v1/_test/lap", lambda said: said["lap"] == 1, before)
    return wire.mark()


FAULTS = {
    "byte by byte": Fault(piece=1),
    "slow": Fault(delay_s=0.02),
    "garbled": Fault(garble=0.02),
    "black hole": Fault(swallow=True),
    "cut in the middle of packets": Fault(cut_after=61),
    "refused": Fault(refuse=True),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_spoilt_network_disturbs_no_shot_and_all_facts_arrive_after_it(
    proxy: Proxy, wire: Wire, name: str
) -> None:
    with Machine("1900", broker=proxy.address) as machine:
        warm(machine)
        proxy.fault = FAULTS[name]
        machine.press("brew")
        for _ in range(3):
            machine.run(20_000)
            if name in ("garbled", "refused"):
                proxy.cut()
        undisturbed(machine)
        assert machine.live()["shots_done"] == 1
        proxy.fault = Fault()
        proxy.cut()
        mark = settled(wire)
        back_online(machine, wire, mark)
        machine.run(30_000)
        wire.wait(JOURNAL, lambda j: any(f["kind"] == "brew" for f in j["facts"]), mark)
        undisturbed(machine)
    after = [m.json for m in wire.messages[mark:] if m.topic == JOURNAL]
    seqs = {fact["seq"] for journal in after for fact in journal["facts"]}
    assert seqs == set(range(1, max(seqs) + 1))


def test_wifi_lost_for_long_comes_back_by_itself(broker: Mosquitto, wire: Wire) -> None:
    with Machine("1900", broker=broker.address) as machine:
        warm(machine)
        machine.fault("wifi_lost")
        machine.press("brew")
        machine.run(300_000)
        undisturbed(machine)
        mark = wire.mark()
        machine.clear("wifi_lost")
        back_online(machine, wire, mark)
        machine.run(10_000)
        wire.wait(JOURNAL, lambda j: any(f["kind"] == "brew" for f in j["facts"]))


def test_a_clock_that_jumps_is_told_refuses_by_its_own_time_and_is_set_right(
    broker: Mosquitto, wire: Wire
) -> None:
    hour_ms = 3_600_000

    def order(name: str, **more: Any) -> Any:
        mark = wire.mark()
        wire.publish(f"coffee/v1/sim-1900/cmd/{name}", {"id": f"{name}-{mark}"} | more)
        # virtual time is fast, the wire is not
        eventually(lambda: machine.run(300) is None
                   or any(m.topic == REPLY for m in wire.messages[mark:]), every_s=0.02)
        return wire.wait(REPLY, lambda r: r["id"] == f"{name}-{mark}", mark).json

    def tell_time() -> None:
        assert order("clock", args={"utc_ms": int(time.time() * 1000)})["ok"]

    def standby() -> Any:
        return order("standby", deadline=int(time.time() * 1000) + hour_ms // 2)

    def ahead(ms: int) -> bool:
        mark = wire.mark()
        machine.run(11_000)  # a state is due, and virtual time is that much ahead itself
        due_ms = time.time() * 1000 + ms
        return bool(wire.wait(STATE, lambda s: abs(s["utc_ms"] - due_ms) < hour_ms / 10, mark))

    with Machine("1900", broker=broker.address) as machine:
        machine.run(10_000)
        tell_time()
        assert ahead(0)
        machine.fault("clock_jump", 3600)
        assert ahead(hour_ms)
        late = standby()["error"]
        assert late["code"] == "expired" and "clock may be ahead" in late["message"]
        tell_time()
        assert ahead(0) and standby()["ok"]
        undisturbed(machine)


def test_a_dead_name_server_resets_nothing(broker: Mosquitto, wire: Wire) -> None:
    # 14 s is what lwIP needs to give a name up; the tick lets the dog bite after 5 s of silence
    named = f"localhost:{broker.port}"
    with Machine("1900", broker=named, faults={"dns_slow": 14_000}) as machine:
        machine.run(60_000)
        undisturbed(machine)
        wire.wait(STATUS, lambda s: s["online"])


def test_a_name_is_remembered_while_a_shot_runs(broker: Mosquitto, wire: Wire) -> None:
    named = f"localhost:{broker.port}"
    with Machine("1900", broker=named) as machine:
        warm(machine)
        machine.fault("dns_slow", 4000)
        machine.press("brew")
        machine.run(6000)
        mark = wire.mark()
        machine.fault("wifi_lost")
        machine.run(1000)
        machine.clear("wifi_lost")
        machine.run(15_000)
        undisturbed(machine)
        wire.wait(STATUS, lambda s: s["online"], mark)


# --- TLS
USERS = {"sim-1900": "a long secret", "watcher": "another"}


def secured(site: Site, host: str = "localhost", ca: str | None = None, **config: Any) -> Machine:
    settings = {
        "broker_tls": True, "broker_ca": "ca.pem", "broker_user": "sim-1900",
        "broker_password": USERS["sim-1900"],
    }
    return Machine(
        "1900", broker=f"{host}:{site.port}", config=settings | config,
        files={"ca.pem": site.ca_file.read_text() if ca is None else ca},
    )


def log_of(site: Site, tmp_path: Path) -> str:
    return (tmp_path / "site" / "mosquitto.log").read_text()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "site", USERS)
    made.start()
    yield made
    made.stop()


def test_the_sites_broker_with_tls_user_and_access_list_is_joined(
    site: Site, tmp_path: Path
) -> None:
    with secured(site) as machine:
        machine.run(20_000)
        undisturbed(machine)
        log = log_of(site, tmp_path)
        assert "as coffee-sim-1900" in log and "u'sim-1900'" in log
        machine.run(20_000)
        assert log_of(site, tmp_path).count("as coffee-sim-1900") == 1, "the session did not last"


@pytest.mark.parametrize(
    "spoil", ["another CA", "another name", "wrong password", "no CA file", "CA file is no CA"]
)
def test_a_broker_that_cannot_be_trusted_is_not_spoken_to(
    site: Site, tmp_path: Path, spoil: str
) -> None:
    machine = {
        "another CA": lambda: secured(site, ca=trustme.CA().cert_pem.bytes().decode()),
        "another name": lambda: secured(site, host="127.0.0.1"),
        "wrong password": lambda: secured(site, broker_password="wrong"),
        "no CA file": lambda: secured(site, broker_ca="missing.pem"),
        "CA file is no CA": lambda: secured(site, ca="rubbish"),
    }[spoil]()
    with machine:
        machine.run(60_000)
        undisturbed(machine)
        assert machine.live()["temp_mc"] > 25_000, "it has to heat all the same"
    log = log_of(site, tmp_path)
    assert "New client connected" not in log
    tried = log.lower().count("connection from") > 1  # one is the fixture's own
    assert tried == (spoil not in ("no CA file", "CA file is no CA")), log
