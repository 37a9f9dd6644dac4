"""Section 23 of docs/protocol.md: details of a record in a proof."""
from wire import Message, Refused, be4, leaf_hash, root_of, tagged

FIELDS_MAX, NUMBER_MAX, VALUE_MAX = 16, 999, 1024


def detail(data):
    """(number or 0, value, leaf)."""
    message = Message(data)
    field, withheld = message.bytes(1), message.optional(2, 32)
    message.require((field == b"") != (withheld == b""))
    message.end()
    if withheld:
        return 0, "", withheld
    message = Message(field)
    number, salt, value = message.number(1, NUMBER_MAX), message.fixed(2), message.text(3, VALUE_MAX)
    message.require(number and value)
    message.end()
    return number, value, leaf_hash("detail", be4(number) + salt + value.encode())


def details(message, details_root):
    """The fields shown, by number. message: an ItemProof, at field 4; details_root: of its outcome, or b""."""
    shown, leaves = {}, []
    while (element := message.next(4)) is not None:
        message.require(len(leaves) < FIELDS_MAX)
        number, value, leaf = detail(element)
        if number:
            message.require(number > max(shown, default=0))
            shown[number] = value
        leaves.append(leaf)

    def check():
        if leaves and (not shown or tagged("details", be4(len(leaves)) + root_of(leaves)) != details_root):
            raise Refused("DETAILS")

    return shown, check
