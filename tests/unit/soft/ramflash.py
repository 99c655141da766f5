# A NOR flash in RAM under a real littlefs, whose power fails in the nth operation (a page of 256
# bytes programmed, a sector of 4096 erased): that one is half done, and nothing after it.
import gc
import os

import vfs

SECTOR = 4096
PAGE = 256
_EIO = -5


class PowerCut(Exception):
    pass


class Flash:
    def __init__(self, sectors=48):
        self.cells = bytearray(b"\xff" * (sectors * SECTOR))
        self.sectors = sectors
        self.operations = 0
        self.erases = 0
        self.fails_at = 0  # 0: never
        self.dead = False
        self.guard = None  # called before each operation

    # Dead, it answers without allocating: MicroPython closes what stood open while it sweeps.
    def readblocks(self, block, buf, offset=0):
        if self.dead:
            return _EIO
        at = block * SECTOR + offset
        buf[:] = memoryview(self.cells)[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=None):
        if self.dead:
            return _EIO
        if offset is None:
            self._erase(block)
            offset = 0
        at = block * SECTOR + offset
        view = memoryview(buf)
        for n in range(0, len(buf), PAGE):
            self._program(at + n, view[n : n + PAGE])

    def ioctl(self, op, arg):
        if op == 4:
            return self.sectors
        if op == 5:
            return SECTOR
        if op == 6:
            if self.dead:
                return _EIO
            self._erase(arg)
        return 0

    def _program(self, at, data):
        size = self._count(len(data))
        cells = self.cells
        for k in range(size):
            cells[at + k] &= data[k]
        self._die()

    def _erase(self, block):
        self.erases += 1
        size = self._count(SECTOR)
        self.cells[block * SECTOR : block * SECTOR + size] = b"\xff" * size
        self._die()

    def _count(self, size):
        # how many bytes of the operation happen
        if self.guard:
            self.guard()
        self.operations += 1
        if self.operations == self.fails_at:
            self.dead = True
            return (self.operations * 37) % size
        return size

    def _die(self):
        if self.dead:
            raise OSError(-_EIO)


class Board:
    # mounts the flash, boots, cuts the power, boots again
    def __init__(self, sectors=48):
        self.flash = Flash(sectors)
        vfs.VfsLfs2.mkfs(self.flash, progsize=PAGE)
        self.boot()

    def boot(self):
        os.chdir("/")
        try:
            vfs.umount("/flash")  # also what a failed test left
        except OSError:
            pass
        f = self.flash
        f.dead = False
        f.fails_at = 0
        f.operations = 0
        vfs.mount(vfs.VfsLfs2(f, progsize=PAGE), "/flash")
        os.chdir("/flash")

    def image(self):
        return bytes(self.flash.cells)

    def restore(self, image):
        self.flash.cells[:] = image
        self.boot()

    def until_cut(self, operation, work):
        # True: work() came to its end before the power failed
        self.flash.operations = 0
        self.flash.fails_at = operation
        try:
            work()
        except (OSError, PowerCut):
            if not self.flash.dead:
                raise
        whole = not self.flash.dead
        gc.collect()  # what the cut left open is closed on the dead flash, not on the next life's
        self.boot()
        return whole

    def close(self):
        os.chdir("/")
        vfs.umount("/flash")


def every_cut(board, work, check, limit=2000):
    # Runs work() from the board's present content once for each operation it needs, with the power
    # failing there; check(finished) after the next boot. Returns how many cuts there were.
    image = board.image()
    for operation in range(1, limit):
        board.restore(image)
        finished = board.until_cut(operation, work)
        try:
            check(finished)
        except Exception as e:
            print("cut at operation", operation)
            raise e
        if finished:
            return operation - 1
    raise ValueError("work never ended")
