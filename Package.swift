// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target: Swift 6 mode, and every diagnostic an error, those of strict memory safety among them.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .treatWarning("StrictMemorySafety", as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

/// Settings of the released executable: no table of its symbols for shared libraries, since it loads none that would
/// ask, and no section that nothing reaches. Both cost time at each start.
let lean: [LinkerSetting] = [
    .unsafeFlags(["-Xlinker", "--no-export-dynamic", "-Xlinker", "--gc-sections"], .when(configuration: .release))
]

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

/// A room of the house: a library target and what it may import (docs/design.md).
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of a room.
func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.target(name: name)] + dependencies,
        swiftSettings: strict)
}

let package = Package(
    name: "needletail",
    products: [.executable(name: "needletail", targets: ["needletail"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .target(name: "CLinux"),
        room("Host", ["CLinux", system]),
        room("GuestMemory", ["Host"]),
        room("PCI"),
        // What devices and objects can be asked for, as plain values.
        room("Options"),
        room("Backend", ["Host", "GuestMemory", "Options", system]),
        room("Virtio", ["Host", "GuestMemory", "PCI"]),
        room("VirtioPMem", ["Host", "GuestMemory", "Backend", "Virtio"]),
        room("VirtioRNG", ["Host", "GuestMemory", "Virtio"]),
        room("KVM", ["CLinux", "Host"]),
        room("Board", ["GuestMemory", "PCI"]),
        // What both front-ends make of the same options.
        room(
            "Assembly",
            [
                "Host", "GuestMemory", "PCI", "Backend", "Options", "Virtio", "VirtioPMem", "VirtioRNG", "QEMUDialect",
                logging,
            ]),
        room(
            "Machine",
            [
                "Host", "GuestMemory", "PCI", "Backend", "Virtio", "KVM", "Board", "Options", "QEMUDialect", "Assembly",
                logging,
            ]),
        room("VFIOUser", ["Host", "GuestMemory", "PCI"]),
        room(
            "Server",
            [
                "Host", "GuestMemory", "PCI", "Backend", "Virtio", "VFIOUser", "Options", "QEMUDialect", "Assembly",
                logging,
            ]),
        room("QEMUDialect", ["Options"]),
        room("QMPDialect", ["Options", "QEMUDialect"]),
        room("Monitor", ["Host", "QEMUDialect", "QMPDialect", logging, nioCore, nioPosix, system]),
        .executableTarget(
            name: "needletail", dependencies: ["Host", "Machine", "Monitor", "Server", "QEMUDialect", logging],
            swiftSettings: strict, linkerSettings: lean),
        tests(of: "Host", ["CLinux", system]),
        tests(of: "GuestMemory", ["Host"]),
        tests(of: "PCI", ["SeededRandom"]),
        tests(of: "Backend", ["Host", "Options", system, "TestDisks"]),
        .testTarget(
            name: "VirtioPCITests", dependencies: ["Host", "GuestMemory", "PCI", "Virtio", "SeededRandom"],
            swiftSettings: strict),
        tests(of: "QEMUDialect", ["Options", "SeededRandom"]),
        // The whole monitor with a guest of a few kilobytes, on whatever /dev/kvm there is.
        .testTarget(
            name: "BareGuestTests", dependencies: ["CLinux", "needletail", "SeededRandom", "TestDisks", "TestSupport"],
            swiftSettings: strict),
        tests(of: "KVM", ["CLinux", "Host", "GuestMemory"]),
        tests(
            of: "Machine",
            [
                "Assembly", "Host", "GuestMemory", "PCI", "Backend", "KVM", "Board", "Options", "QEMUDialect", logging,
            ]),
        tests(of: "QMPDialect", ["Options", "QEMUDialect"]),
        tests(of: "Monitor", ["Host", "Options", "QEMUDialect", "QMPDialect", logging]),
        tests(of: "Board", ["Host", "GuestMemory", "PCI", "SeededRandom", "TestSupport"]),
        // Disks that are full, or fail.
        .target(name: "TestDisks", path: "Tests/Disks", swiftSettings: strict),
        // Random numbers that can be had again.
        .target(name: "SeededRandom", path: "Tests/SeededRandom", swiftSettings: strict),
        // The driver's side of a device, for every test that needs one.
        .target(
            name: "TestSupport", dependencies: ["Host", "GuestMemory", "Board", "Backend", "Virtio", system],
            path: "Tests/Support", swiftSettings: strict),
        tests(of: "Virtio", ["Host", "GuestMemory", "SeededRandom", "TestSupport"]),
        tests(
            of: "VirtioPMem", ["Host", "GuestMemory", "Backend", "Options", "Virtio", "SeededRandom", "TestSupport"]),
        tests(of: "VirtioRNG", ["Host", "GuestMemory", "Virtio", "TestSupport"]),
        // What a fuzzer does with its input; the tests replay the corpus.
        .target(
            name: "FuzzSupport",
            dependencies: [
                "Host", "GuestMemory", "PCI", "Virtio", "VFIOUser", "Board", "QEMUDialect", "QMPDialect", "TestSupport",
            ],
            path: "Fuzz/Support", swiftSettings: strict),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzSupport", "SeededRandom"], swiftSettings: strict),
        tests(of: "VFIOUser", ["Host", "GuestMemory", "PCI", "SeededRandom", "TestSupport"]),
        // The executable's serve verb, with our own client and with real QEMU.
        .testTarget(
            name: "ServeTests", dependencies: ["Host", "GuestMemory", "TestSupport", "needletail"],
            exclude: ["README.md"], swiftSettings: strict),
        // Linux guests; needs what Scripts/test prepares. It runs the executable, which therefore has to be built.
        .testTarget(
            name: "EndToEndTests", dependencies: ["Host", "Backend", "needletail", "TestSupport"],
            path: "Tests/EndToEnd",
            exclude: ["README.md", "guest", "oracle-qemu"], swiftSettings: strict),
    ]
)

// Only on demand (Scripts/fuzz): it links with -sanitize=fuzzer alone.
if Context.environment["NEEDLETAIL_FUZZ"] != nil {
    package.products.append(.executable(name: "needletail-fuzz", targets: ["needletail-fuzz"]))
    package.targets.append(
        .executableTarget(name: "needletail-fuzz", dependencies: ["FuzzSupport"], path: "Fuzz/fuzzer"))
}
