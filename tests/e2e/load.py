"""Clients that submit single transactions and hold the network to what it acknowledged."""
import threading

import http.client


class Load:
    """Each client has its own transactions and sends each, to one node after another, until it is committed."""

    def __init__(self, network, nodes, clients, each, first=1000, member=1):
        self.network = network
        self.nodes = nodes
        self.acknowledged = {}  # id -> (height, index)
        self.left = {}
        self.lock = threading.Lock()
        self.stopping = False
        self.threads = []
        for client in range(clients):
            envelopes, ids = network.make(member, "open", first + client * each, each)
            self.threads.append(threading.Thread(target=self.run, args=(client, list(zip(envelopes, ids)))))

    def run(self, client, work):
        turn = client
        for done, (envelope, tx_id) in enumerate(work):
            while not self.stopping:
                node = self.nodes[turn % len(self.nodes)]
                try:
                    status, answer = node.submit(envelope, 3000)
                except (OSError, http.client.HTTPException, ValueError):
                    turn += 1  # it is down, or went down with the question
                    continue
                if status == 200 and answer["status"] == "committed":
                    with self.lock:
                        self.acknowledged[tx_id] = (int(answer["height"]), answer["index"])
                    break
                turn += 1
            if self.stopping:
                with self.lock:
                    self.left[client] = work[done:]
                return

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

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

    def check(self, nodes):
        """Every acknowledged transaction is where it was said to be, on every one of these nodes."""
        for tx_id, (height, index) in self.acknowledged.items():
            for node in nodes:
                answer = node.get(f"/v1/transactions/{tx_id}")
                assert (answer["status"], int(answer["height"]), answer["index"]) == ("committed", height, index), answer
