# A plain Pico: no radio, so neither Wi-Fi nor lwIP; the broker is reached by the serial line. What
# both would take of the RAM is kept free (boards/image/build.py): the heap is board.HEAP_BYTES.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_PY_NETWORK_CYW43 OFF)
set(MICROPY_PY_LWIP OFF)
list(APPEND MICROPY_DEF_BOARD COFFEE_RADIO=0)
set(GEN_PINS_BOARD_CSV ${CMAKE_CURRENT_LIST_DIR}/pins_plain.csv)
set(GEN_PINS_CSV_ARG --board-csv ${GEN_PINS_BOARD_CSV})
