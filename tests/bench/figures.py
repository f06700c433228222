"""Measures the figures that we promise: `python3 figures.py PROGRAM [WORD...]`.

With words only the figures whose group has one of these names: help render gateways git pools simulated real live. Everything that is
compared is measured in this one run on this one machine, in turns, and medians count. Ends with 1 if a figure is missed.

`jq`, `kubectl` or `kustomize` (or $KUBECTL, $KUSTOMIZE) and target/control-plane are used where they are; what cannot
be compared without them is reported as skipped, and in CI (CI=true) is missed.
"""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

from live import group_live
from measure import CONTROL_PLANE, HERE, MEGABYTE, Run, figure, found, in_turns, made, rows, shown, skipped, until_stdin_closes

# Measure the programs, not the disk.
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

def group_help(program, _):
    helped, nothing = in_turns(30, lambda: Run([program, "--help"]), lambda: Run([shutil.which("true")]))
    figure(
        "--help",
        f"{shown(helped.seconds)}; /bin/true {shown(nothing.seconds)}",
        "< 10 ms",
        helped.seconds < 0.010,
    )
    size = os.path.getsize(program)
    figure("release binary", f"{size / MEGABYTE:.2f} MB", "< 16 MB", size < 16 * MEGABYTE)


def same_objects(project, command):
    """Checks that both produce the same objects: the same lines in any order, except for our first line."""
    theirs = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    tree = os.path.join(project, "rendered")
    ours = [open(os.path.join(tree, name), encoding="utf-8").read().split("\n", 1)[1] for name in os.listdir(tree)]
    lines = lambda documents: sorted(sorted(document.strip().splitlines()) for document in documents)
    if lines(ours) != lines(theirs.split("\n---\n")):
        raise SystemExit(f"{' '.join(command)} produces other objects: the comparison is not valid")


def group_render(program, directory):
    few = made("project", os.path.join(directory, "pools-500"), 500)
    many = made("project", os.path.join(directory, "pools-10000"), 10_000)
    overlays = made("overlays", os.path.join(directory, "overlays-500"), 500)

    def fresh(project):
        def start():
            # A new directory each time, and nothing is deleted: for five seconds ext4 scans every deleted inode.
            copy = tempfile.mkdtemp(dir=directory)
            for name in os.listdir(project):
                if os.path.isfile(os.path.join(project, name)) and name != "largescale.lock":
                    shutil.copy(os.path.join(project, name), copy)
            return Run([program, "render", "-f", copy])

        return start

    def again(project):
        return lambda: Run([program, "render", "-f", project])

    states = "first run", "no changes"
    kustomize, kubectl = found("KUSTOMIZE", "kustomize"), found("KUBECTL", "kubectl")
    command = [kustomize, "build"] if kustomize else [kubectl, "kustomize"] if kubectl else None
    Run([program, "render", "-f", few])
    if command:
        same_objects(few, [*command, overlays])
        first, second, build = in_turns(7, fresh(few), again(few), lambda: Run([*command, overlays]))
        for state, ours in zip(states, (first, second)):
            factor = build.times(ours)
            measured = f"{shown(ours.seconds)}; kustomize {shown(build.seconds)}"
            figure(f"500 pools rendered: {state}", measured, f">= 50x: {factor:.0f}x", factor >= 50)
    else:
        for state in states:
            skipped(f"500 pools rendered: {state}", "no kustomize and no kubectl")
    Run([program, "render", "-f", many])
    for state, way in zip(states, (fresh, again)):
        of_many, of_few = in_turns(9, way(many), way(few))
        factor = of_many.times(of_few)
        measured = f"{shown(of_many.seconds)}, {of_many.memory / MEGABYTE:.0f} MB; 500 {shown(of_few.seconds)}"
        figure(f"10,000 pools rendered: {state}", measured, f"< 20x of 500: {factor:.1f}x", factor < 20)


def group_gateways(program, directory):
    project = made("gateways", os.path.join(directory, "gateways"), 500, 200)
    Run([program, "render", "-f", project])
    tree = os.path.join(project, "rendered")

    def copied():
        return Run(["cp", "-r", tree, tempfile.mkdtemp(dir=directory)])

    def fresh():
        copy = tempfile.mkdtemp(dir=directory)
        for name in os.listdir(project):
            if os.path.isfile(os.path.join(project, name)) and name != "largescale.lock":
                shutil.copy(os.path.join(project, name), copy)
        return Run([program, "render", "-f", copy])

    rendered, copy = in_turns(9, fresh, copied)
    factor = rendered.times(copy)
    figure(
        "500 pools, 1 shared Gateway, 200 routes rendered",
        f"{shown(rendered.seconds)}; cp -r {shown(copy.seconds)}",
        f"< 3x: {factor:.1f}x",
        factor < 3,
    )


def group_capacity(program, directory):
    def priced(pools, pods):
        project = made("copies", os.path.join(directory, f"copies-{pools}-{pods}"), pools, pods)
        # Exits with 1, because these pools exceed the limit of node ports.
        return lambda: Run([program, "capacity", "-f", project, "-o", "json"], code=1)

    few, many, with_one_pod = in_turns(7, priced(500, 10_000), priced(10_000, 10_000), priced(10_000, 1))
    factor = many.times(few)
    figure(
        "`capacity` of 10,000 pools, 10 ports, 10,000 pods",
        f"{shown(many.seconds)}, {many.memory / MEGABYTE:.0f} MB; 500 pools {shown(few.seconds)}",
        f"< 20 x 1.3: {factor:.1f}x",
        factor < 20 * 1.3,
    )
    factor = many.times(with_one_pod)
    figure("  the same with 1 pod", shown(with_one_pod.seconds), f"< 1.3x: {factor:.2f}x", factor < 1.3)


def group_git(program, directory):
    """Measures the cost of git in a check, in a repository of 10,000 files."""
    repository = os.path.join(directory, "repository")
    made("project", os.path.join(repository, "app"), 500)
    for index in range(9_500):
        path = os.path.join(repository, f"other-{index % 100}", f"{index}.yaml")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"kind: ConfigMap\n# {index}\n")
    command = [program, "render", "-f", os.path.join(repository, "app")]
    name = "`render --check`, 500 pools, 10,000 files in git: more"
    if not shutil.which("git"):
        return skipped(name, "no git")
    Run(command)
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    for arguments in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "bench"]):
        subprocess.run(["git", "-C", repository, *arguments], check=True)
    check = [*command, "--check"]
    looked, left = in_turns(9, lambda: Run(check), lambda: Run([*check, "--no-git"]))
    more = looked.seconds - left.seconds
    figure(name, f"{shown(looked.seconds)}; --no-git {shown(left.seconds)}", f"< 100 ms: {more * 1000:.0f} ms", more < 0.1)


def group_pools(program, directory):
    nodes = made("nodes", os.path.join(directory, "nodes.json"), 5000, 50)
    project = made("project", os.path.join(directory, "pools"), 1)
    name = f"`pools` of 5,000 nodes in a file of {os.path.getsize(nodes) / MEGABYTE:.0f} MB"
    ours = lambda: Run([program, "pools", "-f", project, "--nodes", nodes])
    jq = found("JQ", "jq")
    if jq:
        pools, length = in_turns(3, ours, lambda: Run([jq, ".items|length", nodes]))
        factor = length.times(pools)
        figure(name, f"{shown(pools.seconds)}; jq {shown(length.seconds)}", f">= 4x: {factor:.1f}x", factor >= 4)
    else:
        skipped(name, "no jq")
        (pools,) = in_turns(1, ours)
    figure("  its memory", f"{pools.memory / MEGABYTE:.1f} MB", "< 100 MB", pools.memory < 100 * MEGABYTE)


def plain_kubeconfig(directory, port):
    path = os.path.join(directory, f"kubeconfig-{port}")
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "x", "user": {}}],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    return path


def group_simulated(program, directory):
    project = made("project", os.path.join(directory, "simulated"), 1)
    with contextlib.ExitStack() as stack:
        starts = []
        for count in (20_000, 100_000):
            port = int(stack.enter_context(until_stdin_closes([sys.executable, "-B", os.path.join(HERE, "server.py"), str(count)])))
            kubeconfig = plain_kubeconfig(directory, port)
            command = [program, "pools", "-f", project, "--nodes", "cluster", "--kubeconfig", kubeconfig]
            starts.append(lambda command=command: Run(command))
        few, many = in_turns(3, *starts)
    factor = many.times(few)
    figure(
        "`pools` of 100,000 nodes, simulated server",
        f"{shown(many.seconds)}; 20,000 {shown(few.seconds)}",
        f"< 5 x 1.3: {factor:.1f}x",
        factor < 5 * 1.3,
    )
    figure("  its memory", f"{many.memory / MEGABYTE:.1f} MB", "< 150 MB", many.memory < 150 * MEGABYTE)


def group_real(program, directory):
    name, kubectl = "`pools` of 5,000 nodes, real server", found("KUBECTL", "kubectl")
    if not os.path.exists(CONTROL_PLANE):
        return skipped(name, "target/control-plane is not built")
    if not kubectl:
        return skipped(name, "no kubectl")
    nodes = made("nodes", os.path.join(directory, "real-nodes.json"), 5000, 50)
    project = made("project", os.path.join(directory, "real"), 1)
    up = [CONTROL_PLANE, "up", "--dir", os.path.join(directory, "control-plane"), "--nodes-from", nodes, "--timeout", "5m"]
    up += ["--without", "kube-controller-manager,kube-scheduler,service-lb", "--until-stdin-closes"]
    with until_stdin_closes(up) as line:  # it reports its own errors
        if not line:
            return figure(name, "the server did not start", "", False)
        kubeconfig = json.loads(line)["kubeconfig"]
        command = [program, "pools", "-f", project, "--nodes", "cluster", "--kubeconfig", kubeconfig]
        ours, raw = in_turns(
            5, lambda: Run(command), lambda: Run([kubectl, "get", "--raw", "/api/v1/nodes", "--kubeconfig", kubeconfig])
        )
    factor = ours.times(raw)
    figure(name, f"{shown(ours.seconds)}; kubectl --raw {shown(raw.seconds)}", f"<= 3x: {factor:.1f}x", factor <= 3)
    figure("  its memory", f"{ours.memory / MEGABYTE:.1f} MB", "< 50 MB", ours.memory < 50 * MEGABYTE)


GROUPS = {"help": group_help, "render": group_render, "gateways": group_gateways, "capacity": group_capacity, "git": group_git, "pools": group_pools, "simulated": group_simulated, "real": group_real, "live": group_live}


def main(program, *words):
    program = os.path.abspath(program)
    unknown = [word for word in words if word not in GROUPS]
    if not os.path.exists(program) or unknown:
        raise SystemExit(f"usage: figures.py PROGRAM [{' '.join(GROUPS)}]")
    print(f"{'figure':<58}{'measured':<34}{'wanted':<22}")
    for word, group in GROUPS.items():
        if not words or word in words:
            with tempfile.TemporaryDirectory(prefix="largescale-bench-", dir=IN_MEMORY) as directory:
                group(program, directory)
    missed = rows.count(False)
    print(f"{len(rows)} figures, {missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 1 else main(""))
