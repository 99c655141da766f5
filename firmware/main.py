# Starts the machine, unless whoever is at the cable asked to have the board (hold.py): then it
# is theirs, with the outputs that boot.py made safe and without a watchdog.
import hold

app = None
if hold.wanted():
    hold.begin()
else:
    import gc

    from micropython import kbd_intr

    # what stays is to lie close together: strewn between its garbage it leaves no room for more
    gc.threshold(16384)
    try:
        from app import App

        app = App()
        # Ctrl-C waits: with the watchdog on and no tick yet, whoever got the prompt would lose it
        kbd_intr(-1)
        app.start()
        kbd_intr(3)
        gc.threshold(-1)
        app.run()
    except KeyboardInterrupt:
        hold.interrupted(app)
