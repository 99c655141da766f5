# Small files under every possible power cut, on a real littlefs.
import os

import files
from ramflash import Board, every_cut

OLD = b'{"rev":1,"name":"old"}' * 20
NEW = b'{"rev":2,"name":"new"}' * 90


def test_a_file_reads_back_whole():
    board = Board()
    files.replace("config", OLD)
    assert files.read("config") == OLD
    files.replace("config", (NEW[:100], NEW[100:]))
    assert files.read("config") == NEW
    assert files.read("nothing") is None
    files.remove("config")
    assert files.read("config") is None
    board.close()


def test_every_power_cut_leaves_the_old_or_the_new_content():
    board = Board()
    files.replace("config", OLD)
    files.replace("config", OLD)

    def check(finished):
        read = files.read("config")
        assert read == NEW if finished else read in (OLD, NEW), read
        files.replace("config", OLD)  # and the next replacement works
        assert files.read("config") == OLD

    cuts = every_cut(board, lambda: files.replace("config", NEW), check)
    assert cuts >= 4, cuts
    board.close()


def test_every_power_cut_of_the_first_write_leaves_nothing_or_the_content():
    board = Board()

    def check(finished):
        assert files.read("config") == NEW if finished else files.read("config") in (None, NEW)

    assert every_cut(board, lambda: files.replace("config", NEW), check) >= 3
    board.close()


def test_a_damaged_sector_gives_the_older_generation():
    board = Board()
    files.replace("config", OLD)
    files.replace("config", NEW)
    with open("config", "r+b") as f:
        f.seek(10)
        f.write(b"X")
    assert files.read("config") == OLD
    with open("config.old", "r+b") as f:
        f.write(b"X")
    assert files.read("config") is None
    board.close()


def test_a_mark_is_there_or_not():
    board = Board()
    files.mark("shot", b"first")

    def check(finished):
        read = files.read_one("shot")
        assert read == b"second" if finished else read in (b"first", b"second"), read

    assert every_cut(board, lambda: files.mark("shot", b"second"), check) >= 1
    board.close()


def test_many_replacements_do_not_fill_the_flash():
    board = Board(16)
    for n in range(200):
        files.replace("config", b"%d" % n * 300)
    assert sorted(os.listdir()) == ["config", "config.old"]
    board.close()
