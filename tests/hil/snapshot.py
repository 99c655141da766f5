"""All files of a board, so that a test leaves it as it found it."""

from __future__ import annotations

from dataclasses import dataclass

from host_bridge.board.device import Device

_LIST = """
def walk(folder):
    for entry in os.ilistdir(folder or "/"):
        path = folder + "/" + entry[0]
        if path in ("/v", "/rom"):  # what is mounted there is no file of the board's
            continue
        if entry[1] == 0x4000:
            yield path + "/"
            yield from walk(path)
        else:
            yield path
import os
"""
_RENEW = "__import__('hold').renew()"
_READ = ("from binascii import hexlify\nwith open({path!r}, 'rb') as f:\n f.seek({at})\n"
         " print(hexlify(f.read(512)).decode())")
CHUNK = 512


@dataclass(frozen=True)
class Snapshot:
    """path → content; a folder's path ends with a slash."""

    files: dict[str, bytes]

    @classmethod
    def of(cls, device: Device) -> Snapshot:
        """Of a board that is held."""
        return cls({path: b"" if path.endswith("/") else _content(device, path)
                    for path in _paths(device) if path not in ("/hold", "/planned")})

    def put_back(self, device: Device) -> None:
        """What is new goes, what changed or went comes back. On a board that is held."""
        for path in reversed(_paths(device)):
            if path not in self.files:
                how = "rmdir" if path.endswith("/") else "remove"
                device.exec(f"import os\nos.{how}({path.rstrip('/')!r})")
        there = set(_paths(device))
        for path, content in self.files.items():
            if path.endswith("/"):
                if path not in there:
                    device.exec(f"import os\nos.mkdir({path.rstrip('/')!r})")
            elif path not in there or _content(device, path) != content:
                _write(device, path, content)


def _paths(device: Device) -> list[str]:
    """A folder before what is in it."""
    return device.exec(_LIST + "print('\\n'.join(walk('')))").split()


def _content(device: Device, path: str) -> bytes:
    found = b""
    device.exec(_RENEW)
    while piece := bytes.fromhex(device.exec(_READ.format(path=path, at=len(found)))):
        found += piece
    return found


def _write(device: Device, path: str, content: bytes) -> None:
    device.exec(f"{_RENEW}\nf = open({path!r}, 'wb')")
    for at in range(0, len(content), CHUNK):
        device.exec(f"f.write({content[at : at + CHUNK]!r})")
    device.exec("f.close()")
