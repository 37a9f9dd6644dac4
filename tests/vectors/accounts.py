"""Accounts: versions of items, who signed them, records and archives. docs/protocol.md sections 8 and 9."""

from datetime import datetime, timedelta, timezone

from wire import (
    LeafPath, Message, Refused, be4, be8, leaf_hash, put, root_from_path, root_of, tagged, tree_key)
from contents import (
    APPLIED, CONVERSION, CORRECTED, DISPUTE, EARNED, ENDED, KEY, LINK, OUTCOME, POINTS, RECOGNITION, REFUSED, REVOKED,
    VALID, read_content, statuses_of)
from details import details
from secp256k1 import signature_valid

MERGED_ACCOUNT = 3


def date_of(time_ms):
    """The civil date of a block."""
    try:
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=time_ms // 1000, hours=8)
    except OverflowError:
        return 99991231
    return moment.year * 10000 + moment.month * 100 + moment.day


def record_leaf(anchor, collection, natural_key, data, leaf):
    """A record of a collection is in the certified state under its natural key."""
    path = LeafPath(leaf)
    if path.collection != collection:
        raise Refused("COLLECTION")
    path.check(anchor.state_root, tree_key(collection, natural_key), tagged("value", be4(collection) + data))


class MemberRecords:
    """Members whose records the proof brings; the others are as in genesis."""

    def __init__(self, anchor, messages):
        self.genesis, self.keys, self.whole = anchor.genesis, {}, set()
        before = (0, 0)
        for data in messages:
            message = Message(data)
            record, leaf = message.bytes(1), message.bytes(2)
            message.end()
            number, keys, page = self.read(Message(record))
            if not number or (number, page) <= before:
                raise Refused("MEMBER")
            before = (number, page)
            record_leaf(anchor, 1, be4(number) + (be4(page) if page else b""), record, leaf)
            self.keys.setdefault(number, []).extend(keys)
            if not page:
                self.whole.add(number)

    @staticmethod
    def read(message):
        number, keys = message.u32(1), []
        message.number(2, 17), message.text(3), message.text(4), message.text(5)
        message.u32(6), message.bytes(7), message.bytes(8)
        for data in message.all(9):
            inner = Message(data)
            keys.append((inner.fixed(1, 33), inner.number(2), inner.number(3)))
            inner.end()
        for data in message.all(10):
            inner = Message(data)
            inner.fixed(1, 33), inner.number(2, 3)
            for address in inner.all(3):
                inner.require(b"\0" not in address)
                inner.utf8(address)
            inner.number(4), inner.number(5), inner.number(6)
            inner.end()
        message.number(11, 2), message.u32(12), message.u32(13), message.u32(14)
        page = message.u32(15)
        message.end()
        return number, keys, page

    def may_sign(self, member, key, height):
        """False for a key that the member never had, or had not yet; nor any more, when genesis alone says so."""
        if any(held == key and first <= height for held, first, _ in self.keys.get(member, [])):
            return True
        return member not in self.whole and self.genesis.may_sign(member, key, height) is not False


class Account:
    def __init__(self, anchor, learner, leaf, value):
        self.anchor, self.learner = anchor, learner
        path = LeafPath(leaf)
        message = Message(value)
        self.item_count, self.item_root = message.number(1), message.fixed(2)
        self.status, self.summary_hash = message.number(3, 5), message.fixed(4)
        message.require(self.status)
        message.end()
        if path.collection != 7:
            raise Refused("COLLECTION")
        path.check(anchor.state_root, tree_key(7, learner), tagged("account", value))


class Version:
    def __init__(self, data):
        message = Message(data)
        self.account, self.item, self.number = message.fixed(1), message.number(2), message.u32(3)
        self.previous, self.height, self.tx_id = message.optional(4, 32), message.number(5), message.fixed(6)
        self.index, self.kind, self.status = message.u32(7), message.number(8, 8), message.number(9, 8)
        self.content = message.bytes(10)
        self.reason, self.dispute, self.details = message.u32(11), message.number(12, 100000), message.number(13, 2)
        message.require(self.item and self.number and self.kind and self.status)
        message.require((self.number == 1) == (self.previous == b""))
        message.end()
        self.hash = tagged("version", data)


class Item:
    """A shown item, checked but for its place in the item tree."""

    def __init__(self, account, data, number=None):
        message = Message(data)
        self.account = account
        self.version = version = Version(message.bytes(1))
        if (
            version.account != account.learner
            or version.height > account.anchor.height
            or number not in (None, version.item)
        ):
            raise Refused("ITEM_PLACE")
        self.said = read_content(version, account.learner)
        self.versions = self.history(message.all(2))
        issuer = message.bytes(3)
        self.details, check = details(message, getattr(self.said, "details_root", b""))
        message.end()
        check()
        if issuer:
            self.issuer(issuer)

    def stands(self):
        return self.version.status in (VALID, CORRECTED)

    def history(self, earlier):
        """All versions shown, newest first."""
        versions, after = [self.version], self.version
        first, follows = statuses_of(self.version.kind, self.said)
        for data in earlier:
            before = Version(data)
            if (
                before.hash != after.previous
                or before.account != self.account.learner
                or (before.item, before.kind) != (after.item, after.kind)
                or before.number != after.number - 1
                or before.height > after.height
            ):
                raise Refused("ITEM_HISTORY")
            if after.status not in follows.get(before.status, ()):
                raise Refused("ITEM_STATUS")
            after = before
            versions.append(before)
        if after.number == 1 and after.status not in first:
            raise Refused("ITEM_STATUS")
        return versions

    def issuer(self, data):
        anchor = self.account.anchor
        message = Message(data)
        common, signatures, count, path = message.bytes(1), message.all(2), message.number(3), message.bytes(4)
        message.require(len(signatures) <= 8)
        message.end()
        message = Message(common)
        chain_id, valid_until, signers = message.fixed(1), message.number(2), []
        for signer in message.all(3):
            inner = Message(signer)
            signers.append((inner.u32(1), inner.optional(2, 32), inner.number(3, 3), inner.fixed(4, 33)))
            inner.end()
        message.require(len(signers) <= 8)
        message.fixed(4, 16)
        kind, commitment = message.number(5, 255), message.fixed(6)
        message.end()
        tx_id = tagged("tx-id", common)
        # Of the versions shown with the content of the newest, the oldest made by this transaction; else the newest.
        made = [v for v in self.versions[1:] if v.tx_id == tx_id and v.content == self.version.content]
        version = made[-1] if made else self.version
        if tx_id != version.tx_id or chain_id != anchor.genesis.chain_id or valid_until < version.height:
            raise Refused("ISSUER_TRANSACTION")
        if self.commitment(version, kind, count, path) != commitment:
            raise Refused("ISSUER_PAYLOAD")
        self.signers(version, kind, signers)
        if len(signatures) != len(signers):
            raise Refused("ISSUER_SIGNATURE")
        for (_, _, _, key), signature in zip(signers, signatures):
            if not signature_valid(key, tx_id, signature):
                raise Refused("ISSUER_SIGNATURE")

    def signers(self, version, kind, signers):
        for member, learner, role, key in signers:
            if role == 2:
                may = learner == self.account.learner
            else:
                may = role == 1 and member and self.account.anchor.members.may_sign(member, key, version.height)
            if not may:
                raise Refused("ISSUER_KEY")
        principal = self.principal(version, kind)
        if not signers or (principal and principal not in [member for member, _, role, _ in signers if role == 1]):
            raise Refused("ISSUER_KEY")

    def principal(self, version, kind):
        if kind in (20, 40):
            return 0
        if self.version.kind == CONVERSION:
            return 0 if version.status == REVOKED else self.said.decided_by
        return self.said.issuer if self.version.kind == OUTCOME else self.said.recogniser

    def commitment(self, version, kind, count, path):
        bulk = {4: OUTCOME, 28: RECOGNITION}.get(kind) == self.version.kind
        if bulk:
            if count > 1000 or version.number != 1:
                raise Refused("ISSUER_PAYLOAD")
            root = root_from_path(leaf_hash("bulk", version.content), version.index, count, path)
            return tagged("bulk", be4(kind) + be8(count) + root)
        if (count, path, version.index) != (0, b"", 0):
            raise Refused("ISSUER_PAYLOAD")
        payload = self.payload(version, kind)
        if payload is None:
            raise Refused("ISSUER_PAYLOAD")
        return tagged("payload", be4(kind) + payload)

    def payload(self, version, kind):
        """The payload of this kind that makes this version, or None."""
        learner, item = self.account.learner, self.version.kind
        decision = put(1, learner) + put(2, version.item) + put(3, version.previous)
        if version.number == 1:
            if (kind, item) in ((3, OUTCOME), (20, OUTCOME), (26, RECOGNITION)):
                return version.content
            if (kind, item) == (40, CONVERSION):
                sources = (put(3, put(1, n) + put(2, h) + put(3, used)) for n, h, used, _ in self.said.sources)
                return put(1, learner) + put(2, self.said.rule) + b"".join(sources)
            return None
        if kind in (21, 22) and item == OUTCOME:
            content = b"" if version.status == REFUSED else put(4, version.content)
            return decision + content + put(5, version.reason)
        if (kind, item) == (27, RECOGNITION):
            return decision + put(4, version.content)
        if kind in (41, 43) and item == CONVERSION:
            return decision + put(4, int(version.status == VALID)) + put(5, version.reason)
        return None


def item_leaf(number, version_hash):
    return leaf_hash("item", be8(number) + version_hash)


# ---- section 9: records and archives ----

def record(anchor, data):
    message = Message(data)
    learner, leaf, value, item, path = (
        message.fixed(1), message.bytes(2), message.bytes(3), message.bytes(4), message.bytes(5))
    message.end()
    account = Account(anchor, learner, leaf, value)
    version = Item(account, item).version
    root = root_from_path(item_leaf(version.item, version.hash), version.item - 1, account.item_count, path)
    if root != account.item_root:
        raise Refused("ITEM_ROOT")
    return f"record {version.item} of {learner.hex()}, status {version.status}"


class Archive:
    """All items of one account; `items` those shown, `places` the Item or version hash of each."""

    def __init__(self, anchor, message, outer):
        learner, leaf, value, summary = message.fixed(1), message.bytes(2), message.bytes(3), message.bytes(4)
        elements = message.all(5)
        self.linked_data = message.all(6) if outer else []
        message.end()
        self.learner, self.date = learner, date_of(anchor.time_ms)
        self.account = account = Account(anchor, learner, leaf, value)
        self.places, leaves = [], []
        for number, element in enumerate(elements, 1):
            if number > account.item_count or number > 100000:
                raise Refused("ITEM_COUNT")
            inner = Message(element)
            item, version_hash = inner.bytes(1), inner.optional(2, 32)
            inner.require((item == b"") != (version_hash == b""))
            inner.end()
            self.places.append(Item(account, item, number) if item else version_hash)
            leaves.append(item_leaf(number, self.places[-1].version.hash if item else version_hash))
        if len(leaves) != account.item_count:
            raise Refused("ITEM_COUNT")
        if root_of(leaves) != account.item_root:
            raise Refused("ITEM_ROOT")
        self.items = [place for place in self.places if isinstance(place, Item)]
        self.complete = len(self.items) == len(self.places)
        self.merged_into, self.taken, self.link_height = None, set(), 0
        if self.complete:
            self.whole()
        if summary:
            self.summary(summary)

    # -- what items of a whole archive say of each other --

    def item(self, number, kind):
        found = self.items[number - 1] if 0 < number <= len(self.items) else None
        if found is None or found.version.kind != kind:
            raise Refused("ITEM_REFERENCE")
        return found

    def whole(self):
        for item in self.items:
            self.disputes(item)
            kind, said = item.version.kind, item.said
            if kind == RECOGNITION:
                self.rests(item, said.outcome)
            elif kind == CONVERSION:
                for source in said.sources:
                    self.rests(item, source[0])
            elif kind == POINTS and said.type == EARNED:
                self.rests(item, said.source_item)
            elif kind == POINTS:
                self.parts(item)
            elif kind == KEY and said.replaces:
                self.item(said.replaces, KEY)
        self.held = self.balance = 0
        for item in self.items:
            lot = item.said
            if item.version.kind == POINTS and lot.lot:
                if lot.remaining + lot.reversed + lot.moved + lot.spent != lot.points:
                    raise Refused("POINTS")
                self.held += lot.remaining
                if item.version.status == VALID and (lot.expiry_date == 0 or self.date <= lot.expiry_date):
                    self.balance += lot.remaining

    def rests(self, item, on):
        outcome = self.item(on, OUTCOME)
        if item.stands() and not outcome.stands():
            raise Refused("ITEM_RESTS")

    def parts(self, item):
        for number, points in item.said.parts:
            lot = self.item(number, POINTS).said
            if not lot.lot:
                raise Refused("ITEM_REFERENCE")
            if item.version.status in (APPLIED, ENDED):
                lot.spent += points
                if lot.spent > lot.points:
                    raise Refused("POINTS")

    def disputes(self, item):
        number = item.version.item
        if item.version.dispute:
            dispute = self.item(item.version.dispute, DISPUTE)
            if dispute.version.status == ENDED or dispute.said.item != number:
                raise Refused("ITEM_REFERENCE")
        if item.version.kind == DISPUTE:
            about = item.said.item
            if about > len(self.items):
                raise Refused("ITEM_REFERENCE")
            if item.version.status != ENDED and self.items[about - 1].version.dispute != number:
                raise Refused("ITEM_REFERENCE")

    # -- the summary --

    def summary(self, data):
        if tagged("summary", data) != self.account.summary_hash:
            raise Refused("SUMMARY")
        message = Message(data)
        message.optional(1, 32)
        learner_key = message.optional(2, 33)
        message.u32(3), message.u32(4), message.number(5), message.optional(6, 32)
        points, totals, before = message.number(7), {}, 0
        for element in message.all(8):
            inner = Message(element)
            kind, row = inner.number(1, 9), (inner.number(2), inner.number(3), inner.number(4))
            inner.end()
            message.require(kind > before)
            before = kind
            if row != (0, 0, 0):
                totals[kind] = row
        key_item, guardian_key, guardian_until, guardian_item = (
            message.number(9), message.optional(10, 33), message.u32(11), message.number(12))
        message.u32(13)
        linked, self.merged_into, applications = message.u32(14), message.optional(15, 32), message.u32(16)
        message.end()
        if not self.complete:
            return
        if self.totals() != totals or points != self.held:
            raise Refused("TOTALS")
        links = sum(item.version.kind == LINK for item in self.items)
        if (
            applications != sum(item.version.status == APPLIED for item in self.items)
            or links > linked
            or (links > 0) != (linked > 0)
            or (self.account.status == MERGED_ACCOUNT) != (self.merged_into != b"")
            or not self.key_fits(1, key_item, learner_key, 0)
            or not self.key_fits(2, guardian_item, guardian_key, guardian_until)
        ):
            raise Refused("SUMMARY_ITEMS")

    def totals(self):
        computed = {}
        for item in self.items:
            if item.version.kind == OUTCOME and item.stands():
                said = item.said
                row = computed.get(said.kind, (0, 0, 0))
                computed[said.kind] = (row[0] + 1, row[1] + said.credits, row[2] + said.hours)
        return computed

    def key_fits(self, holder, number, key, until):
        valid = [
            (item.version.item, item.said.new_key, item.said.until_date) for item in self.items
            if item.version.kind == KEY and item.said.holder == holder and item.version.status == VALID]
        return valid == ([(number, key, until)] if number else [])

    # -- accounts merged into it --

    def then(self, link):
        """The root when a link was made, and whether no other is possible."""
        leaves, sure = [], True
        for number, place in enumerate(self.places, 1):
            version_hash = place
            if isinstance(place, Item):
                for version in place.versions:
                    version_hash = version.hash
                    if version.height < link.height or version.tx_id == link.tx_id:
                        break
                    sure = sure and version.height > link.height
                else:
                    sure = False
            else:
                sure = False
            leaves.append(item_leaf(number, version_hash))
        return root_of(leaves), sure


def check_link(before, other):
    for holder in before:
        for item in holder.items:
            if item.version.kind == LINK and item.said.other == other.learner and item.version.item not in holder.taken:
                holder.taken.add(item.version.item)
                other.link_height = max(item.version.height, holder.link_height)
                root, sure = other.then(item.version)
                if (
                    other.account.status != MERGED_ACCOUNT
                    or other.account.item_count != item.said.item_count
                    or other.merged_into not in (None, holder.learner)
                    or (sure and root != item.said.item_root)
                ):
                    raise Refused("LINK")
                return
    raise Refused("LINK")


def archive_with_linked(anchor, data):
    whole = Archive(anchor, Message(data), True)
    if len(whole.linked_data) > 16:
        raise Refused("LINK")
    archives = [whole]
    for element in whole.linked_data:
        archives.append(Archive(anchor, Message(element), False))
        check_link(archives[:-1], archives[-1])
    return archives


def archive(anchor, data):
    archives = archive_with_linked(anchor, data)
    whole = archives[0]
    words = f"{len(whole.items)} of {len(whole.places)} records of {whole.learner.hex()}"
    if len(archives) > 1:
        words += f", and {len(archives) - 1} accounts merged into it"
    return words + (f", points {whole.balance} of {whole.held}" if whole.complete else "")
