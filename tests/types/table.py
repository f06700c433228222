#!/usr/bin/env python3
"""Writes src/core/live/kubernetes-types.json from the sources of Kubernetes' types.

Usage: table.py GO_MODULE_CACHE VERSION, such as `table.py "$(go env GOMODCACHE)" v0.36.4`

The table has every type that an object of the stable versions can contain, except its status. A field is written as its
type: `string`, `boolean`, `integer`, `number`, `quantity`, `int-or-string`, `bytes`, `time`, `any`, the name of another
type, `[T]` for a list and `{T}` for a map. `[T name]` is a list that is merged by the key `name`, and `[T =]` one that is
a set. `=` before a type marks a value that is applied as a whole, `*` a pointer (its zero value is kept), and `!` a field
that is written even if it is zero. A list without keys is always applied as a whole.
"""

import json
import pathlib
import re
import sys

GROUPS = {
    "admissionregistration/v1": "admissionregistration.k8s.io/v1",
    "apps/v1": "apps/v1",
    "autoscaling/v1": "autoscaling/v1",
    "autoscaling/v2": "autoscaling/v2",
    "batch/v1": "batch/v1",
    "certificates/v1": "certificates.k8s.io/v1",
    "coordination/v1": "coordination.k8s.io/v1",
    "core/v1": "v1",
    "discovery/v1": "discovery.k8s.io/v1",
    "flowcontrol/v1": "flowcontrol.apiserver.k8s.io/v1",
    "networking/v1": "networking.k8s.io/v1",
    "node/v1": "node.k8s.io/v1",
    "policy/v1": "policy/v1",
    "rbac/v1": "rbac.authorization.k8s.io/v1",
    "resource/v1": "resource.k8s.io/v1",
    "scheduling/v1": "scheduling.k8s.io/v1",
    "storage/v1": "storage.k8s.io/v1",
}

# Types with their own encoding in JSON.
SCALARS = {
    "string": "string", "bool": "boolean", "float64": "number", "[]byte": "bytes",
    "int": "integer", "int32": "integer", "int64": "integer", "uint64": "integer",
    "resource.Quantity": "quantity", "intstr.IntOrString": "int-or-string", "types.UID": "string",
    "meta.Time": "time", "meta.MicroTime": "time", "meta.Duration": "any", "runtime.RawExtension": "any",
    "meta.FieldsV1": "any",
}

FIELD = re.compile(r'^\t(?:(\w+)\s+)?(\S.*?)\s+`json:"([^"]*)"([^`]*)`')


class Source:
    """The types in one package."""

    def __init__(self, prefix, files):
        self.prefix, self.structs, self.aliases, self.atomic = prefix, {}, {}, set()
        for file in files:
            self.read(file.read_text())

    def read(self, text):
        comments, name, fields = [], None, []
        for line in text.splitlines():
            stripped = line.strip()
            if stripped.startswith("//"):
                comments.append(stripped)
                continue
            if name is None:
                if match := re.match(r"^type (\w+) struct \{", line):
                    name, fields = match[1], []
                    if "// +structType=atomic" in comments:
                        self.atomic.add(name)
                    if line.rstrip().endswith("}"):
                        self.structs[name], name = [], None
                elif match := re.match(r"^type (\w+) (\S+)$", line):
                    self.aliases[match[1]] = match[2]
                # A comment and its type may be apart by an empty line.
                if stripped:
                    comments = []
            elif line == "}":
                self.structs[name], name, comments = fields, None, []
            elif match := FIELD.match(line):
                fields.append((match[2], match[3].split(","), match[4], comments))
                comments = []


class Table:
    """The types that were reached so far."""

    def __init__(self, sources):
        self.sources, self.types = sources, {}

    def shape(self, go, source):
        """Returns the written form of a Go type."""
        if go in SCALARS:
            return SCALARS[go]
        if go.startswith("*"):
            return "*" + self.shape(go[1:], source)
        if go.startswith("[]"):
            return f"[{self.shape(go[2:], source)}]"
        if match := re.match(r"map\[[\w.]+\](.*)$", go):
            return "{" + self.shape(match[1], source) + "}"
        package, _, name = go.rpartition(".")
        package = {"metav1": "meta", "v1": "core.v1" if source.prefix != "core.v1" else "meta", "corev1": "core.v1",
                   "api": "core.v1", "apiv1": "core.v1"}.get(package, package)
        if source.prefix == "core.v1" and package == "core.v1":
            package = "meta"
        if f"{package}.{name}" in SCALARS:
            return SCALARS[f"{package}.{name}"]
        home = self.sources.get(package, source) if package else source
        if f"{home.prefix}.{name}" in SCALARS:
            return SCALARS[f"{home.prefix}.{name}"]
        if package and package not in self.sources:
            raise SystemExit(f"unknown package: {go} in {source.prefix}")
        if name in home.aliases:
            return self.shape(home.aliases[name], home)
        if name not in home.structs:
            raise SystemExit(f"unknown type: {go} in {source.prefix}")
        self.add(name, home)
        return f"{home.prefix}.{name}"

    def add(self, name, source):
        """Adds a struct and everything below it."""
        full = f"{source.prefix}.{name}"
        if full in self.types:
            return
        self.types[full] = fields = {}
        for go, tag, more, comments in source.structs[name]:
            if "inline" in tag[1:]:
                base = go.rpartition(".")[2]
                if base == "TypeMeta":
                    fields |= {"apiVersion": "string", "kind": "string"}
                    continue
                inner = self.shape(go.lstrip("*"), source)
                fields |= self.types[inner]
                continue
            if tag[0] in ("", "-", "managedFields"):
                continue
            is_object = tag[0] == "status" and any(field[1][0] == "metadata" for field in source.structs[name])
            fields[tag[0]] = "any" if is_object else self.field(go, tag, more, comments, source)

    def field(self, go, tag, more, comments, source):
        """Returns the written form of a field."""
        def marker(name):
            return [line.split("=", 1)[1] for line in comments if line.startswith(f"// +{name}=")]

        shape = self.shape(go, source)
        kind, keys = marker("listType"), marker("listMapKey")
        bare = shape.lstrip("*")
        if bare.startswith("["):
            merge_key = re.search(r'patchMergeKey:"(\w+)"', more)
            if not kind and 'patchStrategy:"merge' in more:
                kind, keys = (["map"], [merge_key[1]]) if merge_key else (["set"], [])
            if kind == ["map"]:
                shape = shape[:-1] + " " + ",".join(keys) + "]"
            elif kind == ["set"]:
                shape = shape[:-1] + " =]"
        elif marker("mapType") == ["atomic"] or marker("structType") == ["atomic"] or self.is_atomic(bare):
            shape = "=" + shape
        if not {"omitempty", "omitzero"} & set(tag[1:]):
            shape = "!" + shape
        return shape

    def is_atomic(self, name):
        package, _, base = name.rpartition(".")
        source = self.sources.get(package)
        return source is not None and base in source.atomic


def main():
    cache, version = pathlib.Path(sys.argv[1]), sys.argv[2]
    api, machinery = cache / f"k8s.io/api@{version}", cache / f"k8s.io/apimachinery@{version}"
    sources = {"meta": Source("meta", [machinery / "pkg/apis/meta/v1/types.go"])}
    for folder in GROUPS:
        name = folder.replace("/", ".")
        sources[name] = Source(name, [api / folder / "types.go"])
    table, kinds = Table(sources), {}
    for folder, version_name in GROUPS.items():
        source = sources[folder.replace("/", ".")]
        for name, fields in source.structs.items():
            names = [tag[0] for _, tag, _, _ in fields]
            is_kind = any(go.endswith("TypeMeta") for go, _, _, _ in fields)
            if is_kind and "metadata" in names and "items" not in names:
                table.add(name, source)
                kinds[f"{version_name} {name}"] = f"{source.prefix}.{name}"

    def lines(items):
        return ",\n".join(f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in sorted(items))

    reached = table.types
    print(f'{{"kubernetes":"{version.replace("v0.", "v1.")}",\n"kinds":{{\n{lines(kinds.items())}\n}},')
    print(f'"atomic":{json.dumps(sorted(n for n in reached if table.is_atomic(n)))},')
    print(f'"types":{{\n{lines(reached.items())}\n}}}}')


main()
