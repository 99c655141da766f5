"""A littlefs image with given files, made by the real MicroPython: what a board finds at boot."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from simulator.interpreter import find_interpreter

BLOCK = 4096

_MAKER = """
import os, sys, vfs
class Ram:
    def __init__(self):
        self.data = bytearray(b"\\xff" * ({block} * {blocks}))
    def readblocks(self, n, buf, off=0):
        at = n * {block} + off
        buf[:] = memoryview(self.data)[at:at + len(buf)]
    def writeblocks(self, n, buf, off=0):
        at = n * {block} + off
        self.data[at:at + len(buf)] = buf
    def ioctl(self, op, arg):
        return {{4: {blocks}, 5: {block}, 6: 0}}.get(op, 0)
ram = Ram()
vfs.VfsLfs2.mkfs(ram, progsize=256)
vfs.mount(vfs.VfsLfs2(ram, progsize=256), "/f")
for name, at in {names}:
    parts = name.split("/")
    for k in range(1, len(parts)):
        try:
            os.mkdir("/f/" + "/".join(parts[:k]))
        except OSError:
            pass
    with open(at, "rb") as f, open("/f/" + name, "wb") as g:
        g.write(f.read())
vfs.umount("/f")
with open("image", "wb") as f:
    f.write(ram.data)
"""


def filesystem(files: Mapping[str, bytes], size: int) -> bytes:
    """`size` bytes of flash holding `files`, path → content.

    Raises:
        RuntimeError: MicroPython could not make it; the text is its own.
    """
    with tempfile.TemporaryDirectory() as work:
        names = []
        for k, (name, content) in enumerate(files.items()):
            (Path(work) / str(k)).write_bytes(content)
            names.append((name, str(k)))
        script = _MAKER.format(block=BLOCK, blocks=size // BLOCK, names=json.dumps(names))
        (Path(work) / "maker.py").write_text(script)
        done = subprocess.run([*find_interpreter(), "-X", "heapsize=4M", "maker.py"], cwd=work,
                              capture_output=True, text=True, timeout=60, check=False)
        image = Path(work) / "image"
        if done.returncode or not image.exists():
            raise RuntimeError(f"no file system: {done.stdout}{done.stderr}")
        return image.read_bytes()
