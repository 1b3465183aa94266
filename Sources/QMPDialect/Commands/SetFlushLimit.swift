import Options

let setFlushLimitVerb = QMPVerb("x-needletail-set-flush-limit") { (arguments) throws(QMPError) in
    let id = try arguments.string("id")
    guard let rate = try arguments.optionalUnsigned("rate") else { throw .missing("rate") }
    return .setFlushLimit(id: id, FlushLimitOptions(rate: rate, burst: try arguments.optionalUnsigned("burst") ?? 0))
}
