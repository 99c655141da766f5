# A step of the plant allocates nothing, in whatever state both machines are.
import gc
import sys

import micropython

HERE = sys.path[0]
sys.path.insert(0, HERE + "/../../simulator")
from plant import Plant, words


def figures(board):
    scope = {}
    with open("%s/../../boards/%s/plant.py" % (HERE, board)) as f:
        exec(f.read(), scope)
    return scope["PLANT"]


def locked(plant, steps):
    step, adc = plant.step, plant.adc
    gc.collect()
    micropython.heap_lock()
    try:
        for _ in range(steps):
            step()
            adc(0)
            adc(3)
    finally:
        micropython.heap_unlock()


def through_a_day(board):
    plant = Plant(figures(board), 4)
    u = plant.u
    plant.set("temp_brew_mc", 93000)
    plant.set("temp_steam_mc", 123000)
    locked(plant, 1000)
    for shot in range(3):
        u[words.U_GRINDER] = 1
        locked(plant, 500)
        u[words.U_GRINDER] = 0
        u[words.U_VALVE_BREW] = 1
        u[words.U_PUMP_PERMILLE] = 1000
        u[words.U_HEATER_BREW] = u[words.U_HEATER_STEAM] = 1
        locked(plant, 3000)
        u[words.U_VALVE_BREW] = u[words.U_PUMP_PERMILLE] = u[words.U_HEATER_BREW] = 0
        u[words.U_VALVE_STEAM] = 1
        locked(plant, 1200)  # the barista tends it in here
        u[words.U_VALVE_STEAM] = 0
        u[words.U_VALVE_REFILL] = 1
        u[words.U_PUMP_PERMILLE] = 600
        locked(plant, 500)
        u[words.U_VALVE_REFILL] = u[words.U_PUMP_PERMILLE] = 0
    assert plant.t[words.T_PUCKS] >= 4, plant.t[words.T_PUCKS]


def test_1900_steps_without_the_heap():
    through_a_day("coffee_1900")


def test_2900_steps_without_the_heap():
    through_a_day("coffee_2900")


def test_every_fault_steps_without_the_heap():
    for board in ("coffee_1900", "coffee_2900"):
        plant = Plant(figures(board), 4)
        plant.u[words.U_PUMP_PERMILLE] = 1000
        plant.u[words.U_VALVE_BREW] = 1
        for name in plant.fault_names():
            plant.fault(name, 1)
            locked(plant, 50)
            plant.fault(name, 0)


def test_the_lock_would_have_caught_an_allocation():
    class Leaky(Plant):
        def step(self):
            Plant.step(self)
            self.kept = [self.t[0]]

    plant = Leaky(figures("coffee_1900"), 4)
    try:
        locked(plant, 5)
    except MemoryError:
        return
    raise AssertionError("an allocation went unseen")
