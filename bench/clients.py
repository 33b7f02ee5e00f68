#!/usr/bin/env python3
"""What a node does for its clients before it is measured: so many of them, one after the other, connect, send OPTIONS and
STARTUP, ask for the node's own row and go. Java compiles what it does often; a node that has just started is measured without.

    clients.py ADDRESS COUNT
"""

import socket
import struct
import sys

OPTIONS, STARTUP, QUERY = 5, 1, 7
SUPPORTED, READY, RESULT = 6, 2, 8
ROW = b"SELECT bootstrapped FROM system.local WHERE key='local'"


def text(word):
    return struct.pack(">H", len(word)) + word


def exactly(stream, count):
    got = b""
    while len(got) < count:
        more = stream.recv(count - len(got))
        if not more:
            sys.exit("clients: the node hung up")
        got += more
    return got


def ask(stream, opcode, body, expected):
    """An envelope of version 4 (native_protocol_v4.spec, section 2) and its answer."""
    stream.sendall(struct.pack(">BBhBi", 4, 0, 0, opcode, len(body)) + body)
    *_, answer, length = struct.unpack(">BBhBi", exactly(stream, 9))
    exactly(stream, length)
    if answer != expected:
        sys.exit(f"clients: the node answered {answer} to {opcode}")


def client(address):
    with socket.create_connection((address, 9042), timeout=30) as stream:
        ask(stream, OPTIONS, b"", SUPPORTED)
        ask(stream, STARTUP, struct.pack(">H", 1) + text(b"CQL_VERSION") + text(b"3.0.0"), READY)
        ask(stream, QUERY, struct.pack(">i", len(ROW)) + ROW + struct.pack(">HB", 1, 0), RESULT)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    for _ in range(int(sys.argv[2])):
        client(sys.argv[1])
