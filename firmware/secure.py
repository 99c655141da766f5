# TLS to the broker: always checked against the site's CA and the broker's name. There is no switch
# to turn that off.
import binascii


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
