"""The cost of the C headers in instructions, against what one would write by hand with packed structs.

Counted by callgrind, so the figures do not depend on the machine's load: each program runs with and without its work,
and the difference counts.

    python bench/bench_c.py [HEADERS]        the folder that holds virtwire/ (default: generated/c/include)
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 1000
LIMITS = {"read": 1.0, "write": 1.0, "walk": 1.1, "append": 1.1, "compose": 1.1}

# Data comes through a pointer that the compiler cannot see through, and goes where it cannot leave it out.
FRAME = """\
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
{code}
static uint8_t data[1 << 16];
int main(int argc, char **argv)
{{
    uint8_t *volatile hidden = data;
    volatile uint64_t sink = 0;
    long rounds = argc > 1 ? atol(argv[1]) : 0;
    size_t size = fill(data);
    for (long i = 0; i < rounds; i++)
        sink += work(hidden, size);
    return sink == 1;
}}
"""

PACKED = """\
struct __attribute__((packed)) config {
    uint8_t mac[6]; uint16_t status, max_virtqueue_pairs, mtu; uint32_t speed; uint8_t duplex, rss_max_key_size;
    uint16_t rss_max_indirection_table_length; uint32_t supported_hash_types, supported_tunnel_types;
};
struct __attribute__((packed)) tlv { uint32_t type, reserved; uint64_t length; uint8_t value[]; };
struct __attribute__((packed)) context { uint32_t field_count; uint8_t fields[]; };
struct __attribute__((packed)) queue { uint16_t vq_index, dev_avail_idx; uint8_t enabled; };
"""

NO_DATA = "static size_t fill(uint8_t *at) { memset(at, 7, 64); return 64; }\n"

NOTHING = "static size_t fill(uint8_t *at) { (void)at; return 1 << 16; }\n"

# 200 records of 5 bytes each, as a device with many queues has them
CONTEXT = """\
static size_t fill(uint8_t *at)
{
    size_t size = 4;
    memcpy(at, "\\310\\0\\0\\0", 4);
    for (int i = 0; i < 200; i++) {
        memset(at + size, 0, 16);
        at[size] = 4;
        at[size + 8] = 5;
        memset(at + size + 16, i, 5);
        size += 21;
    }
    return size;
}
"""

OURS = {
    "read": """\
#include <virtwire/net.h>
__attribute__((noinline)) static uint64_t work(uint8_t *at, size_t size)
{
    const struct virtio_net_config *c = (const struct virtio_net_config *)at;
    (void)size;
    return (uint64_t)virtio_le16_to_cpu(c->mtu) + virtio_le32_to_cpu(c->speed)
        + virtio_le16_to_cpu(c->rss_max_indirection_table_length) + virtio_le32_to_cpu(c->supported_hash_types)
        + c->duplex;
}
"""
    + NO_DATA,
    "write": """\
#include <virtwire/net.h>
__attribute__((noinline)) static uint64_t work(uint8_t *at, size_t size)
{
    struct virtio_net_config *c = (struct virtio_net_config *)at;
    c->mtu = virtio_cpu_to_le16((uint16_t)size);
    c->speed = virtio_cpu_to_le32((uint32_t)size);
    c->duplex = (uint8_t)size;
    c->supported_hash_types = virtio_cpu_to_le32((uint32_t)size);
    return 0;
}
"""
    + NO_DATA,
    "walk": """\
#include <virtwire/device_context.h>
__attribute__((noinline)) static uint64_t work(uint8_t *at, size_t size)
{
    const struct virtio_dev_ctx *context = (const struct virtio_dev_ctx *)at;
    struct virtio_dev_ctx_field_tlv_parts field;
    const struct virtio_dev_ctx_field_tlv *tlv;
    uint64_t sum = 0;
    struct virtwire_cursor cursor;
    if (size < sizeof(*context))
        return 0;
    cursor = virtwire_counted(at + sizeof(*context), size - sizeof(*context), virtio_le32_to_cpu(context->field_count));
    while ((tlv = virtio_dev_ctx_field_tlv_next(&cursor, &field)) != NULL) {
        const struct virtio_dev_ctx_vq_split_runtime *queue =
            (const struct virtio_dev_ctx_vq_split_runtime *)((const uint8_t *)tlv + field.value.offset);
        if (virtio_le32_to_cpu(tlv->type) == 4 && field.value.size >= sizeof(*queue))
            sum += virtio_le16_to_cpu(queue->dev_avail_idx);
    }
    return cursor.error == 0 ? sum : 0;
}
"""
    + CONTEXT,
    # the same records written
    "append": """\
#include <virtwire/device_context.h>
__attribute__((noinline)) static uint64_t work(uint8_t *at, size_t size)
{
    struct virtwire_writer writer = virtwire_write_to(at, size);
    struct virtio_dev_ctx_field_tlv head = { { { 4 } }, { { 0 } }, { { 0 } } };
    struct virtio_dev_ctx_vq_split_runtime queue = { { { 0 } }, { { 0 } }, 1 };
    for (uint16_t i = 0; i < 200; i++) {
        queue.vq_index = virtio_cpu_to_le16(i);
        if (virtio_dev_ctx_field_tlv_write(&writer, &head, &queue, sizeof(queue)) != 0)
            return 0;
    }
    return writer.size;
}
"""
    + NOTHING,
    # a message of several parts, whose lengths follow from them
    "compose": """\
#include <virtwire/net.h>
__attribute__((noinline)) static uint64_t work(uint8_t *at, size_t size)
{
    struct virtwire_writer writer = virtwire_write_to(at, size);
    struct virtio_net_rss_config head = { { { 1 } }, { { 0 } }, { { 2 } } };
    struct virtio_net_rss_config_content content = { { at + 4096, 256 }, { { 3 } }, 0, { at + 8192, 40 } };
    return virtio_net_rss_config_write(&writer, &head, &content) == 0 ? writer.size : 0;
}
"""
    + NOTHING,
}

BY_HAND = {
    "read": PACKED + """\
__attribute__((noinline)) static uint64_t work(uint8_t *at, size_t size)
{
    const struct config *c = (const struct config *)at;
    (void)size;
    return (uint64_t)c->mtu + c->speed + c->rss_max_indirection_table_length + c->supported_hash_types + c->duplex;
}
""" + NO_DATA,
    "write": PACKED + """\
__attribute__((noinline)) static uint64_t work(uint8_t *at, size_t size)
{
    struct config *c = (struct config *)at;
    c->mtu = (uint16_t)size;
    c->speed = (uint32_t)size;
    c->duplex = (uint8_t)size;
    c->supported_hash_types = (uint32_t)size;
    return 0;
}
""" + NO_DATA,
    "walk": PACKED + """\
__attribute__((noinline)) static uint64_t work(uint8_t *at, size_t size)
{
    const struct context *context = (const struct context *)at;
    uint64_t sum = 0;
    size_t next = sizeof(*context);
    if (size < sizeof(*context))
        return 0;
    for (uint32_t left = context->field_count; left != 0; left--) {
        const struct tlv *tlv = (const struct tlv *)(at + next);
        if (size - next < sizeof(*tlv) || tlv->length > size - next - sizeof(*tlv))
            return 0;
        const struct queue *queue = (const struct queue *)tlv->value;
        if (tlv->type == 4 && tlv->length >= sizeof(*queue))
            sum += queue->dev_avail_idx;
        next += sizeof(*tlv) + tlv->length;
    }
    return sum;
}
""" + CONTEXT,
    "append": PACKED + """\
__attribute__((noinline)) static uint64_t work(uint8_t *at, size_t size)
{
    size_t next = 0;
    for (uint16_t i = 0; i < 200; i++) {
        struct tlv *tlv = (struct tlv *)(at + next);
        struct queue queue = { i, 0, 1 };
        if (size - next < sizeof(*tlv) + sizeof(queue))
            return 0;
        tlv->type = 4;
        tlv->reserved = 0;
        tlv->length = sizeof(queue);
        memcpy(tlv->value, &queue, sizeof(queue));
        next += sizeof(*tlv) + sizeof(queue);
    }
    return next;
}
""" + NOTHING,
    "compose": PACKED + """\
struct __attribute__((packed)) rss { uint32_t hash_types; uint16_t mask, unclassified; uint16_t table[]; };
struct parts { const void *table; size_t table_size; uint16_t max_tx_vq; const void *key; size_t key_size; };
static int put(uint8_t *at, size_t room, uint32_t types, uint16_t unclassified, const struct parts *parts, size_t *size)
{
    struct rss *rss = (struct rss *)at;
    size_t next = sizeof(*rss);
    if (parts->table_size % 2 != 0 || parts->table_size < 2 || parts->table_size > 131072 || parts->key_size > 255)
        return -1;
    if (room < sizeof(*rss) || parts->table_size > room - sizeof(*rss) ||
        parts->key_size + 3 > room - sizeof(*rss) - parts->table_size)
        return -1;
    rss->hash_types = types;
    rss->mask = (uint16_t)(parts->table_size / 2 - 1);
    rss->unclassified = unclassified;
    memcpy(at + next, parts->table, parts->table_size);
    next += parts->table_size;
    memcpy(at + next, &parts->max_tx_vq, 2);
    at[next + 2] = (uint8_t)parts->key_size;
    memcpy(at + next + 3, parts->key, parts->key_size);
    *size = next + 3 + parts->key_size;
    return 0;
}
__attribute__((noinline)) static uint64_t work(uint8_t *at, size_t size)
{
    struct parts parts = { at + 4096, 256, 3, at + 8192, 40 };
    size_t written;
    return put(at, size, 1, 2, &parts, &written) == 0 ? written : 0;
}
""" + NOTHING,
}  # fmt: skip


def instructions(code: str, compiler: str, headers: Path, directory: Path) -> float:
    """The instructions that one round of a program's work takes."""
    (directory / "program.c").write_text(FRAME.format(code=code))
    program = directory / "program"
    command = [compiler, "-std=gnu11", "-O2", f"-I{headers}", str(directory / "program.c"), "-o", str(program)]
    subprocess.run(command, check=True)
    counts = []
    for rounds in (0, ROUNDS):
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out", str(program), str(rounds)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        match = re.search(r"Collected : (\d+)", result.stderr)
        if match is None:
            sys.exit(f"valgrind failed:\n{result.stderr}")
        counts.append(int(match[1]))
    return (counts[1] - counts[0]) / ROUNDS


def main(arguments: list[str]) -> int:
    headers = Path(arguments[0]) if arguments else ROOT / "generated" / "c" / "include"
    if not (headers / "virtwire" / "types.h").is_file():
        sys.exit(f"no headers in {headers}; run `virtspec generate`")
    if shutil.which("valgrind") is None:
        print("bench_c: valgrind is not installed; nothing measured")
        return 0
    worst = 0
    print(f"{'instructions a round':24}{'virtwire':>10}{'by hand':>10}{'ratio':>8}{'limit':>8}")
    with tempfile.TemporaryDirectory() as directory:
        for compiler in filter(shutil.which, ("gcc", "clang")):
            for name, limit in LIMITS.items():
                ours = instructions(OURS[name], compiler, headers, Path(directory))
                hand = instructions(BY_HAND[name], compiler, headers, Path(directory))
                ratio = ours / hand
                worst += ratio > limit
                print(f"{f'{name}, {compiler}':24}{ours:10.1f}{hand:10.1f}{ratio:8.3f}{limit:8.1f}")
    return 1 if worst else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
