#!/usr/bin/env python3
"""A rolling restart of two real nodes under load, with readiness withdrawn first: what does the application see?

Two nodes of Cassandra 5.0 hold a keyspace with two copies of each row. While a client writes 500 rows a second at consistency
ONE (with two copies, a quorum is both of them and every restart would refuse it), each node in turn gets SIGTERM, is not ready
from then on, serves for CASSANDRA_STOP_DELAY, drains, ends with 0, starts again, is ready and serves again. That is done for four
kinds of client:

* with retries: what fails on one node is tried on the next, all statements being idempotent; or without: each failure is counted;
* following endpoints: nodes whose readiness probe says no are asked last, as behind a Kubernetes Service; or by the driver alone,
  which keeps its connections until the node closes them.

Errors are counted and printed. Asserted: no error with retries; each row that was acknowledged is read back from both copies
together, whoever wrote it; a node serves on after its readiness is withdrawn, and stops with 0, drained.

    tests/run cluster        prepares what is needed and runs it in a network namespace of its own
"""

import argparse
import multiprocessing
import pathlib
import subprocess
import sys
import tempfile
import time

import node as nodes
from cassandra import ConsistencyLevel
from cassandra.policies import FallthroughRetryPolicy
from cassandra.query import SimpleStatement
from node import Failed, Kubelet, Node, expect, wait_until
from writer import RATE, Way, Writer, connect

STOP_DELAY = 4
# A node counts as back when clients have come back to it: what minReadySeconds is for in Kubernetes.
BACK = 1000
WAYS = [
    Way("driver alone, no retry", "driver_alone", retries=False, follows_endpoints=False),
    Way("driver alone, next host", "driver_next_host", retries=True, follows_endpoints=False),
    Way("endpoints, no retry", "endpoints_alone", retries=False, follows_endpoints=True),
    Way("endpoints, next host", "endpoints_next_host", retries=True, follows_endpoints=True),
]
# What keeps a cluster of real machines safe only takes time here, where all nodes are known and near; and a machine that has
# other work is slow, which is no error.
QUICK = {
    "CASSANDRA_YAML": "{write_request_timeout: 30s, native_transport_timeout: 60s}",
    "CASSANDRA_RING_DELAY": 2000,
    "JVM_EXTRA_OPTS": "-XX:TieredStopAtLevel=1 -Dcassandra.skip_wait_for_gossip_to_settle=0 -Dcassandra.superuser_setup_delay_ms=0",
}


def cluster_of_two(folder, binary):
    """The first founds a cluster, the second joins it."""
    home = folder / "home"
    # Hard links where that is possible.
    if subprocess.run(["cp", "-al", nodes.fetched("cassandra", "5.0"), home], check=False).returncode != 0:
        subprocess.run(["rm", "-rf", home], check=True)
        subprocess.run(["cp", "-a", nodes.fetched("cassandra", "5.0"), home], check=True)
    two = [Node(folder, number, binary, CASSANDRA_STOP_DELAY=STOP_DELAY, CASSANDRA_STOP_GRACE=120, **QUICK) for number in (1, 2)]
    for each in two:
        each.start()
        print(f"node {each.number} is ready after {each.wait_ready():.1f} s", flush=True)
    return two


def schema(session):
    """A keyspace with two copies of each row, and a table for each way."""
    session.execute("CREATE KEYSPACE rolling WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 2}")
    for way in WAYS:
        session.execute(f"CREATE TABLE rolling.{way.table} (id int PRIMARY KEY, at bigint)")


def restart(each, endpoints, writer):
    """One node of the rolling restart, as the StatefulSet controller does it."""
    before = writer.acknowledged_by[each.number]
    each.terminate()
    wait_until("the end of its readiness", lambda: not endpoints[each.number])
    withdrawn = writer.acknowledged_by[each.number]
    expect(each.process.poll() is None, f"node {each.number} ended before its readiness was withdrawn")
    begun = time.monotonic()
    each.wait_end()
    stopped = time.monotonic() - begun
    served_on = writer.acknowledged_by[each.number] - withdrawn
    each.start()
    started = each.wait_ready()
    again = writer.acknowledged_by[each.number]
    came_back = wait_until(
        f"clients to come back to node {each.number}",
        lambda: (not writer.alive()) or writer.acknowledged_by[each.number] - again >= BACK,
    )
    expect(writer.alive(), "the writer has ended")
    print(
        f"  node {each.number}: {before} rows before, {served_on} more after it was not ready; ended {stopped:.1f} s after that, "
        f"ready {started:.1f} s after its start, clients back {came_back:.1f} s later", flush=True)
    return served_on


def roll(way, two, endpoints):
    """Restarts both nodes under one client; the last pod first, as a StatefulSet does."""
    print(way.name, flush=True)
    writer = Writer(way, [each.address for each in two], endpoints)
    try:
        for each in two:
            wait_until(f"clients of node {each.number}", lambda: writer.acknowledged_by[each.number] >= BACK or not writer.alive())
        for each in reversed(two):
            served_on = restart(each, endpoints, writer)
            # A driver that nobody tells of endpoints keeps its connections: the node must serve them until it drains.
            expect(way.follows_endpoints or served_on > 0, f"node {each.number} served nobody any more once it was not ready")
        return writer.finish()
    finally:
        writer.kill()


def lost(session, way, acknowledged):
    """How many acknowledged rows neither copy has, with both asked for every one."""
    everything = SimpleStatement(f"SELECT id FROM rolling.{way.table}", consistency_level=ConsistencyLevel.ALL, fetch_size=2000)
    found = {row.id for row in session.execute(everything, timeout=60)}
    return len(set(acknowledged) - found)


def scenario(folder, binary):
    """The whole of it; gives what did not hold."""
    endpoints = multiprocessing.get_context("spawn").Array("b", 3, lock=False)
    two, kubelets, wrong = [], [], []
    try:
        two = cluster_of_two(folder, binary)
        kubelets = [Kubelet(each, endpoints) for each in two]
        for kubelet in kubelets:
            kubelet.start()
        wait_until("both endpoints", lambda: endpoints[1] and endpoints[2])
        with connect([each.address for each in two], FallthroughRetryPolicy()) as cluster:
            schema(cluster.connect())
        for way in WAYS:
            outcome = roll(way, two, endpoints)
            with connect([each.address for each in two], FallthroughRetryPolicy()) as cluster:
                missing = lost(cluster.connect(), way, outcome.acknowledged)
            kinds = ", ".join(f"{count} {kind}" for kind, count in outcome.errors.most_common())
            print(
                f"  {outcome.sent} requests ({outcome.sent / outcome.seconds:.0f} a second), {len(outcome.acknowledged)} acknowledged, "
                f"{outcome.errors.total()} errors"
                f"{f' ({kinds})' if kinds else ''}, {missing} acknowledged rows lost; the slowest took {outcome.longest_seconds:.2f} s",
                flush=True)
            if missing:
                wrong.append(f"{way.name}: {missing} acknowledged rows are lost")
            if way.retries and outcome.errors:
                wrong.append(f"{way.name}: {outcome.errors.total()} errors reached the application")
    except Exception:
        for each in two:
            print(f"--- log of node {each.number}, its end", each.tail(), sep="\n", flush=True)
        raise
    finally:
        for kubelet in kubelets:
            kubelet.stop()
        for each in two:
            each.kill()
    return wrong


def main():
    """Runs the scenario; the exit code says whether all of it held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=pathlib.Path, help="the cassandra-init to run the nodes under")
    given = parser.parse_args()
    print(f"two nodes, two copies, {RATE} writes a second at ONE, {STOP_DELAY} s between not ready and the drain", flush=True)
    with tempfile.TemporaryDirectory(prefix="cassandra-init-cluster-") as name:
        folder = pathlib.Path(name)
        # The JVM's user must get in.
        folder.chmod(0o755)
        try:
            wrong = scenario(folder, given.binary.resolve())
        except Failed as failure:
            wrong = [str(failure)]
    print(*(f"failed: {one}" for one in wrong), sep="\n" if wrong else "", end="\n" if wrong else "")
    print(f"{'failed' if wrong else 'ok'}: rolling restart under {len(WAYS)} kinds of client")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
