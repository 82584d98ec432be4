"""A Proton-compatible control plane, for the API that AWS ended on 2026-10-07.

It knows nothing of Pulumi, nor of any other client: between them there is only the wire.
"""
