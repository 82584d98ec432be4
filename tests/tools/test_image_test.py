"""`make image-test` where it cannot run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools import image_test


def test_without_debians_package_tools_it_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(
        SystemExit, match=r"^make image-test needs apt-get: .* Run it as root on a Debian machine\.$"
    ):
        image_test.main()


def test_without_being_root_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "apt-get").write_text("#!/bin/sh\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(SystemExit, match="make image-test needs root"):
        image_test.main()
