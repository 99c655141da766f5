"""Boards on a serial port: flash, provision, doctor, unflash. Thin over mpremote.

build: the application as .mpy files for one chip. device: the board at the port. flash: from one
version to another, whole or not at all. `on_board/` is what runs there, sent when it is needed.
"""
