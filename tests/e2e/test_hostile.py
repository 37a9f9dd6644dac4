#!/usr/bin/env python3
"""One of four nodes sends what nobody asked for, and noise in every type of message. The other three go on, and
nothing of it stays with them."""
import unittest

import harness
from harness import Network, run


class Hostile(unittest.TestCase):
    def test_what_nobody_asked_for(self):
        with Network(start=False) as net:
            honest = net.nodes[:3]
            for node in honest:
                node.init()
                node.start()
            net.wait_ready(honest)
            unasked, _ = net.make(1, "open", 1000, 200)
            path = net.file("unasked")
            with open(path, "wb") as file:
                for envelope in unasked:
                    file.write(len(envelope).to_bytes(4, "big") + envelope)
            run(harness.HOSTILE_PEER, net.genesis, net.nodes[3].folder, path)
            for node in honest:
                self.assertTrue(node.alive(), node.words(60))
                metrics = node.request("GET", "/metrics")[2].decode()
                self.assertIn("\nxuelian_pool_bytes 0\n", metrics)
                self.assertIn("\nxuelian_height 0\n", metrics)
                self.assertNotIn("\nxuelian_messages_bad_total 0\n", metrics)
            good, _ = net.make(1, "open", 1, 1)
            self.assertEqual(net.commit(honest[1], good[0])["name"], "OK")
            for node in honest:
                node.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
