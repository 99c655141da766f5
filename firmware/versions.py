# Which version of the application runs: the flashed one, if there is one, before what is frozen.
# The folder app.d holds files named after their content (16 hex digits of the SHA-256) and lists
# of them: `current` and `previous`, one line `name digits` a file, or `name digits start` for one
# that begins there in a pack, inflated. A list becomes current by one rename, so a cable or the
# power that fails leaves the old version or the new one. Frozen code costs no memory, flashed code
# 125 KB of it: over an image of ours a list has only what differs.
import gc
import sys

import vfs

STORE = "app.d"
_AT = "/v"


class Version:
    # A file system that shows a list's files under their names, to import from.
    def __init__(self, listed):
        self._listed = b"\n" + listed

    def _find(self, path):
        # [digits] of a file, [digits, start] in a pack; [] for a folder; None for nothing
        name = path.strip("/").encode()
        at = self._listed.find(b"\n%s " % name)
        if at >= 0:
            at += len(name) + 2
            return self._listed[at : self._listed.find(b"\n", at)].decode().split()
        return [] if not name or self._listed.find(b"\n%s/" % name) >= 0 else None

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def stat(self, path):
        found = self._find(path)
        if found is None:
            raise OSError(2)
        return (0x8000 if found else 0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    def open(self, path, mode):
        found = self._find(path)
        if not found:
            raise OSError(2)
        gc.collect()  # code stays: between what an import leaves behind, no room would be found
        file = open(STORE + "/" + found[0], mode)
        return _inflated(file, int(found[1])) if len(found) > 1 else file


def _inflated(file, start):
    # From there on, past the file's end too: who imports knows its own. 12: pack.py's window.
    from deflate import RAW, DeflateIO

    content = DeflateIO(file, RAW, 12, True)
    piece = bytearray(256)
    while start:  # ends at the end of the file, too: the import says what is wrong then
        start -= content.readinto(piece, min(start, 256)) or start
    return content


def mount():
    try:
        with open(STORE + "/current", "rb") as f:
            listed = f.read()
    except OSError:
        return
    if _fits(listed):
        vfs.mount(Version(listed), _AT)
        sys.path.insert(0, _AT)


def _fits(listed):
    # "= digits" first: a list of what differs from one image of ours; under another it is void
    if listed[:2] != b"= ":
        return True
    try:
        from image_id import IMAGE
    except ImportError:
        return False
    return listed[2:10] == IMAGE

