"""What is generated from the declarations: schema, Python SDK and the docs' tables. `make gen` writes them.

`python -m tools.generate` writes, with `--check` it only fails where a file is not current.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys

from aws_proton_provider.resources import RESOURCES
from tools.generate.docs import functions_page, provider_page, reference_page
from tools.generate.plugin_sdk import plugin_sdk
from tools.generate.python import module_name
from tools.generate.schema import schema
from tools.generate.sdk import dynamic_sdk

_ROOT = pathlib.Path(__file__).parents[2]
_SDK = "sdk/python/pulumi_aws_proton"
_SCHEMA = "provider/aws_proton_provider/adapters/plugin/schema.json"


def files() -> dict[str, str]:
    """Every generated file: path from the project's root → text."""
    modules = {f"{_SDK}/{name}": text for name, text in dynamic_sdk().items()}
    modules |= {f"{_SDK}/plugin/{name}": text for name, text in plugin_sdk().items()}
    generated = {path: _tidy(path, text) for path, text in modules.items()}
    generated |= {f"{_SDK}/pulumi-plugin.json": '{"resource": false}\n', f"{_SDK}/py.typed": ""}
    generated[_SCHEMA] = schema()
    generated["docs/reference/provider.md"] = provider_page()
    generated["docs/reference/functions.md"] = functions_page()
    for resource in RESOURCES:
        generated[f"docs/reference/{module_name(resource).replace('_', '-')}.md"] = reference_page(resource)
    return generated


def main() -> int:
    """Writes the files, or with `--check` names those that are not current."""
    stale = {path: text for path, text in files().items() if text != _present(_ROOT / path)}
    if "--check" in sys.argv[1:]:
        for path in stale:
            sys.stderr.write(f"{path} is not current: run `make gen` and commit what it writes\n")
        return 1 if stale else 0
    for path, text in stale.items():
        (_ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (_ROOT / path).write_text(text)
        sys.stdout.write(f"wrote {path}\n")
    return 0


def _present(path: pathlib.Path) -> str | None:
    return path.read_text() if path.exists() else None


def _tidy(path: str, text: str) -> str:
    """The module as the formatter has it, without the imports that it turned out not to need."""
    for command in (["check", "--fix-only", "--select", "F401,I001"], ["format"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--quiet", "--stdin-filename", path, "-"],
            cwd=_ROOT,
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
        text = done.stdout
    return text


if __name__ == "__main__":
    sys.exit(main())
