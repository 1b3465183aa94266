import Options

// What serve cannot offer: the client has the machine, and maps the memory itself.

/// - Throws: for an object that no client could use.
func checkServable(_ object: any ObjectOptions) throws(DialectError) {
    if object is RAMBackendOptions {
        throw .unsupportedValue(
            parameter: "qom-type", value: object.type,
            reason: "the client has to map a file; use memory-backend-file or memory-backend-memfd")
    }
    guard let backend = object.memoryBackend else { return }
    let file = backend as? FileBackendOptions
    guard backend.isShared || file?.isROM == true else {
        throw .unsupportedValue(
            parameter: "share", value: "off",
            reason: "the client maps the file, and what its guest stores reaches it; say share=on, or readonly=on")
    }
    if let file, file.isPowerCutTest {
        throw .unsupportedValue(
            parameter: "durability", value: file.durability.rawValue,
            reason: "the client maps the file, and what its guest stores cannot be kept from it; use needletail run")
    }
}

/// - Throws: for a property that is the client's.
func checkServable(_ device: any DeviceOptions) throws(DialectError) {
    if let slot = device.slot {
        throw .unsupportedValue(
            parameter: "addr", value: "\(slot.device)", reason: "the client's machine has the slots; give addr there")
    }
    if let device = device as? VirtioPMemOptions, device.memoryAddress != 0 {
        throw .unsupportedValue(
            parameter: "memaddr", value: hexadecimal(device.memoryAddress),
            reason: "the memory is in a BAR, which the guest places")
    }
}
