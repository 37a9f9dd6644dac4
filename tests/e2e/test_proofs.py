#!/usr/bin/env python3
"""xuelian prove on a real network, then xuelian verify with the genesis file alone and every node stopped."""
import json
import os
import unittest

from harness import XUELIAN, Network, learner, run

BLOCKS = 6


class Proofs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = Network()
        cls.addClassCleanup(cls.net.close)
        cls.net.wait_ready()
        cls.ids, cls.heights = [], []
        for number in range(1, BLOCKS + 1):
            envelopes, ids = cls.net.make(1, "open", number, 1)
            cls.heights.append(int(cls.net.commit(cls.net.nodes[0], envelopes[0])["height"]))
            cls.ids += ids
        deposits, _ = cls.net.make(1, "deposit", 1, 1)
        cls.net.wait_height(int(cls.net.commit(cls.net.nodes[1], deposits[0])["height"]))

    def prove(self, *words, code=0, lang="en"):
        done = run(XUELIAN, "prove", *words, "--network", self.net.folder, "--lang", lang, ok=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def verify(self, path, *more, code=0, lang="en"):
        done = run(XUELIAN, "verify", "--genesis", self.net.genesis, "--lang", lang, *more, path, ok=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def test_1_transactions(self):
        for number, (tx_id, height) in enumerate(zip(self.ids, self.heights)):
            path = self.net.file(f"transaction-{number}")
            said = self.prove("transaction", tx_id, "--out", path)
            self.assertIn(f"Block      height {height}, ", said)
            self.assertIn("Result     OK (0)", said)
            self.assertEqual(self.verify(path).splitlines()[2], said.splitlines()[2])
        self.assertIn("已证明：某交易在本网络的区块中", self.verify(path, lang="zh"))
        said = json.loads(self.prove("transaction", self.ids[0], "--json"))
        self.assertEqual((said["transaction"]["id"], said["transaction"]["name"]), (self.ids[0], "OK"))

    def test_2_absent_transactions(self):
        said = self.prove("transaction", self.ids[0], "--block", str(self.heights[3]), "--out", self.net.file("absent"))
        self.assertIn("a transaction is not in this block", said)
        self.assertIn("not in this block", self.verify(self.net.file("absent")))
        said = self.prove("transaction", self.ids[3], "--block", str(self.heights[3]))
        self.assertIn("a transaction is in a block", said)
        self.assertIn("with block=HEIGHT its absence", self.prove("transaction", "ab" * 32, code=1))
        self.assertIn("does not hold that block", self.prove("transaction", "ab" * 32, "--block", "999999", code=1))
        self.assertIn("an id is 64 hex characters", self.prove("transaction", "xyz", code=2))
        self.assertIn("--block is a number from 1", self.prove("transaction", "ab" * 32, "--block", "x", code=2))

    def test_3_sets_and_small_proofs(self):
        history = self.net.file("history")
        self.assertIn("who the validators were", self.prove("sets", history))
        self.assertIn("proof saved", self.prove("sets", history))  # goes on from itself
        small, whole = self.net.file("small"), self.net.file("whole")
        said = self.prove("record", learner(1), "1", "--as", "1", "--small", "--history", history, "--out", small)
        self.assertIn("one record of a learner", said)
        self.assertIn("newest of the history file", said)
        self.prove("record", learner(1), "1", "--as", "1", "--issuer", "--out", whole)
        self.assertLess(os.path.getsize(small), 2500)
        self.assertIn("newest of the history file", self.verify(small, "--history", history))
        self.assertIn("历史文件中最新的集合", self.verify(small, "--history", history, lang="zh"))
        self.assertIn("issuer's own signature verified", self.verify(whole))
        self.assertIn("the history file is not", self.verify(whole, "--history", small, code=1))
        self.assertIn("the account has no item of that number", self.prove("record", learner(1), "9", "--as", "1", code=1))
        self.assertIn("which file?", self.prove("sets", code=2))

    def test_4_evidence(self):
        self.assertIn("no evidence is recorded under that id", self.prove("equivocation", "ab" * 32, code=1))
        path = self.net.file("evidence")
        with open(path, "wb") as file:
            file.write(b"\x08\x01\x12\x21" + b"\x02" * 33)  # era 1 and a key, and nothing that it signed
        self.assertIn("the key is not of a validator set", self.prove("equivocation", path, code=1))
        self.assertIn("which evidence?", self.prove("equivocation", code=2))

    def statistics(self, node, query, **more):
        return node.get("/v1/statistics?" + query, **more)

    def test_5_statistics(self):
        """One learner has an outcome: nobody sees it, the operator and the statistics role do."""
        archive = self.net.nodes[0].get(f"/v1/accounts/{learner(1)}/archive")["items"][0]["outcome"]
        year, region = int(str(archive["award_date"])[:4]), archive["region"]
        inside = self.statistics(self.net.nodes[0], f"year={year}")  # by local_listen
        self.assertEqual((inside["least"], inside["suppressed"]), (0, []))
        totals = [cell for cell in inside["cells"] if cell["kind"] == "all"]
        self.assertTrue(totals and all(cell["outcomes"] == "1" for cell in totals), inside)
        outside = self.statistics(self.net.nodes[0], f"year={year}", tls=True)
        self.assertEqual((outside["least"], outside["cells"]), (10, []))
        self.assertEqual({row["hidden"] for row in outside["suppressed"]}, {"all"})
        self.assertEqual(len(outside["suppressed"]), len(totals))
        self.assertIn("proofs of statistics are given to members", self.prove("statistics", str(year), str(region), code=1))
        self.assertIn("proofs of statistics are given to members", self.prove("statistics", "--all", code=1))
        for words in ((str(year), str(region)), ("--all",)):
            said = self.prove("statistics", *words, "--as", "1", "--small")
            self.assertIn("outcomes 1, ", said)
        self.assertIn("proofs of statistics are given to members", self.prove("statistics", str(year), str(region), "--as", "3", code=1))
        # A year in which nothing was learned is shown, and proved to be zero.
        self.assertEqual(self.statistics(self.net.nodes[0], "year=1999", tls=True)["cells"], [])
        self.assertIn("No entry   1999/", self.prove("statistics", "1999", str(region), "--as", "1"))
        path = self.net.file("all-statistics")
        status, _, proof = self.net.nodes[0].request("GET", "/v1/statistics/range/proof")
        self.assertEqual(status, 200, proof)
        with open(path, "wb") as file:
            file.write(proof)
        self.assertIn("all statistics there are, complete", self.verify(path))
        status, _, proof = self.net.nodes[0].request("GET", f"/v1/statistics/proof?year={year}&region={region}")
        with open(path, "wb") as file:
            file.write(proof)
        self.assertIn("all kinds and levels, complete", self.verify(path))
        self.assertIn(f"{year}年，地区 {region}", self.verify(path, lang="zh"))
        self.assertEqual(self.net.nodes[0].get("/v1/statistics", status=422)["detail"], "year is missing")
        self.assertIn("which year and region?", self.prove("statistics", code=2))

    def test_6_offline(self):
        """What was saved holds without any node."""
        self.net.stop_all()
        for number in range(BLOCKS):
            self.assertIn("3 of 4", self.verify(self.net.file(f"transaction-{number}")))
        self.assertIn("4 validators, in this set since height 1", self.verify(self.net.file("history")))


if __name__ == "__main__":
    unittest.main()
