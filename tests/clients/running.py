"""A client's program on a walk, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """What a program printed; the last error that it ended with, if it did."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    fault: str = ""
    missing: str = ""
    """Why it did not run on this machine."""


class Running:
    """A program that has begun."""

    def __init__(self, command: list[str], environment: Mapping[str, str], folder: Path) -> None:
        self._output, self._errors = folder / "output", folder / "errors"
        with self._output.open("w") as output, self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                command, env=_without_aws() | environment, cwd=folder, stdout=output, stderr=errors
            )

    def result(self) -> Run:
        """Waits for its end."""
        code = self._process.wait(timeout=600)
        lines = [json.loads(line) for line in self._output.read_text().splitlines()]
        fault = f"exit code {code}: {self._errors.read_text()[-2000:]}" if code else ""
        return Run(lines, fault)

    def end(self) -> None:
        """Ends it, if it has not ended."""
        self._process.kill()
        self._process.wait()


def _without_aws() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
