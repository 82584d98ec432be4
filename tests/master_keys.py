"""The master keys of the tests' servers."""

from __future__ import annotations

from proton_server.identity.master_keys import VARIABLE, MasterKeys

MASTER_KEYS_ENVIRONMENT = {VARIABLE: "cHJvdG9uLXNlcnZlcidzIHRlc3RzLCBrZXkgbnVtYmVyIDE="}
MASTER_KEYS = MasterKeys.read(MASTER_KEYS_ENVIRONMENT)
