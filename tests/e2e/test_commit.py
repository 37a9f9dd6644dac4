#!/usr/bin/env python3
"""Submit, wait, status, archive, proofs, blocks, network, health and metrics; then offline, all nodes stopped."""
import hashlib
import json
import os
import unittest

import harness
from harness import Network, learner, run


class Commit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = Network()
        cls.addClassCleanup(cls.net.close)
        cls.net.wait_ready()

    def setUp(self):
        self.nodes = self.net.nodes

    def test_1_submit_and_wait(self):
        envelopes, ids = self.net.make(1, "open", 1, 3)
        status, answer = self.nodes[0].submit(envelopes[0], 60000, tls=True)
        self.assertEqual((status, answer["status"], answer["id"], answer["code"]), (200, "committed", ids[0], 0))
        # By another node than the primary, without waiting; then waited for at a third.
        status, answer = self.nodes[2].submit(envelopes[1])
        self.assertEqual((status, answer["id"]), (200, ids[1]))
        self.assertIn(answer["status"], ("pending", "committed"))
        answer = self.nodes[3].get(f"/v1/transactions/{ids[1]}?wait_ms=60000")
        self.assertEqual((answer["status"], answer["name"]), ("committed", "OK"))
        # Again is no error, anywhere, and not a second transaction.
        again = self.net.commit(self.nodes[1], envelopes[1])
        self.assertEqual((again["height"], again["index"]), (answer["height"], answer["index"]))
        self.assertEqual(self.nodes[0].get(f"/v1/transactions/{ids[2]}")["status"], "unknown")

    def test_2_a_rule_of_state(self):
        """An account that is open already: in the block, with its code, changing nothing."""
        other, _ = self.net.make(2, "open", 1, 1)
        answer = self.net.commit(self.nodes[1], other[0])
        self.assertEqual((answer["status"], answer["name"], answer["code"]), ("committed", "ACCOUNT_EXISTS", 207))

    def test_3_refused(self):
        node = self.nodes[0]
        bad, bad_ids = self.net.make(1, "bad_signature", 50, 1)
        foreign, _ = self.net.make(1, "wrong_chain", 50, 1)
        late, late_ids = self.net.make(1, "open", 51, 1, 10 ** 9)
        over, over_ids = self.net.make(1, "open", 52, 1, 0)
        for envelope, name in ((bad[0], "BAD_SIGNATURE"), (foreign[0], "WRONG_CHAIN"), (late[0], "TOO_FAR"),
                               (over[0], "EXPIRED"), (late[0][:100], None), (b"", None), (b"\xff" * 50, None)):
            status, answer = node.submit(envelope)
            self.assertEqual((status, answer["status"]), (422, 422), answer)
            self.assertTrue(answer["title"] and answer["name"] not in ("OK", "UNKNOWN"), answer)
            if name is not None:
                self.assertEqual(answer["name"], name)
        # What is said of the id afterwards: a bad copy says nothing of a good one.
        self.assertEqual(node.get(f"/v1/transactions/{bad_ids[0]}")["status"], "unknown")
        self.assertEqual(node.get(f"/v1/transactions/{late_ids[0]}")["status"], "refused")
        self.assertEqual(node.get(f"/v1/transactions/{over_ids[0]}")["status"], "expired")
        good, _ = self.net.make(1, "open", 50, 1)
        self.assertEqual(self.net.commit(node, good[0])["code"], 0)

    def test_4_archive(self):
        deposit, ids = self.net.make(1, "deposit", 1, 1)
        done = self.net.commit(self.nodes[3], deposit[0])
        self.assertEqual(done["code"], 0)
        self.net.wait_height(int(done["height"]))
        for node in self.nodes:
            archive = node.get(f"/v1/accounts/{learner(1)}/archive")
            self.assertEqual(len(archive["items"]), 1)
            self.assertEqual(archive["items"][0]["tx_id"], ids[0])
            self.assertEqual(archive["items"][0]["outcome"]["kind"], "other_learning")
        problem = self.nodes[0].get(f"/v1/accounts/{learner(999)}/archive", status=404)
        self.assertEqual(problem["detail"], "there is no account with that learner id")

    def test_5_blocks(self):
        node = self.nodes[1]
        tip = node.height()
        headers = node.get(f"/v1/blocks?from=1&limit={tip}")["headers"]
        self.assertEqual([int(h["height"]) for h in headers], list(range(1, tip + 1)))
        for before, after in zip(headers, headers[1:]):
            self.assertEqual(after["parent_hash"], before["hash"])
        block = node.get("/v1/blocks/1")
        self.assertEqual(block["header"]["hash"], headers[0]["hash"])
        self.assertEqual(len(block["transactions"]), int(block["header"].get("tx_count", 0)))
        self.assertEqual(node.get("/v1/blocks/999999", status=404)["detail"], "there is no block at that height")
        self.net.same_blocks(tip)

    def test_6_network_health_metrics(self):
        node = self.nodes[0]
        state = node.get("/v1/network")
        self.assertEqual((state["validators"], state["quorum"], state["peer_count"]), (4, 3, 3))
        self.assertTrue(state["validator"] and state["voting"] and not state["stopped"] and not state["journal_lost"])
        with open(self.net.genesis, "rb") as file:
            self.assertEqual(node.request("GET", "/v1/genesis")[2], file.read())
        self.assertEqual(node.request("GET", "/healthz")[::2], (200, b"ok\n"))
        self.assertEqual(node.request("GET", "/readyz")[0], 200)
        status, headers, text = node.request("GET", "/metrics")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4"))
        values = dict(line.split() for line in text.decode().splitlines() if not line.startswith("#"))
        self.assertGreaterEqual(int(values["xuelian_height"]), 1)
        self.assertEqual(int(values["xuelian_peers"]), 3)
        self.assertEqual(int(values["xuelian_alarms_total"]), 0)
        self.assertEqual(int(values["xuelian_evidence_total"]), 0)
        tls = node.get("/v1/network/tls", tls=True)
        self.assertEqual((len(tls["node_key"]), len(tls["signature"])), (66, 128))

    def test_7_requests_that_are_wrong(self):
        node = self.nodes[0]
        self.assertEqual(node.request("GET", "/v1/nowhere")[0], 404)
        self.assertEqual(node.request("DELETE", "/v1/network")[0], 405)
        self.assertEqual(node.get("/v1/transactions/zz", status=422)["detail"], "an id is 64 hexadecimal digits")
        self.assertEqual(node.get("/v1/blocks/abc", status=422)["detail"], "a height is a decimal number")
        self.assertEqual(node.request("POST", "/v1/transactions", b"x" * 1100000)[0], 413)
        chinese = node.request("GET", "/v1/blocks/999999", headers={"Accept-Language": "zh-CN"})[2]
        self.assertRegex(json.loads(chinese)["title"], "[\u4e00-\u9fff]")

    def test_8_offline(self):
        """Proofs fetched, every node stopped, verified with the genesis file alone; one changed byte is refused."""
        paths = {}
        for name, path in (("archive", f"/v1/accounts/{learner(1)}/archive/proof?issuer=1"),
                           ("record", f"/v1/accounts/{learner(1)}/items/1/proof"),
                           ("absence", f"/v1/accounts/{learner(777)}/absence/proof")):
            status, headers, proof = self.nodes[2].request("GET", path)
            self.assertEqual((status, headers["Content-Type"]), (200, "application/x-protobuf"), proof)
            paths[name] = self.net.file(name)
            with open(paths[name], "wb") as file:
                file.write(proof)
        self.assertEqual(self.nodes[2].get(f"/v1/accounts/{learner(1)}/absence/proof", status=409)["detail"],
                         "the account exists")
        self.net.stop_all()
        for name, path in paths.items():
            said = run(harness.XUELIAN, "verify", "--lang=en", "--genesis", self.net.genesis, path).stdout
            self.assertIn("3 of 4", said, f"{name}: {said}")
        with open(paths["archive"], "rb") as file:
            proof = bytearray(file.read())
        proof[len(proof) // 2] ^= 1
        with open(paths["archive"], "wb") as file:
            file.write(proof)
        self.assertNotEqual(run(harness.XUELIAN, "verify", "--genesis", self.net.genesis, paths["archive"],
                                ok=False).returncode, 0)


if __name__ == "__main__":
    harness.main()
