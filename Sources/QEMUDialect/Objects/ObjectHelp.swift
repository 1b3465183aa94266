/// A property as `help` lists it.
public struct PropertyDescription: Equatable, Sendable {
    public let name: String
    /// The type in QEMU's notation, such as `bool`.
    public let type: String
    public let meaning: String
}

/// The properties of an object type, by name.
func objectProperties(of kind: MemoryBackendOptions.Kind) -> [PropertyDescription] {
    let own: [PropertyDescription] =
        switch kind {
        case .file: fileProperties
        case .memfd: memfdProperties
        case .ram: []
        }
    return (commonProperties + own).sorted { $0.name < $1.name }
}

/// The answer to `-object help` (nil or `help` as the type) and `-object TYPE,help`.
func objectHelp(type: String?) throws(DialectError) -> String {
    guard let type, !isHelpRequest(type) else {
        return "List of user creatable objects:\n"
            + MemoryBackendOptions.Kind.allCases.map { "  \($0.rawValue)\n" }.joined()
    }
    guard let kind = MemoryBackendOptions.Kind(rawValue: type) else {
        throw .valueNotAccepted(
            parameter: "qom-type", value: type, accepted: MemoryBackendOptions.Kind.allCases.map(\.rawValue))
    }
    return "\(type) options:\n" + objectProperties(of: kind).map(helpLine).joined()
}

func helpLine(_ property: PropertyDescription) -> String {
    let left = "  \(property.name)=<\(property.type)>"
    return left + String(repeating: " ", count: max(0, 25 - left.utf8.count)) + " - \(property.meaning)\n"
}

private let commonProperties = [
    PropertyDescription(name: "id", type: "str", meaning: "Name of the object (required)"),
    PropertyDescription(name: "size", type: "size", meaning: "Size of the memory, such as 500M (required)"),
    PropertyDescription(name: "share", type: "bool", meaning: "Stores reach the file instead of a private copy"),
    PropertyDescription(name: "prealloc", type: "bool", meaning: "Allocate every page before the guest starts"),
    PropertyDescription(name: "prealloc-threads", type: "int", meaning: "Threads to preallocate with; a hint"),
    PropertyDescription(name: "reserve", type: "bool", meaning: "Reserve swap space for private memory"),
    PropertyDescription(name: "merge", type: "bool", meaning: "Pages may be merged with equal ones; a hint"),
    PropertyDescription(name: "dump", type: "bool", meaning: "Part of the monitor's own core dump; a hint"),
    PropertyDescription(name: "policy", type: "HostMemPolicy", meaning: "NUMA policy; only default"),
]

private let fileProperties = [
    PropertyDescription(name: "mem-path", type: "str", meaning: "File on the host that holds the data (required)"),
    PropertyDescription(name: "readonly", type: "bool", meaning: "Open the file for reading only"),
    PropertyDescription(name: "rom", type: "OnOffAuto", meaning: "Read-only for the guest; auto follows readonly"),
    PropertyDescription(name: "align", type: "size", meaning: "Alignment of the host address"),
    PropertyDescription(name: "offset", type: "size", meaning: "Where in the file the memory begins"),
    PropertyDescription(name: "discard-data", type: "bool", meaning: "The content need not outlive the monitor"),
    PropertyDescription(
        name: "durability", type: "str",
        meaning: "fsync; or power-cut-test: the file has what was flushed, nothing else"),
    PropertyDescription(
        name: "locking", type: "OnOffAuto", meaning: "Keep a second user away; auto: where the file system can"),
    PropertyDescription(name: "pmem", type: "bool", meaning: "A real NVDIMM as backing store; only off"),
]

private let memfdProperties = [
    PropertyDescription(name: "seal", type: "bool", meaning: "Seal growing and shrinking"),
    PropertyDescription(name: "hugetlb", type: "bool", meaning: "Memory from hugetlbfs; only off"),
]
