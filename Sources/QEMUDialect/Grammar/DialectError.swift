public import Options

/// What can be wrong with an option or a monitor command, seen from its text alone.
///
/// ``message`` is QEMU's own wording where QEMU has one, so that scripts which look for it find it; ``advice`` says
/// what to do.
public enum DialectError: Error, Equatable, Sendable {
    // Grammar
    case jsonNotAccepted
    case flagWithoutValue(String)
    case missingParameter(String, advice: String)
    case invalidParameter(String, accepted: [String])
    case expectsIdentifier(parameter: String, value: String)
    case expectsSize(parameter: String)
    case expectsBoolean(parameter: String)
    case expectsUnsigned(parameter: String)
    case expectsInteger(parameter: String)
    /// It is an integer, of more bits than these.
    case expectsIntegerOfWidth(parameter: String, Int)
    case expectsPositive(parameter: String)
    case expectsNumber(parameter: String)
    case valueNotAccepted(parameter: String, value: String, accepted: [String])
    /// Known to QEMU, and not to be had here.
    case unsupportedValue(parameter: String, value: String, reason: String)

    // Objects
    case propertyRefusesValue(property: String, type: String, value: String)
    case duplicateIdentifier(String, kind: String)
    case objectNotFound(String)
    case objectInUse(String, by: String)
    case readOnlyMemoryOverWritableFile
    case writableMemoryOverSharedReadOnlyFile

    // Devices
    case unknownDevice(String)
    case nvdimmNotSupported
    /// With the model that has one.
    case deviceWithoutTransport(String, model: String)
    case propertyNotFound(device: String, property: String)
    case deviceRefusesValue(device: String, property: String, value: String, expected: String)
    case propertyNotSet(String, advice: String)
    case linkedObjectNotFound(ObjectReference)
    case linkedObjectDoesNotFit(ObjectReference)
    case linkedObjectBusy(ObjectReference, by: String)
    /// `max-bytes` of virtio-rng-pci.
    case randomLimitOutOfRange
    case busNotFound(String)
    case slotTaken(PCISlot, model: String, by: String)
    case noSlotFree(model: String)
    case deviceNotFound(String)
    case unplugPending(String)
    /// The command line may have it, but this front-end cannot make it yet.
    case modelNotImplemented(String)
    case objectTypeNotImplemented(String)

    // -m
    case expectsMemorySize
    case memorySizeOutOfRange(String)
    case slotsWithoutMaximum
    case maximumBelowSize(maximum: UInt64, size: UInt64)
    case slotsButNoRoom(UInt64)
    case tooManySlots(UInt64)

    // -smp
    case topologyParameterUnexpected(String)
    case topologyParameterZero
    case topologyMismatch(ProcessorTopology, maximum: UInt64)
    case maximumBelowProcessors(maximum: UInt64, processors: UInt64)
    case processorHotplugNotSupported(processors: UInt64, maximum: UInt64)
    case tooManyProcessors(UInt64)

    // Other options
    case invalidOption
    case optionRequiresArgument
    case optionNotSupported(reason: String)
    case diskImageNotSupported
    case unsupportedMachine(String)
    case invalidAccelerator(String)
    case acceleratorNotSupported(String)
    case unknownProcessorModel(String)
    case processorFeatureNotSupported(String)
    case unknownSerialBackend(String)
    case unknownMonitorBackend(String)
    case socketAddressMalformed(String)
    case standardStreamsTaken
    case serialBackendWithoutPath(String)
    case waitWithoutServer
    case tooManySerialPorts
    case onlyWithKernel(option: String)
    case kernelMissing

    // serve
    case nothingToServe
}
