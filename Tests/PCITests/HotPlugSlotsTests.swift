import PCI
import Testing

@Suite struct HotPlugSlotsTests {
    private let notifications = Recorder<Bool>()
    private let actions = Recorder<HotPlugSlots.GuestAction>()
    private let slots: HotPlugSlots

    init() {
        slots = HotPlugSlots { [notifications] in
            notifications.append(true)
        } guestActed: { [actions] in
            actions.append($0)
        }
    }

    private func load(_ register: HotPlugSlots.Register) -> UInt64 {
        slots.load(at: UInt64(register.rawValue), byteCount: 4)
    }

    private func store(_ value: UInt64, _ register: HotPlugSlots.Register) {
        slots.store(value, at: UInt64(register.rawValue), byteCount: 4)
    }

    @Test func aPluggedSlotIsSeenOnce() {
        slots.plug(slot: 5)
        #expect(notifications.take().count == 1)
        #expect(load(.up) == 1 << 5)
        #expect(load(.present) == 1 << 5)
        slots.plug(slot: 31)
        #expect(load(.up) == 1 << 31, "the load before took the other")
        #expect(load(.up) == 0)
        #expect(load(.present) == 1 << 5 | 1 << 31)
    }

    @Test func aRemovalIsAskedForAndEjected() {
        slots.plug(slot: 5)
        _ = notifications.take()
        #expect(slots.requestRemoval(slot: 5))
        #expect(notifications.take().count == 1)
        #expect(load(.up) == 1 << 5)
        #expect(load(.down) == 1 << 5)
        #expect(load(.down) == 0)
        store(1 << 5, .eject)
        #expect(actions.take() == [.eject(slot: 5)])
        slots.removed(slot: 5)
        #expect(load(.present) == 0)
        #expect(load(.eject) == 0)
        #expect(!slots.requestRemoval(slot: 5))
        #expect(notifications.take().isEmpty)
    }

    @Test func onlyRemovableSlotsAreEjected() {
        slots.setPresent(slot: 0, isRemovable: false)
        slots.setPresent(slot: 1, isRemovable: true)
        slots.setPresent(slot: 31, isRemovable: true)
        #expect(notifications.take().isEmpty)
        #expect(load(.eject) == 1 << 1 | 1 << 31)
        #expect(!slots.requestRemoval(slot: 0))
        store(.max, .eject)
        #expect(actions.take() == [.eject(slot: 1), .eject(slot: 31)])
    }

    @Test func theGuestSaysWhatBecameOfIt() {
        store(5 << 27 | 3 << 16 | 0x80, .outcome)
        store(0xffff_ffff, .outcome)
        #expect(
            actions.take() == [
                .outcome(slot: 5, event: 3, status: 0x80), .outcome(slot: 31, event: 0x7ff, status: 0xffff),
            ])
        #expect(load(.outcome) == 0)
    }

    @Test func partialAndOutsideAccessesDoNothing() {
        slots.plug(slot: 0)
        #expect(slots.load(at: 0, byteCount: 1) == 1)
        #expect(slots.load(at: 0, byteCount: 8) == 1)
        #expect(load(.up) == 1, "only a load of the whole register takes it")
        for offset in [0x08, 0x09, 0x10, 0x12, 0x14, .max] as [UInt64] {
            slots.store(.max, at: offset, byteCount: 1)
            slots.store(.max, at: offset &+ 1, byteCount: 4)
        }
        #expect(actions.take().isEmpty)
        #expect(load(.present) == 1)
        #expect(slots.load(at: 0x14, byteCount: 4) == 0)
        #expect(slots.load(at: .max, byteCount: 8) == 0)
        for slot in [-1, 32, Int.max] {
            slots.plug(slot: slot)
            slots.removed(slot: slot)
            #expect(!slots.requestRemoval(slot: slot))
        }
        #expect(load(.present) == 1)
    }
}
