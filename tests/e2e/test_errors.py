#!/usr/bin/env python3
"""What a node says when it cannot start: one sentence, what is wrong and what to do, exit code 1, nothing lost."""
import contextlib
import os
import shutil
import socket
import unittest

import harness
from harness import Network, run


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = Network(start=False)
        cls.addClassCleanup(cls.net.close)
        base = cls.net.nodes[0].address("peer_listen")[1]
        cls.other = Network(start=False, arguments=("--base-port", str(base)))
        cls.addClassCleanup(cls.other.close)

    def setUp(self):
        self.node = self.net.nodes[0]

    @contextlib.contextmanager
    def settings(self, node=None, **changes):
        """The configuration with some settings changed (None: left out), put back afterwards."""
        node = self.node if node is None else node
        with open(node.config, encoding="utf-8") as file:
            before = file.read()
        with open(node.config, "w", encoding="utf-8") as file:
            for name, value in {**node.settings, **changes}.items():
                if value is not None:
                    file.write(f"{name}: {value}\n")
        try:
            yield
        finally:
            with open(node.config, "w", encoding="utf-8") as file:
                file.write(before)

    def refused(self, pattern, node=None, **changes):
        with self.settings(node, **changes):
            said = (self.node if node is None else node).start_refused()
        self.assertRegex(said, "^xueliand: " + pattern + "$")

    def test_a_configuration(self):
        self.refused(r".*node\.yaml, line 9: there is no setting rpc_listne; did you mean rpc_listen\?",
                     rpc_listne="127.0.0.1:1")
        self.refused(r".*: key_file is missing; add it", key_file=None)
        self.refused(r".*: log_level is loud; it is one of debug, info, warn, error", log_level="loud")
        said = run(harness.XUELIAND, "--config", self.net.file("none.yaml"), ok=False)
        self.assertRegex(said.stderr, r"the configuration file .*none\.yaml cannot be read \(No such file")
        said = run(harness.XUELIAND, "--config", self.node.config, "walk", ok=False)
        self.assertIn('"walk" is not a command; the commands are run, init, new-journal, following', said.stderr)
        for words, why in ((("new-journal",), "new-journal needs --incarnation N, above every number that this key had"),
                           (("run", "--incarnation", "1"), "--incarnation is for init and new-journal"),
                           (("init", "--incarnation", "1x"), '--incarnation is a whole number, not "1x"'),
                           (("init", "--incarnation", "18446744073709551616"), "--incarnation is a whole number")):
            self.assertIn(why, run(harness.XUELIAND, "--config", self.node.config, *words, ok=False).stderr)

    def test_b_not_a_data_directory(self):
        self.refused(r".*node-1/data is not a data directory; make it with: xueliand init --config FILE")
        self.node.init()
        said = self.node.init(ok=False)
        self.assertEqual(said.returncode, 1)
        self.assertRegex(said.stderr, r"is a data directory already; it is never made anew over an old one")

    def test_c_genesis(self):
        self.refused(r"the genesis file .*nothing cannot be read \(No such file or directory\)", genesis="nothing")
        cut = self.net.file("cut.genesis")
        with open(self.net.genesis, "rb") as file:
            data = file.read()
        with open(cut, "wb") as file:
            file.write(data[:-7])
        self.refused(r".*cut\.genesis: .+", genesis=cut)
        # Whole, and of another network.
        self.refused(r"the vote journal belongs to another chain or another node key; use the data directory that fits "
                     r"this genesis file and key", genesis=self.other.genesis)
        # With a directory of its own it runs, says that nobody knows its key, and is refused.
        with self.settings(genesis=self.other.genesis, data_dir=self.net.file("stranger")):
            theirs = self.other.nodes[1]
            theirs.init()
            theirs.start()
            self.node.init()
            self.node.start()
            self.net.wait("it is refused", lambda: "is not one of this chain's nodes" in theirs.words(100))
            self.assertRegex(self.node.words(100), r"the key in .*node\.key is not a node key of this chain up to block 0: "
                                                   r"other nodes refuse it until a member record names 0[23][0-9a-f]{64}; ")
            self.assertIn("No member record up to block 0 names this node's key",
                          self.node.get("/v1/network")["text"])
            self.node.stop()
            theirs.stop()
            shutil.rmtree(theirs.data)

    def test_d_key(self):
        self.refused(r".*none\.key.*", key_file="none.key")
        self.refused(r".*none\.passphrase.*", passphrase_file="none.passphrase")
        wrong = self.net.file("wrong.passphrase")
        with open(wrong, "w", encoding="utf-8") as file:
            file.write("not it\n")
        self.refused(r".*passphrase.*", passphrase_file=wrong)
        damaged = self.net.file("damaged.key")
        with open(os.path.join(self.node.folder, "node.key"), "rb") as file:
            data = file.read()
        with open(damaged, "wb") as file:
            file.write(data[:100])
        self.refused(r".*damaged\.key.*", key_file=damaged)

    def test_e_port_in_use(self):
        self.refused(r'peer_listen is "localhost"; give a numeric address and a port, as 127\.0\.0\.1:9000',
                     peer_listen="localhost")
        for name, words in (("peer_listen", "change peer_listen"), ("rpc_listen", "change rpc_listen"),
                            ("local_listen", "change local_listen")):
            with socket.socket() as taken:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind(self.node.address(name))
                taken.listen()
                self.refused(r"the address 127\.0\.0\.1:\d+ is in use; stop the program that uses it or " + words)

    def test_f_locked(self):
        self.node.start()
        self.net.wait("it runs", lambda: self.node.height() >= 0)
        self.refused(r"the data directory .*node-1/data is used by another process; stop that one first")
        self.node.stop()

    def test_g_foreign_data_directory(self):
        theirs = self.other.nodes[0]
        theirs.init()
        theirs.start()
        self.other.wait("it runs", lambda: theirs.height() >= 0)
        theirs.stop()
        self.refused(r"the vote journal belongs to another chain or another node key; use the data directory that fits "
                     r"this genesis file and key", data_dir=theirs.data)
        for name in ("journal.a", "journal.b"):
            os.remove(os.path.join(theirs.data, name))
        self.refused(r"the block log belongs to another chain or another node key; use the data directory that fits "
                     r"this genesis file and key", data_dir=theirs.data)
        shutil.rmtree(os.path.join(theirs.data, "log"))
        self.refused(r".*another chain.*", data_dir=theirs.data)

    def test_h_nothing_was_lost(self):
        """After all this, the node starts and is the one it was."""
        self.node.start()
        self.net.wait("it runs", lambda: self.node.height() >= 0)
        self.assertFalse(self.node.get("/v1/network")["journal_lost"])
        self.node.stop()

    def test_h_following(self):
        """The signature that it follows is for the operator on the machine, and for a node that has caught up."""
        def ask(ok=False):
            return run(harness.XUELIAND, "--config", self.node.config, "following", ok=ok)
        self.assertRegex(ask().stderr, r"^xueliand: no node answers on 127\.0\.0\.1:\d+ \(Connection refused\); is it running\?$")
        self.node.start()
        self.net.wait("it runs", lambda: self.node.height() >= 0)
        self.assertRegex(ask().stderr, r"this node is at block 0 and lacks blocks that others have; ask again when it has "
                                       r"caught up")
        self.assertEqual(self.node.request("POST", "/v1/following", tls=True)[0], 403)
        self.assertEqual(self.node.request("GET", "/v1/following")[0], 405)
        self.node.stop()

    def test_i_peer_of_another_chain(self):
        """Two networks with the same addresses: each refuses the other's nodes, and says why."""
        mine, theirs = self.net.nodes[0], self.other.nodes[1]
        theirs.init()
        mine.start()
        theirs.start()
        self.net.wait("the other chain is noticed", lambda: "it is of another chain; compare genesis files" in
                      mine.words(500) + theirs.words(500))
        self.assertEqual(mine.get("/v1/network")["peer_count"], 0)
        self.assertEqual(mine.request("GET", "/readyz")[0], 503)
        theirs.stop()
        mine.stop()


if __name__ == "__main__":
    harness.main()
