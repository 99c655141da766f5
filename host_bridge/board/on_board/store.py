# The application's files on the board: what is there, what settles in, what goes.
import gc
import json
import os
from binascii import hexlify
from hashlib import sha256

piece = memoryview(bytearray(512))


def digest(path):
    gc.collect()  # of what a file left: else the digests of seventy lie all over the memory
    try:
        f = open(path, "rb")
    except OSError:
        return None
    with f:
        made = sha256()
        while True:
            n = f.readinto(piece)
            if not n:
                return hexlify(made.digest()).decode()
            made.update(piece[:n])


def renew():
    try:
        import hold
    except ImportError:
        return
    if hold.held():
        hold.renew()


def text(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return None


def image():
    # of ours that runs here: its name, and what is frozen into it
    try:
        from image_id import IMAGE, SOURCES
    except ImportError:
        return None
    return IMAGE.decode(), SOURCES.decode()


def heap_free():
    gc.collect()
    return gc.mem_free()


def inventory(beside):
    # what lies in the store, whole or not, the two lists, what lies beside it, bytes free
    renew()
    have_store()
    free = os.statvfs(".")
    return {
        "store": {name: digest("app.d/" + name) for name in os.listdir("app.d")},
        "current": text("app.d/current"), "previous": text("app.d/previous"),
        "beside": {name: digest(name) for name in beside}, "free": free[0] * free[3],
    }


def have_store():
    if "app.d" not in os.listdir():
        os.mkdir("app.d")


def receive():
    # what is written to `new` from now on is a file on its way
    global new
    renew()
    have_store()
    new = open("app.d/new", "wb")


def settle(path, wanted):
    # it gets its name, if it is what it should be
    renew()
    new.close()
    found = digest("app.d/new")
    if found == wanted:
        os.rename("app.d/new", path)
    return found


def model():
    # of the machine it drives now; None: it has nothing of ours, or what it has does not load
    try:
        return __import__("board").MODEL
    except Exception:  # a damaged file must not keep its cure out
        return None


def boots():
    # how often the machine has started; 0: never, or nobody can read it
    try:
        return json.loads(text("resets")[:-8])["boot"]
    except (TypeError, ValueError, KeyError):
        return 0


def commit():
    # from the last rename on the new version is what starts; brought a second time it is not
    # its own predecessor
    before = text("app.d/current")
    if before is not None and before != text("app.d/next"):
        with open("app.d/new", "w") as f:
            f.write(before)
        os.rename("app.d/new", "app.d/previous")
    os.rename("app.d/next", "app.d/current")


def roll_back():
    if text("app.d/previous") is None:
        if image() is None:
            return False
        os.remove("app.d/current")
        return True
    os.rename("app.d/previous", "app.d/current")
    return True


def sweep(keep):
    renew()
    gone = 0
    for name in os.listdir("app.d"):
        if name not in keep:
            os.remove("app.d/" + name)
            gone += 1
    return gone
