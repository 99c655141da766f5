import config


def problems(given):
    # [[name, message], …] of what cannot be
    return config.problems(given, False)


def put(given):
    import hold

    hold.renew()
    config.provision(given)
    return config.load().shown()


def shown():
    return config.load().shown()
