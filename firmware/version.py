# Which firmware this is. make flash and make image add the module `build_id`; where there is none
# (a simulator, a checkout) the build says so with zeros.
VERSION = "0.1.0"


def build():
    # 8 to 40 hex digits
    try:
        from build_id import BUILD
    except ImportError:
        return "00000000"
    return BUILD
