#!/usr/bin/env python3
"""A node that follows, verifies and serves, and never votes."""
import unittest

import harness
from harness import Network, learner


class Observer(unittest.TestCase):
    def test_observer(self):
        with Network(start=False) as net:
            observer = net.add_observer()
            for node in net.nodes:
                node.init()
                node.start()
            net.wait_ready()
            net.wait("the observer has met all", lambda: observer.get("/v1/network")["peer_count"] == 4)
            state = observer.get("/v1/network")
            self.assertEqual((state["validator"], state["voting"]), (False, False))
            self.assertEqual(observer.request("GET", "/readyz")[0], 200)
            # What is submitted to it reaches the validators; what they decide reaches it.
            envelopes, _ = net.make(1, "open", 1, 5)
            heights = [int(net.commit(observer, envelope)["height"]) for envelope in envelopes]
            self.assertEqual(len(observer.get("/v1/blocks?from=1&limit=100")["headers"]), heights[-1])
            net.wait_height(heights[-1])
            net.same_blocks(heights[-1])
            self.assertEqual(observer.get(f"/v1/accounts/{learner(3)}/archive")["items"], [])
            self.assertEqual(observer.request("GET", f"/v1/accounts/{learner(3)}/archive/proof")[0], 200)
            # It is not one of the quorum: with two validators nothing is decided, with a third it is.
            net.nodes[0].kill()
            net.nodes[1].kill()
            envelopes, ids = net.make(1, "open", 10, 2)
            status, answer = observer.submit(envelopes[0], 3000)
            self.assertEqual((status, answer["status"]), (200, "pending"))
            net.nodes[0].start()
            self.assertEqual(observer.get(f"/v1/transactions/{ids[0]}?wait_ms=60000")["status"], "committed")
            # Started again, it catches up.
            observer.kill()
            height = int(net.commit(net.nodes[0], envelopes[1])["height"])
            observer.start()
            net.wait_height(height, [observer])
            net.same_blocks(height)
            net.nodes[1].start()
            net.wait_ready()
            net.stop_all()


if __name__ == "__main__":
    harness.main()
