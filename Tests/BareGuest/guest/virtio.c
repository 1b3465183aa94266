#include "virtio.h"
#include "interrupts.h"
#include "memory.h"

enum {
    virtio_vendor = 0x1af4,
    virtio_modern_base = 0x1040,
    virtio_modern_last = 0x107f,
    capability_vendor = 0x09,
    capability_msix = 0x11,
    type_common = 1,
    type_notify = 2,
    type_isr = 3,
    type_device = 4,
    type_shared_memory = 8,
    most_devices = 32,
};

enum { // common configuration, 4.1.4.3
    common_device_feature_select = 0x00,
    common_device_feature = 0x04,
    common_driver_feature_select = 0x08,
    common_driver_feature = 0x0c,
    common_config_vector = 0x10,
    common_status = 0x14,
    common_queue_select = 0x16,
    common_queue_size = 0x18,
    common_queue_vector = 0x1a,
    common_queue_enable = 0x1c,
    common_queue_notify_offset = 0x1e,
    common_queue_descriptors = 0x20,
    common_queue_available = 0x28,
    common_queue_used = 0x30,
};

uint64_t virtio_timeout = 10000000000;
static struct virtio_device devices[most_devices];
static uint32_t device_count;

uint32_t virtio_count(void) { return device_count; }

struct virtio_device *virtio_at(uint32_t index) { return index < device_count ? &devices[index] : NULL; }

uint32_t virtio_arena(const struct virtio_device *device) { return arena_base + device->index * arena_per_device; }

// The place of the device at this function: its own, or a new one; NULL if there is none left.
static struct virtio_device *place_of(pci_function function) {
    for (uint32_t i = 0; i < device_count; i++) {
        if (devices[i].function == function) return &devices[i];
    }
    return device_count < most_devices ? &devices[device_count++] : NULL;
}

static void forget(struct virtio_device *device, pci_function function) {
    memory_fill(device, 0, sizeof *device);
    device->function = function;
    device->index = device - devices;
}

static bool is_virtio(pci_function function, uint16_t *identifier) {
    uint32_t identity = pci_read(function, pci_vendor, 4), device = identity >> 16;
    *identifier = device - virtio_modern_base;
    return (identity & 0xffff) == virtio_vendor && device >= virtio_modern_base && device <= virtio_modern_last;
}

uint32_t virtio_scan(void) {
    pci_function functions[64];
    for (uint32_t i = 0; i < device_count; i++) {
        if (!pci_exists(devices[i].function)) forget(&devices[i], devices[i].function);
    }
    uint32_t found = pci_scan(functions, COUNT_OF(functions));
    for (uint32_t i = 0; i < found; i++) {
        uint16_t identifier;
        if (!is_virtio(functions[i], &identifier)) continue;
        struct virtio_device *device = place_of(functions[i]);
        if (!device) break;
        if (!device->present || device->identifier != identifier) forget(device, functions[i]);
        device->present = true;
        device->identifier = identifier;
    }
    return device_count;
}

static uint64_t read_64(pci_function function, uint32_t low, uint32_t high) {
    return pci_read(function, low, 4) | (uint64_t)pci_read(function, high, 4) << 32;
}

static bool map_region(struct virtio_device *device, uint32_t capability, struct virtio_region *region) {
    if (region->at) return true; // the first capability of a kind is the device's preferred one, 4.1.4.1
    struct pci_bar bar;
    region->bar = pci_read(device->function, capability + 4, 1);
    region->offset = pci_read(device->function, capability + 8, 4);
    region->length = pci_read(device->function, capability + 12, 4);
    if (region->bar > 5 || !pci_bar_ensure(device->function, region->bar, &bar)) return false;
    region->at = memory_pin(bar.address + region->offset);
    return region->at != NULL;
}

static bool read_capability(struct virtio_device *device, uint32_t capability) {
    switch (pci_read(device->function, capability + 3, 1)) {
    case type_common: return map_region(device, capability, &device->common);
    case type_notify:
        device->notify_multiplier = pci_read(device->function, capability + 16, 4);
        return map_region(device, capability, &device->notify);
    case type_isr: return map_region(device, capability, &device->isr);
    case type_device: return map_region(device, capability, &device->device);
    case type_shared_memory:
        device->has_shared_memory = true;
        device->shared_memory_bar = pci_read(device->function, capability + 4, 1);
        device->shared_memory_id = pci_read(device->function, capability + 5, 1);
        device->shared_memory_offset = read_64(device->function, capability + 8, capability + 16);
        device->shared_memory_length = read_64(device->function, capability + 12, capability + 20);
        return true;
    default: return true;
    }
}

static volatile uint32_t *map_msix_part(struct virtio_device *device, uint32_t where) {
    struct pci_bar bar;
    if ((where & 7) > 5 || !pci_bar_ensure(device->function, where & 7, &bar)) return NULL;
    return memory_pin(bar.address + (where & ~7u));
}

static void map_msix(struct virtio_device *device) {
    uint32_t capability = pci_next_capability(device->function, capability_msix, 0);
    if (!capability) return;
    device->msix_capability = capability;
    device->msix_size = (pci_read(device->function, capability + 2, 2) & 0x7ff) + 1;
    device->msix_table = map_msix_part(device, pci_read(device->function, capability + 4, 4));
    device->msix_pending = map_msix_part(device, pci_read(device->function, capability + 8, 4));
}

const char *virtio_map(struct virtio_device *device) {
    if (device->mapped) return NULL;
    if (!device->present) return "no-device";
    uint32_t at = 0;
    while ((at = pci_next_capability(device->function, capability_vendor, at))) {
        if (!read_capability(device, at)) return "capability-not-mappable";
    }
    if (!device->common.at || !device->notify.at) return "no-modern-interface";
    map_msix(device);
    uint32_t command = pci_read(device->function, pci_command, 2);
    pci_write(device->function, pci_command, 2, command | pci_command_memory | pci_command_master);
    device->mapped = true;
    return NULL;
}

uint64_t virtio_offered_features(struct virtio_device *device) {
    volatile uint8_t *common = device->common.at;
    store32(common + common_device_feature_select, 0);
    uint64_t features = load32(common + common_device_feature);
    store32(common + common_device_feature_select, 1);
    return features | (uint64_t)load32(common + common_device_feature) << 32;
}

uint8_t virtio_status(struct virtio_device *device) { return load8(device->common.at + common_status); }

void virtio_set_status(struct virtio_device *device, uint8_t status) { store8(device->common.at + common_status, status); }

const char *virtio_reset(struct virtio_device *device) {
    device->ready = false;
    device->outstanding = device->next_slot = 0;
    virtio_set_status(device, 0);
    uint64_t begin = timestamp();
    while (virtio_status(device)) {
        if (timestamp() - begin > virtio_timeout) return "reset-timeout";
    }
    return NULL;
}

static const char *negotiate(struct virtio_device *device, uint64_t features) {
    volatile uint8_t *common = device->common.at;
    uint8_t status = virtio_status_acknowledge;
    virtio_set_status(device, status);
    virtio_set_status(device, status |= virtio_status_driver);
    store32(common + common_driver_feature_select, 0);
    store32(common + common_driver_feature, features);
    store32(common + common_driver_feature_select, 1);
    store32(common + common_driver_feature, features >> 32);
    virtio_set_status(device, status |= virtio_status_features_ok);
    if (!(virtio_status(device) & virtio_status_features_ok)) return "features-refused";
    device->features = features;
    return NULL;
}

static void msix_entry(struct virtio_device *device, uint32_t entry, uint32_t vector) {
    volatile uint32_t *at = device->msix_table + entry * 4;
    at[0] = interrupts_message_address();
    at[1] = 0;
    at[2] = vector;
    at[3] = 0;
}

static const char *start_interrupts(struct virtio_device *device, bool wanted) {
    volatile uint8_t *common = device->common.at;
    device->interrupts = wanted;
    if (!device->msix_table) return wanted ? "no-msix" : NULL;
    pci_write(device->function, device->msix_capability + 2, 2, wanted ? 0x8000 : 0);
    if (wanted && device->msix_size > 1) {
        msix_entry(device, 0, vector_configuration_base + device->index);
        msix_entry(device, 1, vector_queue_base + device->index);
    }
    uint16_t queue_vector = wanted ? 1 : virtio_no_vector, config_vector = wanted ? 0 : virtio_no_vector;
    store16(common + common_config_vector, config_vector);
    store16(common + common_queue_vector, queue_vector);
    if (load16(common + common_config_vector) != config_vector) return "config-vector-refused";
    if (load16(common + common_queue_vector) != queue_vector) return "queue-vector-refused";
    return NULL;
}

static uint64_t align_up(uint64_t address, uint32_t alignment) { return (address + alignment - 1) & -(uint64_t)alignment; }

// Descriptors, available, used, in this order (2.7: alignment 16, 2, 4), where the setup names no other place.
static bool place_ring(struct virtio_device *device, const struct virtio_setup *setup) {
    struct split_ring *ring = &device->ring;
    uint32_t size = ring->size, base = virtio_arena(device);
    uint64_t available = base + size * 16, used = align_up(available + 6 + size * 2, 4);
    ring->descriptors_address = setup->descriptors ? setup->descriptors : base;
    ring->available_address = setup->available ? setup->available : available;
    ring->used_address = setup->used ? setup->used : used;
    ring->descriptors = memory_pin(ring->descriptors_address);
    ring->available = memory_pin(ring->available_address);
    ring->used = memory_pin(ring->used_address);
    if (!ring->descriptors || !ring->available || !ring->used) return false;
    memory_fill(ring->descriptors, 0, size * 16);
    memory_fill(ring->available, 0, 6 + size * 2);
    memory_fill(ring->used, 0, 6 + size * 8);
    ring->offered = ring->published = ring->taken = 0;
    return true;
}

static void store64(volatile uint8_t *at, uint64_t value) {
    store32(at, value);
    store32(at + 4, value >> 32);
}

static const char *start_queue(struct virtio_device *device, const struct virtio_setup *setup) {
    volatile uint8_t *common = device->common.at;
    struct split_ring *ring = &device->ring;
    store16(common + common_queue_select, setup->queue);
    uint32_t offered = load16(common + common_queue_size), size = setup->size ? setup->size : offered;
    if (offered == 0) return "no-such-queue";
    if (size > split_ring_largest) size = split_ring_largest;
    if (size != offered) store16(common + common_queue_size, size);
    ring->size = load16(common + common_queue_size);
    if (ring->size != size) return "queue-size-refused";
    ring->event_index = device->features >> virtio_feature_event_index & 1;
    ring->suppress = setup->suppress;
    if (!place_ring(device, setup)) return "ring-not-mappable";
    split_ring_want_interrupt(ring, 0);
    store64(common + common_queue_descriptors, ring->descriptors_address);
    store64(common + common_queue_available, ring->available_address);
    store64(common + common_queue_used, ring->used_address);
    const char *reason = start_interrupts(device, setup->interrupts);
    if (reason) return reason;
    uint32_t offset = load16(common + common_queue_notify_offset) * device->notify_multiplier;
    device->doorbell = (volatile uint16_t *)(device->notify.at + offset);
    device->doorbell_value = setup->queue;
    store16(common + common_queue_enable, 1);
    return load16(common + common_queue_enable) == 1 ? NULL : "queue-not-enabled";
}

const char *virtio_start(struct virtio_device *device, const struct virtio_setup *setup) {
    const char *reason = virtio_map(device);
    if (!reason) reason = virtio_reset(device);
    if (!reason) reason = negotiate(device, setup->features);
    if (!reason) reason = start_queue(device, setup);
    if (reason) return reason;
    device->wait = setup->wait;
    device->indirect = setup->features >> virtio_feature_indirect & 1;
    virtio_set_status(device, virtio_status(device) | virtio_status_driver_ok);
    device->ready = true;
    return virtio_status(device) & virtio_status_needs_reset ? "needs-reset" : NULL;
}

uint32_t virtio_queue_interrupts(const struct virtio_device *device) {
    return interrupt_counts[vector_queue_base + device->index];
}
