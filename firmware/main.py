# Starts the machine, unless whoever is at the cable asked to have the board (hold.py): then it
# is theirs, with the outputs that boot.py made safe and without a watchdog.
import hold

app = None
if hold.wanted():
    hold.begin()
else:
    from app import App

    app = App()
    app.start()
    app.run()
