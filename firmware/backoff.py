# When to try again: the pause doubles up to a limit, and there is no last attempt.
import time


class Backoff:
    def __init__(self, first_ms, most_ms, seed=1):
        self._first_ms = first_ms
        self._most_ms = most_ms
        self._seed = seed & 0x7FFFF
        self.reset(time.ticks_ms())

    def reset(self, now):
        # all is well: the next failure waits the shortest
        self._pause_ms = self._first_ms
        self._due = now

    def over(self, now):
        # what was due a week ago, ticks would take for what is due in a week
        return not 0 < time.ticks_diff(self._due, now) <= self._most_ms * 2

    def failed(self, now, least_ms=0):
        # half to one and a half of the pause, so that machines do not return in step
        self._seed = (self._seed * 1103 + 12345) & 0x7FFFF
        wait_ms = self._pause_ms // 2 + self._seed % self._pause_ms
        self._due = time.ticks_add(now, max(wait_ms, least_ms))
        self._pause_ms = min(self._pause_ms * 2, self._most_ms)
