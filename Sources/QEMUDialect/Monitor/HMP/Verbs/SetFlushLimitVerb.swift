import Options

let setFlushLimitVerb = HMPVerb(
    ["x-needletail-set-flush-limit"], parameters: "device rate [burst]",
    help: "syncs per second that a device's flushes may cause (0: any number), and how many at once",
    candidates: { before, names in before.isEmpty ? names.devices : [] }
) { (arguments) throws(HMPError) in
    guard let id = try arguments.takeWord() else { throw arguments.problem("string expected") }
    guard let rate = try arguments.takeUnsigned() else { throw arguments.problem("integer expected") }
    let burst = try arguments.takeUnsigned() ?? 0
    try arguments.finish()
    return .setFlushLimit(id: id, FlushLimitOptions(rate: rate, burst: burst))
}
