#!/usr/bin/env python3
"""Validators killed and started at random under load, never more than one down for long, sometimes all at once.

The seed is printed; XUELIAN_SEED=N runs it again, as far as processes repeat themselves."""
import os
import random
import time
import unittest

import harness
from harness import Network
from load import Load

ROUNDS = int(os.environ.get("XUELIAN_ROUNDS", "12"))


class Chaos(unittest.TestCase):
    def test_chaos(self):
        seed = int(os.environ.get("XUELIAN_SEED", random.randrange(1 << 32)))
        dice = random.Random(seed)
        print(f"seed {seed}")
        with Network() as net:
            net.wait_ready()
            load = Load(net, net.nodes, 6, 2000).start()
            try:
                for _ in range(ROUNDS):
                    before = load.count()
                    victims = net.nodes if dice.random() < 0.15 else [dice.choice(net.nodes)]
                    for node in victims:
                        # One that still starts knows nothing of signals yet, and has promised nothing.
                        if dice.random() < 0.3 and node.network_state() is not None:
                            node.stop()
                        else:
                            node.kill()
                    time.sleep(dice.random() * 4)
                    if len(victims) == 1 and dice.random() < 0.5:
                        # A second one goes the moment the first is back: it must not be missed for long.
                        victims[0].start()
                        other = dice.choice([node for node in net.nodes if node is not victims[0]])
                        other.kill()
                        victims = [other]
                    for node in victims:
                        node.start()
                    if not load.finished():
                        net.wait("clients are answered again", lambda: load.count() > before + 20 or load.finished())
            finally:
                load.stop()
            net.wait_ready()
            height = max(node.height() for node in net.nodes)
            net.wait_height(height)
            net.same_blocks(height)
            load.check(net.nodes[:2])
            for node in net.nodes:
                self.assertFalse(node.get("/v1/network")["stopped"])
                self.assertEqual([name for name in os.listdir(node.data) if name.startswith("evidence")], [])
            net.stop_all()


if __name__ == "__main__":
    harness.main()
