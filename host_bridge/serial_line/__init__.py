"""The host's end of a serial line to boards without a radio; docs/serial-line.md has the protocol.

frames: bytes to frames and console text. channel: items in order over a line that garbles.
gateway: ports and the broker. No MQTT is understood here: bytes pass as they are.
"""
