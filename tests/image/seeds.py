#!/usr/bin/env python3
"""The seeds' workloads and our own, each as a node in a real Docker, taken from tests/seeds/*.yaml and image/kubernetes.

For every StatefulSet, ReplicationController and DaemonSet found there: a pod's sandbox with an address of its own, the
manifest's arguments, environment, security context, limits and mounts; then liveness and readiness by the manifest's own
commands or requests, a row by the real driver, the preStop command, a stop (where it has a delay: not ready first, and
serving still), and a second container on the same volume that must still have the row.

    tests/support/docker run tests/image/seeds.py [--image NAME] [NAME...]    with the driver's python, see image/fetch
    tests/image/seeds.py --dry                                                shows the containers it would start
"""

import argparse
import concurrent.futures
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import wiring

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests" / "support" / "docker"
WORKLOADS = ("StatefulSet", "ReplicationController", "DaemonSet")
CASSANDRA_UID = 999
IPC_LOCK = 1 << 14
START_SECONDS = 180
STOP_SECONDS = 120
# What the manifests' images run when the manifest does not say: the ENTRYPOINT and CMD that we must stand in for.
ORIGINAL_COMMAND = {
    "cassandra-init": ["cassandra-init", "run"],
    "google-samples/cassandra": ["/run.sh"],
    "cassandra": ["docker-entrypoint.sh", "cassandra", "-f"],
}


class Failed(Exception):
    """One expectation was not met; the message says which."""


def expect(condition, message):
    """Fails the manifest with `message` unless `condition` holds."""
    if not condition:
        raise Failed(message)


def run(*command, timeout=60, check=True):
    """Runs a command and gives what it printed and how it ended, both streams in one text."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False,
    )
    if check and done.returncode != 0:
        raise Failed(f"{shlex.join(map(str, command))} ended with {done.returncode}: {done.stdout.strip()}")
    return done


class Manifest:
    """A workload of one file, and what Docker needs to know of its pod number 0."""

    def __init__(self, name, workload, config_maps, index):
        self.name = name
        self.workload = workload
        self.config_maps = config_maps
        self.pod = "seed-" + self.name
        self.address = f"10.244.0.{10 + index}"
        spec = workload["spec"]
        self.spec = spec["template"]["spec"]
        self.container = self.spec["containers"][0]
        owner = workload["metadata"]["name"]
        # A StatefulSet counts its pods; the others give them a random end.
        self.host = f"{owner}-0" if workload["kind"] == "StatefulSet" else f"{owner}-x7k2p"
        self.namespace = "default"
        service = spec.get("serviceName")
        self.aliases = [
            f"{self.host}.{service}{end}" for end in ("", ".default", ".default.svc", ".default.svc.cluster.local")
        ] if service else []

    def command(self):
        """ENTRYPOINT and CMD as Kubernetes would replace them, else those of the manifest's own image."""
        given = self.container.get("command")
        if given is None:
            given = ORIGINAL_COMMAND[self.container["image"].split(":")[0]]
        return [*given, *self.container.get("args", [])]

    def environment(self):
        """Every env entry; the downward API's fields are answered for this pod."""
        fields = {"status.podIP": self.address, "metadata.namespace": self.namespace, "metadata.name": self.host}
        found = {}
        for entry in self.container.get("env", []):
            if "value" in entry:
                found[entry["name"]] = entry["value"]
            else:
                found[entry["name"]] = fields[entry["valueFrom"]["fieldRef"]["fieldPath"]]
        return found

    def memory(self):
        """The limit, 1 GiB where the manifest has none, as Docker writes it."""
        limit = self.container.get("resources", {}).get("limits", {}).get("memory", "1Gi")
        return limit.replace("Gi", "g").replace("Mi", "m")

    def security(self):
        """The container's security context, above the pod's."""
        return {**self.spec.get("securityContext", {}), **self.container.get("securityContext", {})}

    def capabilities(self):
        """What securityContext adds."""
        return self.security().get("capabilities", {}).get("add", [])

    def privileges(self):
        """The security context, as Docker takes it."""
        security = self.security()
        words = [f"--cap-drop={capability}" for capability in security.get("capabilities", {}).get("drop", [])]
        words += [f"--cap-add={capability}" for capability in self.capabilities()]
        if "runAsUser" in security:
            words.append(f"--user={security['runAsUser']}:{security.get('runAsGroup', 0)}")
        if "fsGroup" in security:
            words.append(f"--group-add={security['fsGroup']}")
        if security.get("readOnlyRootFilesystem"):
            words.append("--read-only")
        if security.get("allowPrivilegeEscalation") is False:
            words.append("--security-opt=no-new-privileges")
        return words

    def mounts(self, volume):
        """Each mount: the claim is `volume`; what else lives as long as the pod is laid out beside it."""
        volumes = {one["name"]: one for one in self.spec.get("volumes", [])}
        words = []
        for mount in self.container.get("volumeMounts", []):
            kind, place = volumes.get(mount["name"], {}), mount["mountPath"]
            if kind.get("emptyDir", {}).get("medium") == "Memory":
                words += [f"--mount=type=tmpfs,destination={place},tmpfs-mode=0777"]
            elif "emptyDir" in kind:
                words += ["--volume", f"{volume}.{mount['name']}:{place}"]
            elif "configMap" in kind:
                words += ["--volume", f"{volume}.{mount['name']}:{place}:ro"]
            else:
                words += ["--volume", f"{volume}:{place}"]
        return words

    def lay_out(self, volume):
        """The claim's folder as a fresh persistent volume looks: root's, with what mkfs leaves behind, and the group of fsGroup."""
        path, group = pathlib.Path(volume), self.security().get("fsGroup")
        path.chmod(0o755)
        (path / "lost+found").mkdir(mode=0o700)
        if group is not None:
            run("chown", "-R", f":{group}", path)
            run("chmod", "-R", "g+rwX,g+s", path)
        for one in self.spec.get("volumes", []):
            folder = pathlib.Path(f"{volume}.{one['name']}")
            if "configMap" in one:
                self.lay_out_files(folder, one["configMap"])
            elif "emptyDir" in one:
                folder.mkdir()
                folder.chmod(0o777)

    def lay_out_files(self, folder, source):
        """A ConfigMap's files as the kubelet writes them, 0644, where `items` says."""
        [data] = [one["data"] for one in self.config_maps if one["metadata"]["name"] == source["name"]]
        paths = {item["key"]: item["path"] for item in source.get("items", [])} or {key: key for key in data}
        for key, place in paths.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(data[key], encoding="utf-8")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def probe(self, field):
        """The probe's handler word for word, and its time limit; without one, our own command."""
        probe = self.container.get(field)
        if probe is None:
            return {"exec": {"command": ["cassandra-init", "probe", field.removesuffix("Probe")]}}, 5
        return probe, probe.get("timeoutSeconds", 1)

    def url(self, request):
        """What the kubelet asks for an httpGet, the port by its name."""
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        return f"http://{self.address}:{ports.get(request['port'], request['port'])}{request['path']}"

    def scraped(self):
        """Port and path of what the annotations send Prometheus to."""
        annotations = self.workload["spec"]["template"]["metadata"].get("annotations", {})
        scrape = annotations.get("prometheus.io/scrape") == "true"
        return [f"{annotations['prometheus.io/port']}{annotations['prometheus.io/path']}"] if scrape else []

    def pre_stop(self):
        """The hook's command word for word, or None."""
        hook = self.container.get("lifecycle", {}).get("preStop")
        return hook["exec"]["command"] if hook else None

    def docker_run(self, name, image, volume):
        """The whole command line that starts this container in its pod's sandbox."""
        words = ["docker", "run", "--detach", "--name", name, f"--network=container:{self.pod}"]
        words += ["--memory", self.memory(), "--memory-swap", self.memory(), *self.privileges()]
        words += [word for item in self.environment().items() for word in ("--env", "=".join(item))]
        first, *rest = self.command()
        return [*words, *self.mounts(volume), "--entrypoint", first, image, *rest]


def workloads():
    """Every workload that there is with its name, and the ConfigMaps beside it."""
    for path in sorted((ROOT / "tests" / "seeds").glob("*.yaml")):
        yield from ((path.stem, one, []) for one in wiring.documents(path) if one["kind"] in WORKLOADS)
    site = wiring.documents(wiring.KUBERNETES / "configmap.yaml")
    for variant in wiring.VARIANTS:
        yield from ((variant, one, site) for one in wiring.objects(variant) if one["kind"] in WORKLOADS)


def manifests(names):
    """All workloads, or those whose name was given."""
    chosen = [Manifest(*one, index) for index, one in enumerate(workloads())]
    unknown = set(names) - {one.name for one in chosen}
    if unknown:
        sys.exit(f"no such manifest: {', '.join(sorted(unknown))}")
    return [one for one in chosen if not names or one.name in names]


class Node:
    """One container of the manifest, from its start to its stop."""

    def __init__(self, manifest, image, name, volume, sandbox):
        self.manifest, self.name, self.sandbox = manifest, name, sandbox
        run(*manifest.docker_run(name, image, volume))
        self.started, self.answered = time.monotonic(), False

    def ask(self, field):
        """What a probe says, asked as the kubelet asks; True, or False and its exit code or status."""
        probe, limit = self.manifest.probe(field)
        if "httpGet" in probe:
            status = self.inside("--request", self.manifest.url(probe["httpGet"]), str(limit))
            return status == "200", status
        try:
            code = run("docker", "exec", self.name, *probe["exec"]["command"], timeout=limit, check=False).returncode
        except subprocess.TimeoutExpired:
            return False, "no answer in time"
        return code == 0, code

    def ready(self):
        """What the readiness probe says."""
        return self.ask("readinessProbe")

    def running(self):
        """Whether the container still runs."""
        return run("docker", "inspect", "--format", "{{.State.Running}}", self.name).stdout.strip() == "true"

    def wait_ready(self):
        """Polls until ready; fails at once when the container ended."""
        while True:
            ready, code = self.ready()
            if ready:
                break
            expect(self.running(), "the container ended before it was ready")
            expect(code not in (126, 127), f"the readiness command cannot be run: exit code {code}")
            expect(time.monotonic() - self.started < START_SECONDS, f"not ready after {START_SECONDS} s, last answer {code}")
            # A node that is starting is alive, from the first answer on.
            alive, why = self.ask("livenessProbe")
            expect(alive or not self.answered, f"not alive while it starts: {why}")
            self.answered = self.answered or alive
            time.sleep(0.25)
        took = time.monotonic() - self.started
        expect(self.ask("livenessProbe")[0], "ready, but not alive")
        return took

    def check_processes(self, pid_1):
        """PID 1 is ours; the JVM is its child, without root and without capabilities that nobody asked for."""
        first = int(run("docker", "inspect", "--format", "{{.State.Pid}}", self.name).stdout)
        program = pathlib.Path(f"/proc/{first}/exe").readlink().name
        expect(program == pid_1, f"PID 1 is {program}")
        java = [status for status in map(process_status, children(first)) if status.get("Name") == "java"]
        expect(len(java) == 1, f"{len(java)} java children of PID 1")
        expect(set(java[0]["Uid"].split()) == {str(CASSANDRA_UID)}, f"java runs as {java[0]['Uid']}")
        allowed = IPC_LOCK if "IPC_LOCK" in self.manifest.capabilities() else 0
        effective = int(java[0]["CapEff"], 16)
        expect(effective & ~allowed == 0, f"java has capabilities {effective:x}")

    def inside(self, *arguments):
        """Runs this file inside of the pod's network."""
        return run("nsenter", f"--net=/proc/{self.sandbox}/ns/net", sys.executable, __file__, *arguments).stdout.strip()

    def client(self, action):
        """Runs the real driver inside of the pod's network; see `as_client`."""
        return self.inside("--client", action, self.manifest.address, self.manifest.name)

    def log(self):
        """Everything the container printed."""
        return run("docker", "logs", self.name).stdout

    def stop(self):
        """Stops as the kubelet does, preStop first, and checks how it ended."""
        hook = self.manifest.pre_stop()
        if hook:
            run("docker", "exec", self.name, *hook, timeout=STOP_SECONDS)
            expect(not self.ready()[0], "still ready after preStop")
        begun = time.monotonic()
        if "CASSANDRA_STOP_DELAY" in self.manifest.environment():
            run("docker", "kill", "--signal", "TERM", self.name)
            expect(not self.ready()[0], "still ready after SIGTERM")
            expect(self.ask("livenessProbe")[0], "not alive while it stops")
            expect(self.client("read") != "no row", "serves nobody any more although the delay is not over")
            run("docker", "wait", self.name, timeout=STOP_SECONDS)
        else:
            run("docker", "stop", "--time", STOP_SECONDS, self.name, timeout=STOP_SECONDS + 30)
        took = time.monotonic() - begun
        code = run("docker", "inspect", "--format", "{{.State.ExitCode}}", self.name).stdout.strip()
        expect(code == "0", f"the stop ended with exit code {code}")
        expect("DRAINED" in self.log(), "no DRAINED in the log")
        return took


def children(pid):
    """The direct children of a process of this machine."""
    return [int(word) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for word in (task / "children").read_text().split()]


def process_status(pid):
    """The fields of /proc/PID/status."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def check_no_replay(log):
    """A clean stop leaves nothing in the commit log for the next start."""
    replayed = re.search(r"Log replay complete, (\d+) replayed mutations", log)
    skipped = "No commitlog files found; skipping replay" in log
    expect(replayed or skipped, "the log does not say whether the commit log was replayed")
    expect(skipped or replayed[1] == "0", f"{replayed and replayed[1]} mutations were replayed")


def check(manifest, image, pid_1):
    """The whole story of one manifest; gives a line of figures."""
    nodes = []
    volume = tempfile.mkdtemp(prefix="cassandra-init-volume-")
    try:
        manifest.lay_out(volume)
        sandbox = int(run(SUPPORT, "pod-up", manifest.pod, manifest.address, manifest.host, *manifest.aliases).stdout)
        first = Node(manifest, image, manifest.pod + "-first", volume, sandbox)
        nodes.append(first)
        expect(not first.ready()[0], "ready at once, before Cassandra can be")
        opened = first.wait_ready()
        first.check_processes(pid_1)
        if manifest.config_maps:
            # A fragment of cassandra.yaml and what the hook exported.
            settings = set(first.client("settings").split())
            wanted = {"compaction_throughput=128MiB/s", "concurrent_compactors=2"}
            expect(wanted <= settings, f"the ConfigMap is not in effect: {wanted - settings} is missing")
        for path in manifest.scraped():
            status = first.inside("--request", f"http://{manifest.address}:{path}", "5")
            expect(status == "200", f"{path} answers Prometheus with {status}")
        release = first.client("write")
        stopped = first.stop()
        second = Node(manifest, image, manifest.pod + "-second", volume, sandbox)
        nodes.append(second)
        opened_again = second.wait_ready()
        expect(second.client("read") == release, "the row is gone")
        check_no_replay(second.log())
        second.stop()
        return f"Cassandra {release}, ready after {opened:.1f} s, stopped in {stopped:.1f} s, ready again after {opened_again:.1f} s"
    except Exception as error:
        for node in nodes:
            print(f"--- log of {node.name}, its end", *node.log().splitlines()[-40:], sep="\n", flush=True)
        if not isinstance(error, (Failed, subprocess.TimeoutExpired)):
            raise
        raise Failed(str(error)) from error
    finally:
        for name in [*(node.name for node in nodes), manifest.pod]:
            run("docker", "rm", "--force", "--volumes", name, check=False)
        run("rm", "-rf", "--one-file-system", volume, *pathlib.Path(volume).parent.glob(f"{pathlib.Path(volume).name}.*"))


def as_client(action, address, name):
    """Inside of the pod's network: writes a row, or reads it back, and prints Cassandra's version as stored in it; or the settings."""
    from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
    from cassandra.policies import WhiteListRoundRobinPolicy

    profile = ExecutionProfile(load_balancing_policy=WhiteListRoundRobinPolicy([address]), request_timeout=30)
    with Cluster([address], execution_profiles={EXEC_PROFILE_DEFAULT: profile}, connect_timeout=15) as cluster:
        session = cluster.connect()
        if action == "write":
            local = session.execute("SELECT release_version, broadcast_address FROM system.local").one()
            expect(local.broadcast_address == address, f"the node broadcasts {local.broadcast_address}")
            session.execute(
                "CREATE KEYSPACE seeds WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
            session.execute("CREATE TABLE seeds.rows (name text PRIMARY KEY, release text)")
            session.execute("INSERT INTO seeds.rows (name, release) VALUES (%s, %s)", (name, local.release_version))
        if action == "settings":
            rows = session.execute("SELECT name, value FROM system_views.settings")
            print(*(f"{row.name}={row.value}" for row in rows if " " not in f"{row.value}"))
            return
        row = session.execute("SELECT release FROM seeds.rows WHERE name = %s", (name,)).one()
        print(row.release if row else "no row")


def as_kubelet(url, limit):
    """Inside of the pod's network: the status of a GET, or why there is none."""
    try:
        with urllib.request.urlopen(url, timeout=float(limit)) as response:
            print(response.status)
    except urllib.error.HTTPError as error:
        print(error.code)
    except OSError as error:
        print(error)


def main():
    """Runs what was asked for; the exit code says whether all of it passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", default="cassandra-init-test")
    parser.add_argument("--pid1", default="cassandra-init", help="the program that must be PID 1")
    parser.add_argument("--jobs", type=int, default=2, help="manifests at a time")
    parser.add_argument("--dry", action="store_true", help="show the containers, start none")
    parser.add_argument("--client", nargs=3, metavar=("ACTION", "ADDRESS", "NAME"), help=argparse.SUPPRESS)
    parser.add_argument("--request", nargs=2, metavar=("URL", "SECONDS"), help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a seed's file name without .yaml, or a variant; default all")
    given = parser.parse_args()
    if given.client:
        return as_client(*given.client)
    if given.request:
        return as_kubelet(*given.request)
    chosen = manifests(given.names)
    if given.dry:
        for one in chosen:
            print(f"{one.workload['kind']} {one.name} as {one.host}, {one.address}")
            print("  run      ", shlex.join(one.docker_run(one.pod + "-first", given.image, "VOLUME")))
            for field in ("livenessProbe", "readinessProbe"):
                probe, limit = one.probe(field)
                asks = one.url(probe["httpGet"]) if "httpGet" in probe else shlex.join(probe["exec"]["command"])
                print(f"  {field}", asks, f"within {limit} s")
            print("  preStop  ", shlex.join(one.pre_stop() or ["none"]))
        return 0
    passed = 0
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        running = {pool.submit(check, one, given.image, given.pid1): one for one in chosen}
        for done in concurrent.futures.as_completed(running):
            label = f"{running[done].workload['kind']} {running[done].name}"
            error = done.exception()
            passed += error is None
            print(f"failed {label}: {error}" if error else f"ok {label}: {done.result()}", flush=True)
    print(f"{passed} passed, {len(chosen) - passed} failed")
    return 0 if passed == len(chosen) > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
