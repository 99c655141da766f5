# The note of a shot that has begun, and the fact that it becomes when a reset cuts the shot off.
import files
import shot_mark
from ramflash import Board
from shot_mark import ShotMark

NOTE = {
    "boot": 3, "shot": 1, "slot": 5, "rev": 9, "source": "remote", "command": "c1",
    "uptime_ms": 70000, "utc_ms": None, "temp_mc": 92000,
}


def test_a_note_is_for_one_shot_of_one_boot_and_outlives_it():
    flash = Board()
    ShotMark().write(NOTE)
    mark = ShotMark()
    assert mark.kept == NOTE and mark.is_for(3, 1, "remote")
    assert not mark.is_for(4, 1, "remote") and not mark.is_for(3, 2, "remote")
    assert not mark.is_for(3, 1, "local")
    mark.clear()
    assert mark.kept is None and not mark.is_for(3, 1, "remote") and ShotMark().kept is None
    flash.close()


def test_a_shot_that_was_cut_off_says_what_is_known_of_it():
    assert shot_mark.aborted(NOTE) == {
        "kind": "brew", "boot": 3, "uptime_ms": 70000, "utc_ms": None, "shot": 1, "slot": 5,
        "recipe_rev": 9, "source": "remote", "command": "c1", "start_uptime_ms": 70000,
        "duration_ms": None, "volume_ul": None, "temp_mean_mc": 92000, "energy_j": None,
        "result": "aborted", "reason": "reset",
    }


def test_a_note_that_says_too_little_is_none():
    # another firmware's: without it there is no fact, with it no start
    flash = Board()
    for content in (b"null", b'{"boot":3,"shot":1}', b"{"):
        files.mark("shot", content)
        assert ShotMark().kept is None, content
    flash.close()
