import config


def problems(given):
    # [[name, message], …] of what cannot be
    return config.problems(given, False) + _no_radio(given.get("link")) + _no_ca(given)


def _no_radio(link):
    if link == "wifi":
        try:
            __import__("network")
        except ImportError:
            return [("link", "this board or its image has no radio; use usb or uart")]
    return []


def _no_ca(given):
    # such a machine would never connect
    if not ("broker_tls" in given or "broker_ca" in given):
        return []
    held = config.load()
    tls, ca = [given.get(name, held[name]) for name in ("broker_tls", "broker_ca")]
    if tls and not ca:
        return [("broker_tls", "TLS needs the site's CA certificate: give broker_ca, too")]
    return []


def put(given, utc_ms):
    import hold
    import validity

    hold.renew()
    validity.keep_floor(utc_ms)
    config.provision(given)
    return config.load().shown()


def shown():
    return config.load().shown()
