import Options

let rngRandomType = ObjectType(
    RNGRandomOptions(id: ""),
    rows: [.text("filename", "File or character device of the host that gives the bytes") { $1(&$0.path) }])

let rngBuiltinType = ObjectType(RNGBuiltinOptions(id: ""), rows: [])
