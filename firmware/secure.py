# TLS to the broker: always checked against the site's CA and the broker's name. There is no switch
# to turn that off.
import binascii
import gc

from micropython import const

_SESSION = const(24576)  # mbedTLS reads into 16.4 KiB and writes from 4.3; a handshake needs more


class Room:
    # Keeps a session's memory together while there is none: what the machine allocates meanwhile
    # would leave no hole that a session fits into, where memory is short.
    def __init__(self):
        self._kept = None

    def keep(self):
        if self._kept is None:
            try:
                self._kept = bytearray(_SESSION)
            except MemoryError:
                pass  # the handshake finds enough all the same, or says that it did not

    def give(self):
        self._kept = None
        gc.collect()


def der(certificate):
    # PEM or DER in, DER out: the boards' TLS is built without PEM. Of several the first.
    if not certificate.startswith(b"-----BEGIN"):
        return certificate
    lines = []
    for line in certificate.split(b"\n")[1:]:
        if line.startswith(b"-----END"):
            break
        lines.append(line.strip())
    return binascii.a2b_base64(b"".join(lines))


def context(ca):
    # ca: bytes of the site's CA certificate, PEM or DER
    import tls

    made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    made.verify_mode = tls.CERT_REQUIRED
    made.load_verify_locations(der(ca))
    return made


def chosen(option, params):
    # The context for what either umqtt.simple takes: `ssl=True, ssl_params={…}` (1.3.4) or
    # `ssl=SSLContext` (1.8.0). None: no TLS.
    if not option:
        return None
    if hasattr(option, "wrap_socket"):
        import tls

        if getattr(option, "verify_mode", tls.CERT_REQUIRED) != tls.CERT_REQUIRED:
            raise ValueError("ssl: this context trusts any broker; set verify_mode CERT_REQUIRED")
        return option
    if not params or not params.get("cadata"):
        raise ValueError("ssl_params: cadata is missing; give the site's CA certificate")
    return context(params["cadata"])
