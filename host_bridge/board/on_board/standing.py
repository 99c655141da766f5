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
    return standing() == "held"
