/* Writes the context of a device with one virtqueue, and reads it back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <virtwire/device_context.h>

static int save(struct virtwire_writer *writer)
{
    struct virtwire_writer fields = virtwire_write_behind(writer, sizeof(struct virtio_dev_ctx));
    struct virtio_dev_ctx context;
    struct virtio_dev_ctx_field_tlv field;
    struct virtio_dev_ctx_vq_split_runtime queue;
    virtio_le64 features;
    int error;

    memset(&field, 0, sizeof(field));
    field.type = virtio_cpu_to_le32(VIRTIO_DEV_CTX_DEV_FEATURES);
    features = virtio_cpu_to_le64((1ULL << 32) | 1);
    error = virtio_dev_ctx_field_tlv_write(&fields, &field, &features, sizeof(features));
    if (error != 0)
        return error;

    field.type = virtio_cpu_to_le32(VIRTIO_DEV_CTX_VQ_SPLIT_RUNTIME_CFG);
    queue.vq_index = virtio_cpu_to_le16(3);
    queue.dev_avail_idx = virtio_cpu_to_le16(0x1234);
    queue.enabled = 1;
    error = virtio_dev_ctx_field_tlv_write(&fields, &field, &queue, sizeof(queue));
    if (error != 0)
        return error;

    /* the fields stand where they belong; what goes before them has their number */
    memset(&context, 0, sizeof(context));
    return virtio_dev_ctx_write(writer, &context, NULL, fields.size);
}

static int restore(const void *message, size_t size)
{
    struct virtio_dev_ctx_parts parts;
    struct virtio_dev_ctx_field_tlv_parts field;
    struct virtwire_cursor cursor;
    const struct virtio_dev_ctx_field_tlv *tlv;
    size_t seen[16];
    struct virtwire_rules rules = { NULL, seen, 16, 0 };
    int error = virtio_dev_ctx_check(message, size, &rules);

    if (error != 0) {
        printf("wrong field '%s' (problem %d)\n", virtio_dev_ctx_field_name(virtwire_field(error)),
            (int)virtwire_problem(error));
        return error;
    }
    (void)virtio_dev_ctx_parse(message, size, &parts);
    cursor = virtwire_records((const uint8_t *)message + parts.fields.offset, parts.fields.size);
    while ((tlv = virtio_dev_ctx_field_tlv_next(&cursor, &field)) != NULL) {
        const uint8_t *value = (const uint8_t *)tlv + field.value.offset;

        switch (virtio_le32_to_cpu(tlv->type)) {
        case VIRTIO_DEV_CTX_DEV_FEATURES:
            printf("features 0x%" PRIx64 "\n", virtio_get_le64(value));
            break;
        case VIRTIO_DEV_CTX_VQ_SPLIT_RUNTIME_CFG: {
            const struct virtio_dev_ctx_vq_split_runtime *queue = (const struct virtio_dev_ctx_vq_split_runtime *)value;

            printf("queue %u: next available 0x%x, %s\n", (unsigned)virtio_le16_to_cpu(queue->vq_index),
                (unsigned)virtio_le16_to_cpu(queue->dev_avail_idx), queue->enabled ? "enabled" : "disabled");
            break;
        }
        default:
            break;
        }
    }
    return cursor.error;
}

int main(void)
{
    uint8_t buffer[128];
    struct virtwire_writer writer = virtwire_write_to(buffer, sizeof(buffer));

    if (save(&writer) != 0)
        return 1;
    printf("%zu bytes\n", writer.size);
    if (restore(buffer, writer.size) != 0)
        return 1;
    /* a queue that says of itself that it is longer than the message */
    virtio_put_le64(buffer + 4 + 16 + 8 + 8, 100);
    return restore(buffer, writer.size) != 0 ? 0 : 1;
}
