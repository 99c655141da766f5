# What people may type: a figure no machine can have is refused, not wrapped or made nonsense of.


def within(name, value, least, most):
    """The whole number `value`.

    Raises:
        ValueError: it is not in least...most; the text begins with `name`.
    """
    value = int(value)
    if not least <= value <= most:
        raise ValueError("%s: %d is not in %d...%d" % (name, value, least, most))
    return value
