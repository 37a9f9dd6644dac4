#!/usr/bin/env python3
"""Processes that end, politely or not, and come back."""
import signal
import unittest

import harness
from harness import Network
from load import Load


class Restart(unittest.TestCase):
    def primary(self, net):
        """The node that leads, as the others see it."""
        member = net.running()[0].get("/v1/network")["primary"]
        return net.nodes[member - 1]  # member N has node N in a network for trials

    def commit_some(self, net, node, first, count=3):
        envelopes, _ = net.make(1, "open", first, count)
        return [int(net.commit(node, envelope)["height"]) for envelope in envelopes][-1]

    def test_killed_and_caught_up(self):
        """A validator is killed; the other three go on; it comes back, catches up and votes."""
        with Network() as net:
            net.wait_ready()
            victim = net.nodes[3]
            self.commit_some(net, net.nodes[0], 1)
            victim.kill()
            height = self.commit_some(net, net.nodes[1], 10, 5)
            victim.start()
            net.wait_height(height, [victim])
            net.same_blocks(height)
            net.wait("it votes", lambda: (s := victim.network_state()) is not None and s["voting"])
            # Now the quorum needs it.
            net.nodes[2].kill()
            height = self.commit_some(net, victim, 20)
            net.wait_height(height)
            net.same_blocks(height)

    def test_primary_hangs_under_load(self):
        """The leader says nothing more, its connections stay open; another leads. It wakes, and follows."""
        with Network() as net:
            net.wait_ready()
            load = Load(net, net.nodes, 6, 300).start()
            net.wait("some are acknowledged", lambda: load.count() >= 100)
            victim = self.primary(net)
            victim.process.send_signal(signal.SIGSTOP)
            others = [node for node in net.nodes if node is not victim]
            try:
                load.nodes = others
                before = load.count()
                net.wait("it goes on under another primary", lambda: load.count() >= before + 150, others)
            finally:
                victim.process.send_signal(signal.SIGCONT)
            net.wait("all are acknowledged", load.finished)
            height = max(node.height() for node in others)
            net.wait_height(height)
            net.same_blocks(height)
            load.check([victim])
            self.assertFalse(victim.get("/v1/network")["stopped"])

    def test_late_node(self):
        """A validator that starts for the first time when the others are far ahead."""
        with Network(start=False) as net:
            late = net.nodes[1]
            others = [node for node in net.nodes if node is not late]
            for node in others:
                node.init()
                node.start()
            net.wait_ready(others)
            load = Load(net, others, 6, 100).start()
            net.wait("all are acknowledged", load.finished)
            height = max(node.height() for node in others)
            self.assertGreater(height, 33)  # more than are asked for at once
            late.init()
            late.start()
            net.wait_height(height, [late])
            net.same_blocks(height)
            load.check([late])
            others[0].kill()
            self.assertGreater(self.commit_some(net, late, 1), height)


if __name__ == "__main__":
    harness.main()
