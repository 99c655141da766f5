# What MicroPython does on a board before its prompt: littlefs at /, boot.py, main.py. The flash is
# the simulator's, a file whose power can be made to fail in any operation.
import gc
import os
import sys

import flash
import life
import machine  # noqa: F401  # found by the board's modules from here on
import vfs

_flash = flash.Flash(os.getenv("BOARD_FLASH"))
_flash.fails_at = int(os.getenv("BOARD_FAILS_AT") or 0)
life.begin({"cause": "power"})
try:
    _fs = vfs.VfsLfs2(_flash, progsize=256)
except OSError:
    vfs.VfsLfs2.mkfs(_flash, progsize=256)
    _fs = vfs.VfsLfs2(_flash, progsize=256)
_run = (__import__("hashlib"), __import__("binascii"), __import__("json"), __import__("select"))
vfs.umount("/")
vfs.mount(_fs, "/")
sys.path[:] = ["", ".frozen", "/lib"]
for _name in ("boot.py", "main.py"):
    if _name in os.listdir():
        try:
            with open(_name) as _f:
                _code = compile(_f.read(), _name, "exec")
            exec(_code, globals())
        except BaseException as e:
            sys.print_exception(e)
gc.collect()
