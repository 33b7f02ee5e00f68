"""A client as applications are: the real driver, prepared statements, 500 of them a second, in a process of its own."""

import collections
import dataclasses
import multiprocessing
import queue
import threading
import time

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.policies import (
    DCAwareRoundRobinPolicy, FallthroughRetryPolicy, HostDistance, LoadBalancingPolicy, RetryPolicy, TokenAwarePolicy,
)

RATE = 500
# No statement may be without an end: this much later it counts as an error. A machine that has other work is slow, and that is
# not what is counted here.
REQUEST_SECONDS = 60
# As applications do, it waits when so many are under way.
UNDER_WAY = 2000


class NextHost(RetryPolicy):
    """What failed on one node is tried on the next: right for idempotent statements, and only for them."""

    MOST = 3

    def _next(self, statement, retry_num):
        if statement.is_idempotent and retry_num < self.MOST:
            return self.RETRY_NEXT_HOST, None
        return self.RETHROW, None

    def on_read_timeout(self, query, consistency, required_responses, received_responses, data_retrieved, retry_num):
        return self._next(query, retry_num)

    def on_write_timeout(self, query, consistency, write_type, required_responses, received_responses, retry_num):
        return self._next(query, retry_num)

    def on_unavailable(self, query, consistency, required_replicas, alive_replicas, retry_num):
        return self._next(query, retry_num)

    def on_request_error(self, query, consistency, error, retry_num):
        return self._next(query, retry_num)


class Endpoints(LoadBalancingPolicy):
    """The driver's own plan, but nodes that are not ready come last: a client that follows the pods' readiness."""

    def __init__(self, child, ready):
        super().__init__()
        self.child, self.ready = child, ready

    def populate(self, cluster, hosts):
        self.child.populate(cluster, hosts)

    def distance(self, host):
        return self.child.distance(host)

    def check_supported(self):
        self.child.check_supported()

    def on_up(self, host):
        self.child.on_up(host)

    def on_down(self, host):
        self.child.on_down(host)

    def on_add(self, host):
        self.child.on_add(host)

    def on_remove(self, host):
        self.child.on_remove(host)

    def make_query_plan(self, working_keyspace=None, query=None):
        plan = [host for host in self.child.make_query_plan(working_keyspace, query)
                if self.child.distance(host) != HostDistance.IGNORED]
        yield from sorted(plan, key=lambda host: not self.ready[number_of(host)])


def number_of(host):
    """The node that a host of the driver is: the last part of its address."""
    return int(host.address.rpartition(".")[2])


@dataclasses.dataclass
class Way:
    """How a client goes about it."""

    name: str
    table: str
    retries: bool
    follows_endpoints: bool


@dataclasses.dataclass
class Outcome:
    """What the application saw."""

    sent: int
    acknowledged: list
    errors: collections.Counter
    longest_seconds: float
    seconds: float


class Writer:
    """A writer that runs beside a scenario; `acknowledged_by[n]` counts what node n has acknowledged so far."""

    def __init__(self, way, addresses, endpoints):
        spawn = multiprocessing.get_context("spawn")
        self.acknowledged_by = spawn.Array("q", len(endpoints), lock=False)
        self._over, self._outcome = spawn.Event(), spawn.Queue()
        arguments = (way, addresses, endpoints, self.acknowledged_by, self._over, self._outcome)
        self._process = spawn.Process(target=write, args=arguments, daemon=True)
        self._process.start()

    def alive(self):
        """Whether it still writes."""
        return self._process.is_alive()

    def finish(self):
        """Ends it and gives what it saw."""
        self._over.set()
        try:
            return self._outcome.get(timeout=3 * REQUEST_SECONDS)
        except queue.Empty:
            raise RuntimeError("the writer ended without telling what it saw") from None
        finally:
            self._process.join(REQUEST_SECONDS)

    def kill(self):
        """Ends it whatever it does."""
        self._process.kill()


def connect(addresses, retry, balancing=None):
    """A cluster object of the driver with our policies."""
    profile = ExecutionProfile(
        load_balancing_policy=balancing or TokenAwarePolicy(DCAwareRoundRobinPolicy()), retry_policy=retry,
        consistency_level=ConsistencyLevel.ONE, request_timeout=REQUEST_SECONDS,
    )
    return Cluster(addresses, execution_profiles={EXEC_PROFILE_DEFAULT: profile}, connect_timeout=15)


def write(way, addresses, endpoints, acknowledged_by, over, outcome):
    """The writer's process: a request every 2 ms, whether the ones before it were answered or not."""
    balancing = TokenAwarePolicy(DCAwareRoundRobinPolicy())
    if way.follows_endpoints:
        balancing = Endpoints(balancing, endpoints)
    with connect(addresses, NextHost() if way.retries else FallthroughRetryPolicy(), balancing) as cluster:
        session = cluster.connect()
        statement = session.prepare(f"INSERT INTO rolling.{way.table} (id, at) VALUES (?, ?)")
        statement.is_idempotent = way.retries
        tally = Tally(acknowledged_by)
        begun, sent = time.monotonic(), 0
        while not over.is_set():
            while sent < int((time.monotonic() - begun) * RATE):
                tally.wait_room(sent)
                tally.send(session, statement, sent)
                sent += 1
            time.sleep(1 / RATE)
        seconds = time.monotonic() - begun
        tally.wait_answers(sent)
        outcome.put(Outcome(sent, tally.acknowledged, tally.errors, tally.longest, seconds))


def kind(error):
    """The error's class, and for one that sums up what each node said, theirs too."""
    each = error.errors.values() if isinstance(error, NoHostAvailable) else ()
    return " of ".join([type(error).__name__, *sorted({type(one).__name__ for one in each})])


class Tally:
    """Counts answers as they come, in the driver's threads."""

    def __init__(self, acknowledged_by):
        self.acknowledged_by = acknowledged_by
        self.acknowledged, self.errors, self.longest, self.ended = [], collections.Counter(), 0.0, 0
        self.changed = threading.Condition()

    def send(self, session, statement, number):
        """One request; its end is told to this tally, however it ends."""
        begun = time.monotonic()
        future = session.execute_async(statement, (number, int(time.time() * 1000)))
        future.add_callbacks(
            self.on_answer, self.on_error,
            callback_args=(number, begun, future), errback_args=(begun,),
        )

    def on_answer(self, _rows, number, begun, future):
        with self.changed:
            self.acknowledged.append(number)
            self.acknowledged_by[number_of(future.coordinator_host)] += 1
            self._end(begun)

    def on_error(self, error, begun):
        with self.changed:
            self.errors[kind(error)] += 1
            self._end(begun)

    def _end(self, begun):
        self.ended += 1
        self.longest = max(self.longest, time.monotonic() - begun)
        self.changed.notify()

    def wait_answers(self, sent):
        """Waits until every request has ended, one way or the other."""
        with self.changed:
            done = self.changed.wait_for(lambda: self.ended == sent, 2 * REQUEST_SECONDS)
        if not done:
            raise RuntimeError(f"{sent} requests, but {len(self.acknowledged)} answers and {self.errors.total()} errors")

    def wait_room(self, sent):
        """Waits while too many are under way."""
        with self.changed:
            self.changed.wait_for(lambda: sent - self.ended < UNDER_WAY)
