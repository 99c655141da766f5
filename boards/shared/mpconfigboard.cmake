# What both machines' images have in common, on either Pico. Each board's mpconfigboard.cmake names
# its module and includes this; a variant may take the radio out again.
set(MICROPY_PY_LWIP ON)
set(MICROPY_PY_NETWORK_CYW43 ON)
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
# Names for Pin("LED"): where the lamp hangs depends on the variant, which one pins.csv cannot say.
set(GEN_PINS_BOARD_CSV ${CMAKE_CURRENT_LIST_DIR}/pins_radio.csv)
set(GEN_PINS_CSV_ARG --board-csv ${GEN_PINS_BOARD_CSV})
