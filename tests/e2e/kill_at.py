"""The other side of kill_at.c: ends a running node at a chosen output call."""
import mmap
import os
import struct
import time

import harness

# enum kind and struct control of kill_at.c
WRITE, SYNC, PEER, CLIENT = 1, 2, 4, 8
ALL = WRITE | SYNC | PEER | CLIENT
CONTROL = struct.Struct("=IIIiIIIIQ128s")


class KillAt:
    """Preloaded into a node from its next start on."""

    def __init__(self, network, node):
        self.node = node
        path = network.file(f"kill-at-{node.index}")
        with open(path, "wb") as file:
            file.write(bytes(CONTROL.size))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), CONTROL.size)
        self.ports = [node.address(name)[1] for name in ("rpc_listen", "local_listen")]
        node.environment["LD_PRELOAD"] = harness.KILL_AT
        node.environment["XUELIAN_KILL_AT"] = path
        # The sanitizer's own library is not the first one then.
        asan = os.environ.get("ASAN_OPTIONS", "")
        node.environment["ASAN_OPTIONS"] = asan + (":" if asan else "") + "verify_asan_link_order=0"

    def arm(self, kinds, number, amid, idle=False):
        """The number-th output call of these kinds from now on is the node's last; idle: from its next write to a
        file on."""
        CONTROL.pack_into(self.memory, 0, 0, kinds, amid, number, idle, *self.ports, 0, 0, b"")
        self.memory[0:4] = struct.pack("=I", 1)

    def counted(self):
        """Calls since it was armed with 2^30; disarms."""
        self.memory[0:4] = struct.pack("=I", 0)
        return (1 << 30) - CONTROL.unpack_from(self.memory)[3]

    def fired(self):
        """Waits until the node has ended by it. Returns (time.monotonic() of its end, which call it was)."""
        process = self.node.process
        try:
            process.wait(harness.NEVER_S)
        finally:
            self.memory[0:4] = struct.pack("=I", 0)
        self.node.process = None
        killed_ns, call = CONTROL.unpack_from(self.memory)[8:]
        assert killed_ns != 0, f"node {self.node.index} ended by itself with {process.returncode}"
        assert time.clock_gettime_ns(time.CLOCK_MONOTONIC) > killed_ns
        return killed_ns / 1e9, call.split(b"\0")[0].decode()
