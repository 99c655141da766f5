# Reads one command message: any bytes give a Command or a Refusal that names field and cure.
# Pure: no clock, no flash, no machine; whether and how it is done is for commands.py to say.
import json
from binascii import hexlify
from hashlib import sha256

from files import as_json

NAMES = (
    "brew", "stop", "recipe.put", "recipe.delete", "setpoint", "clean", "standby", "wake",
    "alarm.ack", "identify", "config.put", "update", "clock",
)
BYTES_MAX = 1024
RECIPE_BYTES_MAX = 2048
_ID_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
_SECONDS = 100000000000  # below it is 1973 in milliseconds, and any year of ours in seconds
_CEILING_MS = 4102444800000
_MAC_BEGIN = b',"mac":"'
_MAC_SIZE = 74  # ,"mac":"<64 hex>"}


class Refusal(Exception):
    # code: for programs.  field: path in the message, or None.  message: what, and the cure.
    def __init__(self, code, field, message, id=None):
        self.code = code
        self.field = field
        self.message = message
        self.id = id

    def reply(self, id=None):
        error = {"code": self.code, "message": plain(self.message, 200)}
        error["field"] = None if self.field is None else plain(self.field, 64)
        return _reply(id or self.id, error, None)


class Command:
    # deadline_ms: UTC, None where none is needed.  signed: (bytes, hex mac) or None.
    def __init__(self, name, id, deadline_ms, args, signed):
        self.name = name
        self.id = id
        self.deadline_ms = deadline_ms
        self.args = args
        self.signed = signed

    def reply(self, result):
        return _reply(self.id, None, result)


def _reply(id, error, result):
    return as_json({"v": 1, "id": id, "ok": error is None, "error": error, "result": result})


def bytes_max(name):
    return RECIPE_BYTES_MAX if name == "recipe.put" else BYTES_MAX


def too_long(name, size):
    most = bytes_max(name)
    return Refusal("too_long", None, "%d bytes; send at most %d" % (size, most))


def read(name, payload):
    # name: the topic's last level.  payload: bytes.  Raises Refusal.
    if len(payload) > bytes_max(name):
        raise too_long(name, len(payload))
    message = _object(payload)
    id = _id(message)
    try:
        if message.get("v", 1) != 1 or isinstance(message.get("v"), bool):
            raise Refusal("unknown_version", "v", "this machine speaks version 1; send 1 or no v")
        if name not in NAMES:
            known = ", ".join(NAMES)
            raise Refusal("unknown_command", None, "no such command; there are " + known)
        args = message.get("args", {})
        if not isinstance(args, dict):
            raise Refusal("wrong_type", "args", "send an object, {} when there is nothing to say")
        return Command(name, id, _deadline(name, message), args, _signed(message, payload))
    except Refusal as no:
        no.id = id
        raise no


def _object(payload):
    try:
        text = str(payload, "utf-8")
        message = json.loads(text)
    except UnicodeError:
        raise Refusal("bad_encoding", None, "not UTF-8; was it cut? Send it again whole")
    except (ValueError, RuntimeError):
        raise Refusal("not_json", None, "not JSON; was it cut? Send one JSON object")
    if not isinstance(message, dict):
        raise Refusal("not_object", None, "send a JSON object with id, deadline and args")
    if _halved(text.lower()) or _odd(text, len(payload)):
        raise Refusal("bad_encoding", None, "send such a character as UTF-8, not as a pair of \\u",
                      _id(message))
    return message


def _halved(low):
    # MicroPython's json makes two characters of a pair of surrogates, and no text may have those
    return any("\\ud" + c in low for c in "89abcdef")


def _odd(text, size):
    # Nor does it mind surrogates, or more bytes than a character needs (RFC 3629, 3), in UTF-8.
    if len(text) == size:
        return False
    for c in text:
        n = ord(c)
        if 0xD800 <= n < 0xE000 or n > 0x10FFFF:
            return True
        size -= 1 + (n > 0x7F) + (n > 0x7FF) + (n > 0xFFFF)
    return size != 0


def _id(message):
    id = message.get("id")
    if id is None:
        raise Refusal("missing", "id", "send an id of your own, 1 to 36 of A-Z a-z 0-9 . _ -")
    if not isinstance(id, str) or not 1 <= len(id) <= 36 or not all(c in _ID_CHARS for c in id):
        raise Refusal("bad_value", "id", "send a text of 1 to 36 of A-Z a-z 0-9 . _ -")
    return id


def _deadline(name, message):
    deadline = message.get("deadline")
    if deadline is None:
        if name == "clock":
            return None
        raise Refusal("missing", "deadline", "send UTC milliseconds: when it is too late")
    if not is_int(deadline):
        raise Refusal("wrong_type", "deadline", "send UTC milliseconds as a whole number")
    if 0 < deadline < _SECONDS:
        raise Refusal("bad_value", "deadline", "these are seconds; send milliseconds (times 1000)")
    if not 0 < deadline < _CEILING_MS:
        raise Refusal("bad_value", "deadline", "not between 1973 and 2100; send UTC milliseconds")
    return deadline


# --- signatures
def _signed(message, payload):
    if "mac" not in message:
        return None
    mac = payload[-_MAC_SIZE:]
    if mac[: len(_MAC_BEGIN)] != _MAC_BEGIN or mac[-2:] != b'"}':
        raise Refusal("bad_mac", "mac", 'mac must be the last member, written ,"mac":"<64 hex>"}')
    return bytes(payload[:-_MAC_SIZE]) + b"}", bytes(mac[len(_MAC_BEGIN) : -2])


def check_mac(command, machine, key):
    # key: bytes. What is signed: `<machine>/cmd/<name>`, newline, the message without its mac.
    if command.signed is None:
        raise Refusal("missing", "mac", "this machine wants signed commands; add the HMAC-SHA-256")
    text, mac = command.signed
    topic = machine.encode() + b"/cmd/" + command.name.encode() + b"\n"
    if not _same(hexlify(hmac_sha256(key, topic + text)), mac):
        raise Refusal("bad_mac", "mac", "does not fit; sign topic and message with our key")


def hmac_sha256(key, text):
    # RFC 2104; MicroPython has no hmac module
    if len(key) > 64:
        key = sha256(key).digest()
    key = key + bytes(64 - len(key))
    inner = sha256(bytes([b ^ 0x36 for b in key]))
    inner.update(text)
    outer = sha256(bytes([b ^ 0x5C for b in key]))
    outer.update(inner.digest())
    return outer.digest()


def _same(a, b):
    # takes as long for any difference
    wrong = len(a) ^ len(b)
    for x, y in zip(a, b):
        wrong |= x ^ y
    return wrong == 0


# --- small things
def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def plain(text, most):
    # printable ASCII only: what a stranger sent must not make our reply unreadable
    text = text if len(text) <= most else text[: most - 3] + "..."
    return "".join(c if " " <= c <= "~" else "?" for c in text)
