# What headspace and puck keep of the metered water, so that a machine without a scale can stop
# at a yield in the cup. Two signs of this puck correct the board's mean: how much went in before
# the pump felt a wall (headspace), and how hard the pump worked later (grind, dose, the pressure
# that is let go at the end). docs/control.md.
import board
from micropython import const

_MEAN_UL, _WALL_UL, _WALL_PERMILLE, _WORK_PERMILLE, _WORK_UL, _WORK_MOST = board.PUCK_KEEPS
_FELT_PERMILLE = const(250)  # share of the pump's cycles that says: there is a wall
_FIRST_UL = const(2500)  # until then the flow meter has not found its pace
_FROM_UL = const(47000)  # between these the work is averaged
_TO_UL = const(53000)
_MOST_UL = const(3000)  # a sign may be believed so far


class Puck:
    def __init__(self):
        self.keeps_ul = _MEAN_UL
        self._wall_ul = 0
        self._sum = self._n = 0
        self._known = False

    def fresh(self):
        self.keeps_ul = _MEAN_UL
        self._wall_ul = self._sum = self._n = 0
        self._known = _WORK_UL == 0

    def look(self, pumped_ul, share_permille):
        # with the pump asked for; share: of the mains cycles it gets. Ten times a second: each
        # look more finds the threshold earlier by chance.
        if self._wall_ul == 0:
            if share_permille > _FELT_PERMILLE and pumped_ul > _FIRST_UL:
                self._wall_ul = pumped_ul
                self._correct((pumped_ul - _WALL_UL) * _WALL_PERMILLE // 1000)
        elif pumped_ul >= _FROM_UL and not self._known:
            self._worked(pumped_ul, share_permille)

    def _worked(self, pumped_ul, share_permille):
        if pumped_ul < _TO_UL:
            self._sum += min(share_permille, _WORK_MOST)
            self._n += 1
        elif self._n:
            self._known = True
            self._correct((self._sum // self._n - _WORK_PERMILLE) * _WORK_UL // 1000)

    def _correct(self, ul):
        # a positive figure: this puck keeps more
        self.keeps_ul += min(max(ul, -_MOST_UL), _MOST_UL)
