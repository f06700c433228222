"""The bill of materials: what is linked into the program, in CycloneDX 1.5.

Out of cargo's own metadata: published tools for it bring more dependencies than the program has, and are built longer than
it is.
"""

import project


def bill(metadata):
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    digests = checksums()
    edges, waiting = {}, [root]
    while waiting:
        package = waiting.pop()
        if package in edges:
            continue
        # Build and test dependencies are not part of the program.
        linked = [dep["pkg"] for dep in nodes[package]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
        edges[package] = sorted(linked)
        waiting += linked
    by_name = sorted(edges, key=lambda package: (packages[package]["name"], packages[package]["version"]))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {**component(packages[root], digests), "type": "application"}},
        "components": [component(packages[package], digests) for package in by_name if package != root],
        "dependencies": [
            {"ref": reference(packages[package]), "dependsOn": [reference(packages[other]) for other in edges[package]]}
            for package in by_name
        ],
    }


def component(package, digests):
    entry = {
        "type": "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
    }
    if package.get("license"):
        # Older Cargo versions allowed a slash for OR.
        entry["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    digest = digests.get((package["name"], package["version"]))
    if digest:
        entry["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return entry


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def checksums():
    """Returns the digests of the lock file, by name and version."""
    found, package = {}, {}
    for line in (project.CHECKOUT / "Cargo.lock").read_text().splitlines():
        if line == "[[package]]":
            package = {}
        elif " = " in line:
            key, value = line.split(" = ", 1)
            package[key] = value.strip('"')
            if key == "checksum":
                found[package["name"], package["version"]] = package[key]
    return found
