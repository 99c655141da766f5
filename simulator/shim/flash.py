# NOR flash as the chip has it, kept in a host file: programming only clears bits, a page of
# 256 bytes at a time; erasing sets a sector of 4096 to 0xFF; both stop all interrupts meanwhile.
# Every page programmed and every sector erased is one operation; the power can fail in any of
# them, and then the page or sector is half done. littlefs lies on top (board_main mounts it).
import kernel
import life
import micropython
from micropython import const

SECTOR = const(4096)
PAGE = const(256)
SECTORS = const(212)  # 848 KiB: what the Pico W image leaves to the file system
ERASE_US = const(45000)  # W25Q16JV: sector erase 45 ms typical
PROGRAM_US = const(400)  # W25Q16JV: page program 0.4 ms typical
_READ_US = const(20)  # XIP copy of a cache line or two; charged so that reads preempt


@micropython.viper
def _and_into(old: ptr8, new: ptr8, n: int):
    for i in range(n):
        old[i] = int(old[i]) & int(new[i])


class Flash:
    def __init__(self, path, sectors=SECTORS):
        self._sectors = sectors
        self._file = _open(path, sectors)
        self._page = bytearray(PAGE)
        self._blank = b"\xff" * SECTOR
        self.operations = 0  # pages programmed + sectors erased since the board was made
        self.erases = 0
        self.fails_at = 0  # operation number in which the power fails, 0: never

    # --- block device, extended interface (littlefs)
    def readblocks(self, block, buf, offset=0):
        f = self._file
        f.seek(block * SECTOR + offset)
        f.readinto(buf)
        kernel.advance(_READ_US)

    def writeblocks(self, block, buf, offset=None):
        if offset is None:
            self._erase(block)
            offset = 0
        view = memoryview(buf)
        at = block * SECTOR + offset
        n = 0
        while n < len(buf):
            size = min(PAGE - (at + n) % PAGE, len(buf) - n)
            self._program(at + n, view[n : n + size], size)
            n += size

    def ioctl(self, op, arg):
        if op == 4:
            return self._sectors
        if op == 5:
            return SECTOR
        if op == 6:
            self._erase(arg)
        return 0

    # --- one operation each
    def _program(self, at, data, size):
        f = self._file
        page = memoryview(self._page)[:size]
        f.seek(at)
        f.readinto(page)
        dies = self._count()
        _and_into(page, data, size)
        if dies:
            half = (self.operations * 37) % size  # a different place each time, the same each run
            page = page[:half]
        f.seek(at)
        f.write(page)
        self._busy(PROGRAM_US, dies)

    def _erase(self, block):
        self.erases += 1
        dies = self._count()
        f = self._file
        f.seek(block * SECTOR)
        if dies:
            f.write(memoryview(self._blank)[: (self.operations * 611) % SECTOR])
        else:
            f.write(self._blank)
        self._busy(ERASE_US, dies)

    def _count(self):
        self.operations += 1
        return self.operations == self.fails_at

    def _busy(self, us, dies):
        kernel.mask()
        kernel.advance(us)
        if dies:
            life.leave("power")
        kernel.unmask()


def _open(path, sectors):
    try:
        f = open(path, "r+b")
    except OSError:
        with open(path, "wb") as new:
            for _ in range(sectors):
                new.write(b"\xff" * SECTOR)
        f = open(path, "r+b")
    return f
