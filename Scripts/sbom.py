#!/usr/bin/env python3
"""Writes a bill of materials of the program: CycloneDX 1.5 in JSON.

    sbom.py [--build server|program] [--output FILE]

It lists the Swift packages that Scripts/dependencies.lock has for the build, the system libraries that it links, and the
toolchain, these as the machine has them. The same lock on the same machine gives the same bytes: there is no time in it, unless
SOURCE_DATE_EPOCH sets one, and its serial number is a digest of the rest. `dependencies.py check` tells whether a build
is what the lock says.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import uuid
from urllib.parse import quote

import dependencies

# The libraries that Package.swift links: their names in pkg-config, and those of Debian's packages.
LIBRARIES = {"lmdb": "liblmdb0", "zlib": "zlib1g"}
PROGRAM_SOURCE = "Tools/Sources/codexflow/Codexflow.swift"


def output_of(*command):
    """What a command prints, or None if there is no such command or it fails."""
    try:
        run = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return None
    return run.stdout.strip() if run.returncode == 0 else None


# MARK: What there is

def program_version(root):
    return re.search(r'version: "([^"]+)"', (root / PROGRAM_SOURCE).read_text()).group(1)


def release(path="/etc/os-release"):
    """The operating system's names, as os-release has them."""
    try:
        lines = pathlib.Path(path).read_text().splitlines()
    except OSError:
        return {}
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}


def library(name, package, system):
    """A linked library: by the system's package where dpkg knows it, else by pkg-config."""
    found = output_of("dpkg-query", "-W", "-f", "${Version} ${Architecture}", package)
    if found and " " in found:
        version, architecture = found.split(" ", 1)
        distribution = f"{system.get('ID', 'debian')}-{system.get('VERSION_ID', '')}".strip("-")
        url = (f"pkg:deb/{system.get('ID', 'debian')}/{package}@{quote(version, safe=':')}"
               f"?arch={architecture}&distro={distribution}")
        return component("library", package, version, url)
    version = output_of("pkg-config", "--modversion", name)
    if not version:
        raise dependencies.Failure(f"pkg-config does not find {name}: run Scripts/bootstrap")
    return component("library", name, version, f"pkg:generic/{name}@{quote(version, safe=':')}")


def toolchain():
    """The compiler, whose runtime and Foundation the program links."""
    found = re.search(
        r"Swift version (\S+)", output_of(os.environ.get("SWIFT", "swift"), "--version") or "")
    if not found:
        raise dependencies.Failure("`swift --version` does not name a version")
    version = found.group(1)
    return component("platform", "swift", version, f"pkg:generic/swift@{version}")


# MARK: The document

def component(kind, name, version, url):
    return {"type": kind, "bom-ref": url, "name": name, "version": version, "purl": url}


def package_component(package):
    """A Swift package: purl has its repository's host and owner as the namespace."""
    place = package.source.split("://", 1)[1]
    found = component(
        "library", place.rsplit("/", 1)[1], package.version, f"pkg:swift/{place}@{package.version}")
    return {
        **found, "scope": "required",
        "externalReferences": [{"type": "vcs", "url": package.source}],
        "properties": [{"name": "codexflow:git:tree", "value": package.tree}]}


def document(build, lock, root, parts):
    """The document, whose `parts` are the libraries and the toolchain."""
    version = program_version(root)
    program = {
        "type": "application", "bom-ref": f"codexflow@{version}", "name": "codexflow", "version": version,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "properties": [{"name": "codexflow:build", "value": build}]}
    packages = [package_component(package) for package in dependencies.packages_of(build, lock).values()]
    components = sorted(packages + parts, key=lambda found: found["bom-ref"])
    references = [found["bom-ref"] for found in components]
    metadata = {"component": program, "lifecycles": [{"phase": "build"}]}
    if "SOURCE_DATE_EPOCH" in os.environ:
        time = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
        metadata["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ")
    found = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": metadata, "components": components,
        "dependencies": [{"ref": program["bom-ref"], "dependsOn": references}],
        # The C library, and what packages carry within themselves, are not listed; nor is which package
        # brought which other one.
        "compositions": [
            {"aggregate": "incomplete", "assemblies": [program["bom-ref"]]},
            {"aggregate": "unknown", "dependencies": references}]}
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(found, sort_keys=True))
    return {**found, "serialNumber": f"urn:uuid:{serial}"}


def text(found):
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", choices=["server", "program"], default="server",
                        help="the program with the server, or that of `make run` without")
    parser.add_argument("--output", default="-", help="the file to write; - is standard output")
    options = parser.parse_args()
    try:
        system = release()
        parts = [library(name, package, system) for name, package in LIBRARIES.items()] + [toolchain()]
        found = document(options.build, dependencies.read_lock(), dependencies.ROOT, parts)
        if options.output == "-":
            sys.stdout.write(text(found))
        else:
            path = pathlib.Path(options.output)
            path.parent.mkdir(parents=True, exist_ok=True)
            dependencies.replace(path, text(found))
            print(f"{path}: {len(found['components'])} components")
    except (dependencies.Failure, OSError) as failure:
        print(f"sbom: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
