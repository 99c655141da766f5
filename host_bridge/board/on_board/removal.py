import os

import vfs

LOADER = ("main.py", "boot.py", "versions.mpy")


def remove(data):
    # main.py first: without it nothing of a half removed application starts
    gone = 0
    try:
        vfs.umount("/v")  # firmware/versions.py: it shows files, it has none
    except OSError:
        pass
    for name in LOADER:
        gone += _remove(name)
    if data:
        for name in os.listdir():
            gone += _remove(name)
    return gone + _remove("app.d")


def _remove(path):
    try:
        folder = os.stat(path)[0] & 0x4000
    except OSError:
        return 0
    if not folder:
        os.remove(path)
        return 1
    gone = sum([_remove(path + "/" + name) for name in os.listdir(path)])
    os.rmdir(path)
    return gone
