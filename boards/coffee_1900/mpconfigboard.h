#define MICROPY_HW_BOARD_NAME "Coffee 1900"
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "coffee-1900"
// journal, recipes and settings: 848 KiB, as the stock Pico W image has it
#define MICROPY_HW_FLASH_STORAGE_BYTES (848 * 1024)
#include "../shared/mpconfigboard.h"
