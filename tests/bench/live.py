"""Compares an apply and a diff with kubectl on the same server: 1,000 Services, new, changed and unchanged."""
import json
import os
import statistics
import subprocess
import sys

from measure import CONTROL_PLANE, HERE, MEGABYTE, Run, figure, found, in_turns, made, shown, skipped, until_stdin_closes

SERVICES = 1_000
MANY = 4 * SERVICES


def group_live(program, directory):
    name, kubectl = f"{SERVICES:,} Services", found("KUBECTL", "kubectl")
    if not os.path.exists(CONTROL_PLANE):
        return skipped(name, "target/control-plane is not built")
    if not kubectl:
        return skipped(name, "no kubectl")
    up = [CONTROL_PLANE, "up", "--dir", os.path.join(directory, "control-plane"), "--until-stdin-closes"]
    up += ["--without", "kube-controller-manager,kube-scheduler,service-lb,fake-kubelet"]
    with until_stdin_closes(up) as line:  # it reports its own errors
        if not line:
            return figure(name, "the server did not start", "", False)
        Figures(program, kubectl, json.loads(line)["kubeconfig"], directory).measure()


class Figures:
    """One tree, applied by several programs, each into its own namespace."""

    def __init__(self, program, kubectl, kubeconfig, directory):
        self.program, self.kubectl, self.kubeconfig = program, kubectl, kubeconfig
        self.few = self.project(directory, SERVICES)
        self.many = self.project(directory, MANY)
        for namespace in ("ours", "theirs", "bare", "many"):
            self.quiet([kubectl, "create", "namespace", namespace, "--kubeconfig", kubeconfig])

    def project(self, directory, services):
        path = made("project", os.path.join(directory, f"live-{services}"), services)
        # Without this, 4,000 load balancers would use up all node ports.
        manifest = os.path.join(path, "nginx.yaml")
        with open(manifest, encoding="utf-8") as file:
            text = file.read()
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(text.replace("spec:\n", "spec:\n  allocateLoadBalancerNodePorts: false\n", 1))
        self.quiet([self.program, "render", "-f", path])
        return path

    def quiet(self, command):
        subprocess.run(command, check=True, capture_output=True)

    def ours(self, *words, namespace="ours", project=None):
        return lambda: Run([self.program, *words, "-f", project or self.few, "-n", namespace, "--kubeconfig", self.kubeconfig])

    def theirs(self, *words):
        tree = os.path.join(self.few, "rendered")
        return lambda: Run([self.kubectl, *words, "-f", tree, "-n", "theirs", "--kubeconfig", self.kubeconfig])

    def bare(self):
        tree = os.path.join(self.few, "rendered")
        files = [os.path.join(tree, name) for name in os.listdir(tree)]
        return Run([sys.executable, "-B", os.path.join(HERE, "bare.py"), self.kubeconfig, "bare", "16", *files])

    def change(self, value):
        """Changes an annotation in the tree and renders."""
        manifest = os.path.join(self.few, "nginx.yaml")
        with open(manifest, encoding="utf-8") as file:
            lines = [line for line in file.read().splitlines() if "annotations" not in line]
        lines.insert(lines.index("  name: nginx") + 1, f"  annotations: {{example.com/change: '{value}'}}")
        with open(manifest, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        self.quiet([self.program, "render", "-f", self.few])

    def measure(self):
        new, bare = self.ours("apply")(), self.bare()
        kubectl = self.theirs("apply", "--server-side")()
        factor = new.seconds / bare.seconds
        measured = f"{shown(new.seconds)}; bare {shown(bare.seconds)}, kubectl {shown(kubectl.seconds)}"
        figure(f"{SERVICES:,} Services: `apply`, all new", measured, f"<= 1.3x: {factor:.2f}x", factor <= 1.3)
        self.memory(new, kubectl)
        self.compare("`apply`, unchanged", ("apply",), ("apply", "--server-side"), 20)
        self.compare("`diff --live`, unchanged", ("diff", "--live"), ("diff", "--server-side"), 30)
        self.changed()
        self.larger()

    def compare(self, name, ours, theirs, least):
        mine, kubectl = in_turns(3, self.ours(*ours), self.theirs(*theirs))
        factor = kubectl.times(mine)
        measured = f"{shown(mine.seconds)}; kubectl {shown(kubectl.seconds)}"
        figure(f"{SERVICES:,} Services: {name}", measured, f">= {least}x: {factor:.0f}x", factor >= least)
        self.memory(mine, kubectl)

    def changed(self):
        """Compares with a bare client, because the server takes most of the time of a change."""
        runs = []
        for value in range(3):
            self.change(value)
            runs.append((self.ours("apply")(), self.bare(), self.theirs("apply", "--server-side")()))
        factor = statistics.median(ours.seconds / bare.seconds for ours, bare, _ in runs)
        ahead = statistics.median(kubectl.seconds / ours.seconds for ours, _, kubectl in runs)
        mine, bare, kubectl = runs[-1]
        measured = f"{shown(mine.seconds)}; bare {shown(bare.seconds)}, kubectl {shown(kubectl.seconds)}: {ahead:.1f}x"
        figure(f"{SERVICES:,} Services: `apply`, all changed", measured, f"<= 1.2x: {factor:.2f}x", factor <= 1.2)
        self.memory(mine, kubectl)

    def larger(self):
        self.ours("apply", namespace="many", project=self.many)()
        many, few = in_turns(
            3, self.ours("apply", namespace="many", project=self.many), self.ours("apply")
        )
        factor, wanted = many.times(few), MANY / SERVICES * 1.3
        measured = f"{shown(many.seconds)}, {many.memory / MEGABYTE:.0f} MB; {SERVICES:,} {shown(few.seconds)}"
        figure(f"{MANY:,} Services: `apply`, unchanged", measured, f"< {wanted:.1f}x: {factor:.1f}x", factor < wanted)

    def memory(self, ours, theirs):
        measured = f"{ours.memory / MEGABYTE:.0f} MB; kubectl {theirs.memory / MEGABYTE:.0f} MB"
        figure("  its memory", measured, "<= kubectl's", ours.memory <= theirs.memory)
