import GuestMemory
import PCI
import Testing
import Virtio

@Suite struct NegotiationTests {
    @Test func theFunctionIsAModernVirtioDevice() throws {
        let guest = try GuestView()
        #expect(guest.readConfiguration(0x00, 4) == 0x105b_1af4)
        #expect(guest.readConfiguration(0x08, 4) == 0x0180_0001)
        #expect(guest.readConfiguration(0x2c, 4) == 0x1100_1af4)
        #expect(guest.readConfiguration(0x3d, 1) == 0)
    }

    @Test func everyStructureIsFoundByItsCapability() throws {
        let guest = try GuestView()
        let found = guest.virtioCapabilities
        #expect(found.map(\.kind) == [1, 3, 4, 2, 5])
        #expect(found.map(\.length) == [16, 16, 16, 20, 20])
        #expect(found.map(\.bar) == [2, 2, 2, 2, 0])
        #expect(found.map(\.place) == [0, 0x1000, 0x2000, 0x3000, 0])
        #expect(found.map(\.byteCount) == [0x40, 4, 0x1000, 8, 0])
        let notification = try #require(found.first { $0.kind == 2 })
        #expect(guest.readConfiguration(notification.offset + 16, 4) == 4, "notify_off_multiplier")
    }

    @Test func aDriverStartsTheDevice() throws {
        let guest = try GuestView()
        guest.enable()
        #expect(guest.read(guest.common + 0x12, 2) == 2, "two queues")
        guest.start()
        #expect(guest.status == 0xf)
        let activation = try #require(guest.device.activations.first)
        #expect(activation.features == 1 << 32 | 1)
        let queue = try #require(activation.queues[1])
        #expect(queue.size == 32)
        #expect(queue.descriptorArea == GuestAddress(0x1_2341_0000))
        #expect(queue.driverArea == GuestAddress(0x1_2341_1000))
        #expect(queue.deviceArea == GuestAddress(0x1_2341_2000))
        guest.write(guest.common + 0x14, 0, 1)
        #expect(guest.status == 0)
        #expect(guest.device.deactivationCount == 1)
    }

    @Test func offeredFeaturesAreReadByWords() throws {
        let guest = try GuestView()
        guest.enable()
        var words: [UInt64] = []
        for select in [0, 1, 2, 0xffff_ffff] as [UInt64] {
            guest.write(guest.common, select, 4)
            #expect(guest.read(guest.common, 4) == select)
            words.append(guest.read(guest.common + 4, 4))
        }
        #expect(words == [Feature.defaultRingFeatures | 1, 1, 0, 0])
    }

    @Test func interruptsTakeTheirVectors() throws {
        let guest = try GuestView()
        guest.enable()
        guest.start()
        let activation = try #require(guest.device.activations.first)
        activation.queues[0]?.interrupt.signal()
        activation.queues[1]?.interrupt.signal()
        activation.configurationChanged()
        #expect(guest.vectors.takeSent().map(\.data) == [0x41, 0x42, 0x40])
    }

    @Test func aMaskedVectorWaits() throws {
        let guest = try GuestView()
        guest.enable()
        guest.start()
        let table = guest.address(ofBAR: 0)
        guest.write(table + 16 + 12, 1, 4)
        guest.device.activations.first?.queues[0]?.interrupt.signal()
        #expect(guest.vectors.takeSent() == [])
        #expect(guest.read(table + 0x800, 8) == 0b10)
        guest.write(table + 16 + 12, 0, 4)
        #expect(guest.vectors.takeSent().map(\.data) == [0x41])
        #expect(guest.read(table + 0x800, 8) == 0)
    }

    @Test func aVectorThatDoesNotExistReadsBackAsNone() throws {
        let guest = try GuestView()
        guest.enable()
        for (vector, expected) in [(0, 0), (2, 2), (3, 0xffff), (0xffff, 0xffff)] as [(UInt64, UInt64)] {
            guest.write(guest.common + 0x10, vector, 2)
            #expect(guest.read(guest.common + 0x10, 2) == expected)
            guest.write(guest.common + 0x1a, vector, 2)
            #expect(guest.read(guest.common + 0x1a, 2) == expected)
        }
    }

    @Test func withoutVectorsTheStatusRegisterTells() throws {
        let guest = try GuestView()
        guest.enable()
        guest.start()
        guest.write(guest.common + 0x16, 0, 2)
        guest.write(guest.common + 0x1a, 0xffff, 2)
        guest.device.activations.first?.queues[0]?.interrupt.signal()
        #expect(guest.vectors.takeSent() == [])
        #expect(guest.read(guest.interruptStatus, 1) == 1)
        #expect(guest.read(guest.interruptStatus, 1) == 0, "loading clears it")
        guest.device.activations.first?.queues[0]?.interrupt.signal()
        #expect(guest.read(guest.interruptStatus, 4) == 1)
    }

    @Test func everyQueueHasItsDoorbell() throws {
        let guest = try GuestView()
        guest.enable()
        guest.write(guest.notification, 0, 2)
        #expect(!guest.device.doorbells[0].isSignalled, "ignored before DRIVER_OK")
        guest.start()
        for (queue, byteCount) in [(1, 2), (0, 4), (1, 1)] as [(UInt64, Int)] {
            guest.write(guest.common + 0x16, queue, 2)
            guest.write(guest.notification + guest.read(guest.common + 0x1e, 2) * 4, queue, byteCount)
            #expect(guest.device.doorbells.map { $0.clear() } == [queue == 0, queue == 1])
        }
        guest.write(guest.notification + 2, 0, 2)
        guest.write(guest.notification + 8, 0, 2)
        #expect(guest.device.doorbells.map { $0.clear() } == [false, false], "no queue is there")
    }

    @Test func doorbellsAreWhereTheCapabilitySaysAndAreTheDevices() throws {
        let guest = try GuestView()
        let found = try #require(guest.virtioCapabilities.first { $0.kind == 2 })
        #expect(guest.transport.doorbells.map(\.offset) == [found.place, found.place + 4])
        #expect(guest.transport.doorbells.allSatisfy { UInt64($0.bar) == found.bar && $0.byteCount == 0 })
        #expect(zip(guest.transport.doorbells, guest.device.doorbells).allSatisfy { $0.eventFD === $1 })
    }

    @Test func aSharedMemoryRegionHasItsCapability() throws {
        let bar = try BaseAddressRegister(
            index: 4, byteCount: 8 << 30, width: .bits64, isPrefetchable: true, contents: nil)
        let guest = try GuestView(
            sharedMemory: PCITransport.SharedMemory(bar: bar, byteCount: 5 << 30))
        let found = try #require(guest.virtioCapabilities.first { $0.kind == 8 })
        #expect(found.length == 24)
        #expect(found.bar == 4)
        #expect(found.place == 0)
        #expect(found.byteCount == 0x4000_0000)
        #expect(guest.readConfiguration(found.offset + 5, 1) == 0)
        #expect(guest.readConfiguration(found.offset + 16, 4) == 0)
        #expect(guest.readConfiguration(found.offset + 20, 4) == 1)
        #expect(guest.readConfiguration(0x20, 4) & 0xf == 0xc)
    }
}
