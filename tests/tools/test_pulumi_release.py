from __future__ import annotations

import functools
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import pulumi_release


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a web server that is Pulumi's only host."""
    folder = tmp_path / "host"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(pulumi_release, "_HOSTS", (f"http://127.0.0.1:{server.server_port}",))
        yield folder
        server.shutdown()


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")


def _archive() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name in ("pulumi/pulumi", "pulumi/../../escaped"):
            member = tarfile.TarInfo(name)
            member.size = len(name)
            tar.addfile(member, io.BytesIO(name.encode()))
        link = tarfile.TarInfo("pulumi/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return content.getvalue()


@pytest.mark.usefixtures("linux")
def test_a_verified_archive_is_unpacked_flat_and_executable(
    host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = _archive()
    (host / f"pulumi-v{pulumi_release.VERSION}-linux-arm64.tar.gz").write_bytes(archive)
    monkeypatch.setitem(pulumi_release._SHA256, "linux-arm64", hashlib.sha256(archive).hexdigest())
    target = tmp_path / "target"
    target.mkdir()
    pulumi_release.unpack_into(target)
    assert {file.name for file in (target / "bin").iterdir()} == {"pulumi", "escaped"}
    assert (target / "bin" / "pulumi").read_text() == "pulumi/pulumi"
    assert (target / "bin" / "pulumi").stat().st_mode & 0o777 == 0o755


@pytest.mark.usefixtures("linux")
def test_an_archive_that_is_not_the_pinned_one_is_refused(host: Path, tmp_path: Path) -> None:
    (host / f"pulumi-v{pulumi_release.VERSION}-linux-arm64.tar.gz").write_bytes(_archive())
    with pytest.raises(RuntimeError, match="isn't the one whose checksum is pinned"):
        pulumi_release.unpack_into(tmp_path)
    assert not (tmp_path / "bin").exists()


@pytest.mark.usefixtures("linux", "host")
def test_an_archive_the_host_does_not_have_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^127\.0\.0\.1:\d+: File not found"):
        pulumi_release.unpack_into(tmp_path)


def test_a_platform_without_a_release_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "plan9")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with pytest.raises(RuntimeError, match="no archive for plan9-x64"):
        pulumi_release.unpack_into(tmp_path)
