"""Pulumi's official release archive, for machines that can reach Pulumi's hosts.

The checksums are those Pulumi itself publishes, in the Homebrew formula of this version (repository
pulumi/homebrew-tap, `Formula/pulumi.rb`). They are pinned here, not fetched beside the archive, so that
whoever could change the archive can't change them too. A new VERSION needs new checksums, and new modules in
`tools/pulumi-cli/`.

Forbidden here: anything outside the standard library, and unpacking a byte that has not been verified.
"""

from __future__ import annotations

import hashlib
import io
import platform
import sys
import tarfile
import urllib.request
from pathlib import Path

VERSION = "3.259.0"

_SHA256 = {
    "darwin-arm64": "57c27f179e527e2cf9f62b841a448af72a020e44b2fb4ee0d9bd85556c00c864",
    "darwin-x64": "eaca4c3b8277bfa3ab061fa3b270d1c66358a0b2e613da8c5587a04b7226c534",
    "linux-arm64": "edc8327463a72160bb36cf82cf5062da9c8a244290a706d9980988e7bf486853",
    "linux-x64": "94ba357acac23d01474084c4b00098dc0f7bc70ce13f34c777459254a5f718e5",
}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_HOSTS = (
    "https://get.pulumi.com/releases/sdk",
    "https://github.com/pulumi/pulumi/releases/download/v{version}",
)
# Many machines can't reach these hosts: one that doesn't answer must cost seconds. Also the longest silence
# allowed in the middle of a download.
_SILENCE_S = 8


def unpack_into(folder: Path) -> None:
    """Download the archive of this machine's platform, verify it, and unpack its programs into `folder/bin`.

    Raises `RuntimeError`, with a sentence, when the platform has no archive, no host gives it, or it isn't
    the one that was pinned.
    """
    target = f"{sys.platform}-{_MACHINES.get(platform.machine().lower(), platform.machine())}"
    if target not in _SHA256:
        msg = f"Pulumi releases no archive for {target}"
        raise RuntimeError(msg)
    archive = _download(f"pulumi-v{VERSION}-{target}.tar.gz", _SHA256[target])
    binaries = folder / "bin"
    binaries.mkdir()
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content:
                program = binaries / member.name.rpartition("/")[2]
                program.write_bytes(content.read())
                program.chmod(0o755)


def _download(name: str, sha256: str) -> bytes:
    reasons = []
    for host in _HOSTS:
        url = f"{host.format(version=VERSION)}/{name}"
        print(f"Downloading {url} (about 130 MB) …")
        try:
            with urllib.request.urlopen(url, timeout=_SILENCE_S) as answer:  # noqa: S310 - https, from the table above
                archive: bytes = answer.read()
        except OSError as error:  # URLError, HTTPError, a time-out and a broken connection are all OSErrors
            reasons.append(f"{url.split('/')[2]}: {getattr(error, 'reason', error)}")
            continue
        if hashlib.sha256(archive).hexdigest() == sha256:
            return archive
        reasons.append(f"{url.split('/')[2]}: the archive isn't the one whose checksum is pinned")
    raise RuntimeError("; ".join(reasons))
