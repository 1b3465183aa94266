import Testing

@testable import Machine

/// What is typed, in pieces as they arrive, and what becomes of it.
struct EscapeCase: Sendable {
    let typed: [[UInt8]]
    let forGuest: [UInt8]
    let actions: [EscapeKey.Action]
}

@Suite struct EscapeKeyTests {
    @Test(arguments: [
        EscapeCase(typed: [[]], forGuest: [], actions: []),
        EscapeCase(typed: [[97, 98]], forGuest: [97, 98], actions: []),
        EscapeCase(typed: [[1, 120]], forGuest: [], actions: [.quit]),
        EscapeCase(typed: [[97, 1], [120, 98]], forGuest: [97, 98], actions: [.quit]),
        EscapeCase(typed: [[1, 1]], forGuest: [1], actions: []),
        EscapeCase(typed: [[1], [1], [120]], forGuest: [1, 120], actions: []),
        EscapeCase(typed: [[1, 104, 1, 63]], forGuest: [], actions: [.help, .help]),
        EscapeCase(typed: [[1, 98]], forGuest: [], actions: [.sendBreak]),
        EscapeCase(typed: [[1, 3, 98]], forGuest: [98], actions: []),
        EscapeCase(typed: [[1, 88]], forGuest: [], actions: []),
        EscapeCase(typed: [[3, 0, 255]], forGuest: [3, 0, 255], actions: []),
        EscapeCase(typed: [[1]], forGuest: [], actions: []),
        EscapeCase(
            typed: [[97, 1, 99, 98, 100], [101, 1], [99, 102]], forGuest: [97, 102],
            actions: [.giveToMonitor, .monitorInput([98, 100]), .monitorInput([101]), .giveToGuest]),
        EscapeCase(typed: [[1, 99, 1, 1]], forGuest: [], actions: [.giveToMonitor, .monitorInput([1])]),
        EscapeCase(typed: [[1, 99, 1, 120]], forGuest: [], actions: [.giveToMonitor, .quit]),
        EscapeCase(
            typed: [[1, 99, 1, 99, 1, 99]], forGuest: [], actions: [.giveToMonitor, .giveToGuest, .giveToMonitor]),
    ])
    func keys(_ test: EscapeCase) {
        var escape = EscapeKey()
        var (forGuest, actions): ([UInt8], [EscapeKey.Action]) = ([], [])
        for piece in test.typed {
            let result = escape.filter(piece)
            forGuest += result.forGuest
            actions += result.actions
        }
        #expect(forGuest == test.forGuest)
        #expect(actions == test.actions)
    }
}

@Suite struct KeyboardTests {
    @Test func inputWaitsInOrderForSpace() {
        let keyboard = Keyboard()
        let typed = (0..<100).map { UInt8($0) }
        var arrived: [UInt8] = []
        keyboard.append(Array(typed[..<40]))
        keyboard.deliver {
            arrived += $0.prefix(16); return 16
        }
        keyboard.append(Array(typed[40...]))
        while keyboard.backlogByteCount > 0 {
            keyboard.deliver {
                arrived += $0.prefix(7); return min(7, $0.count)
            }
        }
        #expect(arrived == typed)
    }

    @Test func aFullChipTakesNothing() {
        let keyboard = Keyboard()
        keyboard.append([1, 2])
        keyboard.deliver { _ in 0 }
        #expect(keyboard.backlogByteCount == 2)
        keyboard.deliver {
            #expect($0 == [1, 2]); return 2
        }
        #expect(keyboard.backlogByteCount == 0)
        keyboard.deliver { _ in
            Issue.record("nothing is there to deliver")
            return 0
        }
    }

    @Test func keysOfTheMonitorDoNotReachTheGuest() {
        let keyboard = Keyboard()
        #expect(keyboard.appendFiltered([97, 1]) == [])
        #expect(keyboard.appendFiltered([120, 98]) == [.quit])
        keyboard.deliver {
            #expect($0 == [97, 98]); return 2
        }
    }

    @Test func aNewPowerCycleStartsWithoutBacklog() {
        let keyboard = Keyboard()
        keyboard.append([1, 2, 3])
        keyboard.discard()
        #expect(keyboard.backlogByteCount == 0)
    }
}
