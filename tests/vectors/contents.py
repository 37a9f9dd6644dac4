"""What items say, by kind, and the statuses that they can have: docs/protocol.md section 9."""

from wire import Message, Refused

VALID, CORRECTED, SUSPENDED, REVOKED, APPLIED, REFUSED, REVIEW, ENDED = range(1, 9)
OUTCOME, RECOGNITION, CONVERSION, POINTS, CONSENT, DISPUTE, KEY, LINK = range(1, 9)
EARNED, REDEMPTION, MOVED = 1, 2, 3


def packed(message, field, largest):
    """Packed numbers, ascending from 1."""
    inner, numbers = Message(message.bytes(field)), [0]
    while inner.at != len(inner.data):
        numbers.append(inner.varint())
        message.require(numbers[-2] < numbers[-1] <= largest)
    return numbers[1:]


class Outcome:
    def __init__(self, data):
        message = Message(data)
        self.account, self.issuer, self.kind = message.fixed(1), message.u32(2), message.number(3, 9)
        self.course = message.u32(4)
        message.u32(5), message.u32(6)
        self.level = message.u32(7)
        self.credits, self.hours = message.u32(8), message.u32(9)
        message.u32(10)
        self.award_date, self.grade_band = message.u32(11), message.u32(12)
        message.number(13, 4), message.number(14, 3)
        message.u32(15), message.u32(16), message.u32(17)
        message.optional(18, 16)
        self.expiry_date = message.u32(19)
        self.details_root = message.optional(20, 32)
        message.require(self.issuer and self.kind)
        message.end()

    def fits(self, _version):
        return True


class Recognition:
    def __init__(self, data):
        message = Message(data)
        self.account, self.recogniser, self.outcome = message.fixed(1), message.u32(2), message.number(3)
        message.fixed(4), message.u32(5)
        self.level, self.credits = message.u32(6), message.u32(7)
        message.u32(8)
        message.end()

    def fits(self, _version):
        return self.recogniser and self.outcome and 1 <= self.level <= 10


class Conversion:
    def __init__(self, data):
        message = Message(data)
        self.rule, self.sources = message.u32(1), []
        for element in message.all(2):
            inner = Message(element)
            self.sources.append((inner.number(1), inner.fixed(2), inner.u32(3), inner.u32(4)))
            inner.end()
        self.applied_date, self.decided_date, self.decided_by = message.u32(3), message.u32(4), message.u32(5)
        self.credits, self.rule_total, self.programme_total = message.u32(6), message.number(7), message.number(8)
        self.appeals = message.u32(9)
        message.u32(10)
        message.end()

    def fits(self, version):
        numbers = [0] + [source[0] for source in self.sources]
        if not (self.rule and self.applied_date and 1 <= len(self.sources) <= 8 and self.appeals <= 2):
            return False
        if any(a >= b for a, b in zip(numbers, numbers[1:])) or not all(source[2] for source in self.sources):
            return False
        granted, decided = self.credits != 0, self.decided_date != 0
        if version.status in (APPLIED, ENDED):
            return not decided and not self.decided_by and not granted
        if version.status == REFUSED:
            return decided and self.decided_by and not granted
        return version.status not in (VALID, REVIEW, REVOKED) or (decided and granted)


class Points:
    def __init__(self, data):
        message = Message(data)
        self.type, self.points, self.date = message.number(1, 3), message.u32(2), message.u32(3)
        self.remaining, self.reversed, self.moved = message.u32(4), message.u32(5), message.u32(6)
        self.expiry_date, self.rule = message.u32(7), message.u32(8)
        self.source_item, self.source_hash = message.number(9), message.optional(10, 32)
        message.number(11), message.number(12), message.u32(13)
        self.from_account, self.entry = message.optional(14, 32), message.u32(15)
        message.u32(16)
        self.quantity, self.parts = message.u32(17), []
        for element in message.all(18):
            inner = Message(element)
            self.parts.append((inner.number(1), inner.u32(2)))
            inner.end()
        message.end()
        self.lot, self.spent = self.type != REDEMPTION, 0

    def fits(self, _version):
        if not (self.type and self.points and self.date and all(item and points for item, points in self.parts)):
            return False
        if self.lot:
            return (
                (self.type == MOVED) == (self.from_account != b"") and self.source_hash and self.source_item
                and self.rule and self.remaining + self.reversed + self.moved <= self.points
                and not (self.entry or self.quantity or self.parts)
            )
        return (
            sum(points for _, points in self.parts) == self.points and len(self.parts) <= 32 and self.entry
            and 1 <= self.quantity <= 100
            and not (self.remaining or self.reversed or self.moved or self.expiry_date or self.rule)
            and not (self.source_item or self.source_hash or self.from_account)
        )


class Consent:
    def __init__(self, data):
        message = Message(data)
        self.account, self.grantee, self.code = message.fixed(1), message.u32(2), message.optional(3, 32)
        packed(message, 4, 8)
        self.items, self.until_date = packed(message, 5, 2**32 - 1), message.u32(6)
        message.text(7), message.optional(8, 32)
        message.end()

    def fits(self, _version):
        return (self.grantee == 0) == (self.code != b"") and self.until_date and len(self.items) <= 64


class Dispute:
    def __init__(self, data):
        message = Message(data)
        self.item = message.number(1)
        message.fixed(2)
        self.respondent, self.reason = message.u32(3), message.number(4, 5)
        message.optional(5, 32)
        self.answer = message.number(6, 2)
        message.optional(7, 32)
        self.result = message.number(8, 3)
        message.optional(9, 32)
        message.end()

    def fits(self, version):
        if (version.status == ENDED) != (self.result != 0):
            return False
        answered = self.result != 0 or (version.status == REVIEW) == (self.answer != 0)
        return self.item and self.respondent and self.reason and answered


class KeyChange:
    def __init__(self, data):
        message = Message(data)
        self.act, self.holder = message.number(1, 4), message.number(2, 2)
        self.new_key, self.until_date, self.replaces = message.optional(3, 33), message.u32(4), message.number(5)
        message.end()

    def fits(self, version):
        key, guardian = self.new_key != b"", self.holder == 2
        return (
            self.act and self.holder and (key or guardian) and (self.until_date != 0) == (guardian and key)
            and (key or version.status == ENDED) and self.replaces < version.item
        )


class Link:
    def __init__(self, data):
        message = Message(data)
        self.other, self.item_count, self.item_root = message.optional(1, 32), message.number(2), message.optional(3, 32)
        message.end()

    def fits(self, version):
        return self.other and self.item_root and self.other != version.account


CLASSES = (None, Outcome, Recognition, Conversion, Points, Consent, Dispute, KeyChange, Link)

# Of each kind: the statuses of version 1, and those that can follow each.
STATUSES = {
    OUTCOME: ({VALID, APPLIED}, {
        VALID: {VALID, CORRECTED, SUSPENDED, REVOKED}, CORRECTED: {CORRECTED, SUSPENDED, REVOKED},
        SUSPENDED: {VALID, CORRECTED, SUSPENDED, REVOKED}, REVOKED: {REVOKED},
        APPLIED: {VALID, APPLIED, REFUSED, ENDED}, REFUSED: {REFUSED}, ENDED: {ENDED}}),
    RECOGNITION: ({VALID}, {
        VALID: {VALID, REVOKED, REVIEW}, REVOKED: {REVOKED}, REVIEW: {VALID, REVOKED, REVIEW}}),
    CONVERSION: ({VALID, APPLIED}, {
        VALID: {VALID, REVOKED, REVIEW}, REVOKED: {REVOKED}, APPLIED: {VALID, APPLIED, REFUSED, ENDED},
        REFUSED: {APPLIED, REFUSED}, REVIEW: {VALID, REVOKED, REVIEW}, ENDED: {ENDED}}),
    POINTS: ({VALID}, {
        VALID: {VALID, REVOKED, REVIEW, ENDED}, REVOKED: {REVOKED}, REVIEW: {VALID, REVOKED, REVIEW, ENDED},
        ENDED: {ENDED}}),
    CONSENT: ({VALID}, {VALID: {ENDED}}),
    DISPUTE: ({VALID}, {VALID: {REVIEW, ENDED}, REVIEW: {ENDED}}),
    KEY: ({VALID, ENDED}, {VALID: {ENDED}}),
    LINK: ({VALID}, {}),
    "redemption": ({APPLIED}, {
        APPLIED: {APPLIED, REVOKED, ENDED}, REVOKED: {REVOKED}, ENDED: {REVOKED, ENDED}}),
}


def statuses_of(kind, content):
    return STATUSES["redemption" if kind == POINTS and not content.lot else kind]


def read_content(version, learner):
    """The content of a version, well-formed, of this learner, with a status that its kind can have."""
    content = CLASSES[version.kind](version.content)
    if getattr(content, "account", learner) != learner:
        raise Refused("ITEM_PLACE")
    if not content.fits(version):
        raise Refused("ITEM_CONTENT")
    first, after = statuses_of(version.kind, content)
    if version.status not in first.union(*after.values()):
        raise Refused("ITEM_STATUS")
    return content
