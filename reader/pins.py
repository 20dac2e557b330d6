"""Where everything is wired on a Raspberry Pi Pico or Pico 2. The one place; README repeats it.

GP numbers. The PN532 module is set to HSU (both switches off) and fed with 3.3 V.
"""

CHIP_UART = 0
CHIP_TX = 0  # to the module's RX ("SCL" on most modules in HSU mode)
CHIP_RX = 1  # from the module's TX ("SDA")
CHIP_RESET = 2  # RSTPDN, low holds the chip in reset
CHIP_IRQ = 3  # low while an answer waits
CHIP_BAUD = 115_200

DISPLAY_I2C = 1
DISPLAY_SDA = 6
DISPLAY_SCL = 7
DISPLAY_ADDRESS = 0x3C  # SSD1306, 128 x 64

PIEZO = 10
LIGHTS = 16  # WS2812: four of the row first, then the ring of twelve

CONFIRM = 14  # to ground when pressed
CANCEL = 15

# pid.codes' number for tests: it must not leave the workshop. A number of our own is to be had.
USB_VENDOR = 0x1209
USB_PRODUCT = 0x0001
USB_MAKER = "Taptill"
USB_NAME = "Taptill Reader"
