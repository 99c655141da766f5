# Small files that are whole or as before, whatever the power does. A file's last 8 bytes are the
# CRC-32 of the rest, in hex. Two generations: when a sector goes bad the older one still reads.
# Nothing here knows what the files mean; log-like files belong to segments.py.
import json
import os
from binascii import crc32

_CHUNK = 256


def as_json(value):
    # bytes, without a blank: what is kept and what is sent
    return json.dumps(value, separators=(",", ":")).encode()


def replace(name, pieces):
    # pieces: bytes, or an iterable of bytes. When this returns the new content survives.
    # Cut before the last rename: `name` or, between the renames, `name.new` is read instead.
    with open(name + ".new", "wb") as f:
        crc = 0
        for piece in (pieces,) if isinstance(pieces, (bytes, bytearray)) else pieces:
            f.write(piece)
            crc = crc32(piece, crc)
        f.write(b"%08x" % crc)  # closing it is the sync
    if exists(name):
        os.rename(name, name + ".old")
    os.rename(name + ".new", name)


def read(name):
    # The newest whole generation's content, None when there is none.
    for generation in (name, name + ".new", name + ".old"):
        content = read_one(generation)
        if content is not None:
            return content
    return None


def read_one(name):
    # Content of this very file, None when it is missing or damaged.
    try:
        with open(name, "rb") as f:
            content = f.read()
    except OSError:
        return None
    if len(content) < 8 or content[-8:] != b"%08x" % crc32(content[:-8]):
        return None
    return content[:-8]


def mark(name, content):
    # One generation and one commit, for a note that must be quick: read_one() gives it back.
    with open(name, "wb") as f:
        f.write(content + b"%08x" % crc32(content))


def remove(name):
    for generation in (name + ".old", name + ".new", name):
        if exists(generation):
            os.remove(generation)


def exists(name):
    try:
        os.stat(name)
        return True
    except OSError:
        return False
