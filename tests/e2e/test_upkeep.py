#!/usr/bin/env python3
"""What is done to the stores of nodes that are stopped: verify-store, audit, snapshots."""
import os
import re
import shutil
import unittest

import harness
from harness import Network

SPOIL_STORE = os.path.join(harness.BIN, "e2e_spoil_store")
FORK_LOG = os.path.join(harness.BIN, "e2e_fork_log")


def upkeep(*words, lang="C", ok=True):
    """xueliand with a language. Returns (code, output, sentence)."""
    environment = {**os.environ, "LC_ALL": lang}
    done = harness.subprocess.run([harness.XUELIAND, *map(str, words)], stdin=harness.subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=harness.NEVER_S, check=False,
                                  env=environment)
    assert "Sanitizer" not in done.stderr, done.stderr
    if ok:
        assert done.returncode == 0, done.stdout + done.stderr
    return done.returncode, done.stdout.strip(), done.stderr.strip()


class Upkeep(unittest.TestCase):
    """One network for all: each test leaves every node stopped and whole."""

    accounts = 0

    @classmethod
    def setUpClass(cls):
        cls.net = Network()
        cls.first = 1
        cls.node = cls.net.nodes[2]
        cls.net.wait_ready()
        cls.fill(4)
        cls.net.stop_all()

    @classmethod
    def tearDownClass(cls):
        cls.net.close()

    @classmethod
    def fill(cls, count):
        """Accounts and outcomes in bulk; all nodes come to the same block."""
        height = 0
        for _ in range(count):
            envelopes, _ = cls.net.make(1, "open_bulk", cls.first, 200)
            cls.net.commit(cls.net.nodes[0], envelopes[0])
            envelopes, _ = cls.net.make(1, "deposit", cls.first, 20)
            for envelope in envelopes:
                cls.net.nodes[0].submit(envelope)
            height = max(int(cls.net.commit(cls.net.nodes[0], envelope)["height"]) for envelope in envelopes)
            cls.first += 200
        cls.net.wait_height(height)
        cls.height = height

    def verify(self, **more):
        return upkeep("verify-store", "--config", self.node.config, **more)

    def spoil(self, part, prefix, way):
        harness.run(SPOIL_STORE, os.path.join(self.node.data, part), prefix.hex(), way)

    def whole(self):
        _, said, _ = self.verify()
        self.assertRegex(said, r"^The store is whole: \d+ blocks with \d+ transactions; the state at block \d+ with 80\d "
                               r"accounts, 80 items in 80 versions, \d+ other records\. [\d.]+ MB read in")

    def copied(self):
        """The data directory comes back as it was when the test ends."""
        kept = self.net.file("kept")
        shutil.copytree(self.node.data, kept)

        def restore():
            shutil.rmtree(self.node.data)
            os.rename(kept, self.node.data)
        self.addCleanup(restore)

    def test_whole(self):
        self.whole()
        code, said, _ = upkeep("verify-store", "--genesis", self.net.genesis, self.node.data, lang="zh_CN.UTF-8")
        self.assertEqual(code, 0)
        self.assertRegex(said, "^存储完整：\\d+个区块、\\d+笔交易；状态位于区块\\d+，有80\\d个账户")

    def test_while_it_runs(self):
        self.node.start()
        self.net.wait("it answers", lambda: self.node.network_state() is not None)
        code, _, why = self.verify(ok=False)
        self.assertEqual(code, 1)
        self.assertIn("is used by another process; stop that one first", why)
        self.node.stop()

    def test_damage_is_named(self):
        """Each kind of key, taken away or altered as no checksum would notice."""
        self.copied()
        kept = self.net.file("kept")
        cases = (
            ("state", b"L\x07", "flip", "collection 7: .* is not (what its leaves give|the one that the state root holds)"),
            ("state", b"N\x07\x01", "flip", "collection 7: page 0 of level 1 is not what its leaves give"),
            ("state", b"K\x07", "delete", "collection 7: the index of keys is not one sorted cycle of its leaves"),
            ("state", b"R\x01", "flip", "collection 1: record 1 is not the one that the state root holds"),
            ("state", b"R\x07", "delete", "account 1: its record is not the one that the state root holds"),
            ("state", b"I", "flip", "account 1: item 1 or a version of it is missing or altered"),
            ("state", b"D", "delete", r"the index of outcomes \(D\) is not what the accounts hold"),
            ("state", b"Xs", "flip", "account 1: the index \"s\" is not what its items give"),
            ("state", b"Xn", "delete", "the indexes of members, proposals and evidence"),
            ("state", b"U", "delete", "what the state remembers of block .*: the place of a transaction is missing"),
            ("state", b"F", "flip", r"what names the newest block \(F\) is not what it says"),
            ("log", b"B", "flip", "block 1: it is missing, or is not what its hash says"),
            ("log", b"C", "delete", "block 1: its header without bodies is missing"),
            ("log", b"H", "delete", "the block log names blocks that it does not have"),
        )
        for part, prefix, way, sentence in cases:
            with self.subTest(part=part, prefix=prefix, way=way):
                self.spoil(part, prefix, way)
                code, said, why = self.verify(ok=False)
                self.assertEqual((code, said), (1, ""))
                self.assertRegex(why, f"^xueliand: damaged: {sentence}")
                self.assertIn(f"(mv {self.node.data}/{part} {self.node.data}/{part}.damaged)", why)
                self.assertRegex(self.verify(lang="zh_CN.UTF-8", ok=False)[2], "^xueliand: 已损坏：.*请移走该部分")
                shutil.rmtree(self.node.data)
                shutil.copytree(kept, self.node.data)

    def test_advice_works(self):
        for part, prefix in (("state", b"I"), ("log", b"B")):
            self.spoil(part, prefix, "flip")
            _, _, why = self.verify(ok=False)
            self.assertIn(f"/{part}.damaged", why)
            os.rename(os.path.join(self.node.data, part), os.path.join(self.node.data, f"{part}.damaged"))
            self.net.start_all()
            self.net.wait_height(self.height)
            self.net.stop_all()
            shutil.rmtree(os.path.join(self.node.data, f"{part}.damaged"))
            self.whole()

    # ---- audit ----

    def audit(self, *folders, **more):
        return upkeep("audit", "--genesis", self.net.genesis, *folders, **more)

    def copy(self, node, name):
        """A copy of a data directory, for a test to do with as it likes."""
        folder = self.net.file(name)
        shutil.copytree(node.data, folder)
        self.addCleanup(shutil.rmtree, folder)
        return folder

    def fork(self, folder, salt, what, *nodes):
        harness.run(FORK_LOG, self.net.folder, folder, salt, what, *nodes)

    def test_audit(self):
        folders = [node.data for node in self.net.nodes]
        _, said, _ = self.audit(*folders)
        self.assertRegex(said, r"^Audited: \d+ blocks with 8\d transactions executed again, every root is the certified "
                               r"one; [\d.]+ s\.\n")
        for folder in folders:
            self.assertIn(f"  {folder}: the same blocks up to ", said)
        _, said, _ = upkeep("audit", "--config", self.node.config, lang="zh_CN.UTF-8")
        self.assertRegex(said, "^审计通过：重新执行\\d+个区块、8\\d笔交易")

    def test_audit_of_a_wrong_block(self):
        """Certified by all, and not what its transactions give: who executes it finds out."""
        folder = self.copy(self.node, "wrong")
        self.fork(folder, 0, "wrong", 1, 2, 3)
        code, said, why = self.audit(folder, ok=False)
        self.assertEqual((code, said), (2, ""))
        self.assertRegex(why, r"block \d+: its transactions give another state root than it says")
        self.assertIn("按其交易重算的状态根与所载不符", self.audit(folder, lang="zh_CN", ok=False)[2])

    def test_audit_of_a_conflict(self):
        """Two certified blocks of one height: who signed both is named."""
        folders = [self.copy(self.node, "one"), self.copy(self.node, "other")]
        self.fork(folders[0], 0, "right", 1, 2, 3)
        self.fork(folders[1], 7, "right", 2, 3, 4)
        code, said, _ = self.audit(*folders, ok=False)
        self.assertEqual(code, 3, said)
        lines = said.splitlines()
        self.assertRegex(lines[0], r"^Conflict: block \d+ of .*/one and of .*/other differ, and both are certified\.$")
        self.assertEqual(len(lines), 3, said)
        named = [re.match(r"^  guilty: member (\d) .*, key [0-9a-f]{66}: two votes in one slot$", line)[1]
                 for line in lines[1:]]
        self.assertEqual(sorted(named), ["2", "3"])
        self.assertRegex(self.audit(*folders, lang="zh_CN", ok=False)[1], "^冲突：区块\\d+在(.|\n)*有过错：机构")

    def test_audit_of_what_cannot_be_read(self):
        folder = self.copy(self.node, "rotten")
        harness.run(SPOIL_STORE, os.path.join(folder, "log"), b"B".hex(), "flip")
        code, _, why = self.audit(folder, ok=False)
        self.assertEqual(code, 1)
        self.assertIn("block 1 cannot be read", why)
        self.assertIn("xueliand verify-store says more", why)
        folder = self.copy(self.node, "behind")
        code, _, why = self.audit(self.net.top, folder, ok=False)
        self.assertEqual(code, 1)
        self.assertIn("there is no database at", why)

    # ---- snapshots ----

    def snapshot(self, node=None):
        folder = self.net.file("snapshot")
        _, said, _ = upkeep("snapshot", "--config", (node or self.node).config, folder)
        self.addCleanup(shutil.rmtree, folder)
        self.assertRegex(said, rf"^Snapshot of block \d+ in {folder}: \d+ files, ")
        return folder

    def empty(self, node):
        """Its blocks and state are gone; its vote journal is where it was."""
        kept = self.net.file("whole")
        os.mkdir(kept)
        for part in ("state", "log"):
            os.rename(os.path.join(node.data, part), os.path.join(kept, part))

        def back():
            for part in ("state", "log"):
                for name in (part, part + ".restored"):
                    shutil.rmtree(os.path.join(node.data, name), ignore_errors=True)
                os.rename(os.path.join(kept, part), os.path.join(node.data, part))
            os.rmdir(kept)
        self.addCleanup(back)

    def test_snapshot_and_restore(self):
        """A validator without blocks and state is restored from another's snapshot; it has no older block, is whole,
        follows, votes, serves proofs, makes a snapshot itself, and what it makes is the same again."""
        folder = self.snapshot(self.net.nodes[0])
        node = self.net.nodes[3]
        self.empty(node)
        _, said, _ = upkeep("restore", "--config", node.config, folder)
        self.assertRegex(said, r"^Restored to block \d+ in .*, every part checked against the genesis file: ")
        _, said, _ = upkeep("verify-store", "--config", node.config)
        self.assertRegex(said, r"^The store is whole: 0 blocks with 0 transactions; the state at block \d+ with "
                               r"\d+ accounts")
        kept = self.net.file("restored")
        shutil.copytree(node.data, kept)
        harness.run(SPOIL_STORE, os.path.join(node.data, "state"), b"I".hex(), "flip")
        self.assertIn("The blocks here begin with a snapshot's: move both away",
                      upkeep("verify-store", "--config", node.config, ok=False)[2])
        shutil.rmtree(os.path.join(node.data, "state"))
        self.assertIn("with a snapshot, and the state of that block is not here; move state and log away",
                      node.start_refused())
        shutil.rmtree(node.data)
        os.rename(kept, node.data)
        again = self.net.file("again")
        upkeep("snapshot", "--config", node.config, again, ok=False)
        self.assertFalse(os.path.exists(again))  # it lacks the blocks of the validity window
        # With one validator away every certificate needs the restored one's vote.
        for other in (self.net.nodes[0], self.net.nodes[1], node):
            other.start()
        three = [self.net.nodes[0], self.net.nodes[1], node]
        self.net.wait_ready(three)
        Upkeep.accounts += 1
        envelopes, _ = self.net.make(1, "open", 50000 + self.accounts, 1)
        height = int(self.net.commit(node, envelopes[0])["height"])
        self.net.wait_height(height, three)
        heads = [one.get(f"/v1/blocks/{height}")["header"]["hash"] for one in three]
        self.assertEqual(len(set(heads)), 1)
        status, _, proof = node.request("GET", f"/v1/accounts/{harness.learner(1)}/proof")
        self.net.stop_all()
        _, said, _ = upkeep("verify-store", "--config", node.config)
        self.assertRegex(said, r"^The store is whole: [1-9]\d* blocks with 1 transactions")

    def test_restore_refuses_what_is_not_so(self):
        """One bit of any part: the file is named; with the right one in its place the restore goes on."""
        folder = self.snapshot()
        node = self.net.nodes[3]
        self.empty(node)
        names = sorted(os.listdir(folder))
        kinds = {}
        for name in names:
            kinds.setdefault("-".join(name.split("-")[:3])[:15] + name.split("-")[1] + name[13:15], name)
        for name in kinds.values():
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                right = file.read()
            wrong = bytearray(right)
            wrong[len(wrong) * 2 // 3] ^= 0x04
            with open(path, "wb") as file:
                file.write(wrong)
            code, said, why = upkeep("restore", "--config", node.config, folder, ok=False)
            self.assertEqual((code, said), (1, ""), name)
            self.assertIn(f"{folder}/{name}: the snapshot of block ", why)
            self.assertIn("get that file, or the snapshot, again and go on", why)
            with open(path, "wb") as file:
                file.write(right)
        gone = os.path.join(folder, names[-1])
        os.rename(gone, self.net.file("away"))
        code, _, why = upkeep("restore", "--config", node.config, folder, lang="zh_CN", ok=False)
        self.assertEqual(code, 1)
        self.assertIn("缺少部分分片", why)
        os.rename(self.net.file("away"), gone)
        upkeep("restore", "--config", node.config, folder)
        code, _, why = upkeep("restore", "--config", node.config, folder, ok=False)
        self.assertEqual(code, 1)
        self.assertIn("is there already; a snapshot is restored where there are no blocks and no state", why)

    def test_words_that_are_wrong(self):
        for words, sentence in (
                (("verify-store",), "--config FILE is needed"),
                (("--genesis", self.net.genesis, "verify-store"), "--genesis FILE and a data directory go together"),
                (("--genesis", self.net.genesis, "init"), "--genesis is for "),
                (("verify-store", "--genesis", self.net.genesis, self.node.data, "more"), "is not a command")):
            code, _, why = upkeep(*words, ok=False)
            self.assertEqual(code, 64, why)
            self.assertIn(sentence, why)
        code, _, why = upkeep("verify-store", "--genesis", self.net.genesis, self.net.top, ok=False)
        self.assertEqual(code, 1)
        self.assertIn("there is no database at", why)


if __name__ == "__main__":
    harness.main()
