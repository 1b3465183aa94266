import Options

let virtioRNGModel = DeviceModel(
    VirtioRNGOptions(), aliases: ["virtio-rng"], withoutTransport: "virtio-rng-device", category: "Misc",
    "Random numbers from the host",
    rows: [
        .link("rng", to: "rng-backend", "The rng-backend object; without it, an rng-builtin of the device's own") {
            $1(&$0.source)
        },
        .integer("max-bytes", "Bytes that the guest may take in a period") { $1(&$0.maximumByteCount) },
        .integer("period", "Of the limit, in milliseconds") { $1(&$0.period) },
    ],
    check: { (options) throws(DialectError) in
        guard options.maximumByteCount < 1 << 63 else { throw .randomLimitOutOfRange }
        guard options.period > 0 else { throw .expectsPositive(parameter: "period") }
    })

let rngRandomType = ObjectType(
    RNGRandomOptions(id: ""),
    rows: [.text("filename", "File or character device of the host that gives the bytes") { $1(&$0.path) }])

let rngBuiltinType = ObjectType(RNGBuiltinOptions(id: ""), rows: [])
