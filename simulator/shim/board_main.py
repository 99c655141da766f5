# Entry of one simulated board: `micropython -X heapsize=… board_main.py <fd>`. The fd is the line
# to the host; its first line is the job as JSON (an argument would have to fit 255 bytes).
# The heap starts larger than the board's. On the board the modules are frozen into flash and cost
# no heap; here they are imported from source first, and then a ballast is taken so that exactly
# board.HEAP_BYTES are free when the firmware creates its first object. From there on gc.mem_free()
# and MemoryError mean what they mean on the board (the unix port never grows its heap).
# Order as on the board: boot.py alone first, then the rest.
import gc
import json
import os
import sys


def preload(folder, skip):
    # stand-in for the frozen modules: imported from source, which only defines things. Collected
    # after each, so that what stays is packed at the bottom and not strewn over the heap.
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and name[:-3] not in skip:
            __import__(name[:-3])
            gc.collect()


def umqtt_over_board_socket(socket):
    # umqtt asks for `usocket`, which on the unix port is the host's; on the board it is lwIP's
    try:
        import umqtt.simple
    except ImportError:
        return
    umqtt.simple.socket = socket


def _take(blocks, size):
    # as many blocks of this size as there are
    try:
        while True:
            blocks.append(bytearray(size))
    except MemoryError:
        pass


def ballast(free_bytes):
    # Exactly free_bytes left, in one piece as on a board that just booted: the big free rest is
    # held while the holes below are filled, then cut to size. One block of the heap is 32 bytes.
    gc.collect()
    blocks = [None] * 4096  # room, so that the list itself does not move
    del blocks[:]
    rest = None
    size = gc.mem_free()
    while rest is None:
        try:
            rest = bytearray(size)
        except MemoryError:
            size -= 1024
    for size in (8192, 1024, 256, 96, 32):
        _take(blocks, size)
    del rest
    gc.collect()
    blocks.append(bytearray(max(gc.mem_free() - free_bytes - 1024, 1)))
    gc.collect()
    for size in (512, 64, 32, 32):
        while gc.mem_free() - free_bytes >= size + 64:
            blocks.append(bytearray(size))
            gc.collect()
    return blocks


def mount(flash):
    import vfs

    try:
        fs = vfs.VfsLfs2(flash, progsize=256)
    except OSError:
        vfs.VfsLfs2.mkfs(flash, progsize=256)
        fs = vfs.VfsLfs2(flash, progsize=256)
    vfs.mount(fs, "/flash")
    os.chdir("/flash")


def compiled(path):
    with open(path) as f:
        return compile(f.read(), path, "exec")


def main():
    line = open(int(sys.argv[1]), "r+b")
    job = json.loads(line.readline())
    job["line"] = line
    sys.path[:] = job["path"]
    import socket

    import kernel
    import world

    w = world.World(job)
    mount(w.flash)
    firmware = job["firmware"]
    files = os.listdir(firmware)
    try:
        if "boot.py" in files:
            exec(compiled(firmware + "/boot.py"), {"__name__": "boot"})
        preload(firmware, ("boot", "main"))
        umqtt_over_board_socket(socket)
        w.watch()
        w.provision()
        program = compiled(job["main"])
        w.ballast = ballast(w.board.HEAP_BYTES)
        w.begin()
        exec(program, {"__name__": "__main__"})
    except BaseException as e:
        sys.print_exception(e)
        w.crashed(e)
    while True:  # the board falls back to its prompt; timers and watchdog go on
        kernel.idle()


main()
