let clearFailureVerb = QMPVerb("x-needletail-clear-failure") { (arguments) throws(QMPError) in
    .clearFailure(id: try arguments.string("id"))
}
