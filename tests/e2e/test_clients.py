#!/usr/bin/env python3
"""Clients that do not behave: requests that are none, cut, glued together, too large; clients that vanish. The node
answers what can be answered, ends the rest, and goes on; a sanitizer's finding ends it, and the test."""
import json
import os
import random
import socket
import ssl
import struct
import unittest

import harness
from harness import NEVER_S, Network, learner, run

HOST = b"Host: a\r\n"
GOOD = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
BODY_MAX = 1015808


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = Network()
        cls.addClassCleanup(cls.net.close)
        cls.net.wait_ready()

    def setUp(self):
        self.node = self.net.nodes[0]

    def tearDown(self):
        for node in self.net.nodes:
            self.assertTrue(node.alive(), node.words(60))
            self.assertEqual(node.request("GET", "/healthz")[0], 200)
            self.assertEqual(node.request("GET", "/healthz", tls=True)[0], 200)

    def open(self, tls=False):
        raw = socket.create_connection(self.node.address("rpc_listen" if tls else "local_listen"), NEVER_S)
        if not tls:
            return raw
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(raw)

    def exchange(self, data, tls=False):
        """Sends and reads to the end; what is sent ends the connection, so this does not wait."""
        with self.open(tls) as client:
            answer = b""
            try:
                client.sendall(data)
                while part := client.recv(65536):
                    answer += part
            except OSError:  # closed with bytes on the way
                pass
            return answer

    def vanish(self, data, tls=False):
        """Sends and goes, with a reset."""
        client = self.open(tls)
        try:
            client.sendall(data)
        except OSError:
            pass
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    def test_requests_that_are_none(self):
        get = b"GET /healthz HTTP/1.1\r\n"
        cases = {
            400: (b"\r\n\r\n", b"\n\n", b"GET\r\n\r\n", b"GET  /healthz HTTP/1.1\r\n\r\n", b"GET healthz HTTP/1.1\r\n\r\n",
                  get + b"\r\n", get + HOST + HOST + b"\r\n", get + HOST + b" folded\r\n\r\n", get + b"Host : a\r\n\r\n",
                  get + HOST + b"A: \0\r\n\r\n", get + HOST + b"A: \x01\r\n\r\n", b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n",
                  get + HOST + b"Content-Length: -1\r\n\r\n", get + HOST + b"Content-Length: \r\n\r\n",
                  get + HOST + b"Content-Length: 0x1\r\n\r\n", get + HOST + b"Content-Length: +1\r\n\r\n",
                  get + HOST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", b"A" * 20 + b" / HTTP/1.1\r\n\r\n"),
            411: (get + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",),
            413: (get + HOST + b"Content-Length: 1015809\r\n\r\n", get + HOST + b"Content-Length: 99999999999999999999\r\n\r\n"),
            417: (get + HOST + b"Expect: 100-continue\r\n\r\n",),
            431: (get + HOST + b"A: b\r\n" * 65 + b"\r\n", b"GET /" + b"a" * 20000, get + b"A: " + b"b" * 20000),
            505: (b"GET /healthz HTTP/1.0\r\n\r\n", b"GET /healthz HTTP/2.0\r\n\r\n"),
        }
        for status, requests in cases.items():
            for request in requests:
                for tls in (False, True):
                    self.assertEqual(self.exchange(request, tls).split(b" ")[:2], [b"HTTP/1.1", b"%d" % status],
                                     request[:80])

    def test_addresses(self):
        get = self.node.request
        for path, status in (("/", 404), ("/v1/blocks/", 404), ("/v1/blocks/-1", 422), ("/v1/blocks/+1", 422),
                             ("/v1/blocks/%31", 422), ("/v1/blocks/1x", 422), ("/v1/blocks/" + "9" * 19, 404),
                             ("/v1/blocks/" + "9" * 20, 422), ("/v1/blocks/" + "0" * 300, 422), ("/" + "a" * 600, 404),
                             ("/v1/blocks?from=" + "9" * 19 + "&limit=100", 200), ("/v1/blocks?limit=0", 200),
                             ("/v1/transactions/" + "0" * 63, 422), ("/v1/transactions/" + "g" * 64, 422),
                             (f"/v1/accounts/{learner(1)}/items/0/proof", 404),
                             (f"/v1/accounts/{learner(1)}/items/{'9' * 19}/proof", 404),
                             (f"/v1/accounts/{learner(1)}/items//proof", 404), ("/v1/accounts//archive", 404)):
            got, _, body = get("GET", path)
            # No certified block yet: proofs say so.
            self.assertIn(got, (status, 503) if path.endswith("proof") else (status,), (path, body))
        self.assertEqual(get("DELETE", "/v1/transactions/x")[0], 405)

    def test_parameters(self):
        """What an address does not take is named, with what it takes."""
        wait = "/v1/transactions/" + "0" * 64
        for path, words in (
                ("/v1/blocks?limit=101", 'the parameter limit is "101"; give a decimal number up to 100'),
                ("/v1/blocks?from=x", 'the parameter from is "x"; give a decimal number up to 18446744073709551615'),
                ("/v1/blocks?from=18446744073709551616", "give a decimal number up to 18446744073709551615"),
                ("/v1/blocks?from", 'the parameter from is ""; give'), ("/v1/blocks?form=1", "it takes from, limit"),
                ("/v1/blocks?from=1&from=1", "the parameter from stands twice"),
                ("/v1/network?x=1", 'does not take the parameter "x"; it takes none'),
                (wait + "?wait_ms=-1", 'is "-1"'), (wait + "?wait_ms=60001", "up to 60000"),
                (wait + "?wait_ms=" + "9" * 300, "up to 60000")):
            status, _, body = self.node.request("GET", path)
            self.assertEqual(status, 422, path)
            self.assertIn(words, json.loads(body)["detail"], path)

    def test_glued_and_cut(self):
        last = GOOD.replace(HOST, HOST + b"Connection: close\r\n")
        for tls in (False, True):
            self.assertEqual(self.exchange(GOOD * 199 + last, tls).count(b"200 OK"), 200)
        rng = random.Random(7)
        post = b"POST /v1/transactions?wait_ms=60000 HTTP/1.1\r\n" + HOST + b"Content-Length: 4000\r\n\r\n" + b"\xff" * 4000
        for _ in range(60):
            for tls in (False, True):
                self.vanish(post[:rng.randrange(len(post))], tls)
                self.vanish(post, tls)
                self.vanish(os.urandom(rng.randrange(1, 3000)))
        for tls in (False, True):
            # More than one request may wait for: ended, not kept.
            wait = b"GET /v1/transactions/" + b"0" * 64 + b"?wait_ms=60000 HTTP/1.1\r\n" + HOST + b"\r\n"
            self.assertEqual(self.exchange(wait + b"A" * (2 * BODY_MAX), tls), b"")
        # Ciphertext that is none.
        for size in (1, 5, 300, 70000):
            raw = socket.create_connection(self.node.address("rpc_listen"), NEVER_S)
            raw.sendall(b"\x16\x03\x01" + os.urandom(size))
            raw.close()
            raw = socket.create_connection(self.node.address("peer_listen"), NEVER_S)
            raw.sendall(os.urandom(size))
            raw.close()

    def test_waits_left_behind(self):
        """More than may be under way: the rest are answered at once, and nobody is shut out."""
        for number in range(2200):
            self.vanish(b"GET /v1/transactions/%064x?wait_ms=60000 HTTP/1.1\r\n" % number + HOST + b"\r\n")
        status, _, _ = self.node.request("GET", "/v1/transactions/" + "f" * 64 + "?wait_ms=60000")
        self.assertEqual(status, 200)
        envelopes, _ = self.net.make(1, "open", 1, 1)
        self.assertEqual(self.net.commit(self.node, envelopes[0])["status"], "committed")

    def test_key_updates(self):
        """Each must be answered; who does not read the answers is ended, not remembered."""
        many = 2000000
        for name in ("rpc_listen", "peer_listen"):
            sent = run(harness.KEY_UPDATES, self.node.address(name)[1], many).stdout
            self.assertLess(int(sent), many)

    def test_z_they_end_well(self):
        client = self.open()
        client.sendall(b"GET /v1/transactions/" + b"0" * 64 + b"?wait_ms=60000 HTTP/1.1\r\n" + HOST + b"\r\n")
        self.net.stop_all()
        client.close()
        self.net.start_all()
        self.net.wait_ready()


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
