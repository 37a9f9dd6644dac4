#!/usr/bin/env python3
"""All stop, all start, under load, again and again: asked to (SIGTERM), killed, some of each, and killed while they
start. The clients never pause. XUELIAN_ROUNDS=N of them; XUELIAN_SEED=N."""
import os
import signal
import time
import unittest

import harness
from harness import Network
from under_load import T0_MS, UnderLoad

ROUNDS = int(os.environ.get("XUELIAN_ROUNDS", "4"))
WAYS = ("asked", "killed", "some of each", "killed as they start")


class AllDown(unittest.TestCase):
    def end_all(self, way, run):
        """Together, or within the time of a few blocks."""
        nodes = list(run.net.nodes)
        run.dice.shuffle(nodes)
        asked = [node for node in nodes if way == "asked" or way == "some of each" and run.dice.random() < 0.5]
        spread_s = run.dice.choice((0, 0.02, 0.2))
        for node in nodes:
            node.process.send_signal(signal.SIGTERM if node in asked else signal.SIGKILL)
            time.sleep(run.dice.random() * spread_s)
        for node in nodes:
            if node in asked:
                node.ended_well()
            else:
                node.kill()

    def start_all(self, run):
        nodes = list(run.net.nodes)
        run.dice.shuffle(nodes)
        spread_s = run.dice.choice((0, 0.3))
        for node in nodes:
            node.start()
            time.sleep(run.dice.random() * spread_s)

    def test_all_down(self):
        with Network(start=False, params=(("t0_ms", T0_MS),)) as net, UnderLoad(net, "all down") as run:
            ratios = run.new_ratios("from the last start until clients are answered again")
            for round_ in range(ROUNDS):
                way = WAYS[round_ % len(WAYS)]
                self.end_all(way, run)
                self.start_all(run)
                if way == "killed as they start":
                    time.sleep(run.dice.random())
                    self.end_all(way, run)
                    self.start_all(run)
                started_at = time.monotonic()
                run.go_on()
                ratios.add(run.load.silence(started_at) - started_at)
                for node in net.nodes:
                    run.wait_votes(node)
                run.agree()
            run.finish(f"{ROUNDS} times all stopped and started")


if __name__ == "__main__":
    harness.main()
