"""What the pure archives may use: nothing that allocates, reads a clock, a file or a socket, or keeps state."""

import os
import re
import subprocess

ARCHIVES = ("xuelian_proto", "xuelian_consensus", "xuelian_verify")

# Any pure archive.
ANYWHERE = re.compile(
    r"^(mem(cpy|move|set|cmp|chr|rchr)|bcmp|str(len|nlen|cmp|ncmp|chr|rchr|spn|cspn)|v?snprintf|bsearch"
    r"|__(mem(cpy|move|set)|v?snprintf)_chk|__isoc\w+_strto\w+|__stack_chk_fail|__popcount[sd]i2|_GLOBAL_OFFSET_TABLE_"
    r"|__(asan|ubsan|tsan|msan|sanitizer)_\w+|_?__asan_\w+|__tls_get_addr|__start_asan_globals|__stop_asan_globals)$"
)
# proto alone: our hashes, signatures and wire format rest on these.
IN_PROTO = re.compile(r"^(secp256k1_\w+|SHA256\w*|OPENSSL_cleanse|EVP_\w+|protobuf_c_\w+)$")
# A private key lives behind a pointer of its own, so that no copy of it is made by mistake: signer_new.
IN_OBJECT = {"sign.c.o": re.compile(r"^(calloc|free)$")}
# Written by the sanitizers' instrumentation, not by us.
INSTRUMENTATION = re.compile(r"(^|[_.])[_L]*(asan|ubsan|tsan|msan|odr_asan|sancov)[_.]|_sub_[ID]_00099_\d+|asan_module_")
READ_ONLY = (".rodata", ".data.rel.ro", ".text", ".note", ".comment", ".eh_frame", ".debug", ".group", ".init_array", ".fini_array")


def symbols(archive):
    """Name, class letter, section and object of every symbol. Sections tell constants with pointers from variables."""
    listed = subprocess.run(["nm", "--format=sysv", archive], capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        raise OSError(f"nm cannot read {archive}: {listed.stderr.strip()}")
    member = ""
    for line in listed.stdout.splitlines():
        named = re.match(r"^(?:Undefined s|S)ymbols from .*\[([^]]*)\]:$", line)
        member = named.group(1) if named else member
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 7 and cells[0] != "Name":
            yield cells[0], cells[2], cells[6], member


def pure(build):
    tables = {}
    for name in ARCHIVES:
        path = os.path.join(build, "lib", f"lib{name}.a")
        if not os.path.exists(path):
            yield f"lib{name}.a is not in {build}/lib: build it first, or mend its name in CMakeLists.txt"
            continue
        tables[name] = list(symbols(path))
    of_proto = {name for name, kind, *_ in tables.get("xuelian_proto", []) if kind.isupper() and kind != "U"}
    for archive, table in tables.items():
        own = {name for name, kind, *_ in table if kind != "U"}
        used = {(name, member) for name, kind, _, member in table if kind in "Uwv" and name not in own}
        for name, member in sorted(used):
            if ANYWHERE.match(name) or name in of_proto:
                continue
            if archive == "xuelian_proto" and IN_PROTO.match(name):
                continue
            if archive == "xuelian_proto" and member in IN_OBJECT and IN_OBJECT[member].match(name):
                continue
            yield f"lib{archive}.a uses {name} in {member}: a pure part takes it as an input, or the caller does it"
        for name, kind, section, _ in table:
            if kind in "bBdDCsSuV" and not section.startswith(READ_ONLY) and not INSTRUMENTATION.search(name):
                yield f"lib{archive}.a keeps {name} in {section}: a pure part has no state of its own; make it const"
