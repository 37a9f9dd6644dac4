"""Conversions, decided again from their rule and sources: docs/protocol.md section 9."""

from accounts import Account, Item, archive_with_linked, item_leaf, record_leaf
from contents import CONVERSION, CORRECTED, LINK, OUTCOME, REVIEW, VALID, Conversion, Outcome
from wire import Message, Refused, be4, root_from_path

CREDITS, HOURS = 1, 2
MILLION = 1_000_000


class Rule:
    def __init__(self, data):
        message = Message(data)
        self.id, self.series = message.u32(1), message.u32(2)
        message.u32(3), message.u32(4)
        self.kind, self.status = message.number(5, 2), message.number(6, 4)
        message.text(7), message.text(8)
        self.owner = message.u32(9)
        message.u32(10)
        self.from_date, self.to_date, self.source_kind = message.u32(11), message.u32(12), message.number(13, 9)
        self.course, self.level, self.issuer = message.u32(14), message.u32(15), message.u32(16)
        self.grade_band, self.age, self.basis = message.u32(17), message.u32(18), message.number(19, 3)
        self.num, self.den, self.ceiling = message.u32(20), message.u32(21), message.u32(22)
        self.automatic, self.programme, self.programme_ceiling = message.number(23, 1), message.u32(24), message.u32(25)
        message.u32(26), message.number(27, 4)
        self.consuming = message.number(28, 1)
        message.u32(29), message.u32(30), message.u32(31)
        message.require(self.id)
        message.end()

    def fits(self, said):
        in_force = self.from_date <= said.applied_date and (self.to_date == 0 or said.applied_date <= self.to_date)
        return (
            self.kind == 1 and self.basis in (CREDITS, HOURS) and 1 <= self.num <= MILLION and 1 <= self.den <= MILLION
            and self.status >= 3 and in_force
            and (said.decided_date == 0 or said.decided_date >= said.applied_date)
            and (said.credits == 0 or said.decided_by or self.automatic)
        )

    def takes(self, outcome, date):
        return (
            self.source_kind in (0, outcome.kind) and self.course in (0, outcome.course)
            and self.issuer in (0, outcome.issuer) and outcome.level >= self.level
            and (self.grade_band == 0 or 0 < outcome.grade_band <= self.grade_band)
            and (self.age == 0 or date <= add_months(outcome.award_date, self.age))
        )

    def amount(self, outcome):
        return outcome.credits if self.basis == CREDITS else outcome.hours


def add_months(date, months):
    month = date // 100 % 100
    whole = date // 10000 * 12 + max(month, 1) - 1 + months
    year, month = divmod(whole, 12)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month]
    return year * 10000 + (month + 1) * 100 + min(date % 100, last)


def conversion(anchor, data):
    message = Message(data)
    number, learner, leaf, value = message.number(1), message.optional(2, 32), message.bytes(3), message.bytes(4)
    placed, archive_data, rules_data = message.all(5), message.bytes(6), message.all(7)
    whole = archive_data != b""
    message.require(number and all(whole == (len(part) == 0) for part in (learner, leaf, value, placed)))
    message.end()
    archives = []
    if whole:
        archives = archive_with_linked(anchor, archive_data)
        items = archives[0].items
    else:
        items = placed_items(Account(anchor, learner, leaf, value), placed)
    rules = read_rules(anchor, rules_data)
    found = {item.version.item: item for item in items}
    item = found.get(number)
    if item is None or item.version.kind != CONVERSION:
        raise Refused("CONVERSION_PARTS")
    words = evaluate(item, found, rules, archives)
    return f"conversion {number} of {item.account.learner.hex()}: {words}"


def placed_items(account, elements):
    items = []
    for data in elements:
        message = Message(data)
        shown, path = message.bytes(1), message.bytes(2)
        message.end()
        item = Item(account, shown)
        version = item.version
        root = root_from_path(item_leaf(version.item, version.hash), version.item - 1, account.item_count, path)
        if root != account.item_root:
            raise Refused("ITEM_ROOT")
        if items and version.item <= items[-1].version.item:
            raise Refused("CONVERSION_PARTS")
        items.append(item)
    return items


def read_rules(anchor, elements):
    rules = {}
    for data in elements:
        message = Message(data)
        record, leaf = message.bytes(1), message.bytes(2)
        message.end()
        rule = Rule(record)
        if rule.id <= max(rules, default=0):
            raise Refused("CONVERSION_PARTS")
        record_leaf(anchor, 5, be4(rule.id), record, leaf)
        rules[rule.id] = rule
    return rules


def evaluate(item, found, rules, archives):
    said, rule = item.said, rules.get(item.said.rule)
    if rule is None:
        raise Refused("CONVERSION_PARTS")
    if not rule.fits(said):
        raise Refused("CONVERSION_RULE")
    if said.credits == 0:
        return "not granted"
    run = []
    for version in item.versions:
        if version.content != item.version.content:
            break
        run.append(version)
    if len(run) == len(item.versions) and run[-1].number != 1:
        raise Refused("CONVERSION_PARTS")
    height = run[-1].height
    outcomes = [source_outcome(found.get(source[0]), source[1], height) for source in said.sources]
    for (_, _, used, before), outcome in zip(said.sources, outcomes):
        if (outcome.expiry_date and said.decided_date > outcome.expiry_date) or not rule.takes(outcome, said.applied_date):
            raise Refused("CONVERSION_SOURCE")
        if used + before > rule.amount(outcome):
            raise Refused("CONVERSION_AMOUNT")
    gives = sum(source[2] for source in said.sources) * rule.num // rule.den
    left = min(rule.ceiling - said.rule_total, rule.programme_ceiling - said.programme_total)
    if left <= 0 or said.credits != min(gives, left):
        raise Refused("CONVERSION_AMOUNT")
    proved = archives and archives[0].complete and totals_fit(item, archives, rules, rule, height, outcomes)
    return f"credits {said.credits}" + ("" if proved else ", what stood before not proved")


def source_outcome(item, version_hash, height):
    """The outcome as it stood then."""
    if item is None or item.version.kind != OUTCOME:
        raise Refused("CONVERSION_PARTS")
    changed = None
    for version in item.versions:
        if version.hash == version_hash:
            outcome = Outcome(version.content)
            stood = version.height <= height and (changed is None or changed >= height)
            if not stood or version.status not in (VALID, CORRECTED):
                raise Refused("CONVERSION_SOURCE")
            return outcome
        changed = version.height
    raise Refused("CONVERSION_PARTS")


def part_of(item, height, numbers):
    """(credits, used of each) of another conversion in the versions that may have stood, or None when one is not shown."""
    parts, granted = [], False
    for version in item.versions:
        if version.height > height:
            continue
        said = Conversion(version.content)
        if version.status in (VALID, REVIEW):
            granted = True
            parts.append((said.credits, [sum(used for n, _, used, _ in said.sources if n == number) for number in numbers]))
        else:
            parts.append((0, [0] * len(numbers)))
        if version.height < height:
            return parts, granted
    if item.versions[-1].number != 1:
        return None
    return parts + [(0, [0] * len(numbers))], granted


def totals_fit(item, archives, rules, rule, height, outcomes):
    said = item.said
    numbers = [source[0] for source in said.sources]
    series, programme = [0, 0], [0, 0]
    own, same, other = ([[0, 0] for _ in numbers] for _ in range(3))
    for archive in archives:
        first = archive is archives[0]
        if not first and archive.link_height > height:
            continue
        if not archive.complete:
            return False
        for candidate in archive.items:
            if (
                candidate.version.kind == LINK and candidate.version.item not in archive.taken
                and candidate.version.height <= height
            ):
                return False
            if candidate is item or candidate.version.kind != CONVERSION:
                continue
            part = part_of(candidate, height, numbers)
            if part is None:
                return False
            parts, granted = part
            if not granted:
                continue
            theirs = rules.get(candidate.said.rule)
            if theirs is None:
                return False
            if not first and archive.link_height == height:
                parts = parts + [(0, [0] * len(numbers))]
            in_series = theirs.series == rule.series
            if in_series:
                add(series, [credits for credits, _ in parts])
            if (theirs.owner, theirs.programme) == (rule.owner, rule.programme):
                add(programme, [credits for credits, _ in parts])
            for i in range(len(numbers) if first else 0):
                used = [uses[i] for _, uses in parts]
                if theirs.consuming:
                    add(same[i] if theirs.basis == rule.basis else other[i], used)
                elif in_series:
                    add(own[i], used)
    if not series[0] <= said.rule_total <= series[1] or not programme[0] <= said.programme_total <= programme[1]:
        raise Refused("CONVERSION_TOTALS")
    for i, (_, _, _, before) in enumerate(said.sources):
        outcome = outcomes[i]
        amount = rule.amount(outcome)
        of = outcome.hours if rule.basis == CREDITS else outcome.credits
        low, high = (own[i][k] + same[i][k] + share(other[i][k], of, amount) for k in (0, 1))
        if not low <= before <= high:
            raise Refused("CONVERSION_TOTALS")
    return True


def add(total, values):
    total[0] += min(values)
    total[1] += max(values)


def share(used, of, amount):
    if used == 0:
        return 0
    return amount if used >= of else (used * amount + of - 1) // of
