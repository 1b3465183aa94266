import CLinux
import Synchronization

/// A kernel thread of our own: a vCPU or a flush worker blocks in the kernel for good, which Swift's shared
/// thread pool must not.
public final class HostThread: Sendable {
    /// The signal that makes a thread leave a blocking system call; its handler does nothing.
    public static let kickSignal: CInt = nt_sigrtmin()

    private let handle: pthread_t
    private let joined = Mutex(false)
    private let start: Start

    /// Starts `body` on a new thread.
    ///
    /// - Parameters:
    ///   - name: shown by `ps -L`; the kernel keeps 15 bytes.
    ///   - stackByteCount: address space for the stack; only what is touched costs memory.
    public init(
        name: String, stackByteCount: Int = 256 << 10, body: @escaping @Sendable () -> Void
    ) throws(SystemCallError) {
        Self.installKickHandler()
        start = Start(name: name, body: body, finished: try EventFD())
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setstacksize(&attributes, stackByteCount)
        defer { unsafe pthread_attr_destroy(&attributes) }

        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(start)
        let result = unsafe pthread_create(&thread, &attributes, runThread, argument.toOpaque())
        guard result == 0 else {
            unsafe argument.release()
            throw SystemCallError(call: "pthread_create", subject: name, errno: .init(rawValue: result))
        }
        handle = thread
    }

    /// The kernel's number of the thread, as `ps -L` shows it; 0 until it runs.
    public var identifier: CInt { start.identifier.load(ordering: .relaxed) }

    /// Interrupts a system call in which the thread blocks.
    public func kick() {
        joined.withLock { isJoined in
            // A joined thread's handle may already name another thread.
            if !isJoined { pthread_kill(handle, Self.kickSignal) }
        }
    }

    /// Waits until the thread has ended and has let go of all that its body held. Any number of threads may wait, and
    /// `kick` works meanwhile. Not to be called on the thread itself.
    public func join() {
        // The lock is taken only for a thread that is about to end: a joiner that waited under it would block `kick`.
        try? start.finished.waitUntilSignalled()
        joined.withLock { isJoined in
            if !isJoined { pthread_join(handle, nil) }
            isJoined = true
        }
    }

    private static let handlerInstalled: Void = {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { _ in }
        unsafe sigaction(kickSignal, &action, nil)
    }()

    /// Threads inherit what their maker blocks, and the threads of Swift's pool block nearly every signal. A SIGBUS
    /// that an access of this thread causes would end the process while it is blocked.
    fileprivate static func allowKicks() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, kickSignal)
        unsafe sigaddset(&set, SIGBUS)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    private static func installKickHandler() { _ = handlerInstalled }

    deinit {
        if !joined.withLock({ $0 }) { pthread_detach(handle) }
    }
}

private final class Start: Sendable {
    let name: String
    /// Taken by the thread, so that what it holds goes when the thread ends.
    private let body: Mutex<(@Sendable () -> Void)?>
    /// Signalled when the body has returned.
    let finished: EventFD
    let identifier = Atomic<CInt>(0)

    init(name: String, body: @escaping @Sendable () -> Void, finished: EventFD) {
        self.name = name
        self.body = Mutex(body)
        self.finished = finished
    }

    func run() {
        identifier.store(gettid(), ordering: .relaxed)
        let body = body.withLock { body in
            defer { body = nil }
            return body
        }
        body?()
    }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument = unsafe argument else { return nil }
    let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
    _ = unsafe nt_set_thread_name(String(decoding: start.name.utf8.prefix(15), as: UTF8.self))
    HostThread.allowKicks()
    start.run()
    start.finished.signal()
    return nil
}
