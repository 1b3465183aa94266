import Foundation
import Glibc
import Host
import Testing
import TestSupport

/// Clients that do everything wrong, one after the other, at a server that is there before and after.
@Suite struct HostileClientTests {
    private let folder: TestFolder
    private let serve: ServeProcess

    init() throws {
        folder = try TestFolder()
        serve = try ServeProcess(in: folder)
    }

    private static func bytes(_ words: [UInt32] = [], _ longs: [UInt64] = []) -> [UInt8] {
        VFIOUserClient.bytes(words, longs)
    }

    /// A message of each kind that means something; its numbers are then made wrong in turn.
    private static let messages: [(command: UInt16, payload: [UInt8])] = [
        (1, [0, 0, 1, 0] + VFIOUserClient.version + [0]), (2, bytes([32, 3], [0, 0x80_0000, 0x1000])),
        (3, bytes([24, 0], [0x80_0000, 0x1000])), (4, bytes([16, 0, 0, 0])), (5, bytes([64, 0, 4, 0], [0, 0])),
        (6, bytes([56, 0, 2, 0])), (7, bytes([16, 0, 2, 0])), (8, bytes([20, 0x24, 2, 0, 1])),
        (9, bytes([], [0]) + bytes([2, 4])), (10, bytes([], [0x14]) + bytes([2, 4, 0])), (13, []),
        (15, bytes([], [1, 0x14]) + bytes([2, 4], [0])),
    ]

    private static let values: [UInt32] = [0, 1, 2, 3, 9, 16, 0xfff, 0x1000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

    /// The server answers as before, and holds nothing of the hostile clients'.
    private func checkServer(_ descriptorCount: Int) throws {
        try serve.child.wait(for: "no descriptor more than \(descriptorCount)") {
            serve.child.descriptorCount == descriptorCount
        }
        let driver = try VFIOUserDriver(VFIOUserClient(connectingTo: serve.socket()))
        try driver.placeStorage()
        try driver.start(features: 1 << 32 | 1)
        #expect(try driver.flush() == 0)
        #expect(serve.child.isRunning)
    }

    /// Every 32-bit field of every message with every value, with no descriptor, one or two.
    @Test func everyFieldWrong() throws {
        let count = serve.child.descriptorCount
        let file = try MemoryFile(byteCount: 4096).descriptor
        var client = try VFIOUserClient(connectingTo: serve.socket())
        try client.negotiate()
        for (command, payload) in Self.messages {
            for field in 0..<payload.count / 4 {
                for value in Self.values {
                    var wrong = payload
                    wrong.replaceSubrange(field * 4..<field * 4 + 4, with: Self.bytes([value]))
                    do {
                        _ = try client.ask(
                            command, wrong, descriptors: [CInt](repeating: file.rawValue, count: field % 3))
                    } catch VFIOUserClient.Failure.ended {
                        client = try VFIOUserClient(connectingTo: serve.socket())
                        try client.negotiate()
                    }
                }
            }
        }
        client.shutDown()
        try checkServer(count)
    }

    /// Every message cut short or longer than it says, with its length right and wrong.
    @Test func everyLengthWrong() throws {
        let count = serve.child.descriptorCount
        for (command, payload) in Self.messages {
            for length in Set([0, 1, payload.count / 2, payload.count - 1, payload.count + 1, payload.count + 100])
            where length >= 0 {
                let client = try VFIOUserClient(connectingTo: serve.socket())
                try client.negotiate()
                let wrong = Array((payload + [UInt8](repeating: 0xff, count: 100)).prefix(length))
                _ = try? client.ask(command, wrong)
                _ = try? client.sendRaw(VFIOUserClient.header(command, byteCount: 16 + length) + payload)
                client.shutDown()
            }
        }
        try checkServer(count)
    }

    /// Descriptors of all kinds, with commands that take some and with others; and more than any command takes.
    @Test func descriptorsOfAllKinds() throws {
        let count = serve.child.descriptorCount
        let pair = try UnixSocket.makePair()
        let event = try EventFD()
        let kinds: [SharedDescriptor] = [
            try MemoryFile(byteCount: 0x1000).descriptor, try MemoryFile(byteCount: 0x1000, isSealed: false).descriptor,
            SharedDescriptor(try OwnedDescriptor(opening: "/dev/null", access: .readWrite)),
            SharedDescriptor(try OwnedDescriptor(opening: "/", access: .read)),
            SharedDescriptor(try pair.first.duplicate()),
            SharedDescriptor(OwnedDescriptor(taking: withExtendedLifetime(event) { dup(event.rawDescriptor) })),
        ]
        for kind in kinds {
            for number in [1, 2, 8, 9, 16] {
                let client = try VFIOUserClient(connectingTo: serve.socket())
                try client.negotiate()
                for (command, payload) in Self.messages {
                    _ = try? client.ask(command, payload, descriptors: [CInt](repeating: kind.rawValue, count: number))
                }
                client.shutDown()
            }
        }
        try checkServer(count)
    }

    /// Memory in a file that may block an access for good is refused, with a word to the operator; a file on tmpfs is
    /// taken.
    @Test func memoryInAnOrdinaryFile() throws {
        let client = try VFIOUserClient(connectingTo: serve.socket())
        try client.negotiate()
        let ordinary = SharedDescriptor(try OwnedDescriptor(unnamedIn: "/var/tmp"))
        try ordinary.with { descriptor in Result { try descriptor.resize(to: 0x1000) } }.get()
        #expect(throws: VFIOUserClient.Failure.refused(UInt32(EBADF))) {
            try client.mapMemory(ordinary, address: 0x10_0000, byteCount: 0x1000)
        }
        try serve.child.wait(for: "a word") { serve.child.output.contains("use memory-backend-memfd") }
        let shared = SharedDescriptor(try OwnedDescriptor(unnamedIn: "/dev/shm"))
        try shared.with { descriptor in Result { try descriptor.resize(to: 0x1000) } }.get()
        try client.mapMemory(shared, address: 0x10_0000, byteCount: 0x1000)
    }

    /// A ring in memory that the client then takes away, makes shorter, or gives twice.
    @Test func memoryThatGoesAway() throws {
        let count = serve.child.descriptorCount
        do {
            let driver = try VFIOUserDriver(VFIOUserClient(connectingTo: serve.socket()))
            try driver.placeStorage()
            try driver.start(features: 1 << 32 | 1)
            try driver.client.unmapMemory(
                address: driver.ram.range.start.rawValue, byteCount: driver.ram.range.byteCount)
            try driver.ring()
            // DEVICE_NEEDS_RESET
            try wait(for: "the device to give up") { try driver.status() & 0x40 != 0 }
        }
        try checkServer(count)
    }

    @Test func aFileThatShrinksUnderTheRing() throws {
        let count = serve.child.descriptorCount
        do {
            let client = try VFIOUserClient(connectingTo: serve.socket())
            try client.negotiate()
            let file = try MemoryFile(byteCount: 0x10_0000, isSealed: false)
            try client.mapMemory(file.descriptor, address: 0x10_0000, byteCount: 0x10_0000)
            try client.store(7, 0x04, 0x6, 2)
            for status in [0, 1, 3] as [UInt64] { try client.store(2, 0x14, status, 1) }
            try client.store(2, 0x08, 1, 4)
            try client.store(2, 0x0c, 1, 4)
            try client.store(2, 0x14, 0xb, 1)
            for (offset, address) in [(0x20, 0x1f_0000), (0x28, 0x1f_1000), (0x30, 0x1f_2000)] as [(UInt64, UInt64)] {
                try client.store(2, offset, address, 4)
            }
            try client.store(2, 0x1c, 1, 2)
            try client.store(2, 0x14, 0xf, 1)
            try file.descriptor.with { descriptor in Result { try descriptor.resize(to: 4096) } }.get()
            try client.store(2, 0x3000, 0, 2)
            try wait(for: "the device to give up") { try client.load(2, 0x14, 1) & 0x40 != 0 }
        }
        try checkServer(count)
    }

    /// More maps than announced, and reconnects with all of them in force.
    @Test func asManyMapsAsThereCanBe() throws {
        let count = serve.child.descriptorCount
        let file = try MemoryFile(byteCount: 4096).descriptor
        let client = try VFIOUserClient(connectingTo: serve.socket())
        try client.negotiate()
        for index in 0..<1024 as Range<UInt64> { try client.mapMemory(file, address: index << 13, byteCount: 4096) }
        #expect(throws: VFIOUserClient.Failure.refused(UInt32(ENOSPC))) {
            try client.mapMemory(file, address: 1 << 40, byteCount: 4096)
        }
        client.shutDown()
        try checkServer(count)
    }

    /// SIGTERM does not wait for a client that is in the middle of a message.
    @Test func aStuckClientDoesNotHoldUpTheEnd() throws {
        let client = try VFIOUserClient(connectingTo: serve.socket())
        try client.negotiate()
        try client.sendRaw([1, 2, 3])
        usleep(50_000)
        serve.child.kill(SIGTERM)
        #expect(try serve.child.end() == .status(0))
    }
}
