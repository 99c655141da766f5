# Goes the way to the broker as far as it leads, on a held board: network, key, address, name,
# port. Nothing is said there. Each line as doctor.py's: (part, verdict, what was found, cure).
import time

import config
import hold

OK = "ok"
BAD = "BAD"
LOOK = "look"
JOIN_MS = 20000
CONNECT_S = 10


def examine():
    settings = config.load()
    if settings["link"] != "wifi":
        return [("link", LOOK, settings["link"] + ", through a gateway", "")]
    if not settings["wifi_ssid"]:
        return [("link", LOOK, "not set", "provision it")]
    try:
        import network

        wlan = network.WLAN(network.STA_IF)
    except (ImportError, AttributeError):
        return [("link", BAD, "this board has no Wi-Fi", "use a Pico W, or a serial line")]
    if settings.get("wifi_country"):
        network.country(settings["wifi_country"].upper())
    found = _walked(wlan, settings)
    try:
        wlan.active(False)
    except OSError:
        pass  # the start of the machine ends it, too
    return found


def _walked(wlan, settings):
    found = []
    for part, step in (("network", _heard), ("join", _joined), ("broker", _broker)):
        hold.renew()
        try:
            found += step(wlan, settings)
        except Exception as e:  # as in doctor.py, or all that was found would be lost
            found.append((part, BAD, repr(e), "is it a Pico W? unplug it, plug it in, retry"))
        if found[-1][1] != OK:
            break
    return found


def _heard(wlan, settings):
    ssid = settings["wifi_ssid"]
    wlan.active(True)
    levels = [row[3] for row in wlan.scan() if row[0] == ssid.encode()]
    if not levels:
        return [("network", BAD, "%s not found" % ssid,
                 "name? too far? 5 GHz only? channel 12 or 13 needs wifi_country")]
    return [("network", OK, "%s at %d dBm" % (ssid, max(levels)),
             "" if max(levels) > -75 else "weak; below -75 dBm expect dropouts")]


def _joined(wlan, settings):
    import net

    wlan.connect(settings["wifi_ssid"], settings["wifi_key"])
    until = time.ticks_add(time.ticks_ms(), JOIN_MS)
    while not wlan.isconnected() and time.ticks_diff(until, time.ticks_ms()) > 0:
        time.sleep_ms(100)
    if wlan.isconnected():
        return [("join", OK, "address " + wlan.ifconfig()[0], "")]
    return [("join", BAD, net.why(wlan.status()),
             "is the key right (else provision it)? is the router full?")]


def _broker(wlan, settings):
    import socket  # only a board with a radio has it

    host = settings["broker_host"]
    if not host:
        return [("broker", LOOK, "not set", "provision it")]
    port = settings["broker_port"] or (8883 if settings["broker_tls"] else 1883)
    place = "%s:%d" % (host, port)
    try:
        address = socket.getaddrinfo(host, port)[0][-1]
    except OSError:
        return [("broker", BAD, "the router's DNS does not know " + host,
                 "is the name right? or give an address, such as 192.168.1.10")]
    sock = socket.socket()
    sock.settimeout(CONNECT_S)
    try:
        sock.connect(address)
        return [("broker", OK, place + " accepts connections", "")]
    except OSError:
        return [("broker", BAD, "%s (%s) accepts no connection" % (place, address[0]),
                 "is it running? does its firewall let the machine in?")]
    finally:
        sock.close()
