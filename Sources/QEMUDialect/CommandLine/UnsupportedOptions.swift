/// QEMU's options that are not to be had here, by what they are about. A name in none of these lists is no option of
/// QEMU's either.
private let unsupportedOptions: [(reason: String, names: String)] = [
    (
        "there are no disk drives; use -object memory-backend-file and -device virtio-pmem-pci",
        "drive blockdev hda hdb hdc hdd cdrom fda fdb sd mtdblock pflash snapshot iscsi virtfs fsdev boot"
    ),
    ("there are no network devices", "netdev"),
    ("there is no display; the console is the serial port", "vnc spice full-screen win2k-hack rotate portrait g k"),
    ("there is no sound", "audio audiodev audio-help soundhw"),
    ("there is no USB", "usb usbdevice"),
    ("there is no monitor but the ones that -monitor and -qmp name", "mon qmp-pretty chardev echr"),
    ("there is no firmware; -kernel is started directly", "bios fw_cfg option-rom smbios acpitable dtb semihosting"),
    ("the machine does not migrate", "incoming only-migratable loadvm dump-vmstate"),
    ("there is no debugger interface", "gdb s singlestep icount debugcon plugin seed preconfig"),
    ("messages go to standard error; use -x-needletail-log-level", "d D dfilter trace msg"),
    ("run it under a service manager", "daemonize runas chroot sandbox add-fd set readconfig global compat overcommit"),
    ("memory is not bound to NUMA nodes", "numa"),
    ("guest RAM is anonymous memory", "mem-path mem-prealloc"),
    ("the machine has no such part", "rtc tpmdev watchdog watchdog-action no-acpi no-hpet no-fd-bootchk uuid"),
    ("use -no-reboot; power-off always ends the monitor", "no-shutdown action"),
    ("the accelerator is always kvm", "xen-attach xen-domid xen-domid-restrict enable-sync-profile async-teardown"),
]

/// The error for an unknown option: one of QEMU's gets the reason why it is not supported.
func unknownOption(_ name: String) -> DialectError {
    let entry = unsupportedOptions.first { entry in
        entry.names.split(separator: " ").contains { $0 == name }
    }
    return entry.map { .optionNotSupported(reason: $0.reason) } ?? .invalidOption
}
