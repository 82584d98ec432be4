"""Bundles: what registers, and the sentence for each fault that does not."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from proton_templates.bundle import BundleError, minor_incompatibility, pack, read_bundle

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
EXAMPLES = Path(__file__).parents[2] / "examples"

SCHEMA = """\
schema:
  format: {openapi: "3.0.0"}
  environment_input_type: Inputs
  types:
    Inputs:
      type: object
      properties:
        size: {type: integer, default: 1}
"""
MANIFEST = """\
infrastructure:
  templates:
    - file: cloudformation.yaml
      rendering_engine: jinja
      template_language: cloudformation
"""
CODEBUILD = """\
infrastructure:
  templates:
    - rendering_engine: codebuild
      settings:
        image: aws/codebuild/amazonlinux2-x86_64-standard:4.0
        runtimes: {nodejs: 16}
        provision: [npm ci, npm run deploy]
        deprovision: [npm run destroy]
"""
TEMPLATE = "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\n"
PLAIN = {
    "schema/schema.yaml": SCHEMA,
    "infrastructure/manifest.yaml": MANIFEST,
    "infrastructure/cloudformation.yaml": TEMPLATE,
}


def tarball(files: dict[str, str | bytes], *entries: tarfile.TarInfo) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in files.items():
            content = text.encode() if isinstance(text, str) else text
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for entry in entries:
            tar.addfile(entry)
    return archive.getvalue()


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def schema(types: str = "", **changes: object) -> str:
    document = yaml.safe_load(SCHEMA)
    document["schema"].update(changes)
    if types:
        document["schema"]["types"] = yaml.safe_load(types)
    return yaml.safe_dump(document)


def inputs(properties: str, more: str = "") -> str:
    return schema(f"Inputs: {{type: object, properties: {{{properties}}}{more}}}")


def manifest(**changes: object) -> str:
    document = yaml.safe_load(MANIFEST)
    template = document["infrastructure"]["templates"][0]
    template.update(changes)
    document["infrastructure"]["templates"] = [{k: v for k, v in template.items() if v is not None}]
    return yaml.safe_dump(document)


def codebuild(**changes: object) -> str:
    document = yaml.safe_load(CODEBUILD)
    settings_ = document["infrastructure"]["templates"][0]["settings"]
    settings_.update(changes)
    document["infrastructure"]["templates"][0]["settings"] = {
        k: v for k, v in settings_.items() if v is not None
    }
    return yaml.safe_dump(document)


def fault(data: bytes, *, customer_managed: bool = False) -> str:
    with pytest.raises(BundleError) as caught:
        read_bundle(data, customer_managed=customer_managed)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_a_cloudformation_bundle_is_read_with_all_that_a_deployment_needs():
    bundle = read_bundle(tarball({**PLAIN, "infrastructure/docs/read.me": b"\xff"}), customer_managed=False)
    assert bundle.engine == "cloudformation"
    assert bundle.schema_text == SCHEMA
    assert bundle.input_schema["properties"] == {"size": {"type": "integer", "default": 1}}
    assert bundle.template_file == "cloudformation.yaml"
    assert bundle.files["cloudformation.yaml"] == TEMPLATE.encode()
    assert bundle.files["docs/read.me"] == b"\xff"
    assert bundle.settings is None


@pytest.mark.parametrize("root", ["", "./", "lambda-env/v1/", "a/infrastructure/b/", "schema/"])
def test_a_bundle_may_stand_in_any_folder(root):
    bundle = read_bundle(tarball({root + name: text for name, text in PLAIN.items()}), customer_managed=False)
    assert set(bundle.files) == {"manifest.yaml", "cloudformation.yaml"}


def test_a_schema_inside_the_provisioning_code_is_not_mistaken_for_the_bundles_own():
    files = {**PLAIN, "infrastructure/api/schema/schema.yaml": "openapi: 3.0.0"}
    assert read_bundle(tarball(files), customer_managed=False).schema_text == SCHEMA


def test_what_a_mac_leaves_in_an_archive_is_ignored():
    files = {**PLAIN, "schema/._schema.yaml": b"\x00\x05", "infrastructure/._cloudformation.yaml": b"\x00"}
    assert "._cloudformation.yaml" not in read_bundle(tarball(files), customer_managed=False).files


@pytest.mark.parametrize(("file", "named"), [("*", None), ("main.tf", "main.tf")])
def test_a_terraform_bundle_is_accepted(file, named):
    terraform = manifest(file=file, rendering_engine="hcl", template_language="terraform")
    files = {
        **PLAIN,
        "infrastructure/manifest.yaml": terraform,
        "infrastructure/main.tf": "# HCL {{ not Jinja",
    }
    bundle = read_bundle(tarball(files), customer_managed=False)
    assert (bundle.engine, bundle.template_file) == ("terraform", named)


def test_a_codebuild_bundle_is_accepted_with_its_settings_as_written():
    files = {**PLAIN, "infrastructure/manifest.yaml": CODEBUILD}
    bundle = read_bundle(tarball(files), customer_managed=False)
    assert (bundle.engine, bundle.template_file) == ("codebuild", None)
    assert bundle.settings == yaml.safe_load(CODEBUILD)["infrastructure"]["templates"][0]["settings"]


def test_a_customer_managed_bundle_is_a_schema():
    files = {"v1/schema/schema.yaml": inputs("VpcId: {type: string}")}
    bundle = read_bundle(tarball(files), customer_managed=True)
    assert (bundle.engine, bundle.files, bundle.template_file) == ("customer-managed", {}, None)


@pytest.mark.parametrize(
    "template",
    [
        "Resources:\n{% for n in range(3) %}\n  T{{ n }}: {Type: 'AWS::SNS::Topic'}\n{% endfor %}\n",
        "{{ environment.inputs.whole }}",
        "Resources:\n  A: {B: 1}\n  {{ environment.inputs.more | proton_cfn_iam_policy_arns }}\n  C: 1\n",
        '{\n\t"Resources": {}\n}',
        "{# a comment: [ #}\nResources: {}\n",
        "Resources:\n  V: {{ environment.inputs.v | default('x') }}\n",
        "Resources:\n  V: '{% raw %}{{resolve:ssm:name:1}}{% endraw %}'\n",
    ],
)
def test_a_template_that_is_yaml_only_once_rendered_is_accepted(template):
    read_bundle(tarball({**PLAIN, "infrastructure/cloudformation.yaml": template}), customer_managed=False)


def test_cloudformation_tags_are_no_fault_of_a_template():
    template = "Resources: {A: {Type: X, P: !GetAtt B.Arn, Q: !Sub ['${a}', {a: !Ref B}]}}\n"
    read_bundle(tarball({**PLAIN, "infrastructure/cloudformation.yaml": template}), customer_managed=False)


ARCHIVES = {
    "no tar.gz": (b"PK\x03\x04 a zip", "not a tar.gz archive"),
    "nothing": (b"", "not a tar.gz archive"),
    "gzip of something else": (gzip.compress(b"hello " * 1000), "not a tar.gz archive"),
    "cut short": (tarball(PLAIN)[:-20], "not a tar.gz archive"),
    "more than 10 MB": (os.urandom(10 * 1024 * 1024 + 1), "larger than 10 MB"),
    "a decompression bomb": (gzip.compress(bytes(60 * 1024 * 1024), 9), "unpacks to more than 50 MB"),
    "a large file": (
        tarball({**PLAIN, "infrastructure/big": bytes(2**21 + 1)}),
        "infrastructure/big: is larger than 2 MB",
    ),
    "too many files": (
        tarball({**PLAIN, **{f"infrastructure/{n}": "" for n in range(500)}}),
        "more than 500 files",
    ),
    "a file twice": (
        tarball({**PLAIN, "./schema/schema.yaml": SCHEMA}),
        "schema/schema.yaml: is in the bundle twice",
    ),
    "an absolute path": (tarball({**PLAIN, "/etc/passwd": "x"}), "/etc/passwd: leads out of the bundle"),
    "a path upwards": (tarball({**PLAIN, "a/../../b": "x"}), "a/../../b: leads out of the bundle"),
    "a Windows path": (tarball({**PLAIN, "..\\b": "x"}), "leads out of the bundle"),
    "a name with a line break": (tarball({**PLAIN, "a\nb": "x"}), "no file name a bundle may hold"),
    "a name not in UTF-8": (tarball({**PLAIN, "a\udcff": "x"}), "no file name a bundle may hold"),
    "a symbolic link": (
        tarball(PLAIN, entry("l", tarfile.SYMTYPE, "/etc/passwd")),
        "l: is not a regular file",
    ),
    "a hard link": (
        tarball(PLAIN, entry("l", tarfile.LNKTYPE, "schema/schema.yaml")),
        "l: is not a regular file",
    ),
    "a device": (tarball(PLAIN, entry("d", tarfile.CHRTYPE)), "d: is not a regular file"),
    "a pipe": (tarball(PLAIN, entry("p", tarfile.FIFOTYPE)), "p: is not a regular file"),
    "no schema": (tarball({"infrastructure/manifest.yaml": MANIFEST}), "schema/schema.yaml: is missing"),
    "two schemas": (
        tarball({**PLAIN, "old/schema/schema.yaml": SCHEMA}),
        "old/schema/schema.yaml: is a second schema",
    ),
}


@pytest.mark.parametrize(("data", "cause"), ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_that_is_no_bundle_is_refused(data, cause):
    assert cause in fault(data)


SCHEMAS = {
    "not UTF-8": (b"\xff\xfe", "not text in UTF-8"),
    "bad YAML": ("schema: [", "not valid YAML: line 2"),
    "no mapping": ("- schema", "must be a YAML mapping"),
    "two documents": (SCHEMA + "---\n" + SCHEMA, "more than one YAML document"),
    "a key twice": (SCHEMA + "schema: {}\n", "'schema' is given twice"),
    "too long": (SCHEMA + "#" * 51_200, "is longer than 51,200 characters"),
    "nested without end": ("schema: " + "[" * 50_000, "nested deeper than 50 levels"),
    "a billion laughs": (
        "a0: &a0 [x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)),
        "makes more than 100,000 values",
    ),
    "a tag": ("schema: !!python/object:os.system {}", "a YAML tag"),
    "no schema key": ("types: {}", "schema is missing"),
    "no format": (schema(format=None), "schema.format is missing"),
    "another OpenAPI": (schema(format={"openapi": "2.0"}), 'schema.format.openapi must be "3.0.0"'),
    "no input type": (schema(environment_input_type=None), "schema.environment_input_type is missing"),
    "an unknown input type": (
        schema(environment_input_type="Nope"),
        "names 'Nope', which schema.types does not have",
    ),
    "no types": (schema("[]"), "schema.types is missing"),
    "a service's schema": (schema(service_input_type="Inputs"), "belongs to a service template"),
    "a type of its own": (
        inputs("a: {type: strin}"),
        "schema.types.Inputs.properties.a.type must be one of string",
    ),
    "two types at once": (inputs("a: {type: [string, number]}"), "properties.a.type must be one of"),
    "a property that is no schema": (
        inputs("a: string"),
        "schema.types.Inputs.properties.a is not valid OpenAPI 3.0",
    ),
    "a bad pattern": (
        inputs("a: {type: string, pattern: '('}"),
        "properties.a.pattern is not a regular expression",
    ),
    "a pattern too large": (
        inputs("a: {type: string, pattern: 'a{99999999999}'}"),
        "properties.a.pattern is too large",
    ),
    "items of several kinds": (
        inputs("a: {type: array, items: [{type: string}]}"),
        "a.items must be a mapping",
    ),
    "a format that is none": (inputs("a: {type: string, format: 3}"), "a.format must be a string"),
    "an id": (inputs("a: {type: string, id: 'http://x'}"), "a.id is not for schema files of Proton"),
    "a discriminator": (
        inputs("a: {oneOf: [{type: string}], discriminator: {}}"),
        "discriminator is not for",
    ),
    "a bad minimum": (
        inputs("a: {type: number, minimum: '3'}"),
        "properties.a.minimum is not valid OpenAPI 3.0",
    ),
    "a bad type nobody uses": (
        schema("{Inputs: {type: object, properties: {a: {type: string}}}, Other: {type: what}}"),
        "schema.types.Other.type",
    ),
    "inputs that are no object": (schema("Inputs: {type: string}"), "must be of type object"),
    "no properties": (schema("Inputs: {type: object}"), "at least one property"),
    "zero properties": (inputs(""), "at least one property"),
    "a long name": (inputs(f"{'a' * 101}: {{type: string}}"), "longer than 100 characters"),
    "a default of another type": (
        inputs("a: {type: string, default: 3}"),
        "properties.a.default: must be a string",
    ),
    "a default outside the pattern": (
        inputs("a: {type: string, default: b, pattern: ^a}"),
        "a.default: must match",
    ),
    "a reference to a file": (
        inputs("a: {$ref: 'file:///etc/passwd'}"),
        "properties.a.$ref must be '#/schema/types/'",
    ),
    "a reference to the web": (
        inputs("a: {$ref: 'http://169.254.169.254/'}"),
        "$ref must be '#/schema/types/'",
    ),
    "a reference to nothing": (inputs("a: {$ref: '#/schema/types/Nope'}"), "$ref must be '#/schema/types/'"),
    "a reference into a type": (
        inputs("a: {$ref: '#/schema/types/Inputs/properties/b'}, b: {type: string}"),
        "$ref must be '#/schema/types/'",
    ),
    "a reference to itself": (schema("Inputs: {$ref: '#/schema/types/Inputs'}"), "refers to itself"),
    "a default that is checked without end": (
        schema(
            """
            Inputs:
              type: object
              properties: {a: {type: string}}
              default: {}
              allOf: [{$ref: '#/schema/types/Inputs'}]
            """
        ),
        "refers to itself without end",
    ),
}


@pytest.mark.parametrize(("text", "cause"), SCHEMAS.values(), ids=SCHEMAS)
def test_a_bad_schema_is_refused(text, cause):
    sentence = fault(
        tarball({f"v1/{name}": content for name, content in {**PLAIN, "schema/schema.yaml": text}.items()})
    )
    assert sentence.startswith("v1/schema/schema.yaml: ")
    assert cause in sentence


def test_every_fault_of_a_bundle_is_reported_at_once():
    files = {
        "schema/schema.yaml": inputs("a: {type: strin, minimum: '3'}, b: {pattern: '(', items: 1}"),
        "infrastructure/manifest.yaml": codebuild(image=5, env=[], provision=[1], deprovision=None),
        "instance_infrastructure/x": "",
    }
    with pytest.raises(BundleError) as caught:
        read_bundle(tarball(files), customer_managed=False)

    types, settings_ = (
        "schema/schema.yaml: schema.types.Inputs.properties",
        "infrastructure/manifest.yaml: settings",
    )
    assert list(caught.value.args) == [
        f"{types}.a.type must be one of string, number, integer, boolean, array, object.",
        f"{types}.b.items must be a mapping.",
        f"{types}.b.pattern is not a regular expression that can be used here.",
        f"{types}.a.minimum is not valid OpenAPI 3.0: '3' is not of type 'number'.",
        "instance_infrastructure: belongs to a service template; this is an environment's.",
        f"{settings_}.image must be a string.",
        f"{settings_}.env must be a mapping.",
        f"{settings_}.provision must hold commands only; put each in quotes.",
        f"{settings_}.deprovision is missing; it is the list of commands to run.",
    ]


def test_a_default_is_checked_where_its_type_is_declared():
    types = "{Inputs: {type: object, properties: {a: {type: string}}}, T: {type: integer, default: x}}"
    assert "schema.types.T.default: must be an integer." in fault(
        tarball({**PLAIN, "schema/schema.yaml": schema(types)})
    )


MANIFESTS = {
    "bad YAML": ("a: [", "not valid YAML"),
    "no mapping": ("- infrastructure", "must be a YAML mapping"),
    "no infrastructure": ("templates: []", "must be a list with one template"),
    "no template": ("infrastructure: {templates: []}", "must be a list with one template"),
    "two templates": (MANIFEST + "    - {file: other.yaml}\n", "lists 2 templates"),
    "a template that is no mapping": (
        "infrastructure: {templates: [cloudformation.yaml]}",
        "must be a mapping",
    ),
    "the key of the preview": (manifest(engine="jinja", rendering_engine=None), "write 'rendering_engine'"),
    "an unknown engine": (manifest(rendering_engine="mustache"), "rendering_engine is 'mustache'"),
    "an engine that does not fit": (
        manifest(rendering_engine="hcl"),
        "rendering_engine is 'hcl', template_language 'cloudformation'",
    ),
    "no engine": (manifest(rendering_engine=None), "rendering_engine is not given"),
    "no language": (manifest(template_language=None), "template_language not given"),
    "no file": (manifest(file=None), "file must name the template file"),
    "an unknown file": (manifest(file="nope.yaml"), "names the file 'nope.yaml'"),
    "a file outside": (manifest(file="../schema/schema.yaml"), "names the file '../schema/schema.yaml'"),
    "no Terraform": (
        manifest(file="*", rendering_engine="hcl", template_language="terraform"),
        "no file that ends with '.tf'",
    ),
    "Terraform of another name": (
        manifest(rendering_engine="hcl", template_language="terraform"),
        "'cloudformation.yaml', which is not a '.tf' file",
    ),
    "no settings": (codebuild().replace("settings:", "codebuild:"), "settings must be a mapping"),
    "no provision": (codebuild(provision=None), "settings.provision is missing"),
    "an empty provision": (codebuild(provision=[]), "at least one command"),
    "no deprovision": (codebuild(deprovision=None, deprovisioning=["x"]), "settings.deprovision is missing"),
    "one command": (codebuild(provision="npm ci"), "settings.provision must be a list"),
    "a command that is a mapping": (codebuild(provision=[{"echo": "x"}]), "put each in quotes"),
    "a bad image": (codebuild(image=4), "settings.image must be a string"),
    "runtimes as a list": (codebuild(runtimes=["nodejs"]), "settings.runtimes must be a mapping"),
}


@pytest.mark.parametrize(("text", "cause"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_bad_manifest_is_refused(text, cause):
    sentence = fault(tarball({**PLAIN, "infrastructure/manifest.yaml": text}))
    assert sentence.startswith("infrastructure/manifest.yaml: ")
    assert cause in sentence


def test_a_bundle_without_a_manifest_is_refused():
    files = {name: text for name, text in PLAIN.items() if "manifest" not in name}
    assert fault(tarball(files)).startswith("infrastructure/manifest.yaml: is missing")


def test_a_service_bundle_is_refused():
    files = {name.replace("infrastructure", "instance_infrastructure"): text for name, text in PLAIN.items()}
    assert fault(tarball(files)).startswith("instance_infrastructure: belongs to a service template")


TEMPLATES = {
    "no YAML": ("Resources: [", "not valid YAML: line 2"),
    "no mapping": ("just words", "must be a YAML mapping"),
    "empty": ("", "must be a YAML mapping"),
    "not UTF-8": (b"\xff", "not text in UTF-8"),
    "nested without end": ("Resources: " + "[" * 100_000, "nested deeper"),
    "an open block": ("A: 1\n{% if x %}\nB: 2\n", "Unexpected end of template"),
    "an unknown filter": ("A: 1\nB: {{ environment.name | nope }}", "line 2: No filter named 'nope'"),
    "another file": ("{% include 'x.yaml' %}", "line 1: a template is one file"),
    "a dynamic reference": ("A:\n  B: '{{resolve:ssm:name}}'", "line 2"),
}


@pytest.mark.parametrize(("text", "cause"), TEMPLATES.values(), ids=TEMPLATES)
def test_a_bad_template_is_refused(text, cause):
    sentence = fault(tarball({**PLAIN, "infrastructure/cloudformation.yaml": text}))
    assert sentence.startswith("infrastructure/cloudformation.yaml")
    assert cause in sentence


CUSTOMER_MANAGED = {
    "infrastructure": (PLAIN, "infrastructure: a customer-managed template has a schema only"),
    "a number": ({"schema/schema.yaml": inputs("a: {type: number}")}, "'a' must be of type string"),
    "a default": (
        {"schema/schema.yaml": inputs("a: {type: string, default: x}")},
        "'a' must not have a default",
    ),
}


@pytest.mark.parametrize(("files", "cause"), CUSTOMER_MANAGED.values(), ids=CUSTOMER_MANAGED)
def test_a_bad_customer_managed_bundle_is_refused(files, cause):
    assert cause in fault(tarball(files), customer_managed=True)


def test_an_empty_list_of_required_inputs_is_read_as_none():
    read_bundle(
        tarball({**PLAIN, "schema/schema.yaml": inputs("a: {type: string}", ", required: []")}),
        customer_managed=False,
    )


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_archive_ends_in_a_sentence_and_never_in_another_error(data):
    raw = bytearray(gzip.decompress(tarball(PLAIN, entry("l", tarfile.DIRTYPE))))
    for position in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=8)):
        raw[position] = data.draw(st.integers(0, 255))
    try:
        read_bundle(gzip.compress(bytes(raw), 1), customer_managed=False)
    except BundleError as refusal:
        str(refusal).encode()


TYPES = {
    "nothing changes": ("a: {type: string}", "a: {type: string}", None),
    "an optional input comes": ("a: {type: string}", "a: {type: string}, b: {type: string}", None),
    "an input disappears": ("a: {type: string}, b: {type: string}", "a: {type: string}", "'b' disappears"),
    "a type changes": (
        "a: {type: string}",
        "a: {type: number}",
        "'a' changes its type from string to number",
    ),
    "a member of an object disappears": (
        "a: {type: object, properties: {x: {type: string}, y: {type: string}}}",
        "a: {type: object, properties: {x: {type: string}}}",
        "'a.y' disappears",
    ),
    "an item changes": (
        "a: {type: array, items: {type: object, properties: {x: {type: string}}}}",
        "a: {type: array, items: {type: object, properties: {x: {type: boolean}}}}",
        "'a[].x' changes its type",
    ),
}


@pytest.mark.parametrize(("before", "after", "cause"), TYPES.values(), ids=TYPES)
def test_a_minor_version_keeps_every_spec_of_the_one_before_valid(before, after, cause):
    old, new = (
        read_bundle(
            tarball({**PLAIN, "schema/schema.yaml": inputs(text)}), customer_managed=False
        ).input_schema
        for text in (before, after)
    )
    found = minor_incompatibility(old, new)
    assert (found is None) if cause is None else (cause in found)


def test_an_input_that_becomes_required_needs_a_default():
    def of(properties, required):
        return {"type": "object", "properties": properties, "required": required}

    text = {"type": "string"}
    assert "'b' becomes required" in minor_incompatibility(of({}, []), of({"b": text}, ["b"]))
    assert minor_incompatibility(of({}, []), of({"b": {**text, "default": "x"}}, ["b"])) is None
    assert minor_incompatibility(of({"b": text}, ["b"]), of({"b": text}, ["b"])) is None
    assert "'b' becomes required" in minor_incompatibility(
        of({"b": {**text, "default": "x"}}, ["b"]), of({"b": text}, ["b"])
    )


def test_types_that_refer_to_each_other_are_compared_and_end():
    tree = """
        Inputs: {type: object, properties: {t: {$ref: '#/schema/types/T'}}}
        T: {type: object, properties: {next: {$ref: '#/schema/types/T'}, v: {type: string}}}
    """
    old, new = (
        read_bundle(
            tarball({**PLAIN, "schema/schema.yaml": schema(text)}), customer_managed=False
        ).input_schema
        for text in (tree, tree.replace("v: {type: string}", "w: {type: string}"))
    )
    assert minor_incompatibility(old, old) is None
    assert "'t.v' disappears" in minor_incompatibility(old, new)


def test_packing_the_same_content_gives_the_same_bytes(tmp_path):
    packed = []
    for order in (1, -1):
        folder = tmp_path / str(order)
        for name, text in list(PLAIN.items())[::order]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
            os.utime(folder / name, (order + 5, order + 5))
        packed.append(pack(folder))
    assert packed[0] == packed[1]
    assert read_bundle(packed[0], customer_managed=False).files["cloudformation.yaml"] == TEMPLATE.encode()


def test_packing_leaves_out_what_tools_leave_behind(tmp_path):
    for name in (".git/config", "schema/.DS_Store", "schema/schema.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(SCHEMA)
    with tarfile.open(fileobj=io.BytesIO(pack(tmp_path))) as tar:
        assert tar.getnames() == ["schema/schema.yaml"]


def test_packing_refuses_links_and_missing_folders(tmp_path):
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(BundleError, match=r"^link: is not a regular file"):
        pack(tmp_path)
    with pytest.raises(BundleError, match="is not a folder"):
        pack(tmp_path / "nope")


@pytest.mark.parametrize(
    "folder", sorted(EXAMPLES.glob("*/template*")), ids=lambda folder: f"{folder.parent.name}/{folder.name}"
)
def test_the_examples_templates_register(folder):
    assert "manifest.yaml" in read_bundle(pack(folder), customer_managed=False).files


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="AWS's sample bundles are not beside this checkout")
@pytest.mark.parametrize("name", ["vpc-env", "fargate-env", "lambda-env"])
def test_samples_of_aws_register_unchanged(name):
    assert read_bundle(pack(SAMPLES / name), customer_managed=False).engine == "cloudformation"
