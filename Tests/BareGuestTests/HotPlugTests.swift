import Foundation
import TestSupport
import Testing

/// Devices that come and go while the bare guest runs, which plays ACPI's part at the slot registers itself.
@Suite("Hot-plug", .serialized, .enabled(if: Needletail.hasKVM, "\(Needletail.noKVM)"))
struct HotPlugTests {
    /// The slot registers: which were filled, which are to be emptied, which to empty now, and what became of a
    /// request.
    private enum Slots {
        static let (up, down, eject, outcome) = ("0xfeb01000", "0xfeb01004", "0xfeb01008", "0xfeb01010")
    }

    /// A machine with one device, to which a second is plugged, in slot 6.
    private struct Bench {
        let folder: WorkFolder
        let process: HostProcess
        let monitor: OperatorLine
        static let slotBit = "0x00000040"

        init() throws {
            folder = try WorkFolder()
            process = try Machine.start(
                object: "share=on,mem-path=\(folder.file("disk.img")),size=4M",
                arguments: OperatorLine.options(in: folder))
            monitor = try OperatorLine(in: folder)
            try process.waitForLine("bare: ready")
            #expect(try process.ask("scan").contains("count=1"))
        }

        func addObject() throws -> String {
            try monitor.ask(
                #"{"execute":"object-add","arguments":{"qom-type":"memory-backend-file","id":"mem2","share":true,"#
                    + #""mem-path":"\#(folder.file("second.img"))","size":4194304}}"#)
        }

        func addDevice(_ more: String = #","memaddr":536870912"#) throws -> String {
            try monitor.ask(
                #"{"execute":"device_add","arguments":{"driver":"virtio-pmem-pci","id":"nv2","memdev":"mem2","addr":"06"\#(more)}}"#
            )
        }

        func removeDevice() throws -> String { try monitor.ask(#"{"execute":"device_del","arguments":{"id":"nv2"}}"#) }
        func removeObject() throws -> String { try monitor.ask(#"{"execute":"object-del","arguments":{"id":"mem2"}}"#) }

        /// Plugs the device and lets the guest take it into use.
        func plug() throws {
            #expect(try addObject() == "{\"return\": {}}")
            #expect(try addDevice() == "{\"return\": {}}")
            #expect(try process.ask("peek \(Slots.up) 4").contains("value=\(Self.slotBit)"))
            #expect(try process.ask("scan").hasPrefix("ok scan"))
            #expect(try process.ask("use 1") == "ok use index=1")
            #expect(try process.ask("init").hasPrefix("ok init"))
        }
    }

    private let done = "{\"return\": {}}"

    /// A hundred times; then nothing has grown, and every flush reached the file.
    @Test func aHundredTimesAndNothingGrows() throws {
        let bench = try Bench()
        var before: Footprint?
        for cycle in 1...100 {
            try bench.plug()
            #expect(try bench.process.ask("write 0x20000000 cycle\(cycle).").hasPrefix("ok write"))
            #expect(try bench.process.ask("flush 3").contains("ret=0"))
            #expect(try bench.removeDevice() == done)
            #expect(try bench.process.ask("peek \(Slots.down) 4").contains("value=\(Bench.slotBit)"))
            #expect(try bench.process.ask("poke \(Slots.eject) 4 \(Bench.slotBit)") == "ok poke")
            try bench.monitor.waitForEvent("DEVICE_DELETED", count: cycle)
            #expect(try bench.removeObject() == done)
            // The guest's driver forgets what is gone, too.
            #expect(try bench.process.ask("scan").hasPrefix("ok scan"))
            let content = try Data(contentsOf: URL(filePath: bench.folder.file("second.img"))).prefix(12)
            #expect(String(decoding: content, as: UTF8.self).hasPrefix("cycle\(cycle)."))
            if cycle == 10 { before = try bench.process.footprint() }
        }
        let (first, last) = (try #require(before), try bench.process.footprint())
        print("hot-plug, after 10 and after 100 cycles: \(first), \(last)")
        #expect(
            last.descriptors == first.descriptors && last.mappings <= first.mappings + 2
                && last.threads == first.threads)
        // The transcript of the monitor's own connection is not in there; an allocator may round up.
        #expect(last.residentKiB <= first.residentKiB + 1024)
    }

    /// Its addresses are given to the next one.
    @Test func theAddressRangeIsReused() throws {
        let bench = try Bench()
        var addresses: Set<Substring> = []
        for cycle in 1...5 {
            #expect(try bench.addObject() == done)
            #expect(try bench.addDevice("") == done)
            let devices = try bench.monitor.ask(#"{"execute":"query-memory-devices"}"#)
            let found = devices.matches(of: #/"memaddr": ([0-9]+)/#).map(\.1)
            #expect(found.count == 2)
            addresses.formUnion(found)
            #expect(try bench.removeDevice() == done)
            #expect(try bench.process.ask("poke \(Slots.eject) 4 \(Bench.slotBit)") == "ok poke")
            try bench.monitor.waitForEvent("DEVICE_DELETED", count: cycle)
            #expect(try bench.removeObject() == done)
        }
        #expect(addresses.count == 2)
    }

    /// A guest that refuses, and one that says nothing, keep the device whole.
    @Test func aGuestThatRefusesKeepsTheDevice() throws {
        let bench = try Bench()
        try bench.plug()
        #expect(try bench.removeDevice() == done)
        #expect(try bench.removeDevice().contains("is already in the process of unplug"))
        #expect(try bench.removeObject().contains("is in use"))
        // Slot 6, an eject request (3), and a status that is no success: 0x82 is "device in use".
        #expect(try bench.process.ask("poke \(Slots.outcome) 4 0x30030082") == "ok poke")
        #expect(try bench.monitor.waitForEvent("DEVICE_UNPLUG_GUEST_ERROR").contains(#""device": "nv2""#))
        #expect(try bench.process.ask("flush").contains("ret=0"))
        #expect(try bench.removeDevice() == done)
        #expect(try bench.process.ask("poke \(Slots.eject) 4 \(Bench.slotBit)") == "ok poke")
        try bench.monitor.waitForEvent("DEVICE_DELETED")
    }

    /// The guest gives the device back with requests outstanding, or gives back what was not asked for: slot 0 is the
    /// bridge's.
    @Test func ejectedWithFlushesInFlight() throws {
        let bench = try Bench()
        try bench.plug()
        #expect(try bench.removeDevice() == done)
        #expect(try bench.process.ask("submit 16").hasPrefix("ok submit"))
        #expect(try bench.process.ask("poke \(Slots.eject) 4 0xffffffbf") == "ok poke")
        #expect(try bench.process.ask("poke \(Slots.eject) 4 \(Bench.slotBit)") == "ok poke")
        try bench.monitor.waitForEvent("DEVICE_DELETED", count: 2)
        #expect(try bench.removeObject() == done)
        // What is gone answers as an empty slot does.
        #expect(try bench.process.ask("pci-read 00:06.0 0").contains("value=0xffffffff"))
        #expect(try bench.process.ask("pci-read 00:00.0 0").contains("value=0x00081b36"))
        #expect(try bench.monitor.ask(#"{"execute":"query-memory-devices"}"#) == "{\"return\": []}")
    }

    /// A command that fails leaves no trace: the object can still be used, and the slot and the addresses are free.
    @Test(arguments: [
        (#","memaddr":4096"#, "GenericError"), (#","memaddr":268435456"#, "GenericError"),
        (#","bus":"nope""#, "GenericError"),
        (#","x-needletail-queue-size":3"#, "GenericError"), (#","memaddr":18446744073705357312"#, "GenericError"),
    ])
    func aFailedPlugLeavesNoTrace(_ more: String, _ errorClass: String) throws {
        let bench = try Bench()
        #expect(try bench.addObject() == done)
        #expect(try bench.addDevice(more).contains("\"class\": \"\(errorClass)\""))
        #expect(try bench.process.ask("peek \(Slots.up) 4").contains("value=0x00000000"))
        #expect(try bench.addDevice() == done)
        #expect(try bench.process.ask("peek \(Slots.up) 4").contains("value=\(Bench.slotBit)"))
    }
}
