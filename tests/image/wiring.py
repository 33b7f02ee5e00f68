#!/usr/bin/env python3
"""What image/ brings for Kubernetes and Docker Compose: the objects of each variant, and what must hold for them.

    tests/image/wiring.py BINARY        with the Python of image/fetch schemas

Every object is held against Kubernetes' own schema, the Compose file against the Compose specification's, each variant against
`cassandra-init check --strict`; and what no schema knows is held here: names that must meet, times that must fit.
"""

import importlib.resources
import json
import pathlib
import re
import subprocess
import sys

import yaml

IMAGE = pathlib.Path(__file__).resolve().parents[2] / "image"
KUBERNETES = IMAGE / "kubernetes"
# The oldest release that has all that is used, and the newest that the validator brings.
OLDEST_RELEASE = "1.29"
CONTAINER = "/spec/template/spec/containers/0/"
# Each variant is a folder with a kustomization; this one is a plain file, which the others change in these places:
PLAIN = "exec-probes"
VARIANTS = {
    PLAIN: (),
    "http-probes": (
        CONTAINER + "env/-", CONTAINER + "ports/-", "/spec/template/metadata/annotations",
        *(f"{CONTAINER}{probe}/{handler}" for probe in ("livenessProbe", "readinessProbe") for handler in ("exec", "httpGet")),
    ),
    "unprivileged": (
        "/spec/template/spec/securityContext", CONTAINER + "securityContext", "/spec/template/spec/volumes/-", CONTAINER + "volumeMounts/-",
    ),
}


def documents(path):
    """All documents of a file."""
    with path.open(encoding="utf-8") as file:
        return list(yaml.safe_load_all(file))


def patch(document, operations):
    """A JSON patch (RFC 6902) of those operations that our variants are made of; changes `document`."""
    for operation in operations:
        *above, last = operation["path"].strip("/").split("/")
        spot = document
        for word in above:
            spot = spot[int(word)] if isinstance(spot, list) else spot[word]
        match operation["op"], spot:
            case "add", list() if last == "-":
                spot.append(operation["value"])
            case "add", dict() if last not in spot:
                spot[last] = operation["value"]
            case "replace", dict() if last in spot:
                spot[last] = operation["value"]
            case "remove", dict():
                del spot[last]
            case _:
                raise ValueError(f"{operation['op']} {operation['path']} does nothing, or more than was meant")


def patches(variant):
    """What the variant's kustomization changes: kind, name and operations."""
    if variant == PLAIN:
        return []
    [kustomization] = documents(KUBERNETES / variant / "kustomization.yaml")
    assert kustomization["resources"] == [f"../{PLAIN}"], f"{variant} begins with other resources than {PLAIN}"
    return [
        (change["target"]["kind"], change["target"]["name"], *documents(KUBERNETES / variant / change["path"]))
        for change in kustomization["patches"]
    ]


def objects(variant):
    """The objects of a variant, as `kubectl kustomize` prints them."""
    [plain] = documents(KUBERNETES / PLAIN / "kustomization.yaml")
    found = [each for name in plain["resources"] for each in documents(KUBERNETES / PLAIN / name)]
    for kind, name, operations in patches(variant):
        patch(one(found, kind, name), operations)
    return found


def one(found, kind, name="cassandra"):
    """The object of this kind and name."""
    [only] = [each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return only


def seconds(text):
    """A time as cassandra-init and Compose write it, in seconds."""
    number, unit = re.fullmatch(r"(\d+)([smh])", text).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


class Findings:
    """What was asked of the files, and what does not hold."""

    def __init__(self):
        self.held, self.wrong = 0, []

    def expect(self, condition, message):
        """Counts what holds and keeps what does not."""
        self.held += bool(condition)
        if not condition:
            self.wrong.append(message)


def variables(container):
    """The plain variables of a container."""
    return {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}


def hold_names(variant, found, findings):
    """Names that must meet across objects."""
    workload, nodes, clients = one(found, "StatefulSet"), one(found, "Service", "cassandra-nodes"), one(found, "Service")
    pod = workload["spec"]["template"]
    labels, container = pod["metadata"]["labels"], pod["spec"]["containers"][0]
    ports = {port["name"] for port in container["ports"]}
    names = {volume["name"] for volume in pod["spec"].get("volumes", [])}
    names |= {claim["metadata"]["name"] for claim in workload["spec"]["volumeClaimTemplates"]}
    selectors = [workload["spec"]["selector"]["matchLabels"], nodes["spec"]["selector"], clients["spec"]["selector"],
                 one(found, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"]]
    selectors += [term["labelSelector"]["matchLabels"] for term in (
        *pod["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"],
        *pod["spec"]["topologySpreadConstraints"])]
    expect = findings.expect
    for selector in selectors:
        expect(selector.items() <= labels.items(), f"{variant}: {selector} selects no pod of {labels}")
    expect(workload["spec"]["serviceName"] == nodes["metadata"]["name"], f"{variant}: the pods' names are in another Service")
    expect(nodes["spec"]["clusterIP"] == "None", f"{variant}: the nodes' Service is not headless")
    expect(nodes["spec"]["publishNotReadyAddresses"], f"{variant}: a node that is not ready cannot be found by the others")
    expect(not clients["spec"].get("publishNotReadyAddresses"), f"{variant}: clients get nodes that are not ready")
    expect(pod["spec"]["serviceAccountName"] == one(found, "ServiceAccount")["metadata"]["name"], f"{variant}: no such account")
    expect(all(port["targetPort"] in ports for port in clients["spec"]["ports"]), f"{variant}: the clients' port is no port of the pod")
    expect({mount["name"] for mount in container["volumeMounts"]} == names, f"{variant}: volumes and mounts differ: {names}")
    seed = variables(container)["CASSANDRA_SEEDS"]
    first = f"{workload['metadata']['name']}-0.{nodes['metadata']['name']}"
    expect(seed == first, f"{variant}: the seed {seed} is not the first pod {first}, which nobody would found")
    for kind in ("livenessProbe", "readinessProbe"):
        port = container[kind].get("httpGet", {}).get("port")
        expect(port is None or port in ports, f"{variant}: the {kind} asks port {port}, which the pod has not")
    http = variables(container).get("CASSANDRA_INIT_HTTP")
    health = {port["containerPort"] for port in container["ports"] if port["name"] == "health"}
    expect(health == ({int(http)} if http else set()), f"{variant}: CASSANDRA_INIT_HTTP is {http}, the port for it {health}")
    scraped = pod["metadata"].get("annotations", {}).get("prometheus.io/port")
    expect(scraped == http, f"{variant}: CASSANDRA_INIT_HTTP is {http}, and Prometheus is sent to {scraped}")


def hold_times(variant, found, findings):
    """Times that must fit into each other; docs/operations.md says why."""
    workload = one(found, "StatefulSet")
    pod = workload["spec"]["template"]["spec"]
    container, expect = pod["containers"][0], findings.expect
    given, grace = variables(container), pod["terminationGracePeriodSeconds"]
    expect(seconds(given["CASSANDRA_STOP_GRACE"]) == grace, f"{variant}: the grace period is {grace}, CASSANDRA_STOP_GRACE is not")
    delay = seconds(given["CASSANDRA_STOP_DELAY"])
    readiness, liveness = container["readinessProbe"], container["livenessProbe"]
    withdrawn = readiness["periodSeconds"] * readiness["failureThreshold"] + readiness["timeoutSeconds"]
    expect(withdrawn <= delay, f"{variant}: a stop is seen by the readiness probe after {withdrawn} s, later than the delay of {delay} s")
    expect(4 * delay <= grace, f"{variant}: the delay of {delay} s leaves the drain too little of {grace} s")
    expect("startupProbe" not in container, f"{variant}: a startupProbe limits the time of a join")
    expect("lifecycle" not in container, f"{variant}: a preStop hook would drain before the delay")
    expect(workload["spec"]["minReadySeconds"] >= 10, f"{variant}: the next pod is stopped before clients are back")
    for kind, probe in (("liveness", liveness), ("readiness", readiness)):
        command = probe.get("exec", {}).get("command")
        if command:
            expect(command[:3] == ["cassandra-init", "probe", kind], f"{variant}: {kind} asks {command}")
            expect(seconds(command[-1]) < probe["timeoutSeconds"], f"{variant}: {kind} is killed before it can say why")
        else:
            path = {"liveness": "/livez", "readiness": "/readyz"}[kind]
            expect(probe["httpGet"]["path"] == path, f"{variant}: {kind} asks {probe['httpGet']}")


def hold_memory(variant, found, findings):
    """Memory that is there when it is wanted."""
    resources = one(found, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]["resources"]
    findings.expect(resources["requests"]["memory"] == resources["limits"]["memory"], f"{variant}: memory is promised that is not there")
    findings.expect("cpu" not in resources["limits"], f"{variant}: a CPU limit stretches the collector's pauses")


def hold_differences(variant, findings):
    """A variant changes what it is for, and nothing else."""
    for kind, name, operations in patches(variant):
        findings.expect((kind, name) == ("StatefulSet", "cassandra"), f"{variant} changes {kind} {name}")
        for operation in operations:
            findings.expect(operation["path"] in VARIANTS[variant], f"{variant} changes {operation['path']}")


def hold_schema(variant, found, findings):
    """Every object is what Kubernetes knows, in the oldest release and in the newest."""
    import kubernetes_validate

    for release in (OLDEST_RELEASE, kubernetes_validate.latest_version()):
        for each in found:
            try:
                kubernetes_validate.validate(each, release, strict=True)
                findings.held += 1
            except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
                message = getattr(error, "message", error)
                findings.wrong.append(f"{variant}, Kubernetes {release}, {each['kind']} {each['metadata']['name']}: {message}")


def hold_check(variant, found, binary, findings):
    """Our own check has nothing to say, with the optional ConfigMap or without it."""
    site = documents(KUBERNETES / "configmap.yaml")
    for what, all_of_it, notes in (("alone", found, 0), ("with configmap.yaml", found + site, 1)):
        done = subprocess.run(
            [binary, "check", "--strict", "--format", "json", "-f", "-"], input=yaml.safe_dump_all(all_of_it), env={},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60,
        )
        # The one note: the hook was not run.
        expected = {"errors": 0, "warnings": 0, "notes": notes}
        clean = done.returncode == 0 and json.loads(done.stdout)["summary"] == expected
        findings.expect(clean, f"{variant} {what}: check -f ended with {done.returncode}: {done.stdout}")


def hold_compose(findings):
    """The Compose file: its schema, and the rules that make three nodes one cluster."""
    import jsonschema

    [compose] = documents(IMAGE / "compose.yaml")
    vendor = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((vendor / "compose-spec.json").read_text("utf-8"))
    for error in jsonschema.validators.validator_for(schema)(schema).iter_errors(compose):
        findings.wrong.append(f"compose.yaml: {error.json_path}: {error.message}")
    expect, services = findings.expect, compose["services"]
    expect(len(services) == 3, f"compose.yaml has {len(services)} nodes")
    before = None
    for name, service in services.items():
        expect(service["hostname"] == name, f"{name} does not know its own name, and would not found")
        expect(service["environment"]["CASSANDRA_SEEDS"] == next(iter(services)), f"{name} has another seed than the first node")
        waits = service.get("depends_on", {})
        expected = {before: {"condition": "service_healthy"}} if before else {}
        expect(waits == expected, f"{name} joins beside another, or before the cluster is there: {waits}")
        grace = service["environment"]["CASSANDRA_STOP_GRACE"]
        expect(service["stop_grace_period"] == grace, f"{name} is killed at another time than it thinks")
        health = service["healthcheck"]
        expect(health["test"][:4] == ["CMD", "cassandra-init", "probe", "readiness"], f"{name} is asked {health['test']}")
        expect(seconds(health["test"][-1]) < seconds(health["timeout"]), f"{name}'s probe is killed before it can say why")
        [(volume, place)] = [words.split(":") for words in service["volumes"]]
        expect(volume in compose["volumes"] and place == "/var/lib/cassandra", f"{name} keeps its data at {place} of {volume}")
        before = name


def main():
    """Holds everything; the exit code says whether all of it held."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    findings = Findings()
    for variant in VARIANTS:
        found, wrong = objects(variant), len(findings.wrong)
        hold_schema(variant, found, findings)
        hold_differences(variant, findings)
        # What is not even an object of Kubernetes cannot be asked for its names and times.
        if len(findings.wrong) == wrong:
            hold_names(variant, found, findings)
            hold_times(variant, found, findings)
            hold_memory(variant, found, findings)
            hold_check(variant, found, sys.argv[1], findings)
    hold_schema("configmap.yaml", documents(KUBERNETES / "configmap.yaml"), findings)
    hold_compose(findings)
    for wrong in findings.wrong:
        print(f"failed: {wrong}")
    print(f"{findings.held} expectations of image/kubernetes and image/compose.yaml held, {len(findings.wrong)} did not")
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
