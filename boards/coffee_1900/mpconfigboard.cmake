# Coffee 1900: Raspberry Pi Pico W
set(PICO_BOARD "pico_w")
include(${MICROPY_BOARD_DIR}/../shared/mpconfigboard.cmake)
