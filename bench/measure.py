#!/usr/bin/env python3
"""The clock of bench/run: commands side by side, a wait for an open port, and an idle process.

    measure.py compare RUNS NAME COMMAND... [:: NAME COMMAND...]...   medians of wall time and CPU, and the ratio to the first
    measure.py open HOST PORT SECONDS PID                             seconds until the port accepts a connection, while PID lives
    measure.py idle SECONDS NAME PID [NAME PID]...                    resident memory and context switches
"""

import os
import socket
import statistics
import sys
import time


def run_once(command):
    """Wall and CPU time of one run in milliseconds; the CPU is that of the process and of all that it waited for."""
    nowhere = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
    begun = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=nowhere)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begun
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        sys.exit(f"measure: {' '.join(command)} ended with {code}")
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def sides_of(words):
    """NAME COMMAND... [:: NAME COMMAND...]... as a list of name, command, and an empty list for what is measured."""
    sides, side = [], []
    for word in [*words, "::"]:
        if word == "::":
            sides.append((side[0], side[1:], []))
            side = []
        else:
            side.append(word)
    return sides


def compare(runs, *words):
    """The sides take turns, so that what else the machine does hits all of them."""
    sides = sides_of(words)
    for _, command, _ in sides:
        run_once(command)
    for _ in range(int(runs)):
        for _, command, times in sides:
            times.append(run_once(command))
    print(f"  {'median of ' + runs + ' runs':44} {'wall ms':>9} {'CPU ms':>9} {'wall':>8} {'CPU':>8}")
    first = None
    for name, _, times in sides:
        wall, cpu = (statistics.median(column) for column in zip(*times))
        first = first or (wall, cpu)
        print(f"  {name:44} {wall:9.2f} {cpu:9.2f} {ratio(wall, first[0])} {ratio(cpu, first[1])}")


def ratio(value, first):
    """How many times the first side's value this is."""
    return f"{value / first:7.2f}×" if first else f"{'-':>8}"


def wait_open(host, port, limit, pid):
    """Seconds until the port accepts; the clock starts with this call."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < float(limit):
        if status(pid)["State"].startswith("Z"):
            sys.exit("measure: the process ended")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            print(f"{time.perf_counter() - begun:.1f}")
            return
    sys.exit(f"measure: {host} port {port} did not open within {limit} s")


def status(pid):
    """Lines of /proc/PID/status by name."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def idle(seconds, *words):
    """What is counted: every time that the kernel switched to or from the process."""
    processes = list(zip(words[::2], words[1::2]))

    def switches(pid):
        now = status(pid)
        return int(now["voluntary_ctxt_switches"]) + int(now["nonvoluntary_ctxt_switches"])

    before = [switches(pid) for _, pid in processes]
    time.sleep(float(seconds))
    print(f"  {'':44} {'RSS kB':>9} {'switches in ' + seconds + ' s':>20}")
    for (name, pid), was in zip(processes, before):
        print(f"  {name:44} {int(status(pid)['VmRSS'].split()[0]):9} {switches(pid) - was:20}")


if __name__ == "__main__":
    commands = {"compare": compare, "open": wait_open, "idle": idle}
    if len(sys.argv) < 4 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
