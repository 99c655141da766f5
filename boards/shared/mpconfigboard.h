// What both machines' images have in common. COFFEE_RADIO=0 comes from the variant RPI_PICO.
#ifndef COFFEE_RADIO
#define COFFEE_RADIO 1
#endif

#if COFFEE_RADIO
#define MICROPY_PY_NETWORK 1
#define CYW43_USE_SPI (1)
#define CYW43_LWIP (1)
#define CYW43_GPIO (1)
#define CYW43_SPI_PIO (1)
#define MICROPY_HW_PIN_EXT_COUNT CYW43_WL_GPIO_COUNT
int mp_hal_is_pin_reserved(int n);
#define MICROPY_HW_PIN_RESERVED(i) mp_hal_is_pin_reserved(i)
#endif

// TLS to the broker, over whichever line it comes: without a network the port would leave it out.
#define MICROPY_PY_SSL 1
