# Which firmware this is. make flash writes the file `build_id` beside it; where there is none (a
# simulator, a checkout) the build says so with zeros.
VERSION = "0.1.0"


def build():
    # 8 to 40 hex digits
    try:
        with open("build_id") as f:
            return f.read().strip()
    except OSError:
        return "00000000"
