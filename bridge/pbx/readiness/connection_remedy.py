"""The advice for an AMI or ARI that cannot be reached."""

from __future__ import annotations

# As OpenSSL names its reasons.
_NOT_TRUSTED, _TLS_FAILED = "CERTIFICATE_VERIFY_FAILED", "[SSL"


def connection_remedy(side: str, why: str, otherwise: str) -> str:
    """`side` is "AMI" or "ARI", `why` the text of the fault, `otherwise` what helps without TLS."""
    if _NOT_TRUSTED in why:
        return (
            "BRIDGE_PBX_CA_FILE: the CA that signed the PBX's certificate, which must have the "
            "name or address in BRIDGE_PBX_HOST; or BRIDGE_PBX_TLS_VERIFY=false"
        )
    if _TLS_FAILED in why:
        return (
            f"BRIDGE_{side}_PORT must be the port of `tlsbindaddr`, with `tlsenable = yes`; or "
            f"BRIDGE_{side}_TLS=false"
        )
    return otherwise
