"""Headers, and the kinds of proof that are not about an account: docs/protocol.md sections 6 and 9."""

from secp256k1 import signature_valid
from wire import Bad, Message, Refused, be4, be8, leaf_hash, put, root_from_path, root_of, tagged


class Header:
    def __init__(self, chain_id, data):
        message = Message(data)
        version, suite = message.u32(1), message.u32(2)
        chain = message.fixed(3)
        self.height, self.time_ms = message.number(4), message.number(5)
        message.fixed(6)
        self.tx_root, self.tx_count, self.result_root = message.fixed(7), message.number(8), message.fixed(9)
        self.state_root, self.history_root = message.fixed(10), message.fixed(11)
        self.validators_hash, self.next_validators_hash = message.fixed(12), message.fixed(13)
        message.fixed(14)
        message.end()
        message.require(len(data) <= 512)
        if (version, suite) != (1, 1):
            raise Refused("PROOF_VERSION")
        if chain != chain_id:
            raise Refused("WRONG_CHAIN")
        self.hash = tagged("header", data)


# ---- transaction ----

def common_read(data):
    """The kind and the members (0: a learner) that sign."""
    message = Message(data)
    message.fixed(1), message.number(2)
    signers = []
    for signer in message.all(3):
        inner = Message(signer)
        signers.append(inner.u32(1))
        inner.optional(2, 32), inner.number(3, 3), inner.fixed(4, 33)
        inner.end()
    message.require(len(signers) <= 8)
    message.fixed(4, 16)
    kind = message.number(5, 255)
    message.fixed(6)
    message.end()
    return kind, signers


def block_of(anchor, data, path):
    """The header that the proof is about: the certified one, or one of its history."""
    if not data:
        if path:
            raise Refused("PATH_SHAPE")
        return anchor.header
    header = Header(anchor.genesis.chain_id, data)
    if root_from_path(leaf_hash("history", header.hash), header.height, anchor.height, path) != anchor.header.history_root:
        raise Refused("HISTORY_ROOT")
    return header


def entry_leaf(parts):
    return leaf_hash("tx", tagged("tx-entry", parts))


def transaction(anchor, data):
    message = Message(data)
    header_bytes, history_path, tx_id = message.bytes(1), message.bytes(2), message.fixed(3)
    signatures = message.optional(4, 32)
    if not signatures:
        listed = message.bytes(10)
        message.end()
        return not_in(block_of(anchor, header_bytes, history_path), tx_id, listed)
    index, path, result, result_path = message.number(5), message.bytes(6), message.bytes(7), message.bytes(8)
    common = message.bytes(9)
    message.end()
    block = block_of(anchor, header_bytes, history_path)
    if root_from_path(entry_leaf(tx_id + signatures), index, block.tx_count, path) != block.tx_root:
        raise Refused("BLOCK_ROOT")
    if root_from_path(leaf_hash("result", result), index, block.tx_count, result_path) != block.result_root:
        raise Refused("BLOCK_ROOT")
    message = Message(result)
    result_id, code = message.fixed(1), message.u32(2)
    message.bytes(3)
    message.end()
    if result_id != tx_id:
        raise Refused("TX_PARTS")
    words = f"transaction {tx_id.hex()} in block {block.height}, result {code}"
    if common:
        kind, signers = common_read(common)
        if tagged("tx-id", common) != tx_id:
            raise Refused("TX_PARTS")
        words += f", kind {kind}, signed by {signers}"
    return words


def not_in(block, tx_id, listed):
    entries = [listed[i:i + 64] for i in range(0, len(listed) - len(listed) % 64, 64)]
    if any(entry[:32] == tx_id for entry in entries):
        raise Refused("TX_LISTED")
    whole = len(listed) % 64 == 0 and len(entries) == block.tx_count
    if not whole or root_of([entry_leaf(entry) for entry in entries]) != block.tx_root:
        raise Refused("BLOCK_ROOT")
    return f"transaction {tx_id.hex()} not in block {block.height}, which has {block.tx_count}"


# ---- statistics ----

STATISTICS = 8


class Cell:
    def __init__(self, data):
        message = Message(data)
        self.year, self.region, self.kind, self.level = message.u32(1), message.u32(2), message.number(3, 9), message.u32(4)
        self.numbers = [message.number(field) for field in range(5, 14)]
        message.end()
        self.name = (self.kind, self.level)
        natural = be4(self.year) + be4(self.region) + be4(self.kind) + be4(self.level)
        self.key = tagged("tree-key", be4(STATISTICS) + natural)
        self.value = tagged("value", be4(STATISTICS) + data)

    def counted(self):
        """outcomes, credits, hours, revoked."""
        return self.numbers[0], self.numbers[1], self.numbers[2], self.numbers[4]


def collection_checked(anchor, count, root, path):
    leaf = leaf_hash("collection", be4(STATISTICS) + be8(count) + root)
    if root_from_path(leaf, STATISTICS - 1, 11, path) != anchor.state_root:
        raise Refused("STATE_ROOT")


def statistics(anchor, data):
    message = Message(data)
    table, count, collection_path, cells = message.number(1, 1), message.number(2), message.bytes(3), []
    for element in message.all(4):
        inner = Message(element)
        cell_bytes, position, next_key, path = inner.bytes(1), inner.number(2), inner.fixed(3), inner.bytes(4)
        inner.end()
        cell = Cell(cell_bytes)
        root = root_from_path(leaf_hash("state", cell.key + next_key + cell.value), position, count, path)
        collection_checked(anchor, count, root, collection_path)
        cells.append(cell)
    whole_range = message.bytes(5)
    one = len(cells) == 1 or (table and cells)
    message.require(bool(whole_range) != bool(one) and not (whole_range and (table or cells)))
    message.end()
    if whole_range:
        return cell_range(anchor, whole_range, count, collection_path)
    if table:
        names = [cell.name for cell in cells]
        alike = all((cell.year, cell.region) == (cells[0].year, cells[0].region) for cell in cells)
        sums = tuple(map(sum, zip((0, 0, 0, 0), *(cell.counted() for cell in cells[1:]))))
        ordered = names[0] == (0, 0) and all(kind for kind, _ in names[1:]) and names == sorted(set(names))
        if not (alike and ordered and sums == cells[0].counted()):
            raise Refused("TABLE")
    return "; ".join(f"{cell.year} {cell.region} {cell.name}: {cell.numbers}" for cell in cells)


def cell_range(anchor, data, count, collection_path):
    message = Message(data)
    start, height = message.number(1), message.number(2, 32)
    if start % 2**height or start >= count:
        raise Refused("RANGE")
    wanted, leaves = min(count - start, 2**height), []
    for element in message.all(3):
        if len(leaves) == wanted:
            raise Refused("RANGE")
        inner = Message(element)
        next_key, cell_bytes = inner.fixed(1), inner.bytes(2)
        inner.end()
        if (start + len(leaves) == 0) != (not cell_bytes):
            raise Refused("RANGE")
        cell = Cell(cell_bytes) if cell_bytes else None
        key, value = (cell.key, cell.value) if cell else (bytes(32), bytes(32))
        leaves.append(leaf_hash("state", key + next_key + value))
    path = message.bytes(4)
    message.end()
    if len(leaves) != wanted:
        raise Refused("RANGE")
    root = root_from_path(root_of(leaves), start >> height, ((count - 1) >> height) + 1, path)
    collection_checked(anchor, count, root, collection_path)
    return f"{wanted} of the {count} leaves of the statistics, from {start}"


# ---- set history ----

def set_history(anchor, data):
    message = Message(data)
    next_set = message.bytes(1)
    message.end()
    if tagged("validators", next_set) != anchor.header.next_validators_hash:
        raise Refused("SET_CHANGE")
    if anchor.header.next_validators_hash != anchor.header.validators_hash:
        anchor.set = anchor.next_set(next_set, anchor.height + 1, "SET_CHANGE")
    return f"the {len(anchor.set.validators)} validators since height {anchor.set.era}"


# ---- equivocation ----

PHASES = {1: "sign/pre-prepare", 2: "sign/prepare", 3: "sign/commit"}


class SignedVote:
    def __init__(self, data):
        message = Message(data)
        self.phase, self.view, self.height = message.number(1, 3), message.number(2), message.number(3)
        self.hash, self.signature = message.fixed(4), message.fixed(5, 64)
        message.end()

    def signed(self, begin, key):
        body = begin + put(3, self.view) + put(4, self.height) + put(5, self.hash)
        return self.phase and signature_valid(key, tagged(PHASES[self.phase], body), self.signature)


class SignedViewChange:
    def __init__(self, data):
        message = Message(data)
        self.new_view, self.committed_height, self.committed_hash = message.number(1), message.number(2), message.fixed(3)
        self.certificate, self.signature = message.bytes(4), message.fixed(5, 64)
        message.end()

    def signed(self, begin, key):
        digest = tagged("certificate", self.certificate) if self.certificate else b""
        body = (begin + put(3, self.new_view) + put(4, self.committed_height) + put(5, self.committed_hash)
                + put(6, digest))
        return signature_valid(key, tagged("sign/view-change", body), self.signature)

    def carries(self, height, view):
        """Brings a certificate of the height, of the view or above; or one that is none."""
        if not self.certificate:
            return False
        try:
            message = Message(self.certificate)
            message.number(1, 2)
            of_view, of_height = message.number(2) >= view, message.number(3) == height
            message.bytes(4), message.bytes(5), message.bytes(6)
            message.end()
        except Bad:
            return True
        return of_view and of_height


def equivocation(anchor, data):
    message = Message(data)
    evidence = message.bytes(1)
    message.end()
    message = Message(evidence)
    era, key = message.number(1), message.fixed(2, 33)
    parts = [message.bytes(field) for field in range(3, 7)]
    message.end()
    votes = [SignedVote(part) if part else None for part in parts[:2]]
    changes = [SignedViewChange(part) if part else None for part in parts[2:]]
    members = {validator[1]: validator[2] for validator in anchor.sets.get(era, ())}
    if key not in members:
        raise Refused("EVIDENCE_SET")
    begin = put(1, anchor.genesis.chain_id) + put(2, era)
    if all(votes) and not any(changes):
        a, b = votes
        wrong = a.phase and (a.phase, a.view, a.height) == (b.phase, b.view, b.height) and a.hash != b.hash
    elif all(changes) and not any(votes):
        a, b = changes
        says = [(c.committed_height, c.committed_hash, c.certificate) for c in changes]
        wrong = a.new_view == b.new_view and says[0] != says[1]
    elif votes[0] and changes[0] and not votes[1] and not changes[1]:
        a, b = votes[0], changes[0]
        wrong = (a.phase == 3 and b.new_view > a.view and b.committed_height < a.height
                 and not b.carries(a.height, a.view))
    else:
        wrong = False
    if not wrong:
        raise Refused("EVIDENCE")
    if not a.signed(begin, key) or not b.signed(begin, key):
        raise Refused("EVIDENCE_SIGNATURE")
    return f"member {members[key]} signed twice in the era of {era}"
