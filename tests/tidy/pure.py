"""What the pure archives may use: nothing that allocates, reads a clock, a file or a socket, or keeps state."""

import os
import re
import subprocess

ARCHIVES = ("xuelian_proto", "xuelian_consensus", "xuelian_verify")

# Any pure archive.
ANYWHERE = re.compile(
    r"^(mem(cpy|move|set|cmp|chr|rchr)|str(len|nlen|cmp|ncmp|chr|rchr|spn|cspn)|v?snprintf|bsearch"
    r"|__(mem(cpy|move|set)|v?snprintf)_chk|__isoc\w+_strto\w+|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_"
    r"|__(asan|ubsan|tsan|msan|sanitizer)_\w+|_?__asan_\w+|__tls_get_addr|__start_asan_globals|__stop_asan_globals)$"
)
# proto alone: our hashes, signatures and wire format rest on these.
IN_PROTO = re.compile(r"^(secp256k1_\w+|SHA256\w*|OPENSSL_cleanse|EVP_\w+|protobuf_c_\w+)$")
# Written by the sanitizers' instrumentation, not by us.
INSTRUMENTATION = re.compile(r"(^|[_.])[_L]*(asan|ubsan|tsan|msan|odr_asan|sancov)[_.]|_sub_[ID]_00099_\d+|asan_module_")
READ_ONLY = (".rodata", ".data.rel.ro", ".text", ".note", ".comment", ".eh_frame", ".debug", ".group", ".init_array", ".fini_array")


def symbols(archive):
    """Name, class letter and section of every symbol. Sections tell constants with pointers from writable data."""
    listed = subprocess.run(["nm", "--format=sysv", archive], capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        raise OSError(f"nm cannot read {archive}: {listed.stderr.strip()}")
    for line in listed.stdout.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 7 and cells[0] != "Name":
            yield cells[0], cells[2], cells[6]


def pure(build):
    tables = {}
    for name in ARCHIVES:
        path = os.path.join(build, "lib", f"lib{name}.a")
        if not os.path.exists(path):
            yield f"lib{name}.a is not in {build}/lib: build it first, or mend its name in CMakeLists.txt"
            continue
        tables[name] = list(symbols(path))
    of_proto = {name for name, kind, _ in tables.get("xuelian_proto", []) if kind.isupper() and kind != "U"}
    for archive, table in tables.items():
        own = {name for name, kind, _ in table if kind != "U"}
        used = {name for name, kind, _ in table if kind in "Uwv"} - own
        for name in sorted(used):
            if ANYWHERE.match(name) or name in of_proto:
                continue
            if archive == "xuelian_proto" and IN_PROTO.match(name):
                continue
            yield f"lib{archive}.a uses {name}: a pure part takes it as an input, or the caller does it"
        for name, kind, section in table:
            if kind in "bBdDCsSuV" and not section.startswith(READ_ONLY) and not INSTRUMENTATION.search(name):
                yield f"lib{archive}.a keeps {name} in {section}: a pure part has no state of its own; make it const"
