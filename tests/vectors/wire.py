"""What every part of the second verifier uses: hashes, Merkle trees, canonical bytes (docs/protocol.md sections 1 to 3)."""

import hashlib


class Refused(Exception):
    """The name is that of the fault in docs/protocol.md section 10."""


# ---- section 2: hashes ----

TRACE = False


def sha(data):
    return hashlib.sha256(data).digest()


def tagged(tag, data):
    digest = sha(b"xuelian/%s/v1" % tag.encode())
    return traced(tag, sha(digest + digest + data))


def leaf_hash(tag, data):
    return traced("leaf/" + tag, sha(b"\0" + sha(b"xuelian/leaf/%s/v1" % tag.encode()) + data))


def node_hash(left, right):
    return sha(b"\1" + left + right)


def traced(what, value):
    if TRACE:
        print(f"  {what:<24} {value.hex()}")
    return value


def be4(number):
    return number.to_bytes(4, "big")


def be8(number):
    return number.to_bytes(8, "big")


# ---- section 3: Merkle trees ----

def root_of(leaves):
    if not leaves:
        return sha(b"")
    while len(leaves) > 1:
        pairs = [node_hash(*leaves[i:i + 2]) for i in range(0, len(leaves) - 1, 2)]
        leaves = pairs + leaves[len(leaves) - len(leaves) % 2:]
    return leaves[0]


def root_from_path(leaf, index, size, path):
    if index >= size or len(path) % 32 != 0:
        raise Refused("PATH_SHAPE")
    hashes = [path[i:i + 32] for i in range(0, len(path), 32)]
    last = size - 1
    while last > 0:
        if index & 1 or index < last:
            if not hashes:
                raise Refused("PATH_SHAPE")
            other = hashes.pop(0)
            leaf = node_hash(other, leaf) if index & 1 else node_hash(leaf, other)
        index >>= 1
        last >>= 1
    if hashes:
        raise Refused("PATH_SHAPE")
    return leaf


# ---- section 1: canonical bytes ----

class Bad(Exception):
    """Not canonical; `cut` when the bytes end too early."""

    def __init__(self, cut=False):
        super().__init__()
        self.cut = cut


class Message:
    """Fields are asked for in ascending order; end() refuses whatever was not asked for."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def varint(self):
        value = shift = 0
        while True:
            if self.at == len(self.data):
                raise Bad(cut=True)
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                if (byte == 0 and shift > 7) or value >= 2**64:
                    raise Bad()
                return value
            if shift == 70:
                raise Bad()

    def _take(self, field, wire):
        """Past the tag, if it is this one."""
        start = self.at
        if start == len(self.data):
            return False
        if self.varint() == field << 3 | wire:
            return True
        self.at = start
        return False

    def number(self, field, largest=2**64 - 1):
        if not self._take(field, 0):
            return 0
        value = self.varint()
        if not 0 < value <= largest:
            raise Bad()
        return value

    def u32(self, field):
        return self.number(field, 2**32 - 1)

    def next(self, field):
        """An element of a repeated field, or None."""
        if not self._take(field, 2):
            return None
        size = self.varint()
        if size > len(self.data) - self.at:
            raise Bad(cut=True)
        self.at += size
        return self.data[self.at - size:self.at]

    def all(self, field):
        found = []
        while (element := self.next(field)) is not None:
            found.append(element)
        return found

    def bytes(self, field):
        value = self.next(field)
        if value == b"":
            raise Bad()
        return value or b""

    def text(self, field, largest=256):
        value = self.bytes(field)
        try:
            if len(value) > largest or b"\0" in value:
                raise Bad()
            return value.decode()
        except UnicodeDecodeError:
            raise Bad() from None

    def utf8(self, value):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Bad() from None

    def optional(self, field, size):
        value = self.bytes(field)
        if len(value) not in (0, size):
            raise Bad()
        return value

    def fixed(self, field, size=32):
        value = self.optional(field, size)
        if not value:
            raise Bad(cut=self.at == len(self.data))
        return value

    def require(self, condition):
        if not condition:
            raise Bad(cut=self.at == len(self.data))

    def end(self):
        if self.at != len(self.data):
            self.varint()
            raise Bad()


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def put(field, value):
    """A field as canonical bytes: nothing for a default."""
    if isinstance(value, int):
        return varint(field << 3) + varint(value) if value else b""
    return varint(field << 3 | 2) + varint(len(value)) + value if value else b""


# ---- section 7: state ----

class LeafPath:
    def __init__(self, data):
        message = Message(data)
        self.collection, self.count, self.position = message.number(1, 11), message.number(2), message.number(3)
        self.next_key = message.fixed(4)
        self.path, self.collection_path = message.bytes(5), message.bytes(6)
        message.end()

    def check(self, state_root, key, value_hash):
        leaf = leaf_hash("state", key + self.next_key + value_hash)
        root = traced("collection root", root_from_path(leaf, self.position, self.count, self.path))
        if self.collection == 0:
            raise Refused("COLLECTION")
        leaf = leaf_hash("collection", be4(self.collection) + be8(self.count) + root)
        if root_from_path(leaf, self.collection - 1, 11, self.collection_path) != state_root:
            raise Refused("STATE_ROOT")


def tree_key(collection, natural_key):
    return tagged("tree-key", be4(collection) + natural_key)
