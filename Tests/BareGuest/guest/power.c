#include "power.h"
#include "acpi.h"
#include "interrupts.h"
#include "memory.h"
#include "processor.h"

enum { // FADT, ACPI 6.5, 5.2.9
    pm1a_control_block = 64,
    flags = 112,
    flag_reset_register = 1 << 10,
    flag_hardware_reduced = 1 << 20,
    reset_register = 116,
    reset_value = 128,
    sleep_control_register = 244,
    generic_address_space_memory = 0,
    generic_address_space_port = 1,
    soft_off_default = 5,
};

// Of the timestamp counter, some seconds: a busy host takes its time to end a machine.
static const uint64_t cycles_until_dead = 10000000000;

static bool write_generic(uint64_t structure, uint8_t value) {
    const volatile uint8_t *at = memory_view(structure);
    uint8_t space = at[0];
    uint64_t address = load32(at + 4) | (uint64_t)load32(at + 8) << 32;
    if (address == 0) return false;
    if (space == generic_address_space_port) out8(address, value);
    if (space == generic_address_space_memory) store8(memory_view(address), value);
    return space == generic_address_space_port || space == generic_address_space_memory;
}

static void linger(void) {
    uint64_t begin = timestamp();
    while (timestamp() - begin < cycles_until_dead) compiler_barrier();
}

const char *power_off(void) {
    struct acpi_table fadt;
    uint32_t type = soft_off_default;
    if (!acpi_find("FACP", &fadt)) return "no-fadt";
    bool known = acpi_sleep_type(&type);
    uint32_t features = load32(memory_view(fadt.address + flags));
    if (features & flag_hardware_reduced) {
        // SLP_TYP in bits 2 to 4, SLP_EN in bit 5 (ACPI 6.5, 4.8.3.7).
        if (!write_generic(fadt.address + sleep_control_register, type << 2 | 1 << 5)) return "no-sleep-register";
    } else {
        if (!known) return "no-s5-object";
        // SLP_TYP in bits 10 to 12, SLP_EN in bit 13 (ACPI 6.5, 4.8.3.2.1).
        out16(load32(memory_view(fadt.address + pm1a_control_block)), type << 10 | 1 << 13);
    }
    linger();
    return "still-running";
}

const char *power_reset(void) {
    struct acpi_table fadt;
    if (acpi_find("FACP", &fadt) && fadt.length >= reset_value + 1 &&
        (load32(memory_view(fadt.address + flags)) & flag_reset_register)) {
        write_generic(fadt.address + reset_register, load8(memory_view(fadt.address + reset_value)));
        linger();
    }
    out8(0xcf9, 0x06);
    linger();
    out8(0x64, 0xfe);
    linger();
    return "still-running";
}

void power_triple_fault(bool breakpoint) {
    interrupts_disable();
    interrupts_forget_handlers();
    if (breakpoint) __asm__ volatile("int3");
    __asm__ volatile("ud2");
}
