import CLinux
import Synchronization
import Testing

@testable import Host

@Suite(.timeLimit(limit)) struct HostThreadTests {
    @Test("join waits for the end, and a second join returns")
    func join() throws {
        let start = try EventFD()
        let done = Atomic(false)
        let thread = try HostThread(name: "worker") {
            try? start.waitUntilSignalled()
            done.store(true, ordering: .releasing)
        }
        start.signal()
        thread.join()
        let finalDone = done.load(ordering: .acquiring)
        #expect(finalDone)
        thread.join()
        thread.kick()
    }

    @Test("every thread that joins waits, not only the first")
    func concurrentJoin() throws {
        let start = try EventFD()
        let done = Atomic(false)
        let early = Atomic(0)
        let thread = try HostThread(name: "worker") {
            try? start.waitUntilSignalled()
            done.store(true, ordering: .sequentiallyConsistent)
        }
        let waiters = try (0..<3).map { _ in
            try HostThread(name: "waiter") {
                thread.join()
                if !done.load(ordering: .sequentiallyConsistent) { early.add(1, ordering: .relaxed) }
            }
        }
        usleep(20_000)
        start.signal()
        waiters.forEach { $0.join() }
        let finalEarly = early.load(ordering: .relaxed)
        #expect(finalEarly == 0)
    }

    @Test("a kick ends a blocking call, also while another thread joins already")
    func kickDuringJoin() throws {
        let woken = Atomic(0)
        let stop = Atomic(false)
        let thread = try HostThread(name: "blocked") {
            while !stop.load(ordering: .acquiring) {
                if usleep(30_000_000) == -1 { woken.add(1, ordering: .relaxed) }
            }
        }
        let joiner = try HostThread(name: "joiner") { thread.join() }
        usleep(20_000)
        stop.store(true, ordering: .releasing)
        // The first kick may come before the thread blocks.
        let ended = Atomic(false)
        let kicker = try HostThread(name: "kicker") {
            while !ended.load(ordering: .acquiring) {
                thread.kick()
                usleep(1000)
            }
        }
        joiner.join()
        ended.store(true, ordering: .releasing)
        kicker.join()
        let finalWoken = woken.load(ordering: .relaxed)
        #expect(finalWoken == 1)
    }

    @Test("what the body held is released when join returns")
    func release() throws {
        final class Token: Sendable {}
        struct Weak<Object: AnyObject> {
            weak let object: Object?
            init(_ object: Object) { self.object = object }
        }
        let holder = try { () throws -> (HostThread, Weak<Token>) in
            let token = Token()
            return (try HostThread(name: "holder") { _ = token }, Weak(token))
        }()
        let (thread, token) = holder
        thread.join()
        #expect(token.object == nil)
    }

    @Test(
        "names are cut to what the kernel keeps",
        arguments: [
            ("short", "short"), ("a name that is longer than 15", "a name that is "),
        ])
    func names(_ given: String, _ kept: String) throws {
        let name = Mutex("")
        try HostThread(name: given) {
            let text = textOfSmallFile("/proc/thread-self/comm") ?? ""
            name.withLock { $0 = text }
        }.join()
        #expect(name.withLock { $0 } == kept + "\n")
    }

    @Test("threads leave no descriptor behind")
    func descriptors() throws {
        let before = directoryEntries("/proc/self/fd")?.count ?? 0
        for _ in 0..<100 { try HostThread(name: "short") {}.join() }
        #expect((directoryEntries("/proc/self/fd")?.count ?? 0) < before + 50)
    }
}
