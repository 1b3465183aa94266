import FoundationEssentials
public import QEMUDialect
import QMPDialect
import Synchronization

/// A program's conversation with the machine: JSON in, answers and events out.
public final class QMPSession: MonitorSession {
    private let machine: any MachineControl
    private let output: @Sendable ([UInt8]) -> Void
    private let framing = Mutex(JSONFraming())
    /// Events are for clients that negotiated. Apart from `framing`, since they come while a command is carried out.
    private let isNegotiated = Atomic(false)
    private let watch = Mutex<UInt64?>(nil)

    /// - Parameter output: takes answers and events, in order; any thread calls it.
    public init(_ machine: any MachineControl, output: @escaping @Sendable ([UInt8]) -> Void) {
        self.machine = machine
        self.output = output
    }

    public func open() {
        send(QMPAnswer.greeting(version: versionAnswer))
        let number = machine.watch { [weak self] in self?.tell($0) }
        watch.withLock { $0 = number }
    }

    /// Takes what the client sent. Commands are carried out before it returns.
    public func receive(_ bytes: [UInt8]) {
        framing.withLock { framing in
            for piece in framing.append(bytes) {
                switch piece {
                case .text(let text): send(answer(to: text))
                case .malformed(let error): send(QMPAnswer.failure(error, id: nil))
                }
            }
        }
    }

    public func close() {
        isNegotiated.store(false, ordering: .relaxed)
        let number = watch.withLock { number in
            defer { number = nil }
            return number
        }
        if let number { machine.stopWatching(number) }
    }

    private func answer(to text: [UInt8]) -> String {
        do throws(QMPRefusal) {
            let value: JSONValue
            do throws(QMPError) { value = try decodeJSON(text) } catch { throw QMPRefusal(error, id: nil) }
            let request = try QMPRequest(value)
            do throws(QMPError) {
                return QMPAnswer.success(try carryOut(request), id: request.id)
            } catch { throw QMPRefusal(error, id: request.id) }
        } catch { return QMPAnswer.failure(error.error, id: error.id) }
    }

    private func carryOut(_ request: QMPRequest) throws(QMPError) -> JSONValue {
        let isReady = isNegotiated.load(ordering: .relaxed)
        guard isReady || request.name == negotiationCommand else { throw .negotiationExpected }
        let command = try request.command()
        guard case .negotiateCapabilities = command else { return try QMPExecution(machine: machine).run(command) }
        guard !isReady else { throw .negotiationComplete }
        isNegotiated.store(true, ordering: .relaxed)
        return .object([])
    }

    private func tell(_ event: MonitorEvent) {
        guard isNegotiated.load(ordering: .relaxed) else { return }
        let microseconds = Int64(Date().timeIntervalSince1970 * 1_000_000)
        send(
            QMPAnswer.event(
                QMPEvent(event), seconds: microseconds / 1_000_000, microseconds: microseconds % 1_000_000))
    }

    private func send(_ text: String) { output(Array(text.utf8)) }
}
