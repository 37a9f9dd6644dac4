#!/usr/bin/env python3
"""kill -9 of the primary under load, at every point of the run: others go on, nothing acknowledged is lost, it comes
back and votes, nobody is blamed, all have the same blocks.

To everyone else a process is the sequence of its output calls, so `test_every_call` ends it at each of those of two
blocks in turn: instead of the call, and amid it. How long clients were left without an answer is printed as a ratio
to the view timeout, and not asserted. By itself a few kills of each kind; tests/e2e/live runs them all.
XUELIAN_KILLS=N how many of each, 0 for every point; XUELIAN_T0=N the view timeout in ms; XUELIAN_SEED=N."""
import collections
import os
import re
import time
import unittest

import harness
import kill_at
from harness import Network
from kill_at import KillAt
from under_load import T0_MS, UnderLoad

KILLS = int(os.environ.get("XUELIAN_KILLS", "5"))


class Kills(UnderLoad):
    """What killing the primary did."""

    def __init__(self, net, name):
        self.tools = {node: KillAt(net, node) for node in net.nodes}
        self.calls = collections.Counter()
        super().__init__(net, name)
        self.silence = self.new_ratios("until clients are answered again")

    def note(self, killed_at, what, timeouts=1):
        """what: shown where it took more than twice the view timeout, times `timeouts`."""
        ratio = self.silence.add(self.load.silence(killed_at) - killed_at, timeouts)
        if ratio > 2:
            views = [(state["height"], state["view"]) for state in self.states()]
            print(f"{self.name}: {ratio:.2f} after {what}; then height and view are {views}", flush=True)

    def round(self, victim, killed_at, at_once, what):
        """After the kill. at_once: it is started again before the others can have given it up."""
        what += f" of node {victim.index}" + (", started again at once" if at_once else "")
        if at_once:
            victim.start()
            self.wait_votes(victim)
            self.go_on()
            self.note(killed_at, what)
        else:
            self.go_on()
            self.note(killed_at, what)
            victim.start()
            self.wait_votes(victim)
            self.go_on()
        self.innocent()

    def calls_of_two_blocks(self):
        """Output calls of the primary while two blocks are made, on average over ten."""
        tool = self.tools[self.primary()]
        first = tool.node.height()
        tool.arm(kill_at.ALL, 1 << 30, 0)
        self.net.wait("ten blocks", lambda: tool.node.height() >= first + 10)
        return 2 * tool.counted() // (tool.node.height() - first) + 1

    def fired(self, node):
        """Waits for the kill. Returns its time, and which call it was."""
        killed_at, call = self.tools[node].fired()
        self.calls[re.sub(r"[0-9]{6}|-[0-9]+", "N", re.sub(r" \(.*\)", "", call))] += 1
        return killed_at, call

    def finish(self, what="kills"):
        super().finish(f"{len(self.silence.all)} {what}")
        for call, count in sorted(self.calls.items()):
            print(f"    {count:4d} {call}", flush=True)


class Primary(unittest.TestCase):
    def network(self, *params):
        return Network(start=False, params=(("t0_ms", T0_MS), *params))

    def test_every_call(self):
        with self.network() as net, Kills(net, "every call") as kills:
            points = kills.calls_of_two_blocks()
            step = points / KILLS if KILLS else 0.5
            for at in range(KILLS or 2 * points):
                number = 1 + int(at * step)
                victim = kills.primary()
                kills.tools[victim].arm(kill_at.ALL, number, at % 2 if KILLS == 0 else kills.dice.randrange(2))
                killed_at, call = kills.fired(victim)
                kills.round(victim, killed_at, kills.dice.random() < 0.3, f"call {number}, {call},")
            kills.finish(f"kills over {points} output calls that make two blocks,")

    def test_every_moment(self):
        """By the clock: the offsets after an answer to a client cover two blocks evenly. The lead goes round."""
        with self.network(("rotation_blocks", 7)) as net, Kills(net, "every moment") as kills:
            count = KILLS or 100
            for at in range(count):
                kills.go_on(1)
                victim = net.nodes[kills.states()[0]["primary"] - 1]
                time.sleep((at + kills.dice.random()) * 0.060 / count)
                killed_at = time.monotonic()
                victim.kill()
                kills.round(victim, killed_at, kills.dice.random() < 0.3, f"kill {at}")
            kills.finish()

    def test_view_change(self):
        """The next primary too, at each output call from the record of its VIEW-CHANGE to its first block; the first is
        started again as the second goes. Measured from when that answers, against the second view's timeout."""
        with self.network() as net, Kills(net, "the new primary in its view change") as kills:
            points = 60
            for at in range(KILLS or points):
                first = kills.primary()
                second = net.nodes[first.index % 4]
                first.kill()
                time.sleep(0.8 * T0_MS / 1000)
                number = 1 + (at * points // KILLS if KILLS else at)
                kills.tools[second].arm(kill_at.WRITE | kill_at.SYNC | kill_at.PEER, number, at % 2, idle=True)
                _, call = kills.fired(second)
                first.start()
                kills.net.wait("it answers", lambda first=first: first.network_state() is not None)
                answers_at = time.monotonic()
                kills.go_on()
                kills.note(answers_at, f"call {number}, {call}, of node {second.index}", 2)
                second.start()
                kills.wait_votes(second)
                kills.go_on()
                kills.innocent()
            kills.finish()


if __name__ == "__main__":
    harness.main()
