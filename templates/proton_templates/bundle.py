"""Template bundles: a tar.gz becomes a checked ``Bundle``, a folder becomes a tar.gz.

Pure but for ``pack``, which reads the folder it is given. Forbidden here: writing to disk (a bundle is never
extracted) and calling AWS. Every fault is one sentence that names file and cause; it becomes the
``statusMessage`` of a version.

Sources: User Guide, "Wrap up template files for AWS Proton" and "AWS Proton quotas" (the late ones).
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from proton_templates import schema
from proton_templates.documents import DocumentError
from proton_templates.manifest import CUSTOMER_MANAGED, ENGINES, Engine, read_manifest
from proton_templates.rendering import RenderError
from proton_templates.schema import minor_incompatibility

__all__ = ["Bundle", "BundleError", "minor_incompatibility", "pack", "read_bundle"]

_MEGABYTE = 1024 * 1024
_MAX_BUNDLE = 10 * _MEGABYTE
_MAX_FILE = 2 * _MEGABYTE
_MAX_FILES = 500
# AWS names no limit for what a bundle unpacks to; this is ours, against decompression bombs. It also bounds
# the number of entries, as each takes a header of 512 bytes.
_MAX_UNPACKED = 50 * _MEGABYTE

_SCHEMA = "schema/schema.yaml"
_MANIFEST = "infrastructure/manifest.yaml"
_LITTER = {".git", ".DS_Store", "__pycache__"}


class BundleError(ValueError):
    """A bundle is refused; the text is a sentence that names the file and the cause."""


@dataclass(frozen=True)
class Bundle:
    """An environment template bundle that has passed every check registration makes.

    ``schema_text`` is schema.yaml as written; ``input_schema`` the OpenAPI 3.0 object of its inputs;
    ``files`` what stands below ``infrastructure/``, by relative path; ``template_file`` the one of them that
    the manifest names; ``settings`` the manifest's settings as written (Jinja, rendered by a deployment).
    """

    schema_text: str
    input_schema: dict[str, Any]
    engine: str
    files: Mapping[str, bytes]
    template_file: str | None = None
    settings: dict[str, Any] | None = None


def read_bundle(tarball: bytes, *, customer_managed: bool, engines: Collection[Engine] = ENGINES) -> Bundle:
    """The environment template bundle in ``tarball``; schema and infrastructure may stand in any folder.

    ``engines`` are those that its manifest may ask for.

    Raises BundleError with one sentence, for the first fault found.
    """
    files = _unpack(tarball)
    root = _root(files)
    schema_path, manifest_path = root + _SCHEMA, root + _MANIFEST
    with _naming(schema_path):
        schema_text = _text(files[schema_path])
        inputs = schema.read_schema(schema_text)
    infrastructure = _below(files, f"{root}infrastructure/")
    if customer_managed:
        if infrastructure:
            raise BundleError(
                f"{root}infrastructure: a customer-managed template has a schema only; leave this folder out."
            )
        with _naming(schema_path):
            schema.check_customer_managed(inputs)
        return Bundle(schema_text, inputs, CUSTOMER_MANAGED.name, {})
    if _below(files, f"{root}instance_infrastructure/"):
        raise BundleError(
            f"{root}instance_infrastructure: belongs to a service template; this is an environment's."
        )
    if manifest_path not in files:
        raise BundleError(f"{manifest_path}: is missing; it says which engine provisions the environment.")
    with _naming(manifest_path):
        manifest = read_manifest(_text(files[manifest_path]), infrastructure.keys(), engines)
    if manifest.template_file and manifest.engine.check_file:
        path = f"{root}infrastructure/{manifest.template_file}"
        with _naming(path):
            manifest.engine.check_file(_text(infrastructure[manifest.template_file]), path)
    return Bundle(
        schema_text,
        inputs,
        manifest.engine.name,
        infrastructure,
        manifest.template_file,
        manifest.settings,
    )


def pack(folder: Path) -> bytes:
    """``folder`` as tar.gz: the same bytes for the same content, whenever and by whomever it is packed.

    Raises BundleError if there is no such folder, or something in it is neither file nor folder.
    """
    if not folder.is_dir():
        raise BundleError(f"{folder}: is not a folder.")
    archive = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=archive, mode="wb", filename="", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in _names_in(folder):
            path = folder / name
            if path.is_symlink() or not path.is_file():
                raise BundleError(f"{name}: is not a regular file; bundles hold no links or devices.")
            with path.open("rb") as file:
                content = file.read(_MAX_FILE + 1)
            if len(content) > _MAX_FILE:
                raise BundleError(f"{name}: is larger than {_MAX_FILE // _MEGABYTE} MB.")
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def _names_in(folder: Path) -> list[str]:
    """The paths of what is no folder below ``folder``, sorted. It stops where a bundle would be too large."""
    names: list[str] = []
    for parent, folders, files in os.walk(folder, onerror=_raise):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        folders[:] = [name for name in folders if name not in _LITTER]
        names += [
            Path(parent, name).relative_to(folder).as_posix()
            for name in [*files, *links]
            if name not in _LITTER
        ]
        if sum(not PurePosixPath(name).name.startswith("._") for name in names) > _MAX_FILES:
            raise BundleError(f"The bundle holds more than {_MAX_FILES} files.")
    return sorted(names)


def _raise(error: OSError) -> None:
    raise error


def _unpack(tarball: bytes) -> dict[str, bytes]:
    if len(tarball) > _MAX_BUNDLE:
        raise BundleError(f"The bundle is larger than {_MAX_BUNDLE // _MEGABYTE} MB.")
    try:
        unpacked = gzip.GzipFile(fileobj=io.BytesIO(tarball)).read(_MAX_UNPACKED + 1)
        if len(unpacked) > _MAX_UNPACKED:
            raise BundleError(f"The bundle unpacks to more than {_MAX_UNPACKED // _MEGABYTE} MB.")
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as tar:
            return _files(tar)
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, OverflowError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError("The bundle is not a tar.gz archive, or is damaged.") from None


def _files(tar: tarfile.TarFile) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for entry in tar:
        path = _path(entry.name)
        if entry.isdir() or PurePosixPath(path).name.startswith("._"):  # macOS puts "._x" beside each x
            continue
        if not entry.isfile() or entry.issparse():
            raise BundleError(f"{path}: is not a regular file; bundles hold no links or devices.")
        if entry.size > _MAX_FILE:
            raise BundleError(f"{path}: is larger than {_MAX_FILE // _MEGABYTE} MB.")
        if path in files:
            raise BundleError(f"{path}: is in the bundle twice.")
        if len(files) == _MAX_FILES:
            raise BundleError(f"The bundle holds more than {_MAX_FILES} files.")
        content = tar.extractfile(entry)
        files[path] = content.read() if content else b""
    return files


def _path(name: str) -> str:
    shown = name.encode("utf-8", "backslashreplace").decode()[:200]
    if shown != name or not name.isprintable():
        raise BundleError(f"{shown!r}: is no file name a bundle may hold (too long, or not printable text).")
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name:
        raise BundleError(f"{name}: leads out of the bundle; paths must be relative, without '..' or '\\'.")
    return str(parts)


def _root(files: Mapping[str, bytes]) -> str:
    """The folder that ``schema/`` stands in: "" or a path that ends with "/"."""
    roots = [path.removesuffix(_SCHEMA) for path in files if f"/{path}".endswith(f"/{_SCHEMA}")]
    # Provisioning code may hold a schema/schema.yaml of its own; that one is none of ours.
    outermost = [
        root
        for root in roots
        if not any(root.startswith(f"{other}infrastructure/") for other in roots if other != root)
    ]
    if not outermost:
        raise BundleError(
            f"{_SCHEMA}: is missing; a bundle has it in a folder 'schema' beside 'infrastructure'."
        )
    if len(outermost) > 1:
        raise BundleError(f"{outermost[1]}{_SCHEMA}: is a second schema beside {outermost[0]}{_SCHEMA}.")
    return outermost[0]


def _below(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    return {path.removeprefix(folder): content for path, content in files.items() if path.startswith(folder)}


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError("is not text in UTF-8") from None


@contextmanager
def _naming(path: str) -> Iterator[None]:
    try:
        yield
    except DocumentError as fault:
        raise BundleError(f"{path}: {fault}.") from None
    except RenderError as fault:
        raise BundleError(str(fault)) from None
