# Coffee 2900: Raspberry Pi Pico 2 W
set(PICO_BOARD "pico2_w")
include(${MICROPY_BOARD_DIR}/../shared/mpconfigboard.cmake)
