// ACPI tables as the firmware or the monitor left them (ACPI 6.5, 5.2).
#pragma once
#include "types.h"

struct acpi_table {
    uint64_t address;   // guest-physical
    uint32_t length;    // bytes
    char signature[5];
    bool checksum_good;
};

// Guest-physical address of the RSDP, from hvm_start_info; 0: none.
void acpi_initialise(uint64_t root_pointer);
// Table i in the order of the XSDT or RSDT, then the DSDT; false past the end.
bool acpi_table_at(uint32_t i, struct acpi_table *table);
bool acpi_find(const char *signature, struct acpi_table *table);
// Guest-physical base address of the ECAM window, and the last bus in it; false without an MCFG table.
bool acpi_ecam(uint64_t *base, uint32_t *last_bus);
// SLP_TYPa of \_S5 in the DSDT; false if it is not there.
bool acpi_sleep_type(uint32_t *type);
bool acpi_root_checksum_good(void);
uint64_t acpi_root_pointer(void);
