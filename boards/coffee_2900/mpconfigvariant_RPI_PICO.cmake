include(${MICROPY_BOARD_DIR}/../shared/no_radio.cmake)
