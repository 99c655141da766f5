# Starts the machine, unless a file named `hold` stands beside it: then whoever is at the cable has
# the board, with the outputs that boot.py made safe and without a watchdog.
import os


def main():
    if "hold" in os.listdir():
        return
    from app import App

    machine = App()
    machine.start()
    machine.run()


main()
