# A plain Pico: no radio, so no Wi-Fi; lwIP stays, with nothing attached to it, so that `socket` is
# there and the memory is shared out as on the Pico W. What the radio's driver would take of the
# RAM is kept free, too: the heap is board.HEAP_BYTES on all variants (a test compares).
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_PY_NETWORK_CYW43 OFF)
list(APPEND MICROPY_DEF_BOARD COFFEE_RADIO=0)
set(GEN_PINS_BOARD_CSV ${CMAKE_CURRENT_LIST_DIR}/pins_plain.csv)
set(GEN_PINS_CSV_ARG --board-csv ${GEN_PINS_BOARD_CSV})
