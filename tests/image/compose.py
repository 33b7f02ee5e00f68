#!/usr/bin/env python3
"""The three nodes of image/compose.yaml, in a real Docker: one cluster, a rolling restart with a drain before each stop.

Each service becomes a sandbox with its host name, on one network with the others, and a container with the service's
environment, limits and volume; started in the order of depends_on, each when the one before is healthy by its own healthcheck.

    tests/support/docker run tests/image/compose.py [--image NAME]        with the driver's python, see image/fetch
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import seeds
import wiring
from seeds import Failed, expect, run

SWITCH = "compose-switch"
START_SECONDS = 300


def interpolated(value):
    """`${NAME:-default}` as Compose reads it."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda match: os.environ.get(match[1]) or match[2], str(value))


class Service:
    """One node of the file."""

    def __init__(self, name, service, number, others):
        self.name, self.service = name, service
        self.address = f"10.245.0.{number}"
        self.volume = tempfile.mkdtemp(prefix=f"cassandra-init-{name}-")
        pathlib.Path(self.volume).chmod(0o755)
        # The names that Compose's network would resolve.
        names = [f"{other}=10.245.0.{index}" for index, other in enumerate(others, 1) if other != name]
        command = ["env", f"SWITCH={SWITCH}", seeds.SUPPORT, "pod-up", f"{name}-pod", self.address, service["hostname"], *names]
        self.sandbox = int(run(*command).stdout)

    def start(self, image):
        """As Compose would; the image's own ENTRYPOINT and CMD."""
        words = ["docker", "run", "--detach", "--name", self.name, f"--network=container:{self.name}-pod"]
        words += ["--memory", interpolated(self.service["mem_limit"]), "--memory-swap", interpolated(self.service["memswap_limit"])]
        words += [word for item in self.service["environment"].items() for word in ("--env", "=".join(item))]
        [(_, place)] = [words.split(":") for words in self.service["volumes"]]
        run(*words, "--volume", f"{self.volume}:{place}", image)

    def healthy(self):
        """What the healthcheck says."""
        health = self.service["healthcheck"]
        try:
            test = run("docker", "exec", self.name, *health["test"][1:], timeout=wiring.seconds(health["timeout"]), check=False)
        except subprocess.TimeoutExpired:
            return False
        return test.returncode == 0

    def wait_healthy(self):
        """Gives the seconds that it took."""
        begun = time.monotonic()
        while not self.healthy():
            state = run("docker", "inspect", "--format", "{{.State.Running}}", self.name).stdout.strip()
            expect(state == "true", f"{self.name} ended before it was healthy")
            expect(time.monotonic() - begun < START_SECONDS, f"{self.name} is not healthy after {START_SECONDS} s")
            time.sleep(wiring.seconds(self.service["healthcheck"]["start_interval"]))
        return time.monotonic() - begun

    def stop(self):
        """As Compose would, within the file's time."""
        grace = wiring.seconds(self.service["stop_grace_period"])
        run("docker", "stop", "--time", grace, self.name, timeout=grace + 30)
        code = run("docker", "inspect", "--format", "{{.State.ExitCode}}", self.name).stdout.strip()
        expect(code == "0", f"{self.name} stopped with exit code {code}")
        expect("DRAINED" in self.log(), f"{self.name} did not drain")

    def restart(self):
        """A drain as a preStop hook asks for it, then the stop, then a start; gives the seconds until it is healthy."""
        drained = run("docker", "exec", self.name, "cassandra-init", "drain", "--timeout", "60s", timeout=90).stdout
        expect(drained.startswith("drained in "), f"{self.name}: {drained}")
        expect(not self.healthy(), f"{self.name} is drained and healthy")
        self.stop()
        run("docker", "start", self.name)
        return self.wait_healthy()

    def ring(self):
        """The nodes that this one sees up and normal."""
        status = run("docker", "exec", self.name, "nodetool", "status").stdout
        return set(re.findall(r"^UN +(\S+)", status, re.MULTILINE))

    def log(self):
        """Everything the container printed."""
        return run("docker", "logs", self.name, check=False).stdout

    def remove(self):
        """Whatever is left of it."""
        for name in (self.name, f"{self.name}-pod"):
            run("docker", "rm", "--force", "--volumes", name, check=False)
        run("rm", "-rf", "--one-file-system", self.volume)


def one_ring(nodes):
    """Each node sees every node up and normal, as soon as gossip has told it."""
    everybody, begun = {node.address for node in nodes}, time.monotonic()
    for node in nodes:
        while node.ring() != everybody:
            expect(time.monotonic() - begun < START_SECONDS, f"{node.name} sees {node.ring()} of {everybody}")
            time.sleep(1)


def in_order(services):
    """The services, each after those that it waits for."""
    ordered = []
    while len(ordered) < len(services):
        free = [name for name, one in services.items() if name not in ordered and set(one.get("depends_on", {})) <= set(ordered)]
        expect(free, f"services wait for each other: {set(services) - set(ordered)}")
        ordered += free
    return ordered


def scenario(image):
    """Up, one ring; each down and up again; down."""
    [compose] = wiring.documents(wiring.IMAGE / "compose.yaml")
    services, nodes = compose["services"], []
    try:
        for number, name in enumerate(services, 1):
            nodes.append(Service(name, services[name], number, list(services)))
        by_name = {node.name: node for node in nodes}
        for name in in_order(services):
            by_name[name].start(image)
            print(f"{name} is healthy after {by_name[name].wait_healthy():.1f} s", flush=True)
        one_ring(nodes)
        for node in reversed(nodes):
            print(f"{node.name} is drained, stopped, and healthy again after {node.restart():.1f} s", flush=True)
            one_ring(nodes)
        for node in reversed(nodes):
            node.stop()
    except Exception:
        for node in nodes:
            print(f"--- log of {node.name}, its end", *node.log().splitlines()[-30:], sep="\n", flush=True)
        raise
    finally:
        for node in nodes:
            node.remove()
        run("docker", "rm", "--force", SWITCH, check=False)


def main():
    """Runs it; the exit code says whether all of it held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", default="cassandra-init-test")
    given = parser.parse_args()
    try:
        scenario(given.image)
    except (Failed, subprocess.TimeoutExpired) as failure:
        print(f"failed compose.yaml: {failure}")
        return 1
    print("ok compose.yaml: three nodes, one ring")
    return 0


if __name__ == "__main__":
    sys.exit(main())
