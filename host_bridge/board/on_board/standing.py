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


def taken():
    # Our own Ctrl-C may have ended the start that should have been held, before boot.py had found
    # our code or main.py had carried out the wish: then it is carried out here.
    try:
        import hold
    except ImportError:
        __import__("boot")
        import hold
    if not hold.held() and not globals().get("app"):
        open("hold", "w").close()
        hold.begin()
    if hold.held() and hold.wanted():  # it came while the wish was just being used up
        __import__("os").remove("hold")
    return standing() == "held"
