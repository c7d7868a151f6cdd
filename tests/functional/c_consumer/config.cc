// Reads a network device's configuration in C++.
#include <cstdint>
#include <cstdio>
#include <vector>

#include <virtwire/common.h>
#include <virtwire/net.h>

int main()
{
    std::vector<std::uint8_t> space(sizeof(virtio_net_config) + 1);
    // configuration space lies wherever it lies: no alignment is needed
    auto *config = reinterpret_cast<virtio_net_config *>(space.data() + 1);

    config->mtu = virtio_cpu_to_le16(1500);
    std::printf("mtu %d, feature %d is %s, device 1 is a %s\n", virtio_le16_to_cpu(config->mtu), VIRTIO_NET_F_MTU,
        virtio_net_feature_name(VIRTIO_NET_F_MTU), virtio_common_device_types_name(1));
    return space[11] == 0xdc && space[12] == 0x05 ? 0 : 1;
}
