#!/usr/bin/env python3
"""Half of the validators are lost for good, with their disks: the chain stands still, and goes on by a recovery that the
holders of the recovery keys have signed. Proofs from before and after it hold with the genesis file alone."""
import json
import os
import shutil
import unittest

import harness
from harness import XUELIAN, XUELIAND, Network, learner, run


class Recovery(unittest.TestCase):
    """In order: each test goes on from where the one before left the network."""

    @classmethod
    def setUpClass(cls):
        cls.net = Network()
        cls.addClassCleanup(cls.net.close)
        cls.net.wait_ready()

    def key(self, node):
        return json.loads(run(XUELIAN, "key", "show", os.path.join(node.folder, "node.key"), "--passphrase-file",
                              os.path.join(node.folder, "passphrase"), "--json").stdout)["public_key"]

    def proof(self, node, name):
        status, _, proof = node.request("GET", f"/v1/accounts/{learner(1)}/archive/proof?issuer=1")
        self.assertEqual(status, 200)
        with open(self.net.file(name), "wb") as file:
            file.write(proof)
        return self.net.file(name)

    def newest(self, node):
        path = self.net.file(f"newest-{node.index}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(run(XUELIAND, "newest", "--config", node.config).stdout)
        return path

    def make(self, output, newest, *more, code=0, reason="fire in the machine room 机房火灾"):
        words = [word for path in newest for word in ("--newest", path)]
        done = run(XUELIAN, "recovery", "new", "--genesis", self.net.genesis, *words, "--reason", reason, "--output", output,
                   "--lang", "en", *more, ok=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def sign(self, path, holder, lang="en"):
        key = os.path.join(self.net.folder, "recovery", f"holder-{holder}")
        return run(XUELIAN, "recovery", "sign", "--genesis", self.net.genesis, "--key", f"{key}.key", "--passphrase-file",
                   f"{key}.passphrase", "--lang", lang, path).stdout

    def recover(self, node, path, code=0):
        done = run(XUELIAND, "recover", path, "--config", node.config, ok=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def check(self, path, code=0, lang="en"):
        done = run(XUELIAN, "recovery", "check", "--genesis", self.net.genesis, "--lang", lang, path, ok=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_1_lost(self):
        net = self.net
        envelopes, _ = net.make(1, "open", 1, 1)
        net.wait_height(int(net.commit(net.nodes[0], envelopes[0])["height"]))
        deposits, _ = net.make(1, "deposit", 1, 1)
        net.wait_height(int(net.commit(net.nodes[0], deposits[0])["height"]))
        Recovery.old_proof = self.proof(net.nodes[0], "old-proof")
        # Node 2 is stopped and lacks what the others decide now.
        net.nodes[1].stop()
        envelopes, _ = net.make(1, "open", 11, 3)
        for envelope in envelopes[:2]:
            net.wait_height(int(net.commit(net.nodes[0], envelope)["height"]))
        for node in net.nodes[2:4]:
            node.kill()
            shutil.rmtree(node.data)
        status, answer = net.nodes[0].submit(envelopes[2], 1500)
        self.assertEqual((status, answer["status"]), (200, "pending"))
        Recovery.base = net.nodes[0].height()
        net.nodes[0].stop()

    def test_2_record(self):
        net = self.net
        newest = [self.newest(node) for node in net.nodes[:2]]
        Recovery.fresh = [self.net.new_node(), self.net.new_node()]
        Recovery.changes = []
        for member, node in zip((3, 4), self.fresh):
            self.changes += ["--lost", member, "--add", f"{member}:{self.key(node)}:0:{node.settings['peer_listen']}"]
        Recovery.record = net.file("record")
        self.assertIn("needed: --genesis FILE, --newest FILE", self.make(self.record, [], code=2))
        self.assertIn("not every member named by --lost", self.make(self.record, newest, "--lost", 77, code=2))
        self.assertIn("--add is MEMBER:KEY:INCARNATION", self.make(self.record, newest, "--add", "3:ab:0", code=2))
        self.assertIn("none of the files is of block 999999", self.make(self.record, newest, "--from", 999999, code=2))
        # A lower block only by an explicit word; the node that holds more refuses all the same.
        low = net.file("low")
        self.make(low, newest[1:], *self.changes)
        for holder in (1, 2):
            self.sign(low, holder)
        said = self.recover(net.nodes[0], low, code=1)
        self.assertIn(f"this node holds certified block {self.base}, above block", said)
        self.assertIn("其内容将会丢失", said)
        self.journal_knows_more(low)
        self.assertIn("is made. Next, each key holder", self.make(self.record, newest, *self.changes))
        # Too few, and not one of the keys.
        self.assertIn("signed by 0 recovery keys, and this network asks for 2 of 3", self.check(self.record, code=1))
        self.assertIn("1 of 3 recovery keys; 2 are needed", self.sign(self.record, 1))
        self.sign(self.record, 1)  # again: it counts once
        self.assertIn("已有 1 个恢复密钥签署，本网络要求 2 个", self.check(self.record, code=1, lang="zh"))
        said = self.recover(net.nodes[0], self.record, code=1)
        self.assertIn("the record is signed by 1 recovery keys, and this network asks for 2 of 3", said)
        self.assertIn("记录只有1个恢复密钥签名，本网络要求2个", said)
        node_key = os.path.join(net.folder, "node-1", "node.key")
        done = run(XUELIAN, "recovery", "sign", "--genesis", net.genesis, "--key", node_key, "--passphrase-file",
                   os.path.join(net.folder, "node-1", "passphrase"), "--lang", "en", self.record, ok=False)
        self.assertIn("is none of this network's recovery keys", done.stderr)
        said = self.sign(self.record, 3)
        self.assertIn("2 of 3 recovery keys; 2 are needed", said)
        self.assertIn("fire in the machine room 机房火灾", said)
        self.assertIn(f"goes on from   {self.base} ", self.check(self.record))
        self.refused_otherwise(newest)

    def journal_knows_more(self, low):
        """The log is lost and the journal is not: what the journal shows to be certified is not passed over."""
        node = self.net.nodes[0]
        for part in ("log", "state"):
            os.rename(os.path.join(node.data, part), os.path.join(node.folder, part))
        said = self.recover(node, low, code=1)
        self.assertIn("this node's vote journal shows that block", said)
        self.assertIn("本节点的投票日志表明区块", said)
        for part in ("log", "state"):
            shutil.rmtree(os.path.join(node.data, part))
            os.rename(os.path.join(node.folder, part), os.path.join(node.data, part))

    def refused_otherwise(self, newest):
        node = self.net.nodes[0]
        stranger = self.net.file("stranger")
        self.make(stranger, newest, "--lost", 3, "--add", f"77:{self.key(self.fresh[0])}:0")
        for holder in (2, 3):
            self.sign(stranger, holder)
        said = self.recover(node, stranger, code=1)
        self.assertIn("the recovery cannot be taken: member 77: ", said)
        self.assertIn("无法采用该恢复记录：机构77：", said)
        with open(self.record, "rb") as file:
            bytes_of = bytearray(file.read())
        bytes_of[-3] ^= 1
        with open(self.net.file("altered"), "wb") as file:
            file.write(bytes_of)
        said = self.recover(node, self.net.file("altered"), code=1)
        self.assertIn("does not verify: the record or the signature was altered", said)
        self.assertIn("的签名无效：记录或签名被改动", said)
        self.assertIn("cannot be read as a recovery record", self.recover(node, self.net.file("no-such-file"), code=1))
        shutil.copy(self.net.file("altered"), os.path.join(node.data, "recovery"))
        self.assertIn("xueliand recover", node.start_refused())
        os.remove(os.path.join(node.data, "recovery"))

    def test_3_goes_on(self):
        net = self.net
        survivor = net.nodes[0]
        said = self.recover(survivor, self.record)
        self.assertIn(f"The recovery is kept; its block is {self.base + 1}", said)
        self.assertIn("It is one of the 4 new validators: start it", said)
        self.assertIn("本节点是4个新验证者之一", said)
        survivor.start()
        net.wait_height(self.base + 1, [survivor])
        self.assertEqual(int(survivor.get("/v1/network")["era"]), self.base + 2)
        for node in self.fresh:
            self.assertIn(f"It lacks blocks from 1 to {self.base}", self.recover(node, self.record))
            node.start()
        live = [survivor, *self.fresh]
        net.wait_height(self.base + 2, live)
        # What waited when the chain stood still was in a pool, and is sent again by its client.
        envelopes, _ = net.make(1, "open", 4, 1)
        net.wait_height(int(net.commit(survivor, envelopes[0])["height"]), live)
        for node in live:
            net.wait("it votes", lambda node=node: node.get("/v1/network")["voting"])
        self.assertIn("This node has taken this recovery already", self.taken_again(survivor))

    def taken_again(self, node):
        node.stop()
        said = self.recover(node, self.record)
        node.start()
        self.net.wait_ready([node])
        return said

    def test_4_offline_before(self):
        """Node 2 is of the set that was replaced: what peers hand it is not enough."""
        net = self.net
        late = net.nodes[1]
        late.start()
        net.wait("it waits for its operator", lambda: "recovery_waiting" in late.words(1000))
        self.assertIn("it takes it from its operator alone", late.words(1000))
        self.assertIn("went on from block", late.get("/v1/network")["text"])
        self.assertEqual(late.height(), self.base)
        late.stop()
        self.recover(late, self.record)
        late.start()
        live = net.running()
        envelopes, _ = net.make(1, "open", 5, 1)
        height = int(net.commit(net.nodes[0], envelopes[0])["height"])
        net.wait_height(height, live)
        net.wait("it votes", lambda: late.get("/v1/network")["voting"])
        net.same_blocks(height, live)

    def test_5_published(self):
        for node in self.net.running():
            shown = node.get("/v1/recoveries")["recoveries"]
            self.assertEqual(len(shown), 1)
            self.assertEqual((int(shown[0]["height"]), len(shown[0]["signers"])), (self.base + 1, 2))
            self.assertIn("机房火灾", shown[0]["reason"])
            block = node.get(f"/v1/blocks/{self.base + 1}")
            self.assertEqual(block["recovery"]["id"], shown[0]["id"])
            self.assertEqual(block["transactions"], [])
            record = node.get(f"/v1/proposals/{shown[0]['id']}")["recovery"]
            self.assertEqual(int(record["height"]), self.base + 1)
            with open(self.record, "rb") as file:
                self.assertEqual(bytes.fromhex(shown[0]["record"]), file.read())

    def test_6_proofs(self):
        net = self.net
        new = [self.proof(node, f"new-{node.index}") for node in net.running()]
        history = net.file("history")
        said = run(XUELIAN, "prove", "sets", history, "--network", net.folder, "--lang", "en").stdout
        self.assertIn(f"RECOVERY   at block {self.base + 1}", said)
        small = net.file("small")
        status, _, proof = net.nodes[0].request("GET", f"/v1/accounts/{learner(1)}/archive/proof?sets=0")
        self.assertEqual(status, 200)
        with open(small, "wb") as file:
            file.write(proof)
        net.stop_all()
        said = run(XUELIAN, "verify", "--lang=en", "--genesis", net.genesis, "--history", history, small).stdout
        self.assertIn("PROOF HOLDS", said)
        said = run(XUELIAN, "verify", "--lang=en", "--genesis", net.genesis, self.old_proof).stdout
        self.assertNotIn("RECOVERY", said)
        for path in new:
            said = run(XUELIAN, "verify", "--lang=en", "--genesis", net.genesis, path).stdout
            self.assertIn(f"RECOVERY   at block {self.base + 1} the validators were replaced by 2 of 3 recovery keys", said)
            self.assertIn("Reason given: fire in the machine room 机房火灾", said)
        said = run(XUELIAND, "verify-store", "--config", net.nodes[0].config).stdout
        self.assertIn("The store is whole", said)
        data = [node.data for node in (net.nodes[0], self.fresh[0])]
        said = run(XUELIAND, "audit", "--genesis", net.genesis, *data).stdout
        self.assertIn("every root is the certified one", said)

    def test_7_once_more(self):
        """All stop and start in the era of the recovery; a state that is gone is replayed through its block."""
        net = self.net
        live = [net.nodes[0], net.nodes[1], *self.fresh]
        shutil.rmtree(os.path.join(self.fresh[0].data, "state"))
        for node in live:
            node.start()
        net.wait_ready(live)
        envelopes, _ = net.make(1, "open", 6, 1)
        height = int(net.commit(net.nodes[0], envelopes[0])["height"])
        net.same_blocks(height, live)


if __name__ == "__main__":
    harness.main()
