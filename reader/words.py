"""Numbers of the panel protocol, version 1. The table for people is in README.md."""

PROTOCOL = 1

# Requests, host to reader; the answer is the type | ANSWER with the same seq.
HELLO = 0x01
PING = 0x02
ARM = 0x03
DISARM = 0x04
RESULT = 0x05
UI = 0x06
LED = 0x07
TONE = 0x08
NFC_MODE = 0x09
APDU = 0x0A
FIELD_RESET = 0x0B
SELFTEST = 0x0C
STATS = 0x0D
CONFIG = 0x0E
LOG = 0x0F
REBOOT = 0x10
TIME = 0x11
EVENT_ACK = 0x3E
ANSWER = 0x80

# Events, reader to host, with a seq of their own.
EV_READY = 0x40
EV_TAP = 0x41
EV_TAP_ERROR = 0x42
EV_REMOVED = 0x43
EV_BUTTON = 0x44
EV_TIP = 0x45
EV_FAULT = 0x46
EV_OWNER = 0x47
EV_LOG = 0x48

# Tags of the records in a payload; numbers are little-endian.
T_STATUS = 0x01  # u8, first record of every answer
T_SESSION = 0x02  # u32
T_AMOUNT = 0x03  # text, ready to be shown
T_CURRENCY = 0x04  # text
T_TIMEOUT = 0x05  # u32 ms
T_FLAGS = 0x06  # u8
T_OUTCOME = 0x07  # u8
T_LINE1 = 0x08  # text
T_LINE2 = 0x09  # text
T_UID = 0x0A
T_ATS = 0x0B
T_NDEF = 0x0C  # the file's bytes as read, its length field first
T_TIMINGS = 0x0D  # u16 ms each: wait until the card was seen, activation, reading
T_ATTEMPT = 0x0E  # u8, from 1
T_REASON = 0x0F  # u8
T_C_APDU = 0x10  # repeated
T_R_APDU = 0x11  # repeated
T_STOP_UNLESS = 0x12  # status words u16 big-endian; any other one ends the batch
T_MODE = 0x13  # u8
T_OWNER = 0x14  # u8
T_LIGHTS = 0x15  # RGB, four of the row and then the ring; empty gives them back
T_TONE = 0x16  # u16 Hz, u16 ms, repeated inside the value
T_LOOK = 0x17  # u8
T_SERIAL = 0x18  # text
T_FIRMWARE = 0x19  # text
T_BOARD = 0x1A  # text
T_BOOT = 0x1B  # u8
T_PROTOCOL = 0x1C  # u8
T_CAN = 0x1D  # u8, bits
T_NAME = 0x1E  # text
T_VALUE = 0x1F  # u32
T_COUNTERS = 0x20  # u32 each, in the order of stats.NAMES
T_TEXT = 0x21  # text
T_TIME = 0x22  # u64, UTC epoch ms
T_BUTTON = 0x23  # u8
T_HOW = 0x24  # u8
T_TIP = 0x25  # u8, percent
T_CHECK = 0x26  # u8 check, u8 passed, text
T_KIND = 0x27  # u8
T_EVENT_SEQ = 0x28  # u8
T_CODE = 0x29  # u8
T_STATE = 0x2A  # u8, bits
T_HOST = 0x2B  # u32, drawn by the host at each start

# Status of an answer.
OK = 0
BAD_REQUEST = 1
UNKNOWN = 2
STALE = 3  # another session, or none
NO_CARD = 4
BUSY = 5  # not accepted or not finished: ask again with the same seq
OWNED = 6  # another owner holds the chip
FAILED = 7
MORE = 8  # the answers are full: send the remaining APDUs again
SAFE_MODE = 9

# ARM flags.
ARM_DETECT_ONLY = 1  # a TAP without reading the file, and without the looks of reading
ARM_QUIET = 2  # what is shown stays until a card is read

# LOG flags.
LOG_FOLLOW = 1  # every new entry as an event, until the next HELLO

APPROVED = 1
DECLINED = 2
ERROR = 3
RETRY = 4

# Why a card could not be read.
TWO_CARDS = 1
REMOVED_EARLY = 2
NOT_TYPE_4 = 3
READ_FAILED = 4

# How a file was read.
READ_NATIVE = 1  # ReadData of file 2: two APDUs
READ_ISO = 2  # ReadBinary of E104

# Owners of the NFC chip.
AUTO = 0
BY_APDU = 1
BY_HSU = 2
OFF = 3

# State bits in the answer to PING.
IS_ARMED = 1
IS_CARD = 2
IS_SAFE = 4
IS_FAULT = 8

# What the reader can do.
CAN_LIGHTS = 1
CAN_TONES = 2
CAN_DISPLAY = 4
CAN_BUTTONS = 8

# Looks.
LOOK_OFF = 0
LOOK_IDLE = 1
LOOK_ARMED = 2
LOOK_READING = 3
LOOK_READ = 4
LOOK_APPROVED = 5
LOOK_DECLINED = 6
LOOK_ERROR = 7
LOOK_RETRY = 8
LOOK_CHECKING = 9
LOOK_TIP = 10
LOOK_FAULT = 11
LOOK_SAFE = 12

CONFIRM = 1
CANCEL = 2
SHORT = 1
LONG = 2

# Boot reasons.
BOOT_POWER = 1
BOOT_WATCHDOG = 3
BOOT_HOST = 4
BOOT_SAFE = 5

REBOOT_NORMAL = 0
REBOOT_BOOTSEL = 1
REBOOT_SAFE = 2

# Faults.
FAULT_CHIP = 1
FAULT_TASK = 2
