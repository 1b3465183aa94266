import CLinux
import Synchronization
import SystemPackage
import Testing

@testable import Host

/// Long enough that only a thread which really hangs passes it.
let limit: TimeLimitTrait.Duration = .minutes(1)

@Suite(.timeLimit(limit)) struct EventFDTests {
    @Test("a counter adds up and a wait takes all of it")
    func counter() throws {
        let event = try EventFD()
        #expect(!event.isSignalled)
        #expect(!event.clear())
        event.signal()
        event.signal()
        #expect(event.isSignalled)
        try event.waitUntilSignalled()
        #expect(try event.wait() == 2)
        #expect(!event.isSignalled)
    }

    @Test("one that starts above 0 is signalled")
    func initialValue() throws {
        let event = try EventFD(initialValue: 3)
        #expect(event.clear())
        #expect(!event.clear())
    }

    /// One that another process made; those are often non-blocking.
    private func taken() throws -> (EventFD, owner: EventFD) {
        let owner = try EventFD()
        let copy = try OwnedDescriptor(taking: owner.rawDescriptor).duplicateAndRelease()
        return (try EventFD(taking: copy), owner)
    }

    @Test("a taken one is waited for as well", arguments: [true, false])
    func takenOne(_ signalledBefore: Bool) throws {
        let (event, owner) = try taken()
        if signalledBefore { owner.signal() }
        let result = Mutex<UInt64>(0)
        let thread = try HostThread(name: "wait") { [event] in
            let value = (try? event.wait()) ?? 99
            result.withLock { $0 = value }
        }
        if !signalledBefore {
            // The thread is to find nothing at first.
            usleep(50_000)
            owner.signal()
        }
        thread.join()
        #expect(result.withLock { $0 } == 1)
    }

    @Test("clear never blocks, however many do it at once")
    func concurrentClear() throws {
        let event = try EventFD()
        let taken = Mutex(0)
        let threads = try (0..<4).map { _ in
            try HostThread(name: "clear") {
                for _ in 0..<2000 where event.clear() { taken.withLock { $0 += 1 } }
            }
        }
        for _ in 0..<2000 { event.signal() }
        threads.forEach { $0.join() }
        event.clear()
        #expect(taken.withLock { $0 } <= 2000)
        #expect(!event.isSignalled)
    }
}

extension OwnedDescriptor {
    /// A second descriptor of what is not ours to close.
    consuming func duplicateAndRelease() throws -> OwnedDescriptor {
        let copy = try duplicate()
        _ = release()
        return copy
    }
}
