# What both machines' images have in common, on either Pico. Each board's mpconfigboard.cmake names
# its module and includes this; a variant may take the radio out again.
set(MICROPY_PY_LWIP ON)
set(MICROPY_PY_NETWORK_CYW43 ON)
# MicroPython 1.28 finds this header only where Bluetooth is built, which we leave out: it takes RAM.
# Last in the order, because a port's own cyw43_configport.h must be found before the one there.
add_compile_options("SHELL:-idirafter ${MICROPY_DIR}/lib/pico-sdk/src/rp2_common/pico_cyw43_driver/include")
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
# Names for Pin("LED"): where the lamp hangs depends on the variant, which one pins.csv cannot say.
set(GEN_PINS_BOARD_CSV ${CMAKE_CURRENT_LIST_DIR}/pins_radio.csv)
set(GEN_PINS_CSV_ARG --board-csv ${GEN_PINS_BOARD_CSV})
