import config


def problems(given):
    # [[name, message], …] of what cannot be
    return config.problems(given, False) + _no_radio(given.get("link"))


def _no_radio(link):
    if link == "wifi":
        try:
            __import__("network")
        except ImportError:
            return [("link", "this board or its image has no radio; use usb or uart")]
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
