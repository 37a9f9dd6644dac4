#!/usr/bin/env python3
"""A second verifier, from docs/protocol.md alone: Python's standard library, no code shared with the ledger.

Usage: verify.py GENESIS PROOF [--trace]    binary files; says what holds, or why not
       verify.py --vectors                  checks the vectors beside this file
--trace prints every hash on the way.
"""

import os
import sys

import kinds
import wire
from accounts import MemberRecords, archive, record
from conversions import conversion
from secp256k1 import point_of, signature_valid
from wire import Bad, LeafPath, Message, Refused, put, tagged, tree_key

HERE = os.path.dirname(os.path.abspath(__file__))


# ---- section 5: genesis and validator sets ----

class ValidatorSet:
    def __init__(self, era, validators):
        self.era, self.validators = era, validators  # (joined, key, member, incarnation)

    def encode(self):
        return put(1, self.era) + b"".join(
            put(2, put(1, key) + put(2, member) + put(3, joined) + put(4, incarnation))
            for joined, key, member, incarnation in self.validators
        )

    def usable(self):
        keys = [validator[1] for validator in self.validators]
        order = [(validator[0], validator[1]) for validator in self.validators]
        return (
            1 <= len(keys) <= 64
            and len(set(keys)) == len(keys)
            and order == sorted(order)
            and all(point_of(key) is not None for key in keys)
        )


class Genesis:
    def __init__(self, data):
        if not 0 < len(data) <= 16 * 2**20:
            raise Refused("GENESIS_SIZE")
        self.chain_id = tagged("genesis", data)
        self.keys, self.dated, validators = {}, 0, []
        try:
            message = Message(data)
            message.require(message.u32(1) == 1 and message.u32(2) == 1)
            self.network = message.text(3)
            message.number(4)
            message.bytes(5)
            message.require(len(message.all(6)) <= 100_000)
            before = 0
            members, courses = message.all(7), message.all(8)
            message.require(len(members) <= 10_000 and len(courses) <= 100_000)
            for member in members:
                number = self.member(Message(member), validators)
                message.require(number > before)
                before = number
            before = 0
            for course in courses:
                inner = Message(course)
                number = inner.u32(1)
                message.require(number > before)
                before = number
                inner.u32(2), inner.text(3), inner.text(4), inner.number(5, 9)
                for field in range(6, 13):
                    inner.u32(field)
                inner.end()
            message.require(len(message.all(9)) <= 10_000 and len(message.all(10)) <= 10_000)
            message.require(len(message.all(11)) <= 1000)
            self.recovery_keys = []
            for data in message.all(12):
                inner = Message(data)
                self.recovery_keys.append(inner.fixed(1, 33))
                inner.text(2)
                inner.end()
            keys, self.recovery_threshold = self.recovery_keys, message.u32(13)
            message.require(keys == sorted(set(keys)) and len(keys) <= 32)
            message.require(all(point_of(key) is not None for key in keys))
            if keys:
                message.require(len(keys) < 2 * self.recovery_threshold <= 2 * len(keys))
            else:
                message.require(self.recovery_threshold == 0)
            message.end()
        except Bad:
            raise Refused("GENESIS_ENCODING") from None
        self.set = ValidatorSet(1, sorted(validators))
        if self.dated or not self.set.usable():
            raise Refused("GENESIS_VALIDATORS")

    def member(self, message, validators):
        number = message.u32(1)
        message.number(2, 17), message.text(3), message.text(4), message.text(5)
        message.u32(6), message.bytes(7), message.bytes(8)
        keys = []
        for data in message.all(9):
            inner = Message(data)
            keys.append((inner.fixed(1, 33), inner.number(2), inner.number(3)))
            inner.end()
        for data in message.all(10):
            inner = Message(data)
            key, role = inner.fixed(1, 33), inner.number(2, 3)
            for address in inner.all(3):
                try:
                    message.require("\0" not in address.decode())
                except UnicodeDecodeError:
                    raise Bad() from None
            incarnation, first, last = inner.number(4), inner.number(5), inner.number(6)
            inner.end()
            if role == 1:
                self.dated = self.dated or first or last
                validators.append((0, key, number, incarnation))
        message.u32(11), message.u32(12)
        message.end()
        self.keys[number] = keys
        return number

    def may_sign(self, member, key, height):
        """True, False, or None for a member that genesis does not have."""
        if member not in self.keys:
            return None
        return any(k == key and first <= height and (last == 0 or height < last) for k, first, last in self.keys[member])


# ---- section 6: headers and certificates ----

class Anchor:
    """The certified header of a proof."""

    def __init__(self, genesis, data, known=None):
        """known: the anchor of a history that is trusted, with its newest set in `set`."""
        self.genesis, self.set, self.recoveries = genesis, genesis.set, []
        self.known, self.passed = known, known is None
        self.sets = dict(known.sets) if known else {}  # era to validators
        self.set_base = None  # hash of the header that ended the era before, when it was shown
        message = Message(data)
        header, certificate, changes = message.bytes(1), message.bytes(2), message.all(3)
        self.from_history = known is not None and not changes
        if self.from_history:
            self.set = known.set
        self.pass_known()
        for change in changes:
            inner = Message(change)
            parts = inner.bytes(1), inner.bytes(2), inner.bytes(3), inner.bytes(4)
            inner.require(not (parts[2] and parts[3]))
            inner.end()
            if parts[3]:
                self.recovery(parts[0], parts[1], parts[3])
                self.pass_known()
                continue
            self.certified(parts[0], parts[1])
            if tagged("validators", parts[2]) != self.next_validators_hash:
                raise Refused("SET_CHANGE")
            self.set = self.next_set(parts[2], self.height + 1, "SET_CHANGE")
            self.set_base = self.header_hash
            self.pass_known()
        message.end()
        self.certified(header, certificate)
        if not self.passed:
            raise Refused("SET_RETIRED" if self.set.era < known.set.era else "CONFLICT")
        if known and self.height == known.height and self.header_hash != known.header_hash:
            raise Refused("CONFLICT")

    def pass_known(self):
        """Another set is derived."""
        self.sets[self.set.era] = self.set.validators
        if not self.known:
            return
        if self.passed and self.set.era < self.known.height + 2:
            raise Refused("CONFLICT")
        self.passed = self.passed or tagged("validators", self.set.encode()) == self.known.header.next_validators_hash

    def recovery(self, header, certificate, data):
        """A set that the holders of the recovery keys put in the place of one that was lost."""
        if certificate:
            self.certified(header, certificate)
        else:
            self.read_header(header)
            if (
                self.height + 1 != self.set.era
                or self.next_validators_hash != tagged("validators", self.set.encode())
                or self.set_base not in (None, self.header_hash)
            ):
                raise Refused("CERTIFICATE_MISSING")
        outer = Message(data)
        body = outer.bytes(1)
        message = Message(body)
        chain_id, height, header_hash = message.fixed(1), message.number(2), message.fixed(3)
        next_set = message.bytes(4)
        for element in message.all(5):
            inner = Message(element)
            inner.fixed(1, 33)
            for address in inner.all(2):
                try:
                    inner.require("\0" not in address.decode())
                except UnicodeDecodeError:
                    raise Bad() from None
            inner.end()
        reason = message.text(6, 1024)
        message.end()
        if chain_id != self.genesis.chain_id:
            raise Refused("WRONG_CHAIN")
        if not self.genesis.recovery_keys:
            raise Refused("RECOVERY_KEYS")
        if (height, header_hash) != (self.height, self.header_hash):
            raise Refused("RECOVERY_BASE")
        self.set, self.set_base = self.next_set(next_set, height + 2, "RECOVERY_SET"), None
        digest, last, count = tagged("sign/recovery", body), 0, 0
        while (element := outer.next(2)) is not None:
            inner = Message(element)
            number, signature = inner.u32(1), inner.fixed(2, 64)
            inner.end()
            if not last < number <= len(self.genesis.recovery_keys):
                raise Refused("RECOVERY_SIGNATURES")
            if not signature_valid(self.genesis.recovery_keys[number - 1], digest, signature):
                raise Refused("RECOVERY_SIGNATURE")
            last, count = number, count + 1
        outer.end()
        if count < self.genesis.recovery_threshold:
            raise Refused("RECOVERY_SIGNATURES")
        self.recoveries.append(f"a recovery at block {height + 1}: {reason}")

    def read_header(self, header):
        self.header = kinds.Header(self.genesis.chain_id, header)
        self.height, self.time_ms, self.header_hash = self.header.height, self.header.time_ms, self.header.hash
        self.state_root, self.next_validators_hash = self.header.state_root, self.header.next_validators_hash

    def certified(self, header, data):
        self.read_header(header)
        validators_hash = self.header.validators_hash
        if not data:
            raise Refused("CERTIFICATE_MISSING")
        message = Message(data)
        phase, view, height = message.number(1, 2), message.number(2), message.number(3)
        header_hash, bitmap, signatures = message.fixed(4), message.bytes(5), message.bytes(6)
        message.end()
        if tagged("validators", self.set.encode()) != validators_hash:
            retired = self.from_history and self.height < self.set.era
            raise Refused("SET_RETIRED" if retired else "SET_UNKNOWN")
        if self.height < self.set.era:
            raise Refused("SET_ORDER")
        if phase != 2:
            raise Refused("CERTIFICATE_PHASE")
        if height != self.height or header_hash != self.header_hash:
            raise Refused("CERTIFICATE_BLOCK")
        self.signatures(bitmap, signatures, view)

    def signatures(self, bitmap, signatures, view):
        count = len(self.set.validators)
        if len(bitmap) != (count + 7) // 8:
            raise Refused("CERTIFICATE_BITMAP")
        signers = [i for i in range(8 * len(bitmap)) if bitmap[i // 8] >> (i % 8) & 1]
        if any(signer >= count for signer in signers):
            raise Refused("CERTIFICATE_BITMAP")
        faulty = (count - 1) // 3
        quorum = (count + faulty + 2) // 2
        if len(signers) != quorum or len(signatures) != 64 * quorum:
            raise Refused("CERTIFICATE_QUORUM")
        body = (
            put(1, self.genesis.chain_id) + put(2, self.set.era) + put(3, view) + put(4, self.height)
            + put(5, self.header_hash)
        )
        digest = tagged("sign/commit", body)
        for place, signer in enumerate(signers):
            if not signature_valid(self.set.validators[signer][1], digest, signatures[64 * place:64 * place + 64]):
                raise Refused("CERTIFICATE_SIGNATURE")

    def next_set(self, data, wanted_era, fault):
        validators = []
        try:
            message = Message(data)
            era = message.number(1)
            for element in message.all(2):
                inner = Message(element)
                key, member, joined, incarnation = inner.fixed(1, 33), inner.u32(2), inner.number(3), inner.number(4)
                inner.end()
                validators.append((joined, key, member, incarnation))
            message.end()
        except Bad:
            raise Refused(fault) from None
        made = ValidatorSet(era, validators)
        if not made.usable() or era != wanted_era:
            raise Refused(fault)
        return made


# ---- section 9: proofs ----

KEY_SIZES = {1: 4, 2: 4, 3: 4, 4: 4, 5: 4, 6: 4, 7: 32, 8: 16, 9: 32}


def absence(anchor, data):
    message = Message(data)
    collection, natural_key = message.number(1, 11), message.bytes(2)
    low_key, low_value_hash, leaf = message.fixed(3), message.fixed(4), message.bytes(5)
    if collection == 10:
        message.require(0 < len(natural_key) <= 64 and all(0x20 < byte < 0x7F for byte in natural_key))
    elif collection == 11:
        message.require(len(natural_key) in (33, 36))
    else:
        message.require(len(natural_key) == KEY_SIZES.get(collection))
    message.end()
    path = LeafPath(leaf)
    if path.collection != collection:
        raise Refused("COLLECTION")
    path.check(anchor.state_root, low_key, low_value_hash)
    key = tree_key(collection, natural_key)
    if not low_key < key or not (path.next_key == bytes(32) or key < path.next_key):
        raise Refused("ABSENCE_RANGE")
    return f"nothing in collection {collection} under {natural_key.hex()}"


BODIES = {1: record, 2: archive, 3: absence, 4: kinds.transaction, 5: kinds.statistics, 6: kinds.set_history,
          7: conversion, 8: kinds.equivocation}


def opened(genesis, proof, known=None):
    """Kind, certified anchor and body of a proof."""
    if len(proof) > 16 * 2**20:
        raise Refused("PROOF_SIZE")
    try:
        message = Message(proof)
        version, kind, chain_id = message.u32(1), message.u32(2), message.fixed(3)
        message.require(version and kind)
        if version != 1:
            raise Refused("PROOF_VERSION")
        if chain_id != genesis.chain_id:
            raise Refused("WRONG_CHAIN")
        if kind not in BODIES:
            raise Refused("PROOF_KIND")
        anchor_bytes, body, members = message.bytes(4), message.bytes(4 + kind), message.all(13)
        message.end()
    except Bad as bad:
        raise Refused("PROOF_CUT" if bad.cut else "PROOF_ENCODING") from None
    if not anchor_bytes or not body:
        raise Refused("PROOF_PARTS")
    anchor = Anchor(genesis, anchor_bytes, known)
    if known and kind == 6 and anchor.height < known.height:
        raise Refused("OLD")
    return kind, anchor, body, members


def history_read(genesis, data):
    """The anchor of a set history, its set the newest that it tells."""
    try:
        kind, anchor, body, _ = opened(genesis, data)
        if kind != 6:
            raise Refused("HISTORY_FILE")
        kinds.set_history(anchor, body)
        return anchor
    except (Bad, Refused):
        raise Refused("HISTORY_FILE") from None


def verify(genesis_bytes, proof, now_ms=0, max_age_ms=0, trusted_height=0, history=b""):
    """What holds, as words; raises Refused."""
    genesis = Genesis(genesis_bytes)
    known = history_read(genesis, history) if history else None
    try:
        kind, anchor, body, members = opened(genesis, proof, known)
        if anchor.height < trusted_height:
            raise Refused("OLD")
        if now_ms and max_age_ms and now_ms - anchor.time_ms > max_age_ms:
            raise Refused("STALE")
        anchor.members = MemberRecords(anchor, members)
        words = BODIES[kind](anchor, body)
    except Bad:
        raise Refused("PROOF_ENCODING") from None
    return "; ".join([f"{words}, as of height {anchor.height}"] + anchor.recoveries)


# ---- vectors ----

def hex_file(name):
    """The fields and the bytes of a vector."""
    fields, digits = {}, []
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        for line in file:
            if ": " in line and not line.startswith("#"):
                key, _, value = line.strip().partition(": ")
                fields[key] = value
            elif not line.startswith("#"):
                digits.append(line.strip())
    return fields, bytes.fromhex("".join(digits))


def check_vectors():
    names = sorted(name for name in os.listdir(HERE) if name.startswith("proof-") and name.endswith(".hex"))
    wrong = 0
    for name in names:
        fields, proof = hex_file(name)
        options = {key: int(fields[key]) for key in ("now_ms", "max_age_ms", "trusted_height") if key in fields}
        if "history" in fields:
            options["history"] = hex_file(fields["history"])[1]
        try:
            verify(hex_file(fields["genesis"])[1], proof, **options)
            got = "NONE"
        except Refused as refused:
            got = str(refused)
        if got != fields["fault"]:
            print(f"{name}: expected {fields['fault']}, got {got}")
            wrong += 1
    print(f"{len(names) - wrong} of {len(names)} vectors agree")
    return 0 if names and not wrong else 1


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--trace"]
    if arguments == ["--vectors"]:
        return check_vectors()
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    wire.TRACE = "--trace" in sys.argv
    contents = []
    for path in arguments:
        if path.endswith(".hex"):
            contents.append(hex_file(os.path.abspath(path))[1])
        else:
            with open(path, "rb") as file:
                contents.append(file.read())
    try:
        print("the proof holds:", verify(*contents))
        return 0
    except Refused as refused:
        print("refused:", refused)
        return 1


if __name__ == "__main__":
    sys.exit(main())
