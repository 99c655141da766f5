# What headspace and puck keep of the metered water, so that a machine without a scale can stop
# at a yield in the cup. Two signs of this puck correct the board's mean: how much went in before
# the pump felt a wall (headspace), and how long it then took (grind, dose). docs/control.md.
import board
from micropython import const

_MEAN_UL, _WALL_UL, _WALL_PERMILLE, _SLOW_MS, _SLOW_UL_S = board.PUCK_KEEPS
_FELT_PERMILLE = const(320)  # share of the pump's cycles that says: there is a wall
_FIRST_UL = const(2500)  # until then the flow meter has not found its pace
_TIMED_UL = const(40000)
_MOST_UL = const(3000)  # a sign may be believed so far


class Puck:
    def __init__(self):
        self.keeps_ul = _MEAN_UL
        self._wall_ul = 0
        self._ms = 0
        self._timed = False

    def fresh(self):
        self.keeps_ul = _MEAN_UL
        self._wall_ul = self._ms = 0
        self._timed = _SLOW_UL_S == 0

    def step(self, pumped_ul, share_permille):
        # every tick with the pump asked for; share: of the mains cycles it gets
        self._ms += 10
        if self._wall_ul == 0:
            if share_permille > _FELT_PERMILLE and pumped_ul > _FIRST_UL:
                self._wall_ul = pumped_ul
                self._correct((pumped_ul - _WALL_UL) * _WALL_PERMILLE // 1000)
        if not self._timed and pumped_ul >= _TIMED_UL:
            self._timed = True
            self._correct((self._ms - _SLOW_MS) * _SLOW_UL_S // 1000)

    def _correct(self, ul):
        # a positive figure: this puck keeps more
        self.keeps_ul += min(max(ul, -_MOST_UL), _MOST_UL)
