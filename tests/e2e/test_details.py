#!/usr/bin/env python3
"""Details beside the chain on four real nodes: a term with details in bulk, some shown in a proof, an application with
details, erasure by learner and issuer; afterwards no file of any node holds what was erased, the archive is proved whole
as before, and a node that joins later gets what is left and nothing else."""
import http.client
import json
import os
import shutil
import unittest

import harness
from harness import XUELIAN, Network, learner, run

MEMBER = 2
KEPT, ERASED, WITHDRAWN = "Kept title 7f31", "Erased secret 9c44", "Withdrawn words 55d0"


class Details(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = harness.tempfile.mkdtemp(prefix="details-")
        cls.addClassCleanup(shutil.rmtree, cls.top)
        cls.net = Network()
        cls.addClassCleanup(cls.net.close)
        cls.net.wait_ready()

    # ---- tools ----

    def tx(self, kind, *words, refused=None):
        done = run(XUELIAN, "tx", "new", kind, *words, "--network", self.net.folder, "--json", ok=False)
        self.assertEqual(done.returncode, 0 if refused is None else 1, done.stdout + done.stderr)
        self.assertEqual(json.loads(done.stdout)["name"], refused or "OK", done.stdout)

    def file(self, value, name="payload.json"):
        path = os.path.join(self.top, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False)
        return path

    def outcome(self, number, date, **more):
        return {"account": learner(number), "issuer": MEMBER, "kind": self.kind(), "award_date": date, "credits": "1",
                "hours": "10", "source": "institution", "region": self.region(), **more}

    @classmethod
    def kind(cls):
        return "degree_course"

    @classmethod
    def region(cls):
        return 330110

    def archive(self, number, *words, code=0):
        done = run(XUELIAN, "archive", learner(number), "--as", "1", "--network", self.net.folder, "--json", *words,
                   ok=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def version(self, number, item):
        archive = self.net.nodes[0].get(f"/v1/accounts/{learner(number)}/archive")
        return archive["items"][item - 1]["version_hash"]

    def details(self, node, number, item, status=200):
        return node.get(f"/v1/accounts/{learner(number)}/items/{item}/details", status=status)

    @staticmethod
    def answers(node, path):
        try:
            return node.request("GET", path)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def held(self, text, node):
        """Whether a text stands in any file of a node's data directory."""
        words = text.encode()
        for folder, _, files in os.walk(node.data):
            for name in files:
                try:
                    with open(os.path.join(folder, name), "rb") as file:
                        if words in file.read():
                            return True
                except FileNotFoundError:
                    pass  # a database moved on meanwhile
        return False

    # ---- the story, in order ----

    def test_1_deposit_in_bulk(self):
        for number in (1, 2):
            self.tx("account-open", f"learner={learner(number)}", f"identity_commitment={'11' * 32}",
                    f"region={self.region()}", "--member", "1")
        term = [self.outcome(1, "2025-06-30", details={"title": KEPT, "score": "92", "101": "own"}),
                self.outcome(1, "2025-07-01"),
                self.outcome(2, "2025-06-30", details={"title": ERASED, "score": "61"})]
        self.tx("deposit-bulk", "--payload", self.file(term), "--member", str(MEMBER))
        for node in self.net.nodes:
            self.net.wait("every node has the details", lambda: self.answers(node, f"/v1/accounts/{learner(2)}/items/1/details"))
            shown = {one["number"]: one["value"] for one in self.details(node, 1, 1)["details"]}
            self.assertEqual(shown, {1: KEPT, 2: "92", 101: "own"})
            self.assertEqual(self.details(node, 1, 2, status=404)["name"], "NO_DETAILS")
            self.assertTrue(self.held(ERASED, node), "it is on every node's disk")

    def test_2_wrong_details(self):
        """Refused before the pool, with the item and what to do; nothing of it is recorded, and the id is not spoilt."""
        path = os.path.join(self.top, "tx.json")
        run(XUELIAN, "tx", "new", "deposit", "--payload",
            self.file(self.outcome(1, "2025-07-02", details={"title": "One"})), "--member", str(MEMBER), "--out", path,
            "--network", self.net.folder)
        shown = json.loads(run(XUELIAN, "tx", "show", path, "--json").stdout)
        self.assertEqual(shown["details"], [{"item": 1, "details": {"title": "One"}}])
        with open(path, encoding="utf-8") as file:
            saved = json.load(file)
        without = {**saved}
        details = bytes.fromhex(without.pop("details")[0])
        done = run(XUELIAN, "tx", "send", self.file(without, "tx2.json"), "--network", self.net.folder, ok=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("commits to details that did not come with it; send them beside it", done.stderr)
        self.assertIn("details of item 1", done.stderr)
        other = {**saved, "details": [details.replace(b"One", b"Two").hex()]}
        done = run(XUELIAN, "tx", "send", self.file(other, "tx3.json"), "--network", self.net.folder, ok=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("the details are not those that the transaction commits to", done.stderr)
        self.assertEqual(int(self.net.nodes[0].get("/v1/network")["pool_count"]), 0)
        run(XUELIAN, "tx", "send", path, "--network", self.net.folder)
        self.assertEqual(self.details(self.net.nodes[0], 1, 3)["details"][0]["value"], "One")
        for word, text in (("details.marks=3", "there is no detail marks"),
                           ("details.title=", "the detail title is a text of 1 to 1024 bytes"),
                           ("details.title=" + "x" * 1025, "the detail title is a text of 1 to 1024 bytes")):
            done = run(XUELIAN, "tx", "new", "deposit", word, f"account={learner(1)}", "--member", str(MEMBER),
                       "--network", self.net.folder, ok=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(text, done.stderr)

    def test_3_disclosed(self):
        proof = os.path.join(self.top, "archive.xlp")
        shown = self.archive(1, "--disclose", "title,101", "--proof", proof)
        self.assertEqual(shown["items"][0]["details"], {"title": KEPT, "101": "own"})
        self.assertEqual(shown["items"][0]["details_withheld"], 1)
        self.assertNotIn("details", shown["items"][1])
        genesis = os.path.join(self.net.folder, "network.genesis")
        said = run(XUELIAN, "verify", proof, "--genesis", genesis).stdout
        self.assertIn(f"title: {KEPT}", said)
        self.assertIn("details withheld: 1", said)
        self.assertNotIn("92", said.split("Records")[1].split("Totals")[0])
        with open(proof, "rb") as file:
            data = file.read()
        with open(proof, "wb") as file:
            file.write(data.replace(KEPT.encode(), KEPT.encode()[::-1]))
        done = run(XUELIAN, "verify", proof, "--genesis", genesis, ok=False)
        self.assertIn("the details shown are not those that the record commits to", done.stdout)
        self.assertNotIn("details", self.archive(1)["items"][0])
        done = run(XUELIAN, "archive", learner(1), "--disclose", "marks", "--network", self.net.folder, ok=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--disclose is all, or names or numbers", done.stderr)
        # What is not shown to everybody: the port for clients asks who reads.
        status, _, body = self.net.nodes[0].request("GET", f"/v1/accounts/{learner(1)}/items/1/details", tls=True)
        self.assertEqual((status, KEPT.encode() in body), (401, False))
        status, _, body = self.net.nodes[0].request(
            "GET", f"/v1/accounts/{learner(1)}/archive/proof?disclose=title,,score")
        self.assertEqual(status, 422)
        self.assertIn("disclose is all, or up to 16 names", json.loads(body)["detail"])

    def test_4_erased(self):
        """The custodian erases for the learner without a key; the issuer erases one of its own."""
        self.tx("deposit", "--payload", self.file(self.outcome(1, "2025-07-03", details={"description": WITHDRAWN})),
                "--member", str(MEMBER))
        where = (f"account={learner(2)}", "item=1", f"version_hash={self.version(2, 1)}")
        self.tx("erase-own", *where, "reason=wish", "--member", "3", refused="NOT_ALLOWED")
        self.tx("erase-own", f"account={learner(2)}", "item=1", "version_hash=newest", "reason=wish", "--member", "1")
        where = (f"account={learner(2)}", "item=1", f"version_hash={self.version(2, 1)}")
        self.tx("erase-own", *where, "reason=wish", "--member", "1", refused="DETAILS_ERASED")
        where = (f"account={learner(1)}", "item=4", f"version_hash={self.version(1, 4)}")
        self.tx("erase-issued", *where, "reason=mistake", "--member", "3", refused="WRONG_ISSUER")
        self.tx("erase-issued", *where, "reason=mistake", "--member", str(MEMBER))
        self.tx("erase-issued", f"account={learner(1)}", "item=2", "version_hash=newest", "reason=mistake", "--member",
                str(MEMBER), refused="NO_DETAILS")
        for node in self.net.nodes:
            self.net.wait("the nodes agree", lambda: node.height() >= self.net.nodes[0].height())
            problem = self.details(node, 2, 1, status=410)
            self.assertEqual(problem["name"], "DETAILS_ERASED")
            self.assertIn("were erased", problem["title"])
            for text in (ERASED, WITHDRAWN):
                self.net.wait(f"{text} is in no file of node {node.index}", lambda: not self.held(text, node))
            self.assertTrue(self.held(KEPT, node))
        shown = self.archive(2, "--disclose", "all")
        self.assertTrue(shown["complete"])
        self.assertTrue(shown["items"][0]["details_erased"])
        self.assertEqual((shown["items"][0]["status"], shown["outcomes"]), ("valid", 1))
        done = run(XUELIAN, "archive", learner(2), "--as", "1", "--network", self.net.folder)
        self.assertIn("its details were erased from the network", done.stdout)

    def test_5_restart_and_late(self):
        """What was kept is there after a start; a node whose store is lost gets what is left, and no more."""
        node = self.net.nodes[3]
        node.stop()
        node.start()
        self.net.wait("it is back", lambda: self.answers(node, "/readyz"))
        self.assertEqual(self.details(node, 1, 1)["details"][0]["value"], KEPT)
        node.stop()
        shutil.rmtree(os.path.join(node.data, "details"))
        node.start()
        self.net.wait("it gets the details from the others", lambda: self.answers(node, f"/v1/accounts/{learner(1)}/items/1/details"))
        self.assertEqual(self.details(node, 2, 1, status=410)["name"], "DETAILS_ERASED")
        for text in (ERASED, WITHDRAWN):
            self.assertFalse(self.held(text, node))
        # One that knows nothing yet: blocks, state and details, all from the others.
        node.stop()
        for name in ("log", "state", "details"):
            shutil.rmtree(os.path.join(node.data, name))
        node.start()
        self.net.wait("it catches up, and gets the details", lambda: self.answers(node, f"/v1/accounts/{learner(1)}/items/3/details"))
        self.net.wait("and they are on its disk", lambda: self.held(KEPT, node))
        for text in (ERASED, WITHDRAWN):
            self.assertFalse(self.held(text, node))
        shown = self.archive(1, "--disclose", "all")
        self.assertEqual([one.get("details", {}).get("title") for one in shown["items"]], [KEPT, None, "One", None])


    def test_6_imported(self):
        """Columns of a table become details; a second run makes the same deposits, and so adds nothing."""
        with open(os.path.join(self.top, "rows.csv"), "w", encoding="utf-8") as file:
            file.write("who,date,course,mark,note\n"
                       "a,2025-06-30,高等数学,92,\n"
                       "b,2025-06-30,线性代数,,late\n"
                       "c,2025-06-30,,,\n"
                       f"d,2025-06-30,{'长' * 342},,\n")
        with open(os.path.join(self.top, "m.yaml"), "w", encoding="utf-8") as file:
            file.write("""mapping: 1
name: details
accounts:
  - name: people
    files: [rows.csv]
    account: {namespace: t, column: who}
    opener: {constant: 1}
    region: {constant: 330110}
outcomes:
  - name: results
    files: [rows.csv]
    account: {namespace: t, column: who}
    issuer: {constant: 2}
    reference: [who, date]
    fields:
      kind: {constant: degree_course}
      award_date: {column: date, format: yyyy-mm-dd}
      source: {constant: institution}
      region: {constant: 330110}
    details: {title: course, score: mark, 101: note}
""")
        command = (XUELIAN, "import", "--mapping", os.path.join(self.top, "m.yaml"), "--network", self.net.folder)
        done = run(*command, ok=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("column course, a detail, has more than 1024 bytes", done.stdout + done.stderr)

        def shown(who):
            words = run(XUELIAN, "archive", "--number", f"t:{who}", "--as", "1", "--disclose", "all", "--network", self.net.folder,
                        "--json").stdout
            return json.loads(words)["items"]
        self.assertEqual(shown("a")[0]["details"], {"title": "高等数学", "score": "92"})
        self.assertEqual(shown("b")[0]["details"], {"title": "线性代数", "101": "late"})
        self.assertNotIn("details", shown("c")[0])
        self.assertEqual(shown("d"), [])
        for name in os.listdir(self.net.folder):
            if name.endswith(".resume"):
                os.remove(os.path.join(self.net.folder, name))
        done = run(*command, ok=False)
        self.assertIn("3 there already", done.stdout)
        self.assertEqual(len(shown("a")), 1)


if __name__ == "__main__":
    harness.main()
