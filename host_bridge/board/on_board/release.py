# Starts the machine, as a planned reset. On a board that had none of our firmware until now, hold
# is in the version that was just made current.
try:
    import hold
except ImportError:
    try:
        import versions

        versions.mount()
        import hold
    except (ImportError, OSError):
        hold = None
if hold:
    hold.release()
else:
    import machine

    machine.reset()
