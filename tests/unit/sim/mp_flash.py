# The flash chip: bits only clear, sectors erase to ones, both stop interrupts; real littlefs on it
import os

import kernel
import life
import machine
import vfs
from flash import ERASE_US, PROGRAM_US, SECTOR, Flash

PATH = "flash.bin"


class PowerFails(Exception):
    pass


def dies(cause):
    raise PowerFails(cause)


def fresh(sectors=32):
    kernel.reset_state()
    try:
        os.remove(PATH)
    except OSError:
        pass
    return Flash(PATH, sectors)


def read(flash, block, n, offset=0):
    buf = bytearray(n)
    flash.readblocks(block, buf, offset)
    return bytes(buf)


def test_new_flash_is_blank():
    assert read(fresh(), 31, SECTOR) == b"\xff" * SECTOR


def test_programming_only_clears_bits():
    f = fresh()
    f.writeblocks(1, b"\xf0" * 256, 0)
    f.writeblocks(1, b"\x3c" * 256, 0)
    assert read(f, 1, 256) == b"\x30" * 256
    assert read(f, 1, 256, 256) == b"\xff" * 256


def test_erasing_sets_a_whole_sector():
    f = fresh()
    f.writeblocks(2, b"\0" * SECTOR)
    f.ioctl(6, 2)
    assert read(f, 2, SECTOR) == b"\xff" * SECTOR


def test_it_lasts_over_a_restart():
    f = fresh()
    f.writeblocks(3, b"coffee", 10)
    assert read(Flash(PATH, 32), 3, 6, 10) == b"coffee"


def test_operations_are_pages_and_sectors():
    f = fresh()
    f.writeblocks(0, b"x" * SECTOR)
    assert f.operations == 1 + SECTOR // 256
    assert f.erases == 1


def test_ticks_are_late_in_an_erase():
    f = fresh()
    at = []
    machine.Timer(period=10, callback=lambda t: at.append(kernel.words[0]))
    f.ioctl(6, 0)
    assert at == [ERASE_US] * 4, at
    f.writeblocks(0, b"x" * 256, 0)
    assert kernel.words[0] == ERASE_US + PROGRAM_US


def _with_death(f, nth, action):
    leave, life.leave = life.leave, dies
    f.fails_at = f.operations + nth
    try:
        action()
    except PowerFails:
        return True
    finally:
        life.leave = leave
        while kernel.words[kernel.MASKED]:
            kernel.unmask()
    return False


def test_power_fails_in_the_middle_of_a_page():
    f = fresh()
    died = _with_death(f, 2, lambda: f.writeblocks(0, b"\0" * 512, 0))
    data = read(f, 0, 512)
    assert died
    assert data[:256] == b"\0" * 256
    n = data[256:].count(b"\0")
    assert 0 < n < 256 and data[256:] == b"\0" * n + b"\xff" * (256 - n)


def test_power_fails_in_the_middle_of_an_erase():
    f = fresh()
    f.writeblocks(0, b"\0" * SECTOR, 0)
    assert _with_death(f, 1, lambda: f.ioctl(6, 0))
    data = read(f, 0, SECTOR)
    n = data.count(b"\xff")
    assert 0 < n < SECTOR and data == b"\xff" * n + b"\0" * (SECTOR - n)


def _mount(f):
    try:
        fs = vfs.VfsLfs2(f, progsize=256)
    except OSError:
        vfs.VfsLfs2.mkfs(f, progsize=256)
        fs = vfs.VfsLfs2(f, progsize=256)
    return fs


def _put(fs, text):
    with fs.open("note.new", "w") as n:
        n.write(text)
    fs.rename("note.new", "note")


def test_littlefs_keeps_the_old_or_the_new_file_at_every_cut():
    # every operation of two replacements is cut once; the file must always be whole
    cut = 0
    while True:
        cut += 1
        f = fresh()
        fs = _mount(f)
        _put(fs, "a" * 700)
        if not _with_death(f, cut, lambda: (_put(fs, "b" * 900), _put(fs, "c" * 300))):
            break
        with _mount(Flash(PATH, 32)).open("note", "r") as n:
            assert n.read() in ("a" * 700, "b" * 900, "c" * 300), cut
    assert cut > 10, cut
