#!/usr/bin/env python3
"""Ratios of a network of four validators on this machine, each measured in one run against the machine's own bound.

Usage: tests/bench/bench.py [--transactions N] [--import-data MAPPING]"""
import argparse
import os
import re
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
os.environ.setdefault("XUELIAN_BUILD_DIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build",
                                                        "clang"))
import harness  # noqa: E402  (an optimised build, unless another is named)

WINDOW = 64  # requests under way on one connection


def line(name, value, ratio=""):
    print(f"{name:<58} {value:>14} {ratio:>22}", flush=True)


def metrics(node):
    text = node.request("GET", "/metrics")[2].decode()
    return dict(one.split() for one in text.splitlines() if not one.startswith("#"))


class Stream:
    """One connection that submits many envelopes, a window at a time, those refused for now again."""

    def __init__(self, node, envelopes):
        self.node = node
        self.waiting = [self.request(envelope) for envelope in envelopes]
        self.busy = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    @staticmethod
    def request(envelope):
        return (b"POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(envelope), envelope))

    def answers(self, connection, count):
        """Statuses of `count` answers. Bodies are short and hold no blank line."""
        data = b""
        while data.count(b"}", 0) < count:
            part = connection.recv(1 << 20)
            if not part:
                raise RuntimeError("the node closed the connection")
            data += part
        return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d+)", data)]

    def run(self):
        with socket.create_connection(self.node.address("local_listen")) as connection:
            while self.waiting:
                part, self.waiting = self.waiting[:WINDOW], self.waiting[WINDOW:]
                connection.sendall(b"".join(part))
                again = []
                for request, code in zip(part, self.answers(connection, len(part))):
                    if code == 429:
                        again.append(request)
                    elif code != 200:
                        raise RuntimeError(f"a transaction was refused with {code}")
                if again:
                    self.busy += len(again)
                    self.waiting = again + self.waiting
                    time.sleep(0.02)


def single(net, count, verify_ns):
    """Committed single-signature transactions a second, against cores / (n x one verification)."""
    members = 4
    work = []
    for member in range(1, members + 1):
        work.append(net.make(member, "open", 10_000_000 * member, count // members)[0])
    before = [int(metrics(node)["xuelian_transactions_total"]) for node in net.nodes]
    blocks = int(metrics(net.nodes[0])["xuelian_blocks_total"])
    began = time.monotonic()
    streams = [Stream(node, envelopes) for node, envelopes in zip(net.nodes, work)]
    total = sum(map(len, work))
    net.wait("all are committed", lambda: all(int(metrics(node)["xuelian_transactions_total"]) - b >= total
                                              for node, b in zip(net.nodes, before)))
    span = time.monotonic() - began
    for stream in streams:
        stream.thread.join()
    blocks = int(metrics(net.nodes[0])["xuelian_blocks_total"]) - blocks
    rate = total / span
    bound = os.cpu_count() / (len(net.nodes) * verify_ns * 1e-9)
    line("one verification", f"{verify_ns / 1000:.1f} us")
    line(f"{total} single-signature transactions, {blocks} blocks", f"{rate:.0f} /s",
         f"{rate / bound:.3f} of {bound:.0f} /s")
    line("answers that said: busy, again", sum(stream.busy for stream in streams))


def fsync_ms():
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"xuelian-bench-{os.getpid()}")
    spans = []
    with open(path, "wb") as file:
        for _ in range(50):
            file.write(b"x" * 4096)
            file.flush()
            began = time.monotonic()
            os.fdatasync(file.fileno())
            spans.append((time.monotonic() - began) * 1000)
    os.remove(path)
    return sorted(spans)[len(spans) // 2]


def latency(net):
    """From a client's question to the committed answer, one at a time, against the three syncs on the path."""
    envelopes, _ = net.make(1, "open", 900_000_000, 40)
    spans = []
    for envelope in envelopes:
        began = time.monotonic()
        status, answer = net.nodes[0].submit(envelope, 60000)
        assert (status, answer["status"]) == (200, "committed"), answer
        spans.append((time.monotonic() - began) * 1000)
    spans.sort()
    sync = fsync_ms()
    line("commit of one transaction, median of 40", f"{spans[20]:.1f} ms", f"{spans[20] / (3 * sync):.1f} of 3 syncs")
    line("  the slowest of 40", f"{spans[-1]:.1f} ms")


def proofs(net):
    """Sizes against their targets."""
    learner = harness.learner(800_000_000)
    net.commit(net.nodes[0], net.make(1, "open", 800_000_000, 1)[0][0])
    for envelope in net.make(1, "deposit_same", 800_000_000, 100)[0]:
        net.nodes[0].submit(envelope)
    net.wait("100 records", lambda: len(net.nodes[0].get(f"/v1/accounts/{learner}/archive")["items"]) == 100)
    for name, path, target in (
            ("proof of one record", f"/v1/accounts/{learner}/items/50/proof", 2500),
            ("  with the issuer's signature", f"/v1/accounts/{learner}/items/50/proof?issuer=1", None),
            ("proof of an archive of 100 records", f"/v1/accounts/{learner}/archive/proof", 40000),
            ("  with the issuers' signatures", f"/v1/accounts/{learner}/archive/proof?issuer=1", None),
            ("proof that there is no account", f"/v1/accounts/{harness.learner(1)}/absence/proof", None)):
        began = time.monotonic()
        status, _, body = net.nodes[0].request("GET", path)
        assert status == 200, body
        span = (time.monotonic() - began) * 1000
        line(f"{name} ({span:.1f} ms)", f"{len(body)} bytes", f"{len(body) / target:.2f} of target" if target else "")


def bulk(mapping, verify_ns):
    """Outcomes imported a second, as a term's results come: in bulk, a signature for up to 1,000."""
    with harness.Network(tables=harness.DEMO) as net:
        net.wait_ready()
        done = harness.run(harness.XUELIAN, "import", "--network", net.folder, "--mapping", mapping, "--lang=en")
        text = done.stdout + done.stderr
        found = re.search(r"(\d+) outcomes recorded per second", text)
        if not found:
            raise AssertionError(text)
        rate = int(found.group(1))
        bound = os.cpu_count() / (len(net.nodes) * verify_ns * 1e-9)
        line(f"outcomes imported ({os.path.basename(mapping)})", f"{rate} /s", f"{rate / bound:.3f} of {bound:.0f} /s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transactions", type=int, default=20000)
    parser.add_argument("--import-data", default=os.path.join(harness.SOURCE, "deploy", "demo", "star.yaml"))
    chosen = parser.parse_args()
    verify_ns = float(harness.run(harness.MAKE_TXS, "time", 20000).stdout)
    print(f"{os.cpu_count()} cores, 4 validators, clients on the same machine; "
          f"load before: {os.getloadavg()[0]:.1f}")
    with harness.Network() as net:
        net.wait_ready()
        latency(net)
        single(net, chosen.transactions, verify_ns)
        proofs(net)
    bulk(chosen.import_data, verify_ns)


if __name__ == "__main__":
    main()
