/* A testee that is not ours in substance: the structures of the Linux UAPI headers, as a driver there declares them.
 *
 * The paths are the specification's names, the members Linux's. What Linux does not have the way the specification has it
 * stands in linux_uapi.expected with its reason.
 */
#include <endian.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_console.h>
#include <linux/virtio_crypto.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_gpio.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_i2c.h>
#include <linux/virtio_input.h>
#include <linux/virtio_iommu.h>
#include <linux/virtio_mem.h>
#include <linux/virtio_net.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_pmem.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_snd.h>
#include <linux/virtio_vsock.h>
/* these two use types that they leave to their user */
#include <linux/types.h>
#include <linux/virtio_scsi.h>

#include "testee.h"

#define U8(path, member) TESTEE_INTEGER(t, path, 8, s->member, s->member = (uint8_t)value)
#define LE16(path, member) TESTEE_INTEGER(t, path, 16, le16toh(s->member), s->member = htole16((uint16_t)value))
#define LE32(path, member) TESTEE_INTEGER(t, path, 32, le32toh(s->member), s->member = htole32((uint32_t)value))
#define LE64(path, member) TESTEE_INTEGER(t, path, 64, le64toh(s->member), s->member = htole64(value))
#define BYTES(path, member) TESTEE_BYTES(t, path, (void *)s->member, sizeof(s->member))
/* some bits of a little-endian integer */
#define LE_BITS(path, bits, shift, width, member)                                                                      \
    TESTEE_INTEGER(t, path, width, le##bits##toh(s->member) >> (shift) & ((UINT64_C(1) << (width)) - 1),               \
        s->member = htole##bits((uint##bits##_t)((le##bits##toh(s->member) &                                           \
            ~(((UINT64_C(1) << (width)) - 1) << (shift))) | value << (shift))))

#define VISIT(type) static void visit_##type(struct testee *t, void *at)
#define STRUCT(name, type) { name, sizeof(struct type), visit_##type }

VISIT(virtio_net_config)
{
    struct virtio_net_config *s = at;

    BYTES("mac", mac);
    LE16("status", status);
    LE16("max_virtqueue_pairs", max_virtqueue_pairs);
    LE16("mtu", mtu);
    LE32("speed", speed);
    U8("duplex", duplex);
    U8("rss_max_key_size", rss_max_key_size);
    LE16("rss_max_indirection_table_length", rss_max_indirection_table_length);
    LE32("supported_hash_types", supported_hash_types);
}

#ifdef VIRTIO_BLK_F_ZONED
VISIT(virtio_blk_config)
{
    struct virtio_blk_config *s = at;

    LE64("capacity", capacity);
    LE32("size_max", size_max);
    LE32("seg_max", seg_max);
    LE16("geometry.cylinders", geometry.cylinders);
    U8("geometry.heads", geometry.heads);
    U8("geometry.sectors", geometry.sectors);
    LE32("blk_size", blk_size);
    U8("topology.physical_block_exp", physical_block_exp);
    U8("topology.alignment_offset", alignment_offset);
    LE16("topology.min_io_size", min_io_size);
    LE32("topology.opt_io_size", opt_io_size);
    U8("writeback", wce);
    U8("unused0", unused);
    LE16("num_queues", num_queues);
    LE32("max_discard_sectors", max_discard_sectors);
    LE32("max_discard_seg", max_discard_seg);
    LE32("discard_sector_alignment", discard_sector_alignment);
    LE32("max_write_zeroes_sectors", max_write_zeroes_sectors);
    LE32("max_write_zeroes_seg", max_write_zeroes_seg);
    U8("write_zeroes_may_unmap", write_zeroes_may_unmap);
    BYTES("unused1", unused1);
    LE32("max_secure_erase_sectors", max_secure_erase_sectors);
    LE32("max_secure_erase_seg", max_secure_erase_seg);
    LE32("secure_erase_sector_alignment", secure_erase_sector_alignment);
    LE32("zoned.zone_sectors", zoned.zone_sectors);
    LE32("zoned.max_open_zones", zoned.max_open_zones);
    LE32("zoned.max_active_zones", zoned.max_active_zones);
    LE32("zoned.max_append_sectors", zoned.max_append_sectors);
    LE32("zoned.write_granularity", zoned.write_granularity);
    U8("zoned.model", zoned.model);
    BYTES("zoned.unused2", zoned.unused2);
}
#endif

VISIT(virtio_blk_discard_write_zeroes)
{
    struct virtio_blk_discard_write_zeroes *s = at;

    LE64("sector", sector);
    LE32("num_sectors", num_sectors);
    LE_BITS("flags.unmap", 32, 0, 1, flags);
    LE_BITS("flags.reserved", 32, 1, 31, flags);
}

VISIT(virtio_console_config)
{
    struct virtio_console_config *s = at;

    LE16("cols", cols);
    LE16("rows", rows);
    LE32("max_nr_ports", max_nr_ports);
    LE32("emerg_wr", emerg_wr);
}

VISIT(virtio_console_control)
{
    struct virtio_console_control *s = at;

    LE32("id", id);
    LE16("event", event);
    LE16("value", value);
}

VISIT(virtio_balloon_config)
{
    struct virtio_balloon_config *s = at;

    LE32("num_pages", num_pages);
    LE32("actual", actual);
    LE32("free_page_hint_cmd_id", free_page_hint_cmd_id);
    LE32("poison_val", poison_val);
}

VISIT(virtio_balloon_stat)
{
    struct virtio_balloon_stat *s = at;

    LE16("tag", tag);
    LE64("val", val);
}

VISIT(virtio_scsi_config)
{
    struct virtio_scsi_config *s = at;

    LE32("num_queues", num_queues);
    LE32("seg_max", seg_max);
    LE32("max_sectors", max_sectors);
    LE32("cmd_per_lun", cmd_per_lun);
    LE32("event_info_size", event_info_size);
    LE32("sense_size", sense_size);
    LE32("cdb_size", cdb_size);
    LE16("max_channel", max_channel);
    LE16("max_target", max_target);
    LE32("max_lun", max_lun);
}

VISIT(virtio_scsi_event)
{
    struct virtio_scsi_event *s = at;

    LE32("event", event);
    BYTES("lun", lun);
    LE32("reason", reason);
}

static void visit_gpu_hdr(struct testee *t, struct virtio_gpu_ctrl_hdr *s, bool nested)
{
    LE32(nested ? "hdr.type" : "type", type);
    LE32(nested ? "hdr.flags" : "flags", flags);
    LE64(nested ? "hdr.fence_id" : "fence_id", fence_id);
    LE32(nested ? "hdr.ctx_id" : "ctx_id", ctx_id);
    U8(nested ? "hdr.ring_idx" : "ring_idx", ring_idx);
    BYTES(nested ? "hdr.padding" : "padding", padding);
}

VISIT(virtio_gpu_ctrl_hdr)
{
    visit_gpu_hdr(t, at, false);
}

VISIT(virtio_gpu_config)
{
    struct virtio_gpu_config *s = at;

    LE32("events_read", events_read);
    LE32("events_clear", events_clear);
    LE32("num_scanouts", num_scanouts);
    LE32("num_capsets", num_capsets);
}

VISIT(virtio_gpu_resource_create_2d)
{
    struct virtio_gpu_resource_create_2d *s = at;

    visit_gpu_hdr(t, &s->hdr, true);
    LE32("resource_id", resource_id);
    LE32("format", format);
    LE32("width", width);
    LE32("height", height);
}

VISIT(virtio_gpu_resource_create_blob)
{
    struct virtio_gpu_resource_create_blob *s = at;

    visit_gpu_hdr(t, &s->hdr, true);
    LE32("resource_id", resource_id);
    LE32("blob_mem", blob_mem);
    LE32("blob_flags", blob_flags);
    LE32("nr_entries", nr_entries);
    LE64("blob_id", blob_id);
    LE64("size", size);
}

VISIT(virtio_input_absinfo)
{
    struct virtio_input_absinfo *s = at;

    LE32("min", min);
    LE32("max", max);
    LE32("fuzz", fuzz);
    LE32("flat", flat);
    LE32("res", res);
}

VISIT(virtio_input_config)
{
    struct virtio_input_config *s = at;

    U8("select", select);
    U8("subsel", subsel);
    U8("size", size);
    BYTES("reserved", reserved);
    BYTES("u.string", u.string);
    BYTES("u.bitmap", u.bitmap);
    LE32("u.abs.min", u.abs.min);
    LE32("u.abs.max", u.abs.max);
    LE32("u.abs.fuzz", u.abs.fuzz);
    LE32("u.abs.flat", u.abs.flat);
    LE32("u.abs.res", u.abs.res);
    LE16("u.ids.bustype", u.ids.bustype);
    LE16("u.ids.vendor", u.ids.vendor);
    LE16("u.ids.product", u.ids.product);
    LE16("u.ids.version", u.ids.version);
}

VISIT(virtio_input_event)
{
    struct virtio_input_event *s = at;

    LE16("type", type);
    LE16("code", code);
    LE32("value", value);
}

VISIT(virtio_iommu_config)
{
    struct virtio_iommu_config *s = at;

    LE64("page_size_mask", page_size_mask);
    LE64("input_range.start", input_range.start);
    LE64("input_range.end", input_range.end);
    LE32("domain_range.start", domain_range.start);
    LE32("domain_range.end", domain_range.end);
    LE32("probe_size", probe_size);
    U8("bypass", bypass);
    BYTES("reserved", reserved);
}

VISIT(virtio_iommu_req_map)
{
    struct virtio_iommu_req_map *s = at;

    U8("head.type", head.type);
    BYTES("head.reserved", head.reserved);
    LE32("domain", domain);
    LE64("virt_start", virt_start);
    LE64("virt_end", virt_end);
    LE64("phys_start", phys_start);
    LE32("flags", flags);
    U8("tail.status", tail.status);
    BYTES("tail.reserved", tail.reserved);
}

VISIT(virtio_iommu_fault)
{
    struct virtio_iommu_fault *s = at;

    U8("reason", reason);
    BYTES("reserved", reserved);
    LE32("flags", flags);
    LE32("endpoint", endpoint);
    BYTES("reserved1", reserved2);
    LE64("address", address);
}

VISIT(virtio_mem_config)
{
    struct virtio_mem_config *s = at;

    LE64("block_size", block_size);
    LE16("node_id", node_id);
    BYTES("padding", padding);
    LE64("addr", addr);
    LE64("region_size", region_size);
    LE64("usable_region_size", usable_region_size);
    LE64("plugged_size", plugged_size);
    LE64("requested_size", requested_size);
}

VISIT(virtio_crypto_config)
{
    struct virtio_crypto_config *s = at;

    LE32("status", status);
    LE32("max_dataqueues", max_dataqueues);
    LE32("crypto_services", crypto_services);
    LE32("cipher_algo_l", cipher_algo_l);
    LE32("cipher_algo_h", cipher_algo_h);
    LE32("hash_algo", hash_algo);
    LE32("mac_algo_l", mac_algo_l);
    LE32("mac_algo_h", mac_algo_h);
    LE32("aead_algo", aead_algo);
    LE32("max_cipher_key_len", max_cipher_key_len);
    LE32("max_auth_key_len", max_auth_key_len);
    LE32("akcipher_algo", akcipher_algo);
    LE64("max_size", max_size);
}

VISIT(virtio_fs_config)
{
    struct virtio_fs_config *s = at;

    BYTES("tag", tag);
    LE32("num_request_queues", num_request_queues);
}

VISIT(virtio_vsock_config)
{
    struct virtio_vsock_config *s = at;

    LE64("guest_cid", guest_cid);
}

VISIT(virtio_vsock_hdr)
{
    struct virtio_vsock_hdr *s = at;

    LE64("src_cid", src_cid);
    LE64("dst_cid", dst_cid);
    LE32("src_port", src_port);
    LE32("dst_port", dst_port);
    LE32("len", len);
    LE16("type", type);
    LE16("op", op);
    LE32("flags", flags);
    LE32("buf_alloc", buf_alloc);
    LE32("fwd_cnt", fwd_cnt);
}

VISIT(virtio_pmem_config)
{
    struct virtio_pmem_config *s = at;

    LE64("start", start);
    LE64("size", size);
}

VISIT(virtio_pci_cap)
{
    struct virtio_pci_cap *s = at;

    U8("cap_vndr", cap_vndr);
    U8("cap_next", cap_next);
    U8("cap_len", cap_len);
    U8("cfg_type", cfg_type);
    U8("bar", bar);
    U8("id", id);
    BYTES("padding", padding);
    LE32("offset", offset);
    LE32("length", length);
}

VISIT(virtio_pci_common_cfg)
{
    struct virtio_pci_common_cfg *s = at;

    LE32("device_feature_select", device_feature_select);
    LE32("device_feature", device_feature);
    LE32("driver_feature_select", guest_feature_select);
    LE32("driver_feature", guest_feature);
    LE16("config_msix_vector", msix_config);
    LE16("num_queues", num_queues);
    U8("device_status", device_status);
    U8("config_generation", config_generation);
    LE16("queue_select", queue_select);
    LE16("queue_size", queue_size);
}

VISIT(virtio_i2c_out_hdr)
{
    struct virtio_i2c_out_hdr *s = at;

    LE16("addr", addr);
    LE16("padding", padding);
    LE32("flags", flags);
}

VISIT(virtio_gpio_config)
{
    struct virtio_gpio_config *s = at;

    LE16("ngpio", ngpio);
    BYTES("padding", padding);
    LE32("gpio_names_size", gpio_names_size);
}

VISIT(virtio_gpio_request)
{
    struct virtio_gpio_request *s = at;

    LE16("type", type);
    LE16("gpio", gpio);
    LE32("value", value);
}

#ifdef VIRTIO_SND_F_CTLS
VISIT(virtio_snd_config)
{
    struct virtio_snd_config *s = at;

    LE32("jacks", jacks);
    LE32("streams", streams);
    LE32("chmaps", chmaps);
    LE32("controls", controls);
}
#endif

VISIT(virtio_snd_pcm_info)
{
    struct virtio_snd_pcm_info *s = at;

    LE32("hdr.hda_fn_nid", hdr.hda_fn_nid);
    LE32("features", features);
    LE64("formats", formats);
    LE64("rates", rates);
    U8("direction", direction);
    U8("channels_min", channels_min);
    U8("channels_max", channels_max);
    BYTES("padding", padding);
}

VISIT(vring_desc)
{
    struct vring_desc *s = at;

    LE64("addr", addr);
    LE32("len", len);
    LE16("flags", flags);
    LE16("next", next);
}

VISIT(vring_used_elem)
{
    struct vring_used_elem *s = at;

    LE32("id", id);
    LE32("len", len);
}

VISIT(vring_packed_desc)
{
    struct vring_packed_desc *s = at;

    LE64("addr", addr);
    LE32("len", len);
    LE16("id", id);
    LE16("flags", flags);
}

VISIT(vring_packed_desc_event)
{
    struct vring_packed_desc_event *s = at;

    LE_BITS("desc.desc_event_off", 16, 0, 15, off_wrap);
    LE_BITS("desc.desc_event_wrap", 16, 15, 1, off_wrap);
    LE_BITS("flags.desc_event_flags", 16, 0, 2, flags);
    LE_BITS("flags.reserved", 16, 2, 14, flags);
}

static const struct testee_struct structs[] = {
    STRUCT("virtio_net_config", virtio_net_config),
#ifdef VIRTIO_BLK_F_ZONED
    STRUCT("virtio_blk_config", virtio_blk_config),
#endif
    STRUCT("virtio_blk_discard_write_zeroes", virtio_blk_discard_write_zeroes),
    STRUCT("virtio_console_config", virtio_console_config),
    STRUCT("virtio_console_control", virtio_console_control),
    STRUCT("virtio_balloon_config", virtio_balloon_config),
    STRUCT("virtio_balloon_stat", virtio_balloon_stat),
    STRUCT("virtio_scsi_config", virtio_scsi_config),
    STRUCT("virtio_scsi_event", virtio_scsi_event),
    STRUCT("virtio_gpu_ctrl_hdr", virtio_gpu_ctrl_hdr),
    STRUCT("virtio_gpu_config", virtio_gpu_config),
    STRUCT("virtio_gpu_resource_create_2d", virtio_gpu_resource_create_2d),
    STRUCT("virtio_gpu_resource_create_blob", virtio_gpu_resource_create_blob),
    STRUCT("virtio_input_absinfo", virtio_input_absinfo),
    STRUCT("virtio_input_config", virtio_input_config),
    STRUCT("virtio_input_event", virtio_input_event),
    STRUCT("virtio_iommu_config", virtio_iommu_config),
    STRUCT("virtio_iommu_req_map", virtio_iommu_req_map),
    STRUCT("virtio_iommu_fault", virtio_iommu_fault),
    STRUCT("virtio_mem_config", virtio_mem_config),
    STRUCT("virtio_crypto_config", virtio_crypto_config),
    STRUCT("virtio_fs_config", virtio_fs_config),
    STRUCT("virtio_vsock_config", virtio_vsock_config),
    STRUCT("virtio_vsock_hdr", virtio_vsock_hdr),
    STRUCT("virtio_pmem_config", virtio_pmem_config),
    STRUCT("virtio_pci_cap", virtio_pci_cap),
    STRUCT("virtio_pci_common_cfg", virtio_pci_common_cfg),
    STRUCT("virtio_i2c_out_hdr", virtio_i2c_out_hdr),
    STRUCT("virtio_gpio_config", virtio_gpio_config),
    STRUCT("virtio_gpio_request", virtio_gpio_request),
    STRUCT("virtio_snd_pcm_info", virtio_snd_pcm_info),
#ifdef VIRTIO_SND_F_CTLS
    STRUCT("virtio_snd_config", virtio_snd_config),
#endif
    STRUCT("virtq_desc", vring_desc),
    STRUCT("virtq_used_elem", vring_used_elem),
    STRUCT("pvirtq_desc", vring_packed_desc),
    STRUCT("pvirtq_event_suppress", vring_packed_desc_event),
};

int main(void)
{
    return testee_main(structs, sizeof(structs) / sizeof(structs[0]));
}
