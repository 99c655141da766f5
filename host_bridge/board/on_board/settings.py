import config


def problems(given):
    # [[name, message], …] of what cannot be
    return config.problems(given, False)


def put(given, utc_ms):
    import hold
    import validity

    hold.renew()
    validity.keep_floor(utc_ms)
    config.provision(given)
    return config.load().shown()


def shown():
    return config.load().shown()
