#!/usr/bin/env python3
"""Who may read what: the learner, its guardian's and custodian's place, an institution with its own records or with a
consent, whoever has a code, an auditor, a stranger; by the command line's tokens and plain HTTPS."""
import hashlib
import json
import os
import unittest

import harness
from harness import XUELIAN, Network, learner, run

BANK, UNIVERSITY, OTHER, TRAINING = 1, 2, 3, 4
CLAIMED, KEPT, NOBODY = 1, 2, 99  # a learner with a key; one whose custodian the training centre is; no account
CODE = "00112233445566778899aabbccddeeff"


def tagged(tag, data):
    digest = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(digest + digest + data).hexdigest()


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        tables = harness.small_tables(harness.tempfile.mkdtemp(prefix="xuelian-access-") + "/tables")
        cls.addClassCleanup(harness.shutil.rmtree, os.path.dirname(tables))
        path = os.path.join(tables, "institutions.csv")
        with open(path, "a", encoding="utf-8") as file:
            file.write("7,演示实名服务,Identity (demonstration),identity_service,330106,,,,\n")
        cls.net = Network(tables=tables, start=False)
        for node in cls.net.nodes:
            with open(node.config, "a", encoding="utf-8") as file:
                file.write("query_anchor_seconds: 1\n")
            node.init()
            node.start()
        cls.addClassCleanup(cls.net.close)
        cls.net.wait_ready()
        cls.node = cls.net.nodes[0]
        cls.url = "https://%s:%d" % cls.node.address("rpc_listen")
        for name in ("mine", "other"):
            with open(cls.net.file(name + ".pass"), "w", encoding="utf-8") as file:
                file.write("a long enough passphrase\n")
            run(XUELIAN, "key", "new", cls.net.file(name), "--passphrase-file", cls.net.file(name + ".pass"))
        for number, member in ((CLAIMED, UNIVERSITY), (KEPT, TRAINING)):
            cls.tx("account-open", f"learner={learner(number)}", "identity_commitment=" + "11" * 32, "region=330106",
                   "--member", member)
            for issuer, kind in ((UNIVERSITY, "degree_course"), (TRAINING, "certificate")):
                cls.tx("deposit", f"account={learner(number)}", f"issuer={issuer}", f"kind={kind}", "credits=2",
                       "hours=32", "award_date=2024-06-30", "source=institution", "region=330110", "--member", issuer)
        cls.tx("account-claim", f"account={learner(CLAIMED)}", "identity_commitment=" + "11" * 32,
               "new_key=" + cls.public_key("mine"), "--member", UNIVERSITY, "--member", 7)

    @classmethod
    def tx(cls, kind, *words):
        return json.loads(run(XUELIAN, "tx", "new", kind, *words, "--network", cls.net.folder, "--json").stdout)

    @classmethod
    def key(cls, name):
        return "--key", cls.net.file(name), "--passphrase-file", cls.net.file(name + ".pass")

    @classmethod
    def public_key(cls, name):
        shown = json.loads(run(XUELIAN, "key", "show", *cls.key(name)[1:], "--json").stdout)
        return next(value for value in shown.values() if len(str(value)) == 66)

    def token(self, *who, node=None):
        return "Bearer " + run(XUELIAN, "token", *who, "--network", self.net.folder, "--node",
                               node or self.url).stdout.strip()

    def read(self, number, authorization, path="archive", status=200):
        headers = {} if authorization is None else {"Authorization": authorization}
        got, fields, body = self.node.request("GET", f"/v1/accounts/{learner(number)}/{path}", None, headers, tls=True)
        self.assertEqual(got, status, (path, body[:300]))
        if status == 401:
            self.assertEqual({name.lower(): value for name, value in dict(fields).items()}["www-authenticate"], "Bearer")
        return json.loads(body) if path == "archive" or status != 200 else body

    def items(self, number, authorization):
        """Numbers of the items shown, how many are not, and whether the summary is."""
        said = self.read(number, authorization)
        return [int(item["item"]) for item in said["items"]], int(said["withheld"]), "summary" in said

    def refused(self, number, authorization, name, status):
        for path in ("archive", "archive/proof", "items/1/proof"):
            self.assertEqual(self.read(number, authorization, path, status)["name"], name, path)

    def test_1_strangers(self):
        self.refused(CLAIMED, None, "TOKEN_NEEDED", 401)
        self.refused(NOBODY, None, "TOKEN_NEEDED", 401)
        self.read(NOBODY, None, "absence/proof", 401)
        for authorization in ("Bearer", "Bearer x", "Basic eDp5", "Bearer " + "a" * 3000, "Consent 00", "Consent "):
            self.refused(CLAIMED, authorization, "BAD_TOKEN", 401)
        self.refused(CLAIMED, "Consent " + CODE, "NOT_GRANTED", 403)
        # Whoever is on the machine is its operator.
        self.assertEqual(self.node.request("GET", f"/v1/accounts/{learner(CLAIMED)}/archive")[0], 200)
        # What is public stays so.
        self.assertEqual(self.node.request("GET", "/v1/blocks", tls=True)[0], 200)

    def test_2_learners(self):
        mine = self.token(learner(CLAIMED), "--as", "learner", *self.key("mine"))
        self.assertEqual(self.items(CLAIMED, mine), ([1, 2, 3], 0, True))
        self.assertIn(b"\x01", self.read(CLAIMED, mine, "archive/proof"))
        self.refused(KEPT, mine, "NOT_GRANTED", 403)
        self.read(NOBODY, mine, "archive", 403)  # nor whether there is one
        self.read(NOBODY, mine, "absence/proof", 403)
        other = self.token(learner(CLAIMED), "--as", "learner", *self.key("other"))
        self.refused(CLAIMED, other, "NOT_GRANTED", 403)
        # A token is for one node.
        there = self.token(learner(CLAIMED), "--as", "learner", *self.key("mine"),
                           node="https://%s:%d" % self.net.nodes[1].address("rpc_listen"))
        self.refused(CLAIMED, there, "BAD_TOKEN", 401)

    def test_3_members(self):
        self.assertEqual(self.items(CLAIMED, self.token("--as", BANK)), ([1, 2, 3], 0, True))  # audits
        # The custodian, until the learner has a key; then what it issued.
        self.assertEqual(self.items(KEPT, self.token("--as", TRAINING)), ([1, 2], 0, True))
        university = self.token("--as", UNIVERSITY)
        self.assertEqual(self.items(CLAIMED, university), ([1], 2, False))
        self.read(CLAIMED, university, "items/1/proof")
        self.assertEqual(self.read(CLAIMED, university, "items/2/proof", 403)["name"], "NOT_GRANTED")
        self.assertEqual(self.read(CLAIMED, university, "items/9/proof", 404)["name"], "NOT_FOUND")
        self.refused(CLAIMED, self.token("--as", OTHER), "NOT_GRANTED", 403)
        self.read(NOBODY, university, "archive", 404)
        self.read(NOBODY, university, "absence/proof")
        self.read(CLAIMED, university, "absence/proof", 409)
        # A key of nobody, said to be a member's.
        self.refused(CLAIMED, self.token("--as", OTHER, "--keys", self.net.top, *self.key("mine")), "WRONG_KEY", 401)
        self.refused(CLAIMED, self.token("--as", 77, *self.key("mine"), "--keys", self.net.top), "UNKNOWN_MEMBER", 401)

    def test_4_consents(self):
        other = self.token("--as", OTHER)
        account = f"account={learner(CLAIMED)}"
        mine = ("--learner", learner(CLAIMED), *self.key("mine"))

        def grant(*words):
            self.tx("consent-grant", account, *words, "until_date=2099-12-31", *mine)
            return len(self.read(CLAIMED, self.token("--as", BANK))["items"])

        def withdraw(item):
            self.tx("consent-withdraw", account, f"item={item}", "version_hash=newest", *mine)

        one = grant(f"grantee={OTHER}", "items=2")
        # The grantee sees what it was granted, and the grant.
        self.assertEqual(self.items(CLAIMED, other), ([2, one], 2, False))
        kinds = grant(f"grantee={OTHER}", "kinds=outcome")
        self.assertEqual(self.items(CLAIMED, other), ([1, 2, one, kinds], 1, False))
        proof = self.read(CLAIMED, other, "archive/proof")
        path = self.net.file("partial")
        with open(path, "wb") as file:
            file.write(proof)
        self.assertIn("withheld", run(XUELIAN, "verify", "--genesis", self.net.genesis, path).stdout)
        whole = grant(f"grantee={OTHER}")
        self.assertEqual(self.items(CLAIMED, other)[1:], (0, True))
        for item in (whole, kinds, one):
            withdraw(item)
        self.assertEqual(self.items(CLAIMED, other), ([one, kinds, whole], 3, False))  # its own grants, ended

        code = tagged("xuelian/consent-code/v1", bytes.fromhex(learner(CLAIMED)) + bytes.fromhex(CODE))
        given = grant(f"code_hash={code}", "kinds=outcome")
        self.assertEqual(self.items(CLAIMED, "Consent " + CODE), ([1, 2], given - 2, False))
        self.refused(CLAIMED, "Consent " + CODE[:-1] + "0", "NOT_GRANTED", 403)
        self.refused(KEPT, "Consent " + CODE, "NOT_GRANTED", 403)
        self.assertIn("withheld", run(XUELIAN, "archive", learner(CLAIMED), "--code", CODE, "--network",
                                      self.net.folder).stdout)
        withdraw(given)
        self.refused(CLAIMED, "Consent " + CODE, "NOT_GRANTED", 403)

    def test_4_who_looked(self):
        """Each answer has a receipt, each receipt its entry, under a root that any later one goes on from."""
        mine = self.token(learner(CLAIMED), "--as", "learner", *self.key("mine"))
        receipts = []
        for number, who, path in ((CLAIMED, mine, "archive"), (CLAIMED, self.token("--as", BANK), "items/1/proof"),
                                  (KEPT, self.token("--as", TRAINING), "archive/proof")):
            _, fields, _ = self.node.request("GET", f"/v1/accounts/{learner(number)}/{path}", None,
                                             {"Authorization": who}, tls=True)
            receipts.append(bytes.fromhex({name.lower(): value for name, value in dict(fields).items()}["xuelian-receipt"]))
        _, fields, _ = self.node.request("GET", f"/v1/accounts/{learner(CLAIMED)}/archive", tls=True)
        self.assertNotIn("xuelian-receipt", {name.lower() for name, _ in dict(fields).items()})
        log = self.read(CLAIMED, mine, "queries")
        log = json.loads(log)
        newest = log["entries"][:2]
        self.assertEqual([(entry["reader"], entry["what"], entry.get("member")) for entry in newest],
                         [("member", "items/1/proof", BANK), ("learner", "archive", None)])
        self.assertEqual(newest[1]["reader_learner"], learner(CLAIMED))
        # The entry of a receipt is in the log that the node shows later.
        leaf = hashlib.sha256(b"\0" + hashlib.sha256(b"xuelian/leaf/query/v1").digest() +
                              self.field(receipts[0], 3)).digest()
        self.assertEqual(self.root(leaf, int(newest[1]["number"]) - 1, int(log["log_size"]), newest[1]["path"]),
                         log["log_root"])
        # Its head goes on the chain.
        def anchored():
            proposals = self.node.get("/v1/blocks?from=1&limit=100")
            return "query-log" in self.node.words(400) and proposals
        self.net.wait("the log's head on the chain", anchored)
        # What is about another is not shown, nor to who may not read all.
        self.assertNotIn("archive/proof", [entry["what"] for entry in log["entries"][:1]])
        self.assertEqual(self.read(CLAIMED, self.token("--as", UNIVERSITY), "queries", 403)["name"], "NOT_GRANTED")
        page = json.loads(self.read(CLAIMED, mine, "queries?limit=1&before=" + newest[0]["number"]))
        self.assertEqual([entry["number"] for entry in page["entries"]], [newest[1]["number"]])

    @staticmethod
    def field(message, wanted):
        """A field of bytes of a message whose fields are small numbers and bytes."""
        at = 0
        while at < len(message):
            number, kind = message[at] >> 3, message[at] & 7
            at += 1
            size = shift = 0
            while True:
                size |= (message[at] & 127) << shift
                shift += 7
                at += 1
                if message[at - 1] < 128:
                    break
            if kind == 2:
                if number == wanted:
                    return message[at:at + size]
                at += size
        raise AssertionError(f"no field {wanted}")

    @staticmethod
    def root(node, index, size, path):
        """RFC 9162 section 2.1.3.2."""
        last = size - 1
        for sibling in map(bytes.fromhex, path):
            if index % 2 or index == last:
                node = hashlib.sha256(b"\1" + sibling + node).digest()
                while index % 2 == 0 and index:
                    index, last = index // 2, last // 2
            else:
                node = hashlib.sha256(b"\1" + node + sibling).digest()
            index, last = index // 2, last // 2
        return node.hex()

    def tearDown(self):
        for node in self.net.nodes:
            self.assertTrue(node.alive(), node.words(80))

    def test_5_words(self):
        def said(*words, code=2):
            done = run(XUELIAN, *words, "--network", self.net.folder, ok=False)
            self.assertEqual(done.returncode, code, done.stderr)
            return done.stderr
        self.assertIn("the node does not know who asks: give --as N", said("archive", learner(CLAIMED), code=1))
        self.assertIn("节点不知道是谁在读取", said("archive", learner(CLAIMED), "--lang", "zh", code=1))
        self.assertIn("not both", said("archive", learner(CLAIMED), "--as", 1, "--code", CODE))
        self.assertIn("--code is 32 hex characters, not 12", said("archive", learner(CLAIMED), "--code", "12"))
        self.assertIn("who reads? Give --as N", said("token"))
        self.assertIn("--as learner needs the learner's id", said("token", "--as", "learner"))
        self.assertIn("no key for signer", said("token", learner(CLAIMED), "--as", "learner"))
        self.assertIn("tokens are for https://", said("token", "--as", 1, "--node", "http://%s:%d" %
                                                      self.node.address("local_listen"), code=3))


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
