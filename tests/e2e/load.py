"""Clients that submit single transactions and hold the network to what it acknowledged."""
import threading
import time

import http.client


class Load:
    """Each client has its own transactions and sends each, to one node after another, until it is committed.

    endless: a client that is done makes as many new ones, until stop()."""

    def __init__(self, network, nodes, clients, each, first=1000, member=1, endless=False):
        self.network = network
        self.nodes = nodes
        self.clients = clients
        self.each = each
        self.first = first
        self.member = member
        self.endless = endless
        self.acknowledged = {}  # id -> (height, index)
        self.times = []  # of each acknowledgement, time.monotonic()
        self.left = {}
        self.lock = threading.Lock()
        self.stopping = False
        self.threads = []
        for client in range(clients):
            self.threads.append(threading.Thread(target=self.run, args=(client, self.make(client))))

    def make(self, number, height=0):
        first = self.first + number * self.each
        envelopes, ids = self.network.make(self.member, "open", first, self.each, height + 5000)
        return list(zip(envelopes, ids))

    def run(self, client, work):
        number = client
        while self.submit_all(client, work) and self.endless:
            number += self.clients
            work = self.make(number, max(height for height, _ in self.acknowledgements().values()))

    def submit_all(self, client, work):
        """Returns whether all are committed: if not, the rest is in self.left."""
        turn = client
        for done, (envelope, tx_id) in enumerate(work):
            while not self.stopping:
                node = self.nodes[turn % len(self.nodes)]
                try:
                    status, answer = node.submit(envelope, 3000)
                except (OSError, http.client.HTTPException, ValueError):
                    turn += 1  # it is down, or went down with the question
                    time.sleep(0.01)
                    continue
                if status == 200 and answer["status"] == "committed":
                    with self.lock:
                        self.acknowledged[tx_id] = (int(answer["height"]), answer["index"])
                        self.times.append(time.monotonic())
                    break
                turn += 1
            if self.stopping:
                with self.lock:
                    self.left[client] = work[done:]
                return False
        return True

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def acknowledgements(self):
        with self.lock:
            return dict(self.acknowledged)

    def count(self):
        with self.lock:
            return len(self.acknowledged)

    def finished(self):
        return not any(thread.is_alive() for thread in self.threads)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()
        return self

    def silence(self, since):
        """The longest time without an acknowledgement from the one before `since` until now: when it ended."""
        with self.lock:
            times = list(self.times)
        first = max((at for at in range(len(times)) if times[at] <= since), default=0)
        gaps = [(times[at + 1] - times[at], times[at + 1]) for at in range(first, len(times) - 1)]
        return max(gaps, default=(0, since))[1]

    def check(self, nodes):
        """Every acknowledged transaction is where it was said to be, on every one of these nodes."""
        for tx_id, (height, index) in self.acknowledged.items():
            for node in nodes:
                answer = node.get(f"/v1/transactions/{tx_id}")
                assert (answer["status"], int(answer["height"]), answer["index"]) == ("committed", height, index), answer
