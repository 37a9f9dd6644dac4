"""A network whose every node has a network namespace and an address of its own, on one bridge; needs no root.

run(): starts the test again inside a user namespace, where it may make the others. What is cut says
nothing to its sender, as when a cable is cut far away; one direction can be cut alone."""
import os
import subprocess
import sys

import harness
from harness import Network, Node

INSIDE = "XUELIAN_NAMESPACES"
PEERS, DESK = "10.77.0", "10.78.0"  # where nodes meet; where the test asks them, which is never cut
SIDES = 4


def enter():
    """Goes on inside new namespaces; ends the program with the reason where that is not allowed."""
    if os.environ.get(INSIDE):
        return
    trial = "mount -t tmpfs none /run && mkdir /run/netns && ip netns add one && ip link add hub type bridge && " \
            "ip link add one type veth peer name eth0 netns one && ip netns exec one nft add table ip cuts"
    ways = [["unshare", "--user", "--map-root-user", "--net", "--mount"]]
    if os.geteuid() == 0:
        ways.append(["unshare", "--net", "--mount"])  # in a chroot there are no user namespaces
    for way in ways:
        tried = harness.run(*way, "sh", "-c", trial, ok=False)
        if tried.returncode == 0:
            os.environ[INSIDE] = "1"
            os.execvp(way[0], [*way, "--", sys.executable, "-B", *sys.argv])
    print(f"{os.path.basename(sys.argv[0])}: partitions need namespaces, which this system does not give: "
          f"{tried.stderr.strip()}. Allow them (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone; in a "
          "container, its seccomp profile) and run deploy/install-deps --test", file=sys.stderr)
    sys.exit(1)


def shell(script):
    harness.run("sh", "-ec", script)


class SeparateNetwork(Network):
    """Four validators, none started yet. Cut in two ways: packets are dropped (`drop`), or every side of a partition
    is plugged into a bridge of its own (`plug`)."""

    def __init__(self, params=()):
        super().__init__(start=False, params=params)
        try:
            shell("mountpoint -q /run/netns || { mount -t tmpfs none /run; mkdir /run/netns; }; ip link set lo up; "
                  f"ip link add desk type bridge; ip addr add {DESK}.100/24 dev desk; ip link set desk up")
            for side in range(SIDES):
                shell(f"ip link add side-{side} type bridge; ip link set side-{side} up")
            for node in self.nodes:
                self.separate(node)
            self.nodes = [Node(self, node.index) for node in self.nodes]
            for node in self.nodes:
                node.namespace = f"/run/netns/node-{node.index}"
        except BaseException:
            self.close()
            raise

    def separate(self, node):
        name, number = f"node-{node.index}", node.index
        shell(f"ip netns add {name}; ip -n {name} link set lo up")
        for here, there, bridge, net in ((f"peers-{number}", "peers", "side-0", PEERS),
                                         (f"desk-{number}", "desk", "desk", DESK)):
            shell(f"ip link add {here} type veth peer name {there} netns {name}; ip link set {here} master {bridge} up; "
                  f"ip -n {name} addr add {net}.{number}/24 dev {there}; ip -n {name} link set {there} up")
        self.rules(number, "add table ip cuts\nadd set ip cuts from { type ipv4_addr; }\n"
                   "add chain ip cuts arrive { type filter hook input priority 0; }\n"
                   "add rule ip cuts arrive ip saddr @from drop\n")
        listen = {"peer_listen": f"{PEERS}.{number}:9000", "rpc_listen": f"{DESK}.{number}:9001",
                  "local_listen": f"{DESK}.{number}:9002"}
        harness.run(harness.EDIT_GENESIS, self.genesis, "address", number, listen["peer_listen"])
        with open(node.config, "w", encoding="utf-8") as file:
            file.writelines(f"{setting}: {listen.get(setting, value)}\n" for setting, value in node.settings.items())

    def rules(self, number, text):
        done = subprocess.run(["ip", "netns", "exec", f"node-{number}", "nft", "-f", "-"], input=text, text=True,
                              stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, done.stderr

    def drop(self, pairs):
        """From now on nothing gets from node a to node b, for each (a, b); everything else arrives."""
        for node in self.nodes:
            deaf_to = ", ".join(f"{PEERS}.{a}" for a, b in sorted(pairs) if b == node.index)
            self.rules(node.index, "flush set ip cuts from\n" +
                       (f"add element ip cuts from {{ {deaf_to} }}\n" if deaf_to else ""))

    def plug(self, sides):
        """Each side, of numbers of nodes, into a bridge of its own."""
        for side, numbers in enumerate(sides):
            for number in numbers:
                shell(f"ip link set peers-{number} master side-{side}")

    def heal(self):
        self.drop(())
        self.plug([[node.index for node in self.nodes]])

    def close(self):
        super().close()
        for number in range(1, 5):
            subprocess.run(["ip", "netns", "del", f"node-{number}"], check=False, stderr=subprocess.DEVNULL)
        for name in ["desk"] + [f"side-{side}" for side in range(SIDES)]:
            subprocess.run(["ip", "link", "del", name], check=False, stderr=subprocess.DEVNULL)
