"""A network of real xueliand processes on loopback, for the tests and benchmarks. Standard library only.

Every wait has a deadline that means "never": it is long, and reaching it is a failure with the nodes' last words."""
import ctypes
import hashlib
import http.client
import json
import os
import random
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = os.environ.get("XUELIAN_SOURCE_DIR") or os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("XUELIAN_BUILD_DIR") or os.path.join(SOURCE, "build", "asan")
BIN = os.path.join(BUILD, "bin")
XUELIAN = os.path.join(BIN, "xuelian")
XUELIAND = os.path.join(BIN, "xueliand")
EDIT_GENESIS = os.path.join(BIN, "e2e_edit_genesis")
KILL_AT = os.path.join(BIN, "e2e_kill_at.so")
HOSTILE_PEER = os.path.join(BIN, "e2e_hostile_peer")
TRAITOR = os.path.join(BIN, "e2e_traitor")
KEY_UPDATES = os.path.join(BIN, "e2e_key_updates")
SPOIL_STATE = os.path.join(BIN, "e2e_spoil_state")
MAKE_TXS = os.path.join(BIN, "e2e_make_txs")
DEMO = os.path.join(SOURCE, "deploy", "demo", "data")
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x40000000
NEVER_S = 240  # a wait that lasts so long never ends
VALIDITY = 5000


def ephemeral_low():
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            return int(file.read().split()[0])
    except OSError:
        return 32768


def free_base(count):
    """First of `count` ports, all free, below those that outgoing connections are given: a node that is down
    for a while finds its port free again."""
    for _ in range(1000):
        base = random.randrange(10000, ephemeral_low() - count)
        held = []
        try:
            for port in range(base, base + count):
                held.append(socket.socket())
                held[-1].bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for one in held:
                one.close()
    raise RuntimeError("no free ports")


def learner(number):
    return hashlib.sha256(struct.pack(">I", number)).hexdigest()


def run(*command, ok=True):
    """Runs a program to its end. Returns the finished process; output is text."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=NEVER_S, check=False)
    if ok and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done


class Node:
    def __init__(self, network, index):
        self.network = network
        self.index = index
        self.folder = os.path.join(network.folder, f"node-{index}")
        self.config = os.path.join(self.folder, "node.yaml")
        self.data = os.path.join(self.folder, "data")
        self.process = None
        self.log_path = os.path.join(self.folder, "log.jsonl")
        self.environment = {}  # over the test's own
        self.namespace = None  # path of a network namespace to run in
        with open(self.config, encoding="utf-8") as file:
            self.settings = dict(line.strip().split(": ", 1) for line in file if ": " in line and line[0] != "#")

    def address(self, name):
        host, port = self.settings[name].rsplit(":", 1)
        return host, int(port)

    def init(self, ok=True):
        return run(XUELIAND, "init", "--config", self.config, ok=ok)

    def start(self, file_size_max=None):
        """file_size_max: no file may grow past it, as on a full disk."""
        assert self.process is None

        def prepare():
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a test that is killed leaves nothing running
            if self.namespace is not None:
                with open(self.namespace, encoding="ascii") as file:
                    assert LIBC.setns(file.fileno(), CLONE_NEWNET) == 0
            if file_size_max is not None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size_max, file_size_max))

        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([XUELIAND, "--config", self.config], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env={**os.environ, **self.environment},
                                            preexec_fn=prepare)
        return self

    def ends(self):
        """Waits until it has ended by itself. Returns its code."""
        process, self.process = self.process, None
        return process.wait(NEVER_S)

    def start_refused(self):
        """Starts; returns the one sentence it ends with. A node that runs is a failure."""
        done = run(XUELIAND, "--config", self.config, ok=False)
        assert done.returncode == 1, f"ended with {done.returncode}: {done.stderr}"
        assert "Sanitizer" not in done.stderr, done.stderr
        return done.stderr.strip().splitlines()[-1]

    def stop(self, how=signal.SIGTERM):
        """Asks it to end and holds it to ending well: code 0, and no sanitizer has anything to say."""
        self.process.send_signal(how)
        self.ended_well()

    def ended_well(self):
        process, self.process = self.process, None
        code = process.wait(NEVER_S)
        if code != 0:
            raise AssertionError(f"node {self.index} ended with {code}:\n{self.words(60)}")

    def kill(self):
        process, self.process = self.process, None
        process.kill()
        process.wait(NEVER_S)

    def words(self, lines=25):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return ""

    def alive(self):
        return self.process is not None and self.process.poll() is None

    # ---- HTTP ----

    def request(self, method, path, body=None, headers=None, tls=False):
        """Returns (status, headers, bytes) over one new connection."""
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.load_verify_locations(os.path.join(self.data, "rpc-cert.pem"))
            connection = http.client.HTTPSConnection(*self.address("rpc_listen"), timeout=90, context=context)
        else:
            connection = http.client.HTTPConnection(*self.address("local_listen"), timeout=90)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get(self, path, status=200, **more):
        got, _, body = self.request("GET", path, **more)
        assert got == status, f"GET {path}: {got} {body[:300]}"
        return json.loads(body)

    def network_state(self):
        """None while it does not answer."""
        try:
            return self.get("/v1/network")
        except (OSError, http.client.HTTPException):
            return None

    def height(self):
        state = self.network_state()
        return -1 if state is None else int(state["height"])

    def submit(self, envelope, wait_ms=0, tls=False):
        """Returns (HTTP status, JSON)."""
        status, _, body = self.request("POST", f"/v1/transactions?wait_ms={wait_ms}", envelope,
                                       {"Content-Type": "application/x-protobuf"}, tls)
        return status, json.loads(body)


def small_tables(folder):
    """The demonstration tables with the first four institutions alone: making a key takes a while."""
    os.mkdir(folder)
    for name in ("regions.csv", "courses.csv"):
        shutil.copy(os.path.join(DEMO, name), folder)
    with open(os.path.join(DEMO, "institutions.csv"), encoding="utf-8") as file:
        lines = file.readlines()[:5]
    with open(os.path.join(folder, "institutions.csv"), "w", encoding="utf-8") as file:
        file.writelines(lines)
    return folder


class Network:
    """Four validators in a new folder; a context manager that leaves nothing behind."""

    def __init__(self, start=True, arguments=(), tables=None, params=()):
        """params: names and values of chain parameters that shall not be the usual ones."""
        self.top = tempfile.mkdtemp(prefix="xuelian-e2e-")
        self.folder = os.path.join(self.top, "net")
        self.genesis = os.path.join(self.folder, "network.genesis")
        self.nodes = []
        try:
            tables = tables or small_tables(self.file("tables"))
            run(XUELIAN, "network", "new", self.folder, "--demo", tables, *(arguments or ("--base-port", free_base(12))))
            for name, value in params:
                run(EDIT_GENESIS, self.genesis, name, value)
            self.nodes = [Node(self, i) for i in range(1, 5)]
            if start:
                for node in self.nodes:
                    node.init()
                    node.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            for node in self.nodes:
                print(f"---- node {node.index}, last words ----\n{node.words()}", file=sys.stderr)
        self.close()

    def close(self):
        for node in self.nodes:
            if node.process is not None:
                node.kill()
        shutil.rmtree(self.top, ignore_errors=not os.path.exists(self.top))

    def file(self, name):
        return os.path.join(self.top, name)

    def new_folder(self):
        """A folder with a configuration for one node more: its number, the folder, where peers find it."""
        index = len(self.nodes) + 1
        base = free_base(3)
        folder = os.path.join(self.folder, f"node-{index}")
        os.mkdir(folder)
        with open(os.path.join(folder, "node.yaml"), "w", encoding="utf-8") as file:
            file.write("data_dir: data\ngenesis: ../network.genesis\nkey_file: node.key\npassphrase_file: passphrase\n"
                       f"peer_listen: 127.0.0.1:{base}\nrpc_listen: 127.0.0.1:{base + 1}\n"
                       f"local_listen: 127.0.0.1:{base + 2}\n")
        return index, folder, f"127.0.0.1:{base}"

    def add_observer(self):
        """One node more, which follows and never votes; before anything has started."""
        index, folder, address = self.new_folder()
        run(EDIT_GENESIS, self.genesis, "observer", folder, address)
        self.nodes.append(Node(self, index))
        return self.nodes[-1]

    def new_node(self):
        """A node that nobody has recorded yet, initialised and not started."""
        index, folder, _ = self.new_folder()
        with open(os.path.join(folder, "passphrase"), "w", encoding="utf-8") as file:
            file.write("for one test\n")
        run(XUELIAN, "key", "new", os.path.join(folder, "node.key"), "--passphrase-file", os.path.join(folder, "passphrase"))
        node = Node(self, index)
        node.init()
        self.nodes.append(node)
        return node

    def clone(self, node):
        """The same key and a copy of its data directory, on other ports; not one of self.nodes."""
        base = free_base(3)
        folder = node.folder + "-clone"
        shutil.copytree(node.folder, folder)
        with open(os.path.join(folder, "node.yaml"), "w", encoding="utf-8") as file:
            for at, name in enumerate(("peer_listen", "rpc_listen", "local_listen")):
                file.write(f"{name}: 127.0.0.1:{base + at}\n")
            for name, value in node.settings.items():
                if not name.endswith("_listen"):
                    file.write(f"{name}: {value}\n")
        return Node(self, f"{node.index}-clone")

    def wait(self, what, condition, nodes=None):
        """Until the condition holds; returns its value. A node that has ended by itself ends the wait."""
        until = time.monotonic() + NEVER_S
        while True:
            value = condition()
            if value:
                return value
            for node in self.nodes if nodes is None else nodes:
                if node.process is not None and node.process.poll() is not None:
                    raise AssertionError(f"node {node.index} ended with {node.process.returncode} while waiting for "
                                         f"{what}")
            if time.monotonic() > until:
                states = [node.network_state() for node in self.nodes if node.alive()]
                raise AssertionError(f"never: {what}; " + "; ".join(str(s and s["text"]) for s in states))
            time.sleep(0.05)

    def running(self):
        return [node for node in self.nodes if node.alive()]

    def wait_ready(self, nodes=None):
        for node in self.running() if nodes is None else nodes:
            self.wait(f"node {node.index} is ready", lambda node=node: (s := node.network_state()) is not None
                      and not s["catching_up"] and s["peer_count"] + 1 >= s["quorum"])

    def wait_height(self, height, nodes=None):
        for node in self.running() if nodes is None else nodes:
            self.wait(f"node {node.index} has block {height}", lambda node=node: node.height() >= height)

    def make(self, member, kind, first, count, valid_until=VALIDITY):
        """Signed envelopes and their ids."""
        path = self.file(f"txs-{member}-{kind}-{first}")
        ids = run(MAKE_TXS, self.folder, member, kind, first, count, valid_until, path).stdout.split()
        with open(path, "rb") as file:
            data = file.read()
        os.remove(path)
        envelopes = []
        at = 0
        while at < len(data):
            size = struct.unpack_from(">I", data, at)[0]
            envelopes.append(data[at + 4:at + 4 + size])
            at += 4 + size
        assert len(envelopes) == len(ids)
        return envelopes, ids

    def commit(self, node, envelope):
        """Submits and waits for the block. Returns the transaction's JSON."""
        def once():
            status, answer = node.submit(envelope, 10000)
            assert status in (200, 429), answer
            return answer if status == 200 and answer["status"] == "committed" else None
        return self.wait("a transaction is committed", once)

    def same_blocks(self, up_to, nodes=None):
        """All nodes have the same blocks up to a height, once they have come there."""
        self.wait_height(up_to, nodes)
        heads = []
        for node in self.running() if nodes is None else nodes:
            heads.append([node.get(f"/v1/blocks/{h}")["header"]["hash"] for h in range(max(1, up_to - 20), up_to + 1)])
        assert all(one == heads[0] for one in heads), heads

    def start_all(self):
        for node in self.nodes:
            node.start()

    def stop_all(self):
        for node in self.nodes:
            if node.process is not None:
                node.stop()


def main():
    unittest.main(verbosity=2, failfast=True)
