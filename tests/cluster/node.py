"""A real Cassandra 5.0 under the binary, one of several on the loopback addresses of a network namespace."""

import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
USER = 4242
# A real node may take this long for anything, before a test fails.
LONG = 300


class Failed(Exception):
    """One expectation was not met; the message says which."""


def expect(condition, message):
    """Fails the scenario with `message` unless `condition` holds."""
    if not condition:
        raise Failed(message)


def wait_until(what, condition):
    """Waits for something that a real node does."""
    begun = time.monotonic()
    while not condition():
        expect(time.monotonic() - begun < LONG, f"waited {LONG} s for {what}")
        time.sleep(0.05)
    return time.monotonic() - begun


def fetched(*what):
    """What image/fetch has in its cache, fetched if need be."""
    done = subprocess.run([ROOT / "image" / "fetch", *what], stdout=subprocess.PIPE, text=True, check=True)
    return pathlib.Path(done.stdout.strip())


def java_home():
    """The Java 17 of this machine."""
    named = [pathlib.Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    for home in [*named, *sorted(pathlib.Path("/usr/lib/jvm").glob("*"))]:
        release = home / "release"
        if release.exists() and 'JAVA_VERSION="17' in release.read_text(encoding="utf-8"):
            return home
    raise Failed("no Java 17")


class Node:
    """Number `number` of the cluster: 127.0.0.`number`, folders of its own below `folder`."""

    def __init__(self, folder, number, binary, **environment):
        self.number, self.address, self.binary = number, f"127.0.0.{number}", binary
        self.folder = folder / f"node-{number}"
        self.starts, self.process, self.log_path = 0, None, None
        for name in ("data", "log", "run"):
            (self.folder / name).mkdir(parents=True)
        shutil.copytree(ROOT / "config-defaults" / "5.0", self.folder / "conf")
        self.environment = {
            "CASSANDRA_HOME": folder / "home",
            "CASSANDRA_CONF": self.folder / "conf",
            "CASSANDRA_DATA": self.folder / "data",
            "CASSANDRA_LOG_DIR": self.folder / "log",
            "CASSANDRA_INIT_RUN_DIR": self.folder / "run",
            "CASSANDRA_INIT_USER": f"{USER}:{USER}",
            "CASSANDRA_SEEDS": "127.0.0.1",
            "CASSANDRA_LISTEN_ADDRESS": self.address,
            "CASSANDRA_RPC_ADDRESS": self.address,
            # JMX is on 127.0.0.1 for every node.
            "CASSANDRA_JMX_PORT_NUMBER": 7198 + number,
            "MAX_HEAP_SIZE": "512M",
            "JAVA_HOME": java_home(),
            "PATH": os.environ["PATH"],
        }
        self.environment.update(environment)
        self.environment = {name: str(value) for name, value in self.environment.items()}

    def start(self):
        """Starts it as PID 1 of a namespace; the log of each start has a file of its own."""
        self.starts += 1
        self.log_path = self.folder / f"start-{self.starts}.log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "--", self.binary, "run"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment,
            )

    def probe(self, kind):
        """A probe as the kubelet runs it: its exit code and its words."""
        done = subprocess.run(
            [self.binary, "probe", kind], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, env=self.environment, check=False, timeout=LONG,
        )
        return done.returncode, done.stdout.strip()

    def ready(self):
        """Whether the readiness probe says yes; fails at once when the node ended."""
        expect(self.process.poll() is None, f"node {self.number} ended with {self.process.returncode}:\n{self.tail()}")
        return self.probe("readiness")[0] == 0

    def wait_ready(self):
        """Waits until it is; gives the seconds that it took."""
        return wait_until(f"readiness of node {self.number}", self.ready)

    def terminate(self):
        """SIGTERM to its PID 1, the child of unshare."""
        task = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        os.kill(int(task.read_text(encoding="ascii").split()[0]), signal.SIGTERM)

    def wait_end(self):
        """Waits for its end, which must be a clean one."""
        code = self.process.wait(LONG)
        expect(code == 0, f"node {self.number} stopped with exit code {code}:\n{self.tail()}")
        expect("DRAINED" in self.log(), f"node {self.number} did not drain")

    def kill(self):
        """Whatever is left of it goes, JVM and all: PID 1 dies with unshare, and its namespace with it."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(LONG)

    def log(self):
        """What this start has logged so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def tail(self):
        """The log's end."""
        return "\n".join(self.log().splitlines()[-40:])


class Kubelet(threading.Thread):
    """Asks a node's readiness probe every second, and keeps the answer where clients look for endpoints."""

    PERIOD_SECONDS = 1

    def __init__(self, node, endpoints):
        super().__init__(daemon=True)
        self.node, self.endpoints, self.over = node, endpoints, threading.Event()

    def run(self):
        while not self.over.wait(self.PERIOD_SECONDS):
            self.endpoints[self.node.number] = self.node.probe("readiness")[0] == 0

    def stop(self):
        """Ends the thread."""
        self.over.set()
        self.join()
