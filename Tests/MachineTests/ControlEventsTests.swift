import PCI
import Testing

@testable import Machine

@Suite struct ControlEventsTests {
    @Test("what a guest says again and again waits once") func bounded() throws {
        let events = try ControlEvents()
        for round in 0..<1000 {
            let slot = round % 32
            events.post(.power(.reset))
            events.post(.serialSpace)
            events.post(.hotPlug(.eject(slot: slot)))
            events.post(.hotPlug(.outcome(slot: slot, event: UInt16(round), status: 1)))
            events.post(.emulationFailed(index: 0, instructionPointer: 0, count: UInt64(round)))
        }
        #expect(events.takeAll().count <= 1 + 1 + 32 + 2 * 32 + 1)
        #expect(events.takeAll().isEmpty)
    }

    @Test("the last outcome of an ejection counts, whatever is said of others") func outcomes() throws {
        let events = try ControlEvents()
        for (event, status) in [(3, 0x84), (3, 0x80), (1, 0)] as [(UInt16, UInt16)] {
            events.post(.hotPlug(.outcome(slot: 4, event: event, status: status)))
        }
        let outcomes = events.takeAll().compactMap { event in
            if case .hotPlug(let action) = event { action } else { nil }
        }
        #expect(
            outcomes == [.outcome(slot: 4, event: 3, status: 0x80), .outcome(slot: 4, event: 1, status: 0)],
            "\(outcomes)")
    }

    @Test("requests are all kept, in their order") func requests() throws {
        let events = try ControlEvents()
        for _ in 0..<10 {
            events.post(.request { _ in })
            events.post(.serialSpace)
        }
        #expect(events.takeAll().count == 11)
    }
}
