#!/usr/bin/env python3
"""Four validators in network namespaces of their own, cut in every way under load, and healed.

While cut, three that reach each other commit, whatever the fourth does or hears; two alone commit nothing. (Three
in a row may: votes are handed on.) After healing all agree, and what any of them had taken is committed. By itself one cut of each shape, the
primary on the worse side; XUELIAN_CUTS=all takes the 15 partitions, dropped and replugged, the 64 graphs of who
reaches whom, and every one-way cut. XUELIAN_T0=N: the view timeout in ms. Times are printed, never asserted."""
import itertools
import os
import time
import unittest

import harness
import netns
from under_load import T0_MS, UnderLoad

ALL = os.environ.get("XUELIAN_CUTS") == "all"
NODES = (1, 2, 3, 4)
PAIRS = tuple(itertools.combinations(NODES, 2))


def partitions(numbers):
    """Every way to part them into sides."""
    if not numbers:
        yield ()
        return
    first, rest = numbers[0], numbers[1:]
    for size in range(len(rest) + 1):
        for others in itertools.combinations(rest, size):
            for more in partitions(tuple(one for one in rest if one not in others)):
                yield ((first, *others), *more)


def apart(sides):
    """What does not arrive: (from, to)."""
    return {(a, b) for one in sides for other in sides if one is not other for a in one for b in other}


def cores(cut):
    """Those three or more who hear each other; the nodes of some such group."""
    groups = [group for size in (3, 4) for group in itertools.combinations(NODES, size)
              if not any((a, b) in cut for a in group for b in group)]
    return groups[-1] if groups else ()


class Partition(unittest.TestCase):
    def setUp(self):
        self.net = netns.SeparateNetwork(params=(("t0_ms", T0_MS),))
        self.addCleanup(self.net.close)
        self.run_ = UnderLoad(self.net, self.id().split("test_")[-1].replace("_", " "))
        self.addCleanup(self.run_.load.stop)
        self.load = self.run_.load
        self.first = 500_000
        self.cut_off = self.run_.new_ratios("until three who reach each other commit")
        self.healed = self.run_.new_ratios("after healing, until anything is committed where nothing was")
        self.caught_up = self.run_.new_ratios("after healing, until all four have every block")
        self.wait_commits(self.net.nodes)
        # Who comes to local_listen over a network is no operator.
        status = self.net.nodes[0].request("GET", f"/v1/accounts/{harness.learner(1)}/archive")[0]
        self.assertEqual(status, 401)

    def wait_commits(self, nodes, above=None, count=3):
        """Each of the nodes gets blocks above a height (or its own now)."""
        goals = [(node, (node.height() if above is None else above) + count) for node in nodes]
        for node, goal in goals:
            self.net.wait(f"node {node.index} has block {goal}", lambda node=node, goal=goal: node.height() >= goal)

    def leave_one(self, nodes):
        """A transaction at each of these nodes: (node, id)."""
        left = []
        for node in nodes:
            envelopes, ids = self.net.make(2, "open", self.first, 1)
            self.first += 1
            status, answer = node.submit(envelopes[0])
            assert status == 200, answer
            left.append((node, ids[0]))
        return left

    def trial(self, name, make, cut, hold_s=3 * T0_MS / 1000):
        """make() makes the cut; cut: the pairs (from, to) that it parts; hold_s: how long where nothing is committed:
        nothing can be shown to never happen, but whatever happens does so within three view timeouts."""
        nodes = self.net.nodes
        core = [nodes[number - 1] for number in cores(cut)]
        make()
        cut_at = time.monotonic()
        top = max(node.height() for node in nodes)
        left = self.leave_one(nodes)
        try:
            if core:
                self.load.nodes = core
                self.net.wait("the first block", lambda: core[0].height() > top + 1)
                self.cut_off.add(time.monotonic() - cut_at)
                self.wait_commits(core, top + 1)
            else:
                time.sleep(hold_s)
            self.stuck(name, cut, top)
        finally:
            self.load.nodes = nodes
            self.net.heal()
        healed_at = time.monotonic()
        top = max(node.height() for node in nodes)
        if not core:
            self.net.wait("the first block", lambda: max(node.height() for node in nodes) > top)
            self.healed.add(time.monotonic() - healed_at)
        self.net.wait_height(top + 1)
        self.caught_up.add(time.monotonic() - healed_at)
        for node, tx_id in left:
            self.net.wait("what it had taken is committed", lambda node=node, tx_id=tx_id:
                          node.get(f"/v1/transactions/{tx_id}")["status"] == "committed")
        self.wait_commits(nodes)
        self.run_.agree()

    def stuck(self, name, cut, top):
        """A node that hears at most one other, over whatever number of others, adds at most the block that was on its
        way at the cut. One that is heard by nobody may go on hearing what the others commit."""
        for node in self.net.nodes:
            heard = {node.index}
            for _ in NODES:
                heard |= {b for a in heard for b in NODES if (b, a) not in cut}
            if len(heard) < 3:
                self.assertLessEqual(node.height(), top + 1, f"{name}: node {node.index} has committed alone")

    def drop(self, cut, name):
        self.trial(name, lambda: self.net.drop(cut), cut)

    def plug(self, sides):
        self.trial(f"replugged {sides}", lambda: self.net.plug(sides), apart(sides))

    def test_shapes(self):
        """One cut of each shape, the primary where it hurts most; one-way cuts around the primary."""
        count = 0
        for shape in ("3+1", "2+2", "2+1+1", "1+1+1+1", "deaf", "mute"):
            a = self.run_.primary().index
            b, c, d = (number for number in NODES if number != a)
            if shape == "deaf":
                self.drop({(b, a), (c, a), (d, a)}, shape)
            elif shape == "mute":
                self.drop({(a, b), (a, c), (a, d)}, shape)
            elif shape == "2+2":
                self.plug(((a, b), (c, d)))
            else:
                self.drop(apart({"3+1": ((a,), (b, c, d)), "2+1+1": ((a, b), (c,), (d,)),
                                 "1+1+1+1": ((a,), (b,), (c,), (d,))}[shape]), shape)
            count += 1
        self.run_.finish(f"{count} cuts")

    @unittest.skipUnless(ALL, "takes minutes: XUELIAN_CUTS=all, or tests/e2e/live")
    def test_long_cuts(self):
        """So long that connections have been given up, and dialling has become rare."""
        for sides in (((1,), (2,), (3,), (4,)), ((1, 2), (3, 4))) * 2:
            self.trial(f"long {sides}", lambda sides=sides: self.net.drop(apart(sides)), apart(sides), 14)
        self.run_.finish("4 cuts of 14 s")

    @unittest.skipUnless(ALL, "takes minutes: XUELIAN_CUTS=all, or tests/e2e/live")
    def test_every_partition(self):
        every = list(partitions(NODES))
        self.assertEqual(len(every), 15)
        for sides in every:
            self.drop(apart(sides), f"dropped {sides}")
            self.plug(sides)
        self.run_.finish(f"{len(every)} partitions, once dropped and once replugged,")

    @unittest.skipUnless(ALL, "takes minutes: XUELIAN_CUTS=all, or tests/e2e/live")
    def test_every_graph(self):
        """Who reaches whom need not be an equivalence: each of the six pairs is cut or not."""
        for number in range(1 << len(PAIRS)):
            gone = [pair for bit, pair in enumerate(PAIRS) if number >> bit & 1]
            self.drop({*gone, *((b, a) for a, b in gone)}, f"graph without {gone}")
        self.run_.finish(f"{1 << len(PAIRS)} graphs")

    @unittest.skipUnless(ALL, "takes minutes: XUELIAN_CUTS=all, or tests/e2e/live")
    def test_every_one_way_cut(self):
        """One direction of one pair; all that one node says; all that one node hears."""
        cuts = [{pair} for pair in itertools.permutations(NODES, 2)]
        cuts += [{(one, other) for other in NODES if other != one} for one in NODES]
        cuts += [{(other, one) for other in NODES if other != one} for one in NODES]
        for cut in cuts:
            self.drop(cut, f"one way {sorted(cut)}")
        self.run_.finish(f"{len(cuts)} one-way cuts")


if __name__ == "__main__":
    netns.enter()
    harness.main()
