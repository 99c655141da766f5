# A log in a folder of bounded files, each named after the number of its first record. Records are
# lines `crc32 body`; what one write() adds is there whole or not at all, whatever the power does.
# Knows nothing of what the bodies say: journal.py and ledger.py give them meaning.
import os
from binascii import crc32

CHUNK = 1536
LINE_MAX = CHUNK - 64


def seal(body):
    # body: bytes without a newline, at most LINE_MAX - 10
    return b"%08x " % crc32(body) + body + b"\n"


def unseal(line):
    # the body, None when the line is damaged
    body = bytes(line[9:])
    return body if line[:8] == b"%08x" % crc32(body) else None


class Segments:
    def __init__(self, folder):
        self._folder = folder
        try:
            os.mkdir(folder)
        except OSError:
            pass  # it is there
        names = [n for n in os.listdir(folder) if n.endswith(".log")]
        self.starts = sorted(int(n[:-4]) for n in names)
        self._buffer = bytearray(CHUNK)

    def _path(self, start):
        return "%s/%010d.log" % (self._folder, start)

    def size(self, start):
        try:
            return os.stat(self._path(start))[6]
        except OSError:
            return 0

    def write(self, start, lines):
        # Adds sealed lines in one commit. A new start makes a new file; it must be the highest.
        with open(self._path(start), "ab") as f:
            for line in lines:
                f.write(line)
        if not self.starts or self.starts[-1] != start:
            self.starts.append(start)

    def drop(self, start):
        os.remove(self._path(start))
        self.starts.remove(start)

    def discard(self, start):
        # a file that is not among `starts`: left by a write that failed
        try:
            os.remove(self._path(start))
        except OSError:
            pass

    def lines(self, start, offset=0):
        # Yields (offset, line) from `offset`, which must be the begin of a line. A line longer
        # than the buffer cannot have been written here: it is given cut, as damaged.
        buffer = self._buffer
        while True:
            n = self._fill(start, offset)
            if not n:
                return
            begin = 0
            end = buffer.find(b"\n", 0, n)
            while end >= 0:
                yield offset + begin, bytes(buffer[begin:end])
                begin = end + 1
                end = buffer.find(b"\n", begin, n)
            if not begin:
                yield offset, bytes(buffer[:n])
                begin = n
            offset += begin

    def _fill(self, start, offset):
        # not held open between two lines: the reader may stop at any of them
        with open(self._path(start), "rb") as f:
            f.seek(offset)
            return f.readinto(self._buffer)
