"""A network under load that something is done to, and what every such test demands afterwards. Seeds and ratios."""
import os
import random

from load import Load

CLIENTS = 4
T0_MS = int(os.environ.get("XUELIAN_T0", "500"))  # the view timeout
SEED = int(os.environ.get("XUELIAN_SEED", random.randrange(1 << 32)))


class Ratios:
    """Times as shares of the view timeout: printed, never asserted."""

    def __init__(self, what):
        self.what = what
        self.all = []

    def add(self, seconds, timeouts=1):
        ratio = seconds * 1000 / (T0_MS * timeouts)
        self.all.append(ratio)
        return ratio

    def report(self):
        if self.all:
            ordered = sorted(self.all)

            def at(share):
                return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
            print(f"    {self.what}, of the view timeout ({T0_MS} ms): least {ordered[0]:.2f}, median {at(0.5):.2f}, "
                  f"nine of ten {at(0.9):.2f}, most {ordered[-1]:.2f}; within twice: "
                  f"{sum(ratio <= 2 for ratio in ordered)} of {len(ordered)}", flush=True)


class UnderLoad:
    """Starts the nodes and the clients."""

    def __init__(self, net, name):
        self.net = net
        self.name = name
        self.dice = random.Random(f"{SEED} {name}")
        self.ratios = []  # each is reported
        for node in net.nodes:
            node.init()
            node.start()
        net.wait_ready()
        self.load = Load(net, net.nodes, CLIENTS, 200, endless=True).start()
        self.go_on()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.load.stop()

    def new_ratios(self, what):
        self.ratios.append(Ratios(what))
        return self.ratios[-1]

    def states(self):
        return [state for state in (node.network_state() for node in self.net.running()) if state is not None]

    def go_on(self, count=5 * CLIENTS):
        """More acknowledgements than the blocks on their way at this moment can give."""
        before = self.load.count()
        self.net.wait("clients are answered again", lambda: self.load.count() >= before + count)

    def primary(self):
        """The node that leads; waits until all know, and vote."""
        def agreed():
            seen = self.states()
            views = {(state["view"], state["primary"]) for state in seen}
            good = len(seen) == 4 and all(state["voting"] and not state["catching_up"] for state in seen)
            return seen[0]["primary"] if good and len(views) == 1 else None
        return self.net.nodes[self.net.wait("all vote in one view", agreed) - 1]

    def wait_votes(self, node):
        self.net.wait(f"node {node.index} votes", lambda: (s := node.network_state()) is not None
                      and s["voting"] and not s["catching_up"])

    def innocent(self):
        """Nobody is blamed, and nobody found a result that differs."""
        for node in self.net.nodes:
            found = [name for name in os.listdir(node.data) if name.startswith(("evidence", "diverged"))]
            assert not found, f"node {node.index} has {found}"

    def agree(self):
        """All the same blocks, up to the lowest tip; all in good standing."""
        self.innocent()
        self.net.same_blocks(min(node.height() for node in self.net.nodes))
        for state in self.states():
            assert not state["stopped"] and not state["journal_lost"], state

    def finish(self, what):
        """what: how much of it was done, for the report."""
        self.load.stop()
        self.net.wait_ready()
        height = max(node.height() for node in self.net.nodes)
        self.net.wait_height(height)
        self.agree()
        self.load.check([self.dice.choice(self.net.nodes)])
        self.net.stop_all()
        print(f"{self.name}: {what} in {height} blocks; {self.load.count()} transactions acknowledged, none lost; "
              f"seed {SEED}", flush=True)
        for ratios in self.ratios:
            ratios.report()
