#!/usr/bin/env python3
"""xuelian gov on a real network: proposals from files, votes, a parameter that changes while blocks go on, and what it says
to mistakes, in both languages."""
import json
import re
import unittest

from harness import XUELIAN, Network, run


class Governance(unittest.TestCase):
    """Members 1 to 4 govern, so that three approve."""

    @classmethod
    def setUpClass(cls):
        cls.net = Network()
        cls.addClassCleanup(cls.net.close)
        cls.net.wait_ready()

    def gov(self, *words, code=0, lang="en"):
        done = run(XUELIAN, "gov", *words, "--network", self.net.folder, "--lang", lang, ok=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def file(self, name, text):
        path = self.net.file(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def propose(self, text, *words, **how):
        said = self.gov("propose", self.file("changes.yaml", text), *words, **how)
        found = re.search(r"transaction ([0-9a-f]{64})", said)
        return found.group(1) if found else said

    def shown(self, proposal):
        return json.loads(self.gov("show", proposal))["proposal"]

    def test_decided_by_three(self):
        before = self.net.nodes[0].get("/v1/network")
        proposal = self.propose("- param: {name: batch_delay_ms, value: 25}\n", "--reason", "less haste", "--member", "2")
        shown = self.shown(proposal)
        self.assertEqual((shown["status"], shown["proposer"], shown["content"]["reason"]), ("open", 2, "less haste"))
        self.assertIn(f"{proposal} open      by 2, for 1, against 0: param - less haste", self.gov("list", "--open"))
        self.assertIn("voted on this proposal already", self.gov("approve", proposal, "--member", "2", code=1))
        self.assertIn("已对此提案表决", self.gov("approve", proposal, "--member", "2", code=1, lang="zh"))
        self.assertIn("too few approvals", self.gov("enact", proposal, "--member", "1", code=1))
        self.assertIn("done", self.gov("refuse", proposal, "--member", "1"))
        self.assertIn("done", self.gov("approve", proposal, "--member", "3", "--member", "4"))
        shown = self.shown(proposal)
        self.assertEqual(shown["status"], "enacted")
        self.assertEqual([(vote["member"], vote.get("against", False)) for vote in shown["votes"]],
                         [(1, True), (2, False), (3, False), (4, False)])
        self.assertNotIn(proposal, self.gov("list", "--open"))
        self.assertIn(proposal, self.gov("list"))
        height = max(node.height() for node in self.net.nodes) + 2
        self.net.wait_height(height)  # blocks go on under the new parameter
        self.assertGreater(int(self.net.nodes[0].get("/v1/network")["height"]), int(before["height"]))

    def test_refused_and_withdrawn(self):
        change = "status: {member: 4, status: 1}\n"
        proposal = self.propose(change, "--member", "1")
        self.gov("refuse", proposal, "--member", "2", "--member", "3")
        self.assertEqual(self.shown(proposal)["status"], "refused")
        self.assertIn("enacted, refused or withdrawn", self.gov("approve", proposal, "--member", "4", code=1))
        proposal = self.propose(change, "--member", "1")
        self.assertIn("no role", self.gov("withdraw", proposal, "--member", "2", code=1))
        self.gov("withdraw", proposal, "--member", "1")
        self.assertEqual(self.shown(proposal)["status"], "withdrawn")

    def test_mistakes(self):
        self.assertIn("which changes?", self.gov("propose", "--member", "1", code=2))
        self.assertIn("哪个提案", self.gov("approve", "--member", "1", code=2, lang="zh"))
        self.assertIn("64 hexadecimal", self.gov("approve", "12", "--member", "1", code=2))
        self.assertIn("who signs?", self.gov("approve", "12" * 32, code=2))
        self.assertIn("no proposal with that id", self.gov("approve", "12" * 32, "--member", "1", code=1))
        self.assertIn("no proposal", self.gov("show", "12" * 32, code=1))
        said = self.propose("- validatr: {member: 1}\n", "--member", "1", code=2)
        self.assertIn("validator", said)
        path = self.file("other.json", "{}")
        self.assertIn("xueliand following", self.gov("enact", "12" * 32, "--member", "1", "--following", path, code=2))
        path = self.file("param.yaml", "param: {name: t0_ms, value: 1}\n")
        self.assertIn("out of range", self.gov("propose", path, "--member", "1", code=1))


if __name__ == "__main__":
    unittest.main()
