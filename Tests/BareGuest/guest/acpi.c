#include "acpi.h"
#include "memory.h"
#include "processor.h"

enum {
    rsdp_revision = 15,
    rsdp_rsdt = 16,
    rsdp_xsdt = 24,
    header_length = 4,
    header_size = 36,
    fadt_dsdt = 40,
    fadt_x_dsdt = 140,
    mcfg_first_entry = 44,
    mcfg_entry_last_bus = 11,
};

static uint64_t root_pointer;

void acpi_initialise(uint64_t address) { root_pointer = address; }

uint64_t acpi_root_pointer(void) { return root_pointer; }

static uint32_t read32(uint64_t address) {
    const volatile uint8_t *at = memory_view(address);
    return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t read64(uint64_t address) { return read32(address) | (uint64_t)read32(address + 4) << 32; }

static bool sums_to_zero(uint64_t address, uint32_t length) {
    const volatile uint8_t *at = memory_view(address);
    uint8_t sum = 0;
    for (uint32_t i = 0; i < length; i++) sum += at[i];
    return sum == 0;
}

bool acpi_root_checksum_good(void) {
    uint8_t revision = load8(memory_view(root_pointer + rsdp_revision));
    return sums_to_zero(root_pointer, 20) && (revision < 2 || sums_to_zero(root_pointer, 36));
}

static void describe(uint64_t address, struct acpi_table *table) {
    uint32_t signature = read32(address);
    table->address = address;
    table->length = read32(address + header_length);
    for (int i = 0; i < 4; i++) table->signature[i] = signature >> (8 * i);
    table->signature[4] = 0;
}

// Entry i of the XSDT, or of the RSDT where there is none; 0 past the end.
static uint64_t listed(uint32_t i) {
    if (root_pointer == 0) return 0;
    bool extended = load8(memory_view(root_pointer + rsdp_revision)) >= 2 && read64(root_pointer + rsdp_xsdt);
    uint64_t list = extended ? read64(root_pointer + rsdp_xsdt) : read32(root_pointer + rsdp_rsdt);
    uint32_t width = extended ? 8 : 4;
    if (header_size + (i + 1) * width > read32(list + header_length)) return 0;
    uint64_t entry = list + header_size + i * width;
    return extended ? read64(entry) : read32(entry);
}

static uint64_t differentiated_table(void) {
    struct acpi_table fadt;
    if (!acpi_find("FACP", &fadt)) return 0;
    uint64_t extended = fadt.length >= fadt_x_dsdt + 8 ? read64(fadt.address + fadt_x_dsdt) : 0;
    return extended ? extended : read32(fadt.address + fadt_dsdt);
}

bool acpi_table_at(uint32_t i, struct acpi_table *table) {
    uint64_t address = listed(i);
    if (address == 0 && (i == 0 || listed(i - 1))) address = differentiated_table();
    if (address == 0) return false;
    describe(address, table);
    table->checksum_good = sums_to_zero(address, table->length);
    return true;
}

bool acpi_find(const char *signature, struct acpi_table *table) {
    for (uint32_t i = 0; listed(i); i++) {
        describe(listed(i), table);
        bool same = true;
        for (int k = 0; k < 4; k++) same &= signature[k] == table->signature[k];
        if (same) return true;
    }
    return false;
}

bool acpi_ecam(uint64_t *base, uint32_t *last_bus) {
    struct acpi_table mcfg;
    if (!acpi_find("MCFG", &mcfg) || mcfg.length < mcfg_first_entry + 16) return false;
    *base = read64(mcfg.address + mcfg_first_entry);
    *last_bus = load8(memory_view(mcfg.address + mcfg_first_entry + mcfg_entry_last_bus));
    return true;
}

// The package is: 0x12, its length, the number of elements, then SLP_TYPa as BytePrefix, Zero or One (ACPI 6.5, 20.2.5).
static uint32_t first_element(const volatile uint8_t *package) {
    uint32_t length_bytes = 1 + (package[1] >> 6);
    const volatile uint8_t *element = package + 1 + length_bytes + 1;
    return element[0] == 0x0a ? element[1] : element[0];
}

bool acpi_sleep_type(uint32_t *type) {
    uint64_t table = differentiated_table();
    if (table == 0) return false;
    uint32_t length = read32(table + header_length);
    const volatile uint8_t *bytes = memory_view(table);
    for (uint32_t i = header_size; i + 12 < length; i++) {
        if (bytes[i] != '_' || bytes[i + 1] != 'S' || bytes[i + 2] != '5' || bytes[i + 3] != '_') continue;
        if (bytes[i + 4] != 0x12) continue;
        *type = first_element(bytes + i + 4);
        return true;
    }
    return false;
}
