#!/usr/bin/env python3
"""Damaged and cut files of a data directory: each refused or healed with one sentence, and the advice works."""
import glob
import os
import shutil
import struct
import unittest

import harness
from harness import Network


def newest(pattern):
    return max(glob.glob(pattern), key=os.path.getmtime)


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x40]))


def cut(path, size):
    with open(path, "r+b") as file:
        file.truncate(size)


def record_before_newest(path):
    """Offset of the record with the second highest counter (ledger/store/README.md)."""
    with open(path, "rb") as file:
        data = file.read()
    return sorted((struct.unpack_from(">Q", data, at + 8)[0], at) for at in range(4096, len(data), 4096)
                  if data[at:at + 4] == b"XLJR")[-2][1]


class Damage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = Network()
        cls.first = 1

    @classmethod
    def tearDownClass(cls):
        cls.net.close()

    def setUp(self):
        self.net.wait_ready()
        self.node = self.net.nodes[2]
        self.commit_some(4)

    def commit_some(self, count=1, node=None):
        envelopes, _ = self.net.make(1, "open", Damage.first, count)
        Damage.first += count
        node = self.net.nodes[0] if node is None else node
        self.height = [int(self.net.commit(node, envelope)["height"]) for envelope in envelopes][-1]

    def stop_at_tip(self):
        """The node under test, stopped with everything applied."""
        self.net.wait_height(self.height, [self.node])
        self.node.stop()

    def comes_back(self, votes=True):
        """Started, it catches up, agrees with the others, and its vote is good where the quorum needs it."""
        self.node.start()
        self.net.wait_height(self.height, [self.node])
        self.net.same_blocks(self.height)
        if votes:
            self.net.wait("it votes", lambda: self.node.get("/v1/network")["voting"])
            other = self.net.nodes[3]
            other.kill()
            self.commit_some(node=self.node)
            other.start()
            self.net.wait_height(self.height)
            self.net.same_blocks(self.height)

    def refused_for(self, what, advice):
        said = self.node.start_refused()
        self.assertRegex(said, rf"^xueliand: the database .*data/{what} is damaged; move it away \(mv .*data/{what} "
                               rf".*data/{what}\.damaged\) and start again: {advice}")
        os.rename(os.path.join(self.node.data, what), os.path.join(self.node.data, what + ".damaged"))
        self.addCleanup(shutil.rmtree, os.path.join(self.node.data, what + ".damaged"))

    def test_state_manifest_damaged(self):
        self.stop_at_tip()
        cut(newest(self.node.data + "/state/MANIFEST-*"), 20)
        self.refused_for("state", "it is rebuilt from the block log")
        self.comes_back()

    def test_state_current_lost(self):
        self.stop_at_tip()
        flip(self.node.data + "/state/CURRENT", 3)
        self.refused_for("state", "it is rebuilt from the block log")
        self.comes_back()

    def test_state_log_cut(self):
        """LevelDB drops a cut tail without a word: the state is replayed from the block log."""
        self.stop_at_tip()
        path = newest(self.node.data + "/state/*.log")
        cut(path, os.path.getsize(path) // 2)
        self.comes_back()
        self.assertIn("replaying blocks", self.node.words(1000))

    def test_state_lost(self):
        self.stop_at_tip()
        shutil.rmtree(self.node.data + "/state")
        self.comes_back()

    def test_state_rotten(self):
        """A wrong state that no checksum notices: the node's own result differs, so it stops before it stores
        anything of that block, and says where the difference is; the others go on."""
        self.stop_at_tip()
        harness.run(harness.SPOIL_STATE, self.node.data + "/state")
        self.node.start()
        self.net.wait_ready([self.node])
        before = self.height
        self.commit_some(2)
        self.net.wait("it says so", lambda: "the first difference is result_root" in self.node.words(1000))
        self.assertIn("this node computed another result than the certified block", self.node.words(1000))
        state = self.node.get("/v1/network")
        self.assertTrue(state["stopped"] and not state["voting"])
        self.assertEqual(int(state["height"]), before)
        kept = sorted(glob.glob(self.node.data + "/diverged-*"))
        self.assertEqual([path.rsplit("-", 1)[1] for path in kept], ["expected", "found", "results"])
        self.node.stop()
        shutil.rmtree(self.node.data + "/state")
        self.comes_back()

    def test_log_manifest_damaged(self):
        """Without its blocks it is behind its journal: it fetches them, and votes only then."""
        self.stop_at_tip()
        cut(newest(self.node.data + "/log/MANIFEST-*"), 20)
        self.refused_for("log", "the blocks are fetched from the other nodes. Leave the vote journal where it is")
        self.comes_back()
        self.assertIn("the state does not fit the block log; it is rebuilt", self.node.words(1000))

    def test_log_tail_cut(self):
        """The newest blocks are gone without a word, the journal names them."""
        self.stop_at_tip()
        path = newest(self.node.data + "/log/*.log")
        cut(path, os.path.getsize(path) // 2)
        self.comes_back()

    def test_log_block_rotten(self):
        """One byte of an old block: found when it is read, never served."""
        self.stop_at_tip()
        self.node.start()  # opening turns LevelDB's log into a table
        self.net.wait_ready([self.node])
        self.node.stop()
        path = max(glob.glob(self.node.data + "/log/*.ldb"), key=os.path.getsize)
        flip(path, os.path.getsize(path) // 3)
        shutil.rmtree(self.node.data + "/state")  # so that every block is read
        self.refused_for("log", "the blocks are fetched from the other nodes")
        self.comes_back()

    def test_journal_one_copy_damaged(self):
        """Healed from the other copy, with a word to the operator."""
        self.stop_at_tip()
        path = self.node.data + "/journal.b"
        flip(path, record_before_newest(path) + 50)
        self.comes_back()
        self.assertRegex(self.node.words(1000), "journal.b was damaged and has been restored from the other copy")

    def journal_lost(self, why):
        self.comes_back(votes=False)
        state = self.node.get("/v1/network")
        self.assertTrue(state["journal_lost"])
        self.assertFalse(state["voting"])
        words = self.node.words(1000)
        self.assertIn(f"the vote journal is not whole ({why}): this node may not vote with it; follow the steps for a "
                      "new incarnation in the operations guide", words)
        # It serves, and follows what the others decide; and init does not make another journal over the loss.
        self.commit_some(node=self.node)
        self.net.wait_height(self.height, [self.node])
        self.node.stop()
        self.assertRegex(self.node.init(ok=False).stderr, "is a data directory already")

    def test_journal_lost(self):
        self.stop_at_tip()
        kept = self.net.file("kept")
        os.mkdir(kept)
        for name in ("journal.a", "journal.b"):
            shutil.copy(os.path.join(self.node.data, name), kept)
        try:
            cut(self.node.data + "/journal.a", 5000)
            self.journal_lost("a copy has the wrong size")
            shutil.copy(os.path.join(kept, "journal.a"), self.node.data)
            os.remove(self.node.data + "/journal.b")
            self.journal_lost("a copy is missing")
            shutil.copy(os.path.join(kept, "journal.b"), self.node.data)
            flip(self.node.data + "/journal.a", 50)
            self.journal_lost("the head of a copy is damaged")
        finally:
            # Nothing was signed meanwhile: the old journal is the newest again.
            for name in ("journal.a", "journal.b"):
                shutil.copy(os.path.join(kept, name), self.node.data)
            shutil.rmtree(kept)
        self.comes_back()

    def test_full_disk(self):
        """A write that fails ends the process at once, with the reason; with room again it goes on."""
        self.stop_at_tip()
        self.node.start(file_size_max=max(map(os.path.getsize, glob.glob(self.node.data + "/*/*"))) + 600_000)
        self.net.wait_ready([self.node])
        for _ in range(12):
            envelopes, _ = self.net.make(1, "open_bulk", Damage.first, 1000)
            Damage.first += 1000
            self.height = int(self.net.commit(self.net.nodes[0], envelopes[0])["height"])
            if not self.node.alive():
                break
        self.assertEqual(self.node.ends(), 1)
        self.assertRegex(self.node.words(1000), r"(the block log|the vote journal|the state) could not be written: .* The "
                                                r"process ends; nothing that was promised is lost")
        self.comes_back()

    def test_old_backup(self):
        """A whole data directory of yesterday: the others remember newer votes of this key, so it only follows.
        One validator is down meanwhile, so that every certificate needs the vote that the backup does not know."""
        self.stop_at_tip()
        backup = self.net.file("backup")
        shutil.copytree(self.node.data, backup)
        self.node.start()
        self.net.wait_ready([self.node])
        down = self.net.nodes[3]
        down.stop()
        self.commit_some(3)
        self.net.wait_height(self.height, [self.node])
        self.node.stop()
        now = self.net.file("now")
        os.rename(self.node.data, now)
        os.rename(backup, self.node.data)
        try:
            self.node.start()
            self.net.wait("it says so", lambda: "an old backup or a second copy of the key" in self.node.words(1000))
            self.net.wait_height(self.height, [self.node])
            state = self.node.get("/v1/network")
            self.assertTrue(state["stopped"] and not state["voting"])
            self.node.stop()
        finally:
            shutil.rmtree(self.node.data)
            os.rename(now, self.node.data)
            down.start()
        self.comes_back()


    def test_two_processes_of_one_key(self):
        """A copy of the data directory runs elsewhere under the same key: the others say so and keep it out while
        the first one lives. When that is gone the copy follows, and whether it votes is the tripwire's affair."""
        self.stop_at_tip()
        clone = self.net.clone(self.node)
        self.node.start()
        self.net.wait_ready([self.node])
        clone.start()
        try:
            words = "two live sessions of one key with different starts: is its key used by two processes?"
            self.net.wait("the others notice", lambda: any(words in node.words(1000) for node in self.net.nodes[:2]))
            self.commit_some(5)
            self.net.wait_height(self.height)
            self.net.same_blocks(self.height)
            self.node.kill()
            self.commit_some()
            self.net.wait_height(self.height, [clone])
            self.net.same_blocks(self.height, [self.net.nodes[0], clone])
        finally:
            clone.kill()
        # Whichever of the two voted what the other does not know may have stopped itself: the journal that
        # signed last is not known from outside, so an operator makes a new incarnation. Here: a new network.
        self.net.close()
        Damage.net = Network()
        Damage.first = 1


if __name__ == "__main__":
    harness.main()
