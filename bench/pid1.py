#!/usr/bin/env python3
"""PID 1 beside others: how soon a signal counts, how long it takes to the child, and how long an owner's walk takes.

    pid1.py latency RUNS NAME COMMAND... [:: NAME COMMAND...]...      from kill(2) of SIGTERM until the child has it
    pid1.py deaf RUNS NAME COMMAND... [:: NAME COMMAND...]...         from exec until SIGTERM is blocked or caught
    pid1.py tree ENTRIES DIR                                          makes a tree as a data folder has it
    pid1.py walk RUNS UID:GID DIR NAME COMMAND... [:: NAME COMMAND...]...
                                                                      first pass, no-op warm and no-op cold over DIR

The commands of `latency` and `deaf` get the command of a child appended. All sides take turns.
"""

import os
import signal
import statistics
import subprocess
import sys
import time

from measure import run_once, sides_of

FILES_IN_A_FOLDER = 100
TERM = 1 << (signal.SIGTERM - 1)

# Says that it waits, and at SIGTERM what time it is.
CHILD = [
    sys.executable,
    "-ISc",
    "import signal, time, os\n"
    "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
    "os.write(1, b'.')\n"
    "signal.sigwait([signal.SIGTERM])\n"
    "os.write(1, str(time.monotonic_ns()).encode())",
]


def measured(words):
    """The sides, each with an empty list for its times."""
    return [(name, command, []) for name, command in sides_of(words)]


def show(title, sides, digits=3):
    """Medians with their spread, and the median of the ratios to the first side of the same turn."""
    print(f"  {title:44} {'median ms':>10} {'5 %':>9} {'95 %':>9} {'ratio':>8}")
    first = sides[0][2]
    for name, _, times in sides:
        ordered = sorted(times)
        low, high = ordered[len(ordered) // 20], ordered[-1 - len(ordered) // 20]
        median = statistics.median(times)
        ratio = statistics.median(ours / theirs for ours, theirs in zip(times, first))
        print(f"  {name:44} {median:10.{digits}f} {low:9.{digits}f} {high:9.{digits}f} {ratio:7.2f}×")


def latency(runs, *words):
    sides = measured(words)
    for _ in range(int(runs)):
        for _, command, times in sides:
            init = subprocess.Popen([*command, *CHILD], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            if init.stdout.read(1) != b".":
                sys.exit(f"pid1: {command} did not start its child")
            # It has been told of its child's start and waits again.
            while process_state(init.pid) != "S":
                pass
            sent = time.monotonic_ns()
            os.kill(init.pid, signal.SIGTERM)
            times.append((int(init.stdout.read()) - sent) / 1e6)
            init.wait()
    show("from kill(2) to the child, " + runs + " runs", sides)


def process_state(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0]


def hears(pid):
    """Whether SIGTERM is blocked or caught, or already waited for: sigtimedwait(2) shows what it waits for as not blocked."""
    with open(f"/proc/{pid}/status", "rb") as file:
        lines = dict(line.split(b":\t", 1) for line in file.read().splitlines() if b":\t" in line)
    masks = int(lines[b"SigBlk"], 16) | int(lines[b"SigCgt"], 16)
    return masks & TERM or lines[b"State"].startswith(b"S")


def deaf(runs, *words):
    sides = measured(words)
    nowhere = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
    for _ in range(int(runs)):
        for _, command, times in sides:
            # posix_spawn returns once the new program is executed (CLONE_VFORK).
            pid = os.posix_spawnp(command[0], [*command, "sleep", "0.02"], os.environ, file_actions=nowhere)
            begun = time.perf_counter()
            while not hears(pid):
                pass
            times.append((time.perf_counter() - begun) * 1000)
            # No signal is sent: one that a side loses would hold up the others.
            os.waitpid(pid, 0)
    show("from exec until SIGTERM is not lost, " + runs + " runs", sides)


def tree(entries, root):
    """Folders of 100 files each, as tables have them."""
    made = 0
    while made < int(entries):
        folder = os.path.join(root, "data", f"ks{made // 10_000}", f"table-{made}")
        os.makedirs(folder)
        made += 1
        for number in range(min(FILES_IN_A_FOLDER, int(entries) - made)):
            os.close(os.open(os.path.join(folder, f"nb-{number}-big-Data.db"), os.O_CREAT | os.O_WRONLY, 0o640))
            made += 1


def give(owner, root):
    subprocess.run(["chown", "-R", owner, root], check=True)
    os.sync()


def cold():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3")


def walk(runs, owner, root, *words):
    passes = {
        "first pass, warm": lambda: give("0:0", root),
        "no-op, warm": lambda: None,
        "no-op, cold": cold,
    }
    uid = int(owner.partition(":")[0])
    for title, prepare in passes.items():
        wall, cpu = measured(words), measured(words)
        give(owner, root)
        for turn in range(int(runs)):
            # Who is first gets the machine as the other left it: that, too, takes turns.
            for side in range(len(wall))[:: -1 if turn % 2 else 1]:
                prepare()
                for times, spent in zip((wall[side][2], cpu[side][2]), run_once(wall[side][1])):
                    times.append(spent)
                if os.stat(os.path.join(root, "data", "ks0", "table-0", "nb-0-big-Data.db")).st_uid != uid:
                    sys.exit(f"pid1: {wall[side][0]} did not give {root} to {owner}")
        show(f"{title}, {runs} runs", wall, digits=1)
        show(f"{title}, CPU", cpu, digits=1)


if __name__ == "__main__":
    commands = {"latency": latency, "deaf": deaf, "tree": tree, "walk": walk}
    if len(sys.argv) < 4 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
