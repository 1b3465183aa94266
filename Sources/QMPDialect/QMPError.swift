public import QEMUDialect

/// An answer that says what is wrong.
public struct QMPError: Error, Equatable, Sendable {
    public let errorClass: ErrorClass
    /// In QEMU's words where it has some.
    public let description: String

    public init(_ description: String, errorClass: ErrorClass = .generic) {
        self.errorClass = errorClass
        self.description = description
    }

    public init(_ error: ControlError) {
        self.init(error.message, errorClass: error.errorClass)
    }

    public init(_ error: DialectError) {
        self.init(error.monitorMessage, errorClass: error.errorClass)
    }
}

extension QMPError {
    static func parseError(_ reason: String) -> QMPError { QMPError("JSON parse error, \(reason)") }
    static func limit(_ what: String) -> QMPError { QMPError("JSON \(what) limit exceeded") }
    static let requestNotAnObject = QMPError("QMP input must be a JSON object")
    static func memberUnexpected(_ name: String) -> QMPError { QMPError("QMP input member '\(name)' is unexpected") }
    static func memberNot(_ name: String, _ type: String) -> QMPError {
        QMPError("QMP input member '\(name)' must be \(type)")
    }
    static let executeMissing = QMPError("QMP input lacks member 'execute'")
    static func commandNotFound(_ name: String) -> QMPError {
        QMPError("The command \(name) has not been found", errorClass: .commandNotFound)
    }
    static func missing(_ name: String) -> QMPError { QMPError("Parameter '\(name)' is missing") }
    static func unexpected(_ name: String) -> QMPError { QMPError("Parameter '\(name)' is unexpected") }
    static func wrongType(_ name: String, expected: String) -> QMPError {
        QMPError("Invalid parameter type for '\(name)', expected: \(expected)")
    }
    /// A command before `qmp_capabilities`.
    public static let negotiationExpected = QMPError(
        "Expecting capabilities negotiation with 'qmp_capabilities'", errorClass: .commandNotFound)
    /// `qmp_capabilities` after it succeeded.
    public static let negotiationComplete = QMPError(
        "Capabilities negotiation is already complete, command ignored", errorClass: .commandNotFound)
}
