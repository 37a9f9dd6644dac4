#!/usr/bin/env python3
"""The validator set changes under real nodes: one joins, one is replaced, one leaves, one loses its vote journal and
returns; all stop and start in a later era; archives are verified from genesis alone after all that."""
import glob
import json
import os
import shutil
import unittest

import harness
from harness import Network, learner, run


class Membership(unittest.TestCase):
    """In order: each test goes on from where the one before left the network."""
    first = 1

    @classmethod
    def setUpClass(cls):
        cls.net = Network()
        cls.addClassCleanup(cls.net.close)
        cls.net.wait_ready()

    # ---- What operators and governing members do ----

    def key(self, node):
        return json.loads(run(harness.XUELIAN, "key", "show", os.path.join(node.folder, "node.key"), "--passphrase-file",
                              os.path.join(node.folder, "passphrase"), "--json").stdout)["public_key"]

    def govern(self, kind, payload, code="OK", wait=True):
        """Three of the four governing members sign: enough. Returns the transaction's JSON, when all nodes have it."""
        path = self.net.file("payload.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(payload, file)
        signers = [word for member in (1, 2, 3) for word in ("--member", member)]
        said = run(harness.XUELIAN, "tx", "new", kind, "--payload", path, *signers, "--network", self.net.folder, "--json",
                   ok=False)
        made = json.loads(said.stdout or "{}")
        self.assertEqual(made.get("name"), code, said.stdout + said.stderr)
        if wait:
            self.net.wait_height(int(made["height"]))
        return made

    def propose(self, *changes):
        height = max(node.height() for node in self.net.running())
        return self.govern("govern-propose", {"changes": list(changes), "open_until": height + 1000})["id"]

    def record(self, member, node, addressed=True):
        """A new member with this node as its observer."""
        nodes = [{"key": self.key(node), "role": "observer", "addresses": [node.settings["peer_listen"]] * addressed}]
        self.propose({"member": {"id": member, "kind": "university", "name_zh": f"新机构{member}", "nodes": nodes}})

    @staticmethod
    def following(node):
        return json.loads(run(harness.XUELIAND, "--config", node.config, "following").stdout)

    def change_set(self, nodes, *changes):
        """Proposes, gathers the signatures of these nodes, enacts; waits until every running node is in the new era."""
        era = self.era()
        proposal = self.propose(*({"validator": change} for change in changes))
        followings = [self.following(node) for node in nodes]
        done = self.govern("govern-enact", {"proposal": proposal, "followings": followings})
        self.net.wait("the new era", lambda: all(int(node.get("/v1/network")["era"]) > era for node in self.net.running()))
        self.assertEqual(self.era(), int(done["height"]) + 1)

    def era(self):
        return max(int(node.get("/v1/network")["era"]) for node in self.net.running())

    def state(self, node):
        return node.get("/v1/network")

    def commit(self, node=None):
        node = node or self.net.running()[0]
        envelopes, _ = self.net.make(1, "open", Membership.first, 1)
        Membership.first += 1
        height = int(self.net.commit(node, envelopes[0])["height"])
        self.net.wait_height(height)
        self.net.same_blocks(height)
        return height

    def votes(self, node):
        self.net.wait(f"node {node.index} votes", lambda: self.state(node)["voting"])

    def needed(self, node, stopped):
        """With these stopped nothing is decided without this node, and with it something is."""
        for one in stopped:
            one.stop()
        node.kill()
        envelopes, ids = self.net.make(1, "open", Membership.first, 1)
        Membership.first += 1
        other = self.net.running()[0]
        self.assertEqual(other.submit(envelopes[0], 1500)[1]["status"], "pending")
        node.start()
        self.assertEqual(other.get(f"/v1/transactions/{ids[0]}?wait_ms=60000")["status"], "committed")
        for one in stopped:
            one.start()
        self.net.wait_ready()

    # ---- The tests ----

    def test_1_join(self):
        """From four to five: refused, recorded, follows, admitted, votes; none is started again."""
        net = self.net
        self.commit()
        node = self.net.new_node()
        node.start()
        net.wait("it is refused", lambda: any(self.key(node) in old.words(200) for old in net.nodes[:4]))
        self.assertIn("No member record up to block 0 names this node's key", self.state(node)["text"])
        said = run(harness.XUELIAND, "--config", node.config, "following", ok=False)
        self.assertRegex(said.stderr, "this node is at block 0 and lacks blocks that others have")
        self.record(5, node)
        self.commit()
        state = self.state(node)
        self.assertEqual((state["validator"], state["voting"], state["journal_lost"]), (False, False, False))
        # Without its own word that it follows, or with an old one's instead, it is not admitted.
        change = {"member": 5, "key": self.key(node)}
        proposal = self.propose({"validator": change})
        followings = [self.following(old) for old in net.nodes[:4]]
        self.govern("govern-enact", {"proposal": proposal, "followings": followings}, code="FOLLOWING_LACKING")
        self.change_set([node] + net.nodes[:3], change)
        self.votes(node)
        state = self.state(node)
        self.assertEqual((state["validators"], state["quorum"], state["validator"]), (5, 4, True))
        self.needed(node, [net.nodes[3]])

    def test_2_replace(self):
        """One out and one in, in one change: the one that left goes on following."""
        net = self.net
        left, node = net.nodes[3], self.net.new_node()
        # Nobody is where genesis says any more, as far as this node can tell: it finds the one it was told of, whom
        # genesis does not know, and learns the rest from it.
        with open(node.config, "a", encoding="utf-8") as file:
            file.write("peer_addresses:\n")
            for old in net.nodes[:4]:
                file.write(f"  {self.key(old)}: 127.0.0.1:1\n")
            file.write(f"  {self.key(net.nodes[4])}: {net.nodes[4].settings['peer_listen']}\n")
        self.record(6, node, addressed=False)
        node.start()
        self.net.wait("it runs", lambda: node.height() >= 0)
        self.commit()

        def met():
            return [peer["member"] for peer in self.state(node)["peers"] if peer["connected"]]
        self.assertEqual(met(), [5])
        # The chain says where it is, and the others come.
        change = {"member": 6, "key": self.key(node), "role": "observer", "addresses": [node.settings["peer_listen"]]}
        self.propose({"node": change})
        net.wait("all meet it", lambda: sorted(met()) == [1, 2, 3, 4, 5])
        self.change_set([node, net.nodes[0], net.nodes[1], net.nodes[2]],
                        {"member": 4, "key": self.key(left), "remove": True}, {"member": 6, "key": self.key(node)})
        self.votes(node)
        self.commit(left)
        state = self.state(left)
        self.assertEqual((state["validator"], state["voting"]), (False, False))
        self.assertEqual(left.request("GET", "/readyz")[0], 200)
        self.needed(node, [net.nodes[0]])

    def test_3_remove(self):
        net = self.net
        left = net.nodes[4]
        self.change_set(net.nodes[:3], {"member": 5, "key": self.key(left), "remove": True})
        self.assertEqual(self.state(left)["validators"], 4)
        self.commit(left)
        self.assertFalse(self.state(left)["voting"])
        # Neither of the two that left is missed.
        net.nodes[3].stop()
        left.stop()
        self.commit()
        net.nodes[3].start()
        left.start()
        net.wait_ready()
        self.commit(left)
        # With the journal it always had, it may come back.
        self.change_set([left] + net.nodes[:3],
                        {"member": 5, "key": self.key(left), "incarnation": int(self.state(left)["incarnation"])})
        self.votes(left)

    def test_4_start_again(self):
        """All at once, in the fourth era after genesis; with the state lost; with the blocks lost."""
        net = self.net
        era = self.era()
        net.stop_all()
        shutil.rmtree(os.path.join(net.nodes[0].data, "state"))
        shutil.rmtree(os.path.join(net.nodes[1].data, "log"))
        shutil.rmtree(os.path.join(net.nodes[4].data, "log"))
        net.start_all()
        net.wait_ready()
        self.commit()
        self.assertEqual({int(self.state(node)["era"]) for node in net.nodes}, {era})
        for node in net.nodes:
            if node is not net.nodes[3]:
                self.votes(node)
        for node in net.nodes:
            node.kill()
        net.start_all()
        net.wait_ready()
        self.commit()

    def test_5_journal_lost(self):
        """It says so and follows; a new journal with a number, and it votes when the chain names that number."""
        net = self.net
        node = net.nodes[2]
        before = int(self.state(node)["incarnation"])
        number = before + 1
        node.stop()
        for path in glob.glob(node.data + "/journal.?"):
            with open(path, "r+b") as file:
                file.truncate(5000)
        node.start()
        net.wait_ready()
        self.commit(node)
        self.assertTrue(self.state(node)["journal_lost"])
        self.assertIn("This node's vote journal is lost", self.state(node)["text"])
        ask = ("--config", node.config, "following")
        self.assertRegex(run(harness.XUELIAND, *ask, ok=False).stderr, "this node has no vote journal")

        def renew(wish, ok=True):
            return run(harness.XUELIAND, "--config", node.config, "new-journal", "--incarnation", wish, ok=ok).stderr
        self.assertRegex(renew(number, ok=False), "is used by another process; stop that one first")
        node.stop()
        self.assertRegex(renew(before, ok=False), f"this key had incarnation {before} already; take a number above it")
        renew(number)
        self.assertRegex(renew(number, ok=False), f"this key had incarnation {number} already")
        self.assertEqual(len(glob.glob(node.data + f"/journal.?.before-{number}")), 2)
        node.start()
        net.wait_ready()
        self.commit(node)
        state = self.state(node)
        self.assertEqual((state["validator"], state["voting"], state["journal_lost"], state["incarnation"]),
                         (True, False, False, str(number)))
        self.assertIn(f"The chain names incarnation {before} of this node's key, and its vote journal is of incarnation "
                      f"{number}", state["text"])
        # It counts as faulty: with another one away nothing is decided.
        net.nodes[0].stop()
        envelopes, ids = net.make(1, "open", Membership.first, 1)
        Membership.first += 1
        self.assertEqual(net.nodes[1].submit(envelopes[0], 1500)[1]["status"], "pending")
        net.nodes[0].start()
        self.assertEqual(net.nodes[1].get(f"/v1/transactions/{ids[0]}?wait_ms=60000")["status"], "committed")
        self.change_set([node, net.nodes[0], net.nodes[1], net.nodes[4]], {"member": 3, "key": self.key(node), "incarnation": number})
        self.votes(node)
        self.needed(node, [net.nodes[0]])

    def test_6_taken_out(self):
        """A node whose record ends at a height is met no more from that height on."""
        net = self.net
        left = net.nodes[3]
        height = max(node.height() for node in net.nodes) + 3
        self.propose({"node": {"member": 4, "key": self.key(left), "role": "observer", "to_height": height,
                               "addresses": [left.settings["peer_listen"]]}})
        others = [node for node in net.nodes if node is not left]
        while net.nodes[0].height() < height + 1:
            envelopes, _ = net.make(1, "open", Membership.first, 1)
            Membership.first += 1
            net.wait_height(int(net.commit(net.nodes[0], envelopes[0])["height"]), others)
        for node in others[:-1]:  # the last one's operator has written its key into the configuration
            self.assertIn("the connection with member 4 was closed: the chain has ended that node", node.words(1000))
        net.wait("it is refused", lambda: any(f"its key {self.key(left)} is not one of this chain's nodes" in
                                              node.words(1000) for node in others))
        left.stop()
        self.commit()

    def test_7_verified_offline(self):
        """What all nodes prove, after all eras, holds with the genesis file alone."""
        net = self.net
        envelopes, _ = net.make(1, "deposit", 1, 1)
        net.wait_height(int(net.commit(net.nodes[4], envelopes[0])["height"]))
        proofs = []
        for node in (net.nodes[0], net.nodes[4], net.nodes[5]):
            status, _, proof = node.request("GET", f"/v1/accounts/{learner(1)}/archive/proof?issuer=1")
            self.assertEqual(status, 200)
            proofs.append(net.file(f"proof-{node.index}"))
            with open(proofs[-1], "wb") as file:
                file.write(proof)
        net.stop_all()
        for path in proofs:
            said = run(harness.XUELIAN, "verify", "--genesis", net.genesis, path).stdout
            self.assertIn("the set changed 5 times", said)


if __name__ == "__main__":
    harness.main()
