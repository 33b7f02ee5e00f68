#!/usr/bin/env python3
"""The other sides of bench/run's rendering: the same edits made by a parser that writes the file anew, and by sed.

    rewrite.py edits COUNT YAML        that many entries for keys that YAML has, live ones with a new value, one a line
    rewrite.py sed EDITS               the edits as a script for sed -r
    rewrite.py dump EDITS YAML         parse, set, write: what yq and its like do; comments and order of keys go
"""

import re
import sys

COMMENTED = re.compile(r"# ?([a-z_]+): +([^ \[{#][^#]*)$")
LIVE = re.compile(r"([a-z_]+): +([0-9]+(?:ms|s|m|h|MiB|KiB|MiB/s)?|true|false)$")
FLIPPED = {"true": "false", "false": "true"}
# Two ways to say one thing: only one of them may be there.
EXCLUSIVE = ("_interface", "_address", "_directory", "seeds", "location", "snitch", "provider", "proximity", "port_ssl")


def edits(count, path):
    """Commented keys are enabled with the value that they show, live numbers grow by one, live switches flip."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    live = {line.split(":")[0] for line in lines if re.match(r"[a-z_]+:", line)}
    chosen = {}
    for line in lines:
        commented, number = COMMENTED.match(line), LIVE.match(line)
        if number:
            chosen[number[1]] = FLIPPED.get(number[2]) or re.sub("^[0-9]+", lambda digits: str(int(digits[0]) + 1), number[2])
        elif commented and commented[1] not in live and "_" in commented[1]:
            chosen.setdefault(commented[1], commented[2].strip())
    chosen = {key: value for key, value in chosen.items() if not any(word in key for word in EXCLUSIVE)}
    if len(chosen) < int(count):
        sys.exit(f"rewrite: {path} has only {len(chosen)} keys for edits")
    for key, value in list(chosen.items())[: int(count)]:
        print(f"{key}: {value}")


def sed(path):
    """One expression for each edit, as entrypoints of shell have them."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            key, value = line.rstrip("\n").split(": ", 1)
            print(f"s|^(# ?)?{key}:.*|{key}: {value}|")


def dump(changes, path):
    """PyYAML, with libyaml where it is there."""
    import yaml

    loader, dumper = getattr(yaml, "CSafeLoader", yaml.SafeLoader), getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    with open(path, encoding="utf-8") as file, open(changes, encoding="utf-8") as more:
        tree = yaml.load(file, loader)
        tree.update(yaml.load(more, loader))
    yaml.dump(tree, sys.stdout, dumper)


if __name__ == "__main__":
    commands = {"edits": edits, "sed": sed, "dump": dump}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
