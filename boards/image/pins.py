"""What an image is made of, to the version. Stable suites keep what they have; the one part from
`sid` may be replaced there by a newer one, which is then taken and said aloud.
"""

from __future__ import annotations

from typing import NamedTuple


class Pin(NamedTuple):
    """A package of Debian's archive.

    Args:
        kind: "source" (the upstream tarball is taken) or "binary" (the .deb).
        suite: where to find it when `version` is gone.
    """

    kind: str
    name: str
    version: str
    suite: str


MICROPYTHON = Pin("source", "micropython", "1.26.1+ds-1", "sid")  # first with Timer(hard=True)
MBEDTLS = Pin("source", "mbedtls", "3.6.6-0.1~deb13u1", "trixie")
PICO_SDK = Pin("binary", "pico-sdk-source", "2.1.1-1", "trixie")
TINYUSB = Pin("binary", "tinyusb-source", "0.18.0+dfsg-1", "trixie")

# The compiler and what its programs need that a small Debian may lack. The C++ library is left
# out: nothing of it is linked, and it is ten times the rest.
TOOLS = (
    Pin("binary", "gcc-arm-none-eabi", "15:12.2.rel1-1", "bookworm"),
    Pin("binary", "binutils-arm-none-eabi", "2.40-2+18+b1", "bookworm"),
    Pin("binary", "libnewlib-arm-none-eabi", "3.3.0-1.3+deb12u1", "bookworm"),
    Pin("binary", "libnewlib-dev", "3.3.0-1.3+deb12u1", "bookworm"),
    Pin("binary", "libstdc++-arm-none-eabi-dev", "15:12.2.rel1-1+23", "bookworm"),
    Pin("binary", "libisl23", "0.25-1.1", "bookworm"),
    Pin("binary", "libmpc3", "1.3.1-1", "bookworm"),
    Pin("binary", "libmpfr6", "4.2.0-1", "bookworm"),
    Pin("binary", "libgmp10", "2:6.2.1+dfsg1-1.1", "bookworm"),
)
SOURCES = (MICROPYTHON, MBEDTLS, PICO_SDK, TINYUSB)
SUITES = {"sid": "deb-src", "trixie": "deb deb-src", "bookworm": "deb"}  # and what of them

BUILD_DATE = 1757462400  # 2025-09-10, release of 1.26.1: the banner's date, the same in each build
