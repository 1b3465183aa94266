import GuestMemory
import Host
import Logging
import Options
import QEMUDialect
import Virtio
import VirtioRNG

extension DeviceRow {
    /// `virtio-rng-pci`.
    static let virtioRNG = DeviceRow(
        model: VirtioRNGOptions.model, memoryNeed: { _, _ in nil },
        make: { named, objects throws(AssemblyError) in
            guard let options = named.options as? VirtioRNGOptions else {
                throw .dialect(.modelNotImplemented(named.options.model))
            }
            guard let source = options.source else { return ConfiguredRNG(named, options, from: BuiltinEntropy()) }
            guard let object = objects[source] as? EntropyObject else { throw .dialect(.objectNotFound(source)) }
            return ConfiguredRNG(named, options, from: object.source)
        })
}

extension ObjectRow {
    /// `rng-random` and `rng-builtin`.
    static let entropySources = ObjectRow { options throws(AssemblyError) in
        switch options {
        case let options as RNGRandomOptions:
            do throws(SystemCallError) {
                return EntropyObject(id: options.id, source: try EntropyFile(path: options.path))
            } catch { throw .object("Could not open '\(options.path)': \(error.errno)") }
        case let options as RNGBuiltinOptions: return EntropyObject(id: options.id, source: BuiltinEntropy())
        default: return nil
        }
    }
}

/// An rng-backend object.
private final class EntropyObject: ConfiguredObject {
    let id: String
    let source: any EntropySource

    init(id: String, source: any EntropySource) {
        self.id = id
        self.source = source
    }
}

/// An entropy device over its source.
private final class ConfiguredRNG: ConfiguredDevice {
    let named: NamedDevice
    private let options: VirtioRNGOptions
    private let source: any EntropySource

    init(_ named: NamedDevice, _ options: VirtioRNGOptions, from source: any EntropySource) {
        (self.named, self.options, self.source) = (named, options, source)
    }

    func properties(memoryAt range: GuestRange?) -> [DeviceProperty] {
        [
            DeviceProperty("max-bytes", .number(options.maximumByteCount)),
            DeviceProperty("period", .number(UInt64(options.period))),
        ] + (options.source.map { [DeviceProperty("rng", .object($0))] } ?? [])
    }

    func makeDevice(_ site: DeviceSite) throws(SystemCallError) -> any VirtioDevice {
        try RNGDevice(
            id: name, source: source,
            limit: EntropyLimit(maximumByteCount: options.maximumByteCount, periodMilliseconds: options.period),
            onEvent: { [self] in site.report(report($0)) })
    }

    private func report(_ event: RNGEvent) -> DeviceReport {
        switch event {
        case .sourceEnded:
            DeviceReport(.warning, "\(sourceName) has no more bytes; the guest's requests wait until it has")
        case .sourceFailed(let error):
            DeviceReport(
                .error, "\(sourceName) cannot be read: \(error.errno); the guest's requests wait until it can be")
        case .queue(let event): DeviceReport(event)
        }
    }

    private var sourceName: String { options.source.map { "object '\($0)'" } ?? "the kernel's random number generator" }
}
