#!/usr/bin/env python3
"""What it costs to ask a live node, on both sides: of the one who asks, and of the PID 1 that is asked.

    probes.py INIT JVM ROUNDS NAME TIMES COMMAND... [:: NAME TIMES COMMAND...]...

In each round each side asks so many times, with a pause before each call that is longer than PID 1 remembers a look: none is
answered by the look of another. INIT and JVM are the process ids of PID 1 and of Cassandra. Wall time and CPU of the caller
are medians; what PID 1 spends, with the helpers that it starts for an answer, and what Cassandra spends beside what it spends
on nothing, is counted by the kernel in hundredths of a second, over all calls, and is a mean. Memory is the largest process of
a call.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

from measure import ratio, run_once, sides_of

PAUSE = 0.25
TICK = 1000 / os.sysconf("SC_CLK_TCK")
# Threads are clones, too; processes are what is counted.
STARTS = re.compile(r"\b(?:clone|clone3|fork|vfork)\((?!.*CLONE_THREAD).*= [1-9]")
TRACE = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=clone,clone3,fork,vfork"]


def spent(pid, with_children):
    """CPU of a process in milliseconds, with that of the children that it has waited for."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11 : 15 if with_children else 13]) * TICK


def peak(command):
    """kB of the largest process. A child begins with what its parent has, so the parent is a small one."""
    done = subprocess.run(["/usr/bin/time", "-f", "%M", *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return int(done.stderr.split()[-1])


def starts(init, command):
    """Processes of one call: the caller's own, and those that PID 1 starts meanwhile."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as own:
        subprocess.run([*TRACE, "-o", own.name, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        callers = 1 + sum(bool(STARTS.search(line)) for line in own)
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as other:
        # Without -f: what the helpers do is theirs.
        watch = ["strace", "-p", init, "-e", "trace=clone,clone3,fork,vfork", "-o", other.name]
        with subprocess.Popen(watch, stderr=subprocess.PIPE, text=True) as strace:
            if "attached" not in strace.stderr.readline():
                sys.exit(f"probes: strace cannot watch process {init}")
            time.sleep(PAUSE)
            run_once(command)
            strace.terminate()
        return callers, sum(bool(STARTS.search(line)) for line in other)


class Side:
    """One way to ask."""

    def __init__(self, name, words):
        self.name, self.times, self.command = name, int(words[0]), words[1:]
        self.calls, self.of_init, self.of_jvm, self.took = [], 0.0, 0.0, 0.0

    def round(self, init, jvm):
        # Whatever the last side began is over.
        time.sleep(PAUSE)
        before, begun = (spent(init, True), spent(jvm, False)), time.perf_counter()
        for _ in range(self.times):
            time.sleep(PAUSE)
            self.calls.append(run_once(self.command))
        time.sleep(PAUSE)
        self.took += time.perf_counter() - begun
        self.of_init += spent(init, True) - before[0]
        self.of_jvm += spent(jvm, False) - before[1]

    def result(self, idle):
        """Wall, CPU of the caller, of PID 1, of both, of Cassandra, in milliseconds a call."""
        wall, caller = (statistics.median(column) for column in zip(*self.calls))
        init, jvm = self.of_init / len(self.calls), (self.of_jvm - idle * self.took) / len(self.calls)
        return wall, caller, init, caller + init, jvm


def idle_rate(jvm, seconds=10):
    """What Cassandra spends on nothing, in milliseconds of CPU a second."""
    before = spent(jvm, False)
    time.sleep(seconds)
    return (spent(jvm, False) - before) / seconds


def main(init, jvm, rounds, *words):
    sides = [Side(name, command) for name, command, _ in sides_of(words)]
    for side in sides:
        run_once(side.command)
    idle = idle_rate(jvm)
    for _ in range(int(rounds)):
        for side in sides:
            side.round(init, jvm)
    columns = ["wall ms", "caller ms", "PID 1 ms", "CPU ms", "wall", "CPU", "Cassandra", "peak kB", "processes"]
    print(f"  {rounds + ' rounds':44} " + " ".join(f"{column:>9}" for column in columns))
    first = None
    for side in sides:
        wall, caller, own, cpu, cassandra = side.result(idle)
        first = first or (wall, cpu)
        callers, others = starts(init, side.command)
        print(
            f"  {side.name:44} {wall:9.2f} {caller:9.2f} {own:9.2f} {cpu:9.2f} {ratio(wall, first[0]):>9} {ratio(cpu, first[1]):>9}"
            f" {cassandra:9.2f} {peak(side.command):9} {callers:5} + {others}"
        )


if __name__ == "__main__":
    if len(sys.argv) < 7:
        sys.exit(__doc__)
    main(*sys.argv[1:])
