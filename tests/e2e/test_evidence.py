#!/usr/bin/env python3
"""A validator signs what no honest one signs, and shows it to one node alone. Every node comes to keep it and shows it,
those too that connect later or only follow; anyone checks it offline; it is put on the chain once."""
import json
import os
import unittest

import harness
from harness import XUELIAN, Network, run


def betray(net, node, what, height):
    return run(harness.TRAITOR, net.genesis, node.folder, what, height).stdout


def place(net, node):
    """In the set, which is in the order of the keys."""
    return int(betray(net, node, "index", 0))


def kept(node):
    if node.network_state() is None:
        return {}  # it starts
    return {piece["id"]: piece for piece in node.get("/v1/evidence")["evidence"]}


def metric(node, name):
    lines = node.request("GET", "/metrics")[2].decode().splitlines()
    return int(next(line.split()[1] for line in lines if line.split()[0] == name))


class Evidence(unittest.TestCase):
    def evidence(self, net, *words, code=0, lang="en"):
        done = run(XUELIAN, "evidence", *words, "--lang", lang, ok=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def see(self, net, nodes, name):
        for node in nodes:
            net.wait(f"node {node.index} keeps {name}", lambda node=node: name in kept(node), nodes)

    def check_words(self, net, name):
        """What was signed, in both languages, from the network and from the file."""
        path = net.file("evidence")
        said = self.evidence(net, "get", name, "--out", path, "--network", net.folder)
        self.assertIn("member 4 Vocational Training Centre (demonstration)", said)
        self.assertIn("two different PREPAREs: 0101010101010101… and 0202020202020202…", said)
        self.assertIn("01" * 32, said)
        self.assertIn("02" * 32, said)
        said = self.evidence(net, "check", path, "--genesis", net.genesis, lang="zh")
        self.assertIn(f"证据 {name} 成立", said)
        self.assertIn("签署了两个不同的预备票（PREPARE）", said)
        said = json.loads(self.evidence(net, "check", path, "--genesis", net.genesis, "--json"))
        self.assertEqual(said["kind"], "two_votes")
        self.assertEqual(said["hashes"], ["01" * 32, "02" * 32])
        self.check_altered(net, path)
        return path

    def check_altered(self, net, path):
        """A file altered anywhere shows nothing, and the reason is said."""
        with open(path, "rb") as file:
            data = file.read()
        other = net.file("altered")
        self.assertIn("no evidence", self.evidence(net, "check", net.genesis, "--genesis", net.genesis, code=2))
        for at in range(0, len(data), 7):
            with open(other, "wb") as file:
                file.write(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
            done = run(XUELIAN, "evidence", "check", other, "--genesis", net.genesis, ok=False)
            # The time at which it was first seen, in its last bytes, is nobody's signature.
            self.assertIn(done.returncode, (1, 2) if at < len(data) - 8 else (0, 1, 2), f"byte {at}: {done.stdout}")
            self.assertNotIn("Sanitizer", done.stderr)

    def check_recorded(self, net, name, nodes):
        said = self.evidence(net, "record", name, "--network", net.folder, "--member", "2")
        self.assertRegex(said, "in block [0-9]+: done")
        net.wait("it is shown as recorded", lambda: all("recorded" in kept(node)[name] for node in nodes), nodes)
        ids = {kept(node)[name]["recorded"] for node in nodes}
        self.assertEqual(len(ids), 1)
        self.assertIn(f"recorded on the chain: {ids.pop()}", self.evidence(net, "list", "--network", net.folder))
        said = self.evidence(net, "record", name, "--network", net.folder, "--member", "3", code=1)
        self.assertIn("recorded already", said)
        listed = run(XUELIAN, "gov", "list", "--network", net.folder).stdout
        self.assertEqual(listed.count("evidence against the validator of member 4"), 1, listed)

    def test_every_node_shows_it_and_it_is_recorded(self):
        with Network(start=False) as net:
            observer = net.add_observer()
            honest = net.nodes[:3]
            traitor = net.nodes[3]
            for node in honest + [observer]:
                node.init()
                node.start()
            net.wait_ready(honest)
            good, _ = net.make(1, "open", 1, 2)
            self.assertEqual(net.commit(honest[1], good[0])["name"], "OK")
            self.assertIn("keeps no evidence", self.evidence(net, "list", "--network", net.folder))
            name = f"1-{place(net, traitor)}-2"
            betray(net, traitor, "votes", honest[0].height())
            self.see(net, honest + [observer], name)
            for node in honest + [observer]:
                self.assertEqual(metric(node, "xuelian_evidence_kept"), 1)
                self.assertEqual(metric(node, "xuelian_evidence_dropped_total"), 0)
                piece = kept(node)[name]
                self.assertEqual((piece["member"], piece["kind"], piece["recordable"]), (4, "two_votes", True))
                self.assertNotIn("recorded", piece)
            status = run(XUELIAN, "status", "--node", "http://{}:{}".format(*observer.address("local_listen"))).stdout
            self.assertIn("1 pieces of evidence against validators", status)
            self.assertIn("not on the chain yet", status)
            path = self.check_words(net, name)
            # Whoever comes later is told; it is the accused itself, and its own tripwire holds it back.
            traitor.init()
            traitor.start()
            self.see(net, [traitor], name)
            self.check_recorded(net, name, honest + [traitor, observer])
            # Kept over a restart, and passed on from the file.
            honest[1].stop()
            honest[1].start()
            self.see(net, [honest[1]], name)
            os.remove(os.path.join(honest[2].data, f"evidence-{name}"))
            honest[2].stop()
            honest[2].start()
            self.see(net, [honest[2]], name)
            # A file that was altered on the disk is not believed.
            honest[2].stop()
            with open(path, "rb") as file:
                data = bytearray(file.read())
            data[len(data) // 2] ^= 1
            with open(os.path.join(honest[2].data, f"evidence-{name}"), "wb") as file:
                file.write(data)
            honest[2].start()
            net.wait("the altered file is noticed", lambda: '"evidence_file"' in honest[2].words(400), honest)
            self.see(net, [honest[2]], name)
            self.assertEqual(net.commit(honest[0], good[1])["name"], "OK")
            for node in honest + [observer]:
                node.stop()

    def test_kinds(self):
        """Proposals and a NEW-VIEW: the one goes on the chain, the other is told and checked alone."""
        with Network(start=False, params=(("heartbeat_ms", 60000),)) as net:
            traitor = next(node for node in net.nodes if place(net, node) == 0)  # it leads view 0
            honest = [node for node in net.nodes if node is not traitor]
            for node in honest:
                node.init()
                node.start()
            net.wait_ready(honest)
            # Idle for a minute, they are in view 0 still, and leave it when its primary is proved faulty.
            betray(net, traitor, "proposals", honest[0].height())
            self.see(net, honest, "1-0-1")
            betray(net, traitor, "new-view", 0)
            self.see(net, honest, "1-0-5")
            betray(net, traitor, "commits", honest[0].height())
            self.see(net, honest, "1-0-2")
            self.assertIn("two different COMMITs", kept(honest[1])["1-0-2"]["text"])
            self.assertIn("two different proposals", kept(honest[2])["1-0-1"]["text"])
            said = self.evidence(net, "record", "1-0-1", "--network", net.folder, "--member", "2")
            self.assertRegex(said, "in block [0-9]+: done")
            path = net.file("new-view")
            said = self.evidence(net, "get", "1-0-5", "--out", path, "--network", net.folder, lang="zh")
            self.assertIn("签署了无效的 NEW-VIEW", said)
            self.assertIn("超出链上大小限制", said)
            said = self.evidence(net, "record", path, "--network", net.folder, "--member", "2", code=1)
            self.assertIn("this kind of evidence is not put on the chain", said)
            for node in honest:
                node.stop()


if __name__ == "__main__":
    harness.main()
