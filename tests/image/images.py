"""Images that Buildah builds on a root file system of Debian's packages: none is pulled, and none is kept."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools import uv

_BASE = "localhost/debian"
_OF_PYPI = re.compile(r"(PIP|UV)_.*(INDEX|HOST|TIMEOUT|PROXY|CHECK)|(https?|no)_proxy", re.IGNORECASE)
"""The variables by which this machine reaches PyPI."""
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's, with those that this machine has besides."""
_CONFIGURATION = "/etc/pip.conf"


@dataclass(frozen=True)
class Images:
    """Buildah with its storage in a folder."""

    folder: Path
    containers: dict[str, str] = field(default_factory=dict)
    """One for each image: a container is a copy of all files."""

    def buildah(self, *arguments: str) -> str:
        """What a command of Buildah prints."""
        storage = ["--root", f"{self.folder}/storage", "--runroot", f"{self.folder}/run"]
        return _output("buildah", *storage, "--storage-driver", "vfs", *arguments)

    def make_base(self) -> None:
        """A root file system of this machine's release of Debian, with no Python, as an image."""
        context = self.folder / "base"
        context.mkdir()
        release = platform.freedesktop_os_release()["VERSION_CODENAME"]
        _output("mmdebstrap", "--quiet", "--variant=minbase", release, f"{context}/root.tar")
        (context / "Containerfile").write_text("FROM scratch\nADD root.tar /\n")
        self.buildah("build", "--isolation=chroot", "--tag", _BASE, str(context))
        shutil.rmtree(context)

    def build(self, target: str) -> str:
        """The name of the image that a target of the Containerfile makes."""
        environment = self.folder / "build-environment"
        variables = {name: value for name, value in os.environ.items() if _OF_PYPI.fullmatch(name)}
        variables |= dict.fromkeys(("PIP_CERT", "SSL_CERT_FILE"), "/run/secrets/build-certificates")
        lines = [f"{name}={shlex.quote(value)}\n" for name, value in variables.items()]
        environment.write_text("".join(lines))
        command = ["build", "--isolation=chroot", f"--build-arg=BASE={_BASE}", f"--target={target}"]
        command += [f"--secret=id=build-environment,src={environment}", "--file=Containerfile"]
        command += [f"--secret=id=build-certificates,src={_CERTIFICATES}"]
        if Path(_CONFIGURATION).exists():
            command += [f"--volume={_CONFIGURATION}:{_CONFIGURATION}:ro"]
        name = f"localhost/proton-server-{target}"
        self.buildah(*command, "--tag", name, str(uv.ROOT))
        return name

    def configuration(self, image: str) -> dict[str, Any]:
        """What the image says about how it is run, as the OCI's image specification names it."""
        image_of_oci: dict[str, Any] = json.loads(self.buildah("inspect", "--type=image", image))["OCIv1"]
        return dict(image_of_oci["config"])

    def root_of(self, image: str) -> Path:
        """The root file system of the container of an image."""
        return Path(self.buildah("mount", self._container(image)).strip())

    def run(self, image: str, *command: str) -> str:
        """What a command prints in the container of an image, started by Buildah as the image's user."""
        user = self.configuration(image)["User"]
        container = self._container(image)
        return self.buildah("run", "--isolation=chroot", "--user", user, container, "--", *command)

    def remove(self) -> None:
        """Removes all of it, unless something is mounted there, which would be removed from this machine."""
        mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        inside = [point for point in mounted if Path(point).is_relative_to(self.folder)]
        assert not inside, f"Still mounted, so nothing is removed: {inside}"
        shutil.rmtree(self.folder)

    def _container(self, image: str) -> str:
        if image not in self.containers:
            self.containers[image] = self.buildah("from", "--pull-never", image).strip()
        return self.containers[image]


def _output(*command: str) -> str:
    done = subprocess.run(command, cwd=uv.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
