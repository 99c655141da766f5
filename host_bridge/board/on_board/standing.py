def standing():
    # none: not our firmware; held; running: it must be asked to start again, held
    try:
        import hold
    except ImportError:
        return "none"
    if not hold.held():
        return "running"
    hold.renew()
    return "held"


def renewed():
    # our own Ctrl-C may have come before main.py had looked for the wish: then it is taken here
    import hold

    if hold.wanted() and not hold.held():
        hold.begin()
    return standing() == "held"
