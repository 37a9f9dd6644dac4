#!/usr/bin/env python3
"""xuelian tx on a real network: made from fields and from files, signed here and elsewhere, sent, refused; and what it
says to each mistake, in both languages."""
import json
import os
import re
import unittest

import harness
from harness import XUELIAN, Network, learner, run

COMMITMENT = "11" * 32


class Transactions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = Network()
        cls.addClassCleanup(cls.net.close)
        cls.net.wait_ready()

    def tx(self, *words, ok=True):
        return run(XUELIAN, "tx", *words, ok=ok)

    def new(self, kind, *words, code=0, lang="en"):
        done = self.tx("new", kind, *words, "--network", self.net.folder, "--lang", lang, ok=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def open_account(self, number):
        self.new("account-open", f"learner={learner(number)}", f"identity_commitment={COMMITMENT}", "region=330106",
                 "--member", "2")

    def deposit(self, number, *more, **how):
        return self.new("deposit", f"account={learner(number)}", "issuer=2", "kind=degree_course", "credits=2.5",
                        "hours=48", "award_date=2024-06-30", "source=institution", "region=330110", "--member", "2",
                        *more, **how)

    def test_words(self):
        self.open_account(1)
        said = self.deposit(1)
        self.assertRegex(said, r"transaction [0-9a-f]{64}\nin block \d+: done")
        state = json.loads(self.tx("show", re.search(r"[0-9a-f]{64}", said).group(), "--network", self.net.folder).stdout)
        self.assertEqual((state["status"], state["code"]), ("committed", 0))
        archive = run(XUELIAN, "archive", learner(1), "--as", 1, "--network", self.net.folder).stdout
        self.assertIn("2.5", archive)
        self.assertIn("2024-06-30", archive)
        said = self.deposit(1, code=1)
        self.assertIn("the same outcome is recorded already", said)
        said = self.deposit(1, code=1, lang="zh")
        self.assertIn("该成果已记录", said)

    def test_file(self):
        self.open_account(2)
        path = self.net.file("outcomes.yaml")
        with open(path, "w", encoding="utf-8") as file:
            for day in ("2023-01-31", "2023-02-28", "2023-02-30"):
                file.write(f"- account: {learner(2)}\n  issuer: 2\n  kind: degree_course\n  award_date: {day}\n"
                           "  source: institution\n  region: 330110\n  credits: 1\n")
        said = self.new("deposit-bulk", "--payload", path, "--member", "2", code=1)
        self.assertRegex(said, r"item 3: a date is not a civil date.*\(BAD_DATE\)")
        with open(path + ".json", "w", encoding="utf-8") as file:
            json.dump({"account": learner(2), "issuer": 2, "kind": "component", "award_date": "2023-03-01",
                       "source": "institution", "region": 330110, "credits": "0.5"}, file)
        self.assertIn("done", self.new("deposit", "--payload", path + ".json", "--member", "2"))

    def test_signed_elsewhere(self):
        """A recognising university signs on its own machine: the file goes to it and back."""
        self.open_account(3)
        path = self.net.file("platform.json")
        shown = run(XUELIAN, "key", "show", os.path.join(self.net.folder, "keys", "member-3.key"), "--passphrase-file",
                    os.path.join(self.net.folder, "keys", "member-3.passphrase"), "--json").stdout
        key = next(value for value in json.loads(shown).values() if re.fullmatch(r"0[23][0-9a-f]{64}", str(value)))
        said = self.deposit(3, "recognising=3", "--member", f"3:{key}", "--out", path)
        self.assertIn("1 of 2 signatures; next: xuelian tx sign", said)
        done = self.tx("send", path, "--network", self.net.folder, ok=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("not every signer has signed", done.stderr)
        shown = json.loads(self.tx("show", path).stdout)
        self.assertEqual([(s["member"], s["signed"]) for s in shown["signers"]], [(2, True), (3, False)])
        self.assertEqual((shown["kind"], shown["payload"]["credits"]), ("deposit", 250))
        wrong = self.tx("sign", path, "--member", "4", "--network", self.net.folder, ok=False)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("names no signer with that key", wrong.stderr)
        done = self.tx("sign", path, "--key", os.path.join(self.net.folder, "keys", "member-3.key"), "--passphrase-file",
                       os.path.join(self.net.folder, "keys", "member-3.passphrase"))
        self.assertIn("2 of 2 signatures; next: xuelian tx send", done.stdout)
        self.assertIn("done", self.tx("send", path, "--network", self.net.folder).stdout)
        with open(path, encoding="utf-8") as file:
            body = json.load(file)
        body["signatures"][1] = body["signatures"][0]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(body, file)
        done = self.tx("show", path, ok=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("signature 2 does not verify", done.stderr)

    def test_mistakes(self):
        for words, said in (
                (("depsoit", "--member", "2"), "there is no kind of transaction depsoit; did you mean deposit?"),
                (("deposit", "acount=1", "--member", "2"), "there is no field acount in Outcome; did you mean account?"),
                (("deposit", "account", "--member", "2"), "a field is given as NAME=VALUE, not account"),
                (("deposit", "credits=2.555", "--member", "2"), "credits is not a number that this field takes: '2.555'"),
                (("deposit", "award_date=2024-6-30", "--member", "2"), "award_date is not a number"),
                (("deposit", "kind=degree", "--member", "2"), "kind is one of degree_course, component"),
                (("deposit", "account=xyz", "--member", "2"), "account is hexadecimal text, not 'xyz'"),
                (("deposit", "account=12", "--member", "2"), "a field is missing or has the wrong length"),
                (("deposit", "level=1", "level=2", "--member", "2"), "level is given twice"),
                (("deposit", "level=4294967296", "--member", "2"), "level is not a number"),
                (("deposit",), "who signs? Give --member N or --learner ID"),
                (("deposit", "level=1", "--member", "two"), "--member is a member's number, not two"),
                (("deposit", "level=1", "--learner", "ab"), "a learner id is 64 hex characters, not ab"),
                (("deposit", "level=1", "--learner", learner(1)), "no key for signer"),
                (("deposit-bulk", "level=1", "--member", "2"), "deposit-bulk takes a file with a list of 1 to 1000 items"),
                (("deposit", "--payload", "/nowhere", "--member", "2"), "/nowhere"),
        ):
            self.assertIn(said, self.new(*words, code=2), words)
        self.assertIn("没有交易类型 depsoit；是否想用 deposit？", self.new("depsoit", "--member", "2", code=2, lang="zh"))
        done = self.tx("send", self.net.genesis, "--network", self.net.folder, ok=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is not a transaction file of xuelian tx new", done.stderr)

    def test_kinds(self):
        said = self.tx("kinds").stdout
        self.assertRegex(said, r"4\s+deposit-bulk\s+Outcome\[\]")
        self.assertEqual(json.loads(self.tx("kinds", "--json").stdout)[0]["name"], "account-open")
        self.assertIn("OutcomeKind: degree_course", self.tx("fields", "deposit").stdout)


if __name__ == "__main__":
    harness.main()
