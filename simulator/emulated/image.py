"""What a firmware image says of the board it is for."""

from __future__ import annotations

from pathlib import Path
from struct import unpack_from

UF2_MAGIC = b"UF2\n"
UF2_BLOCKS, UF2_FAMILY = 24, 28  # where a block says how many there are, and for which chip
RP2040 = 0xE48BFF56
UF2_BLOCK, UF2_HEAD, UF2_PAYLOAD = 512, 32, 256

RADIO = b"43439a0-roml"
"""Stands in the radio chip's own program, which its driver carries and so every image with one."""

OURS = b"image_id.py"
"""Name of a module that only images of ours have frozen (boards/image)."""

STORAGE_BYTES = 848 * 1024
"""Of the file system: MICROPY_HW_FLASH_STORAGE_BYTES of our boards, and of the RPI_PICO_W."""

PLAIN_STORAGE_BYTES = 1408 * 1024
"""The same of the RPI_PICO, which has no radio's driver beside it."""


def content(uf2: Path) -> bytes:
    """The flash's content, without the format's heads."""
    data = uf2.read_bytes()
    return b"".join(data[at + UF2_HEAD : at + UF2_HEAD + UF2_PAYLOAD]
                    for at in range(0, len(data), UF2_BLOCK))


def flaw(uf2: Path) -> str:
    """Why the emulated chip cannot run this file; "" where nothing speaks against it."""
    data = uf2.read_bytes() if uf2.is_file() else b""
    if not data.startswith(UF2_MAGIC) or len(data) < UF2_BLOCK:
        return "no UF2 file"
    if unpack_from("<I", data, UF2_FAMILY)[0] != RP2040:
        return "no UF2 file for an RP2040, which is the only chip that is emulated"
    if len(data) != unpack_from("<I", data, UF2_BLOCKS)[0] * UF2_BLOCK:
        return "only a part of a UF2 file"
    return ""


def is_ours(uf2: Path) -> bool:
    """Whether the firmware is frozen into it."""
    return OURS in content(uf2)


def has_radio(uf2: Path) -> bool:
    """Whether it drives a radio."""
    return RADIO in content(uf2)


def storage_bytes(uf2: Path) -> int:
    """Of the file system that the image keeps at the end of the flash."""
    held = content(uf2)
    return STORAGE_BYTES if OURS in held or RADIO in held else PLAIN_STORAGE_BYTES
