import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// virtio-rng: Linux reads what the host's file has, and takes a device that comes and goes.
    @Suite struct Random {
        @Test func hwrngGivesBytes() throws {
            let source = "\(Laboratory.folder)/entropy-\(UUID().uuidString)"
            // Linux' own thread reads, too, for as long as it wants more.
            try Data(String(repeating: "needletail", count: 1 << 20).utf8).write(to: URL(filePath: source))
            defer { try? FileManager.default.removeItem(atPath: source) }
            var options = Monitor.Options(scripts: ["random"])
            options.devices =
                ["-object", "rng-random,id=file,filename=\(source)", "-device", "virtio-rng-pci,rng=file,id=rng0"]
                + Operator.options("random")
            let monitor = try Monitor(options)
            let person = try Operator("random")
            try monitor.wait(for: "guest: waiting for a second")
            _ = try person.type("object_add rng-builtin,id=kernel")
            _ = try person.type("device_add virtio-rng-pci,id=rng1,rng=kernel,max-bytes=65536,period=1000")
            try monitor.wait(for: "guest: waiting for its end")
            #expect(try person.type("object_del kernel").contains("is in use"))
            _ = try person.type("device_del rng1")
            try person.wait(forEvent: "DEVICE_DELETED")
            _ = try person.type("object_del kernel")
            #expect(try monitor.end() == .status(0), "\(monitor.console)\(monitor.errors)")
            #expect(
                monitor.reports.filter { $0.hasPrefix("hwrng ") }
                    == ["hwrng virtio_rng.0 1024", "hwrng virtio_rng.1 1024", "hwrng virtio_rng.0 1024"],
                "\(monitor.console)\(monitor.errors)")
        }
    }
}
