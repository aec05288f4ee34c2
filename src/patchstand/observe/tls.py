"""TLS as widely as OpenSSL can, trusting nobody: the certificate is looked at, not believed."""

import ssl
import warnings
from asyncio import BaseTransport
from functools import lru_cache

from patchstand.model import TlsFacts

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:DHE+AES:RSA+AES:@SECLEVEL=0"
"""What Exchange on any Windows since 2008 can speak, SHA-1 and small keys included.

Windows 2003 without its AES hotfix offers only RC4 and 3DES, which OpenSSL 3 cannot speak.
"""
_LEGACY_SERVER_CONNECT = getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)  # named since 3.12


@lru_cache(maxsize=1)
def shared_context() -> ssl.SSLContext:
    """The one client context of the process; one per connection would cost 21 ms each."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 is what we look for
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers(CIPHERS)
    context.options |= _LEGACY_SERVER_CONNECT
    return context


def facts_of(transport: BaseTransport) -> TlsFacts | None:
    """What the handshake of this transport showed; None without TLS."""
    tls = transport.get_extra_info("ssl_object")
    if tls is None:
        return None
    cipher = tls.cipher()
    return TlsFacts(tls.version() or "", cipher[0] if cipher else "", tls.getpeercert(True))
