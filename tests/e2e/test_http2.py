#!/usr/bin/env python3
"""HTTP/2: clients that nobody here wrote get what HTTP/1.1 gives; frames that do harm end the connection that sent
them and nothing else. A sanitizer's finding ends the node, and the test."""
import os
import re
import socket
import ssl
import struct
import unittest

from harness import NEVER_S, XUELIAN, Network, learner, run

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
BODY_MAX = 1015808


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header without indexing and without Huffman coding."""
    def text(data):
        size = len(data)
        head = bytes((size,)) if size < 127 else None
        if head is None:
            size -= 127
            head = b"\x7f"
            while size >= 128:
                head += bytes((size % 128 + 128,))
                size //= 128
            head += bytes((size,))
        return head + data
    return b"\0" + text(name) + text(value)


def head(method=b"GET", path=b"/v1/network/tls", more=()):
    fields = [(b":method", method), (b":scheme", b"https"), (b":authority", b"node"), (b":path", path), *more]
    return b"".join(literal(*field) for field in fields)


def get(stream, path=b"/v1/network/tls", more=()):
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, head(path=path, more=more))


class Http2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = Network()
        cls.addClassCleanup(cls.net.close)
        cls.net.wait_ready()

    def setUp(self):
        self.node = self.net.nodes[0]

    def tearDown(self):
        self.assertTrue(self.node.alive(), self.node.words(60))
        self.assertEqual(self.node.request("GET", "/healthz", tls=True)[0], 200)

    def url(self, path):
        host, port = self.node.address("rpc_listen")
        return f"https://{host}:{port}{path}"

    def curl(self, path, *more):
        """Status, protocol and body, by curl."""
        out = run("curl", "-sk", "--max-time", NEVER_S, "-w", "\n%{http_code} %{http_version}", *more, self.url(path)).stdout
        body, status, version = re.fullmatch(r"(?s)(.*)\n(\d+) (\S+)", out).groups()
        return int(status), version, body

    def open(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        client = context.wrap_socket(socket.create_connection(self.node.address("rpc_listen"), NEVER_S))
        self.assertEqual(client.selected_alpn_protocol(), "h2")
        client.sendall(PREFACE + frame(SETTINGS))
        return client

    def frames(self, client):
        """Frames up to the end of the connection."""
        data = b""
        try:
            while part := client.recv(65536):
                data += part
        except OSError:
            pass
        at = 0
        while at + 9 <= len(data):
            size = int.from_bytes(data[at:at + 3], "big")
            yield data[at + 3], data[at + 4], int.from_bytes(data[at + 5:at + 9], "big"), data[at + 9:at + 9 + size]
            at += 9 + size

    def ended(self, data, code=None):
        """The node ends a connection on which this arrives; returns its frames."""
        with self.open() as client:
            try:
                client.sendall(data)
            except OSError:
                pass
            got = list(self.frames(client))
            if code is not None:
                codes = [int.from_bytes(f[3][4:8], "big") for f in got if f[0] == GOAWAY]
                self.assertEqual(codes[-1:], [code], [f[:3] for f in got])
            return got

    def answers(self, data, streams):
        """Sends, reads until every stream has ended; returns {stream: (kinds, body)} and leaves the connection."""
        done = {stream: b"" for stream in streams}
        reset = {}
        left = set(streams)
        with self.open() as client:
            client.sendall(data)
            buffer = b""
            while left:
                part = client.recv(65536)
                if not part:
                    self.fail(f"ended with {sorted(left)[:5]} unanswered")
                buffer += part
                while len(buffer) >= 9 and len(buffer) >= 9 + int.from_bytes(buffer[:3], "big"):
                    size = int.from_bytes(buffer[:3], "big")
                    kind, flags, stream = buffer[3], buffer[4], int.from_bytes(buffer[5:9], "big")
                    payload, buffer = buffer[9:9 + size], buffer[9 + size:]
                    if kind == DATA:
                        done[stream] += payload
                    if kind == RST:
                        reset[stream] = int.from_bytes(payload, "big")
                        left.discard(stream)
                    if kind in (DATA, HEADERS) and flags & END_STREAM:
                        left.discard(stream)
        return done, reset

    def test_curl(self):
        for path in ("/v1/network/tls", "/v1/blocks?limit=0", "/healthz", "/v1/blocks/x", "/v1/nothing",
                     "/v1/blocks?limit=101"):
            with self.subTest(path=path):
                old, new = self.curl(path, "--http1.1"), self.curl(path, "--http2")
                self.assertEqual((old[1], new[1]), ("1.1", "2"))
                self.assertEqual((old[0], old[2]), (new[0], new[2]))
        status, _, body = self.curl("/v1/blocks/x", "--http2", "-H", "Accept-Language: zh-CN")
        self.assertEqual(status, 422)
        self.assertRegex(body, "[\u4e00-\u9fff]")

    def test_a_transaction(self):
        envelopes, ids = self.net.make(1, "open", 1, 1)
        path = self.net.file("one-envelope")
        with open(path, "wb") as file:
            file.write(envelopes[0])
        status, version, body = self.curl("/v1/transactions?wait_ms=20000", "--http2", "-X", "POST", "--data-binary",
                                          "@" + str(path))
        self.assertEqual((status, version), (200, "2"), body)
        self.assertIn('"status":"committed"', body)
        # The proof is larger than a frame and a window may hold.
        proof = self.net.file("proof")
        self.assertEqual(self.curl(f"/v1/accounts/{learner(1)}/archive", "--http2")[0], 401)
        token = run(XUELIAN, "token", "--as", 1, "--network", self.net.folder, "--node", self.url("")).stdout.strip()
        self.curl(f"/v1/accounts/{learner(1)}/archive/proof", "--http2", "-o", proof, "-H", f"Authorization: Bearer {token}")
        self.assertEqual(self.node.request("GET", f"/v1/accounts/{learner(1)}/archive/proof", tls=True)[0], 401)
        self.assertGreater(os.path.getsize(proof), 800)

    def test_many_at_once(self):
        streams = range(1, 201, 2)
        done, reset = self.answers(b"".join(get(stream) for stream in streams), streams)
        self.assertEqual(reset, {})
        self.assertEqual(len(set(done.values())), 1)
        # One past the limit is refused before anything is done for it; the others are answered.
        waits = range(1, 203, 2)
        path = b"/v1/transactions/" + b"0" * 64 + b"?wait_ms=3000"
        done, reset = self.answers(b"".join(get(stream, path) for stream in waits), waits)
        self.assertEqual(reset, {201: 7})  # REFUSED_STREAM

    def test_limits(self):
        def post(stream, size, end=True):
            out = frame(HEADERS, END_HEADERS, stream, head(b"POST", b"/v1/transactions"))
            for at in range(0, size, 16384):
                part = min(16384, size - at)
                out += frame(DATA, END_STREAM if end and at + part == size else 0, stream, b"\xff" * part)
            return out
        # Windows are given as bytes are taken: within the first of a stream and of the connection all fits.
        done, _ = self.answers(post(1, 60000), [1])
        self.assertIn(b"BAD_ENCODING", done[1])
        many = [(b"x-%d" % i, b"y") for i in range(61)]
        done, _ = self.answers(get(1, more=many) + get(3, more=[(b"a", b"b" * 15000)]) +
                               get(5, b"/" + b"a" * 600) + get(7, more=[(b"expect", b"100-continue")]), [1, 3, 5, 7])
        self.assertIn(b'"status":431', done[1])
        self.assertIn(b"node_key", done[3])
        self.assertIn(b'"status":404', done[5])
        self.assertIn(b'"status":417', done[7])
        large = self.net.file("large")
        with open(large, "wb") as file:
            file.write(b"\xff" * (BODY_MAX + 1))
        status, _, _ = self.curl("/v1/transactions", "--http2", "-X", "POST", "--data-binary", "@" + str(large))
        self.assertEqual(status, 413)
        os.truncate(large, BODY_MAX)
        status, _, body = self.curl("/v1/transactions", "--http2", "-X", "POST", "--data-binary", "@" + str(large))
        self.assertEqual(status, 422, body)

    def test_frames_that_do_harm(self):
        flood, calm = None, 11  # ENHANCE_YOUR_CALM
        streams = range(1, 20001, 2)
        with self.subTest("rapid reset"):
            self.ended(b"".join(get(s) + frame(RST, 0, s, b"\0\0\0\x08") for s in streams))
        with self.subTest("settings"):
            self.ended(frame(SETTINGS, 0, 0, b"\0\x03\0\0\0\x64" * 33), calm)
        with self.subTest("continuation"):
            self.ended(frame(HEADERS, 0, 1, head()) +
                       b"".join(frame(CONTINUATION, 0, 1, literal(b"a", b"b" * 1000)) for _ in range(1000)), flood)
        with self.subTest("no preface"):
            with self.open() as client:
                client.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
                self.assertIn(GOAWAY, [f[0] for f in self.frames(client)] + [GOAWAY])
        with self.subTest("a window past its end"):
            self.ended(frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff"), 3)
        with self.subTest("data on no stream"):
            self.ended(frame(DATA, 0, 1, b"x"), 1)
        with self.subTest("a frame too large"):
            self.ended(frame(DATA, 0, 1, b"x" * 16385), 6)
        for size in (1, 9, 100, 5000, 70000):
            with self.subTest("noise", size=size):
                with self.open() as client:
                    client.sendall(os.urandom(size))

    def test_answers_not_read(self):
        """Pings and requests whose answers are left lying: the connection is given up, the node goes on."""
        with self.open() as client:
            client.settimeout(10)
            sent = 0
            try:
                while sent < 400:
                    client.sendall(frame(PING, 0, 0, b"12345678") * 10000)
                    sent += 1
            except OSError:
                pass
            self.assertLess(sent, 400)
        clients = []
        for _ in range(20):
            client = self.open()
            # A window of nothing: no answer can be sent.
            client.sendall(frame(SETTINGS, 0, 0, b"\0\x04\0\0\0\0") + b"".join(get(s, b"/v1/genesis") for s in range(1, 201, 2)))
            clients.append(client)
        self.assertEqual(self.curl("/v1/network/tls", "--http2")[0], 200)
        for client in clients:
            client.close()

    def test_vanish(self):
        for count in (1, 50, 100):
            for _ in range(20):
                client = self.open()
                path = b"/v1/transactions/" + os.urandom(32).hex().encode() + b"?wait_ms=60000"
                client.sendall(b"".join(get(s, path) for s in range(1, 2 * count, 2)))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
        self.assertEqual(self.curl("/v1/network/tls", "--http2")[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
