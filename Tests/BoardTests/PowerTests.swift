import Board
import PCI
import Testing

struct PowerStore: Sendable, CustomTestStringConvertible {
    let name: String
    let value: UInt64
    let offset: UInt64
    var byteCount = 1
    let events: [PowerEvent]
    var testDescription: String { name }
}

@Suite struct PowerTests {
    @Test(arguments: [
        PowerStore(name: "soft-off", value: 0x34, offset: 0, events: [.powerOff]),
        PowerStore(name: "soft-off without the enable bit", value: 0x14, offset: 0, events: []),
        PowerStore(name: "another sleep", value: 0x2C, offset: 0, events: []),
        PowerStore(name: "sleep status", value: 0x80, offset: 1, events: []),
        PowerStore(name: "reset", value: 1, offset: 2, events: [.reset]),
        PowerStore(name: "reset with another value", value: 6, offset: 2, events: []),
        PowerStore(name: "elsewhere", value: 0x34, offset: 3, events: []),
        PowerStore(name: "word over two registers", value: 0x0134, offset: 0, byteCount: 4, events: [.powerOff]),
        PowerStore(name: "past the end of the space", value: 0x3434_3434, offset: .max, byteCount: 4, events: []),
    ])
    func powerRegisters(_ row: PowerStore) {
        let events = Recorder<PowerEvent>()
        let registers = PowerRegisters { events.append($0) }
        registers.store(row.value, at: row.offset, byteCount: row.byteCount)
        #expect(events.all == row.events)
        #expect(registers.load(at: row.offset, byteCount: 1) == 0)
    }

    @Test(arguments: [
        PowerStore(name: "reset", value: 0x06, offset: 0, events: [.reset]),
        PowerStore(name: "prepare", value: 0x02, offset: 0, events: []),
        PowerStore(name: "elsewhere", value: 0x06, offset: 1, events: []),
    ])
    func resetControl(_ row: PowerStore) {
        let events = Recorder<PowerEvent>()
        let register = ResetControl { events.append($0) }
        register.store(row.value, at: row.offset, byteCount: 1)
        #expect(events.all == row.events)
        #expect(register.load(at: 0, byteCount: 1) == (row.offset == 0 ? 2 : 0))
    }

    @Test(arguments: [
        PowerStore(name: "pulse", value: 0xFE, offset: 4, events: [.reset]),
        PowerStore(name: "self test", value: 0xAA, offset: 4, events: []),
        PowerStore(name: "data port", value: 0xFE, offset: 0, events: []),
    ])
    func keyboardController(_ row: PowerStore) {
        let events = Recorder<PowerEvent>()
        let controller = KeyboardController { events.append($0) }
        controller.store(row.value, at: row.offset, byteCount: 1)
        #expect(events.all == row.events)
        #expect(controller.load(at: 4, byteCount: 1) == 0)
    }

    @Test func eventsAreTakenOnce() {
        let edges = Recorder<Void>()
        let registers = EventRegisters { edges.append(()) }
        #expect(registers.load(at: 0, byteCount: 4) == 0)
        registers.post(.powerButton)
        registers.post(.pciHotPlug)
        #expect(edges.count == 2)
        #expect(registers.load(at: 0, byteCount: 1) == 0, "a narrow load takes nothing")
        registers.store(.max, at: 0, byteCount: 8)
        #expect(registers.load(at: 0, byteCount: 4) == 3)
        #expect(registers.load(at: 0, byteCount: 4) == 0)
    }
}
