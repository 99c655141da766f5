# Which firmware this is. make flash writes the file `build_id` beside it, an image has a module
# `image_id`; where there is neither (a simulator, a checkout) the build says so with zeros.
VERSION = "0.1.0"


def build():
    # 8 to 40 hex digits
    try:
        with open("build_id") as f:
            return f.read().strip()
    except OSError:
        return _of_image()


def _of_image():
    try:
        from image_id import BUILD
    except ImportError:
        return "00000000"
    return BUILD
