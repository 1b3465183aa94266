import Virtio

/// When a round of the request queue's worker looks for requests.
enum HorizonRule: Sendable {
    /// Before the sync, once: the rule that holds.
    case readOnce
    /// After the sync once more, answering what came meanwhile with its result. Broken on purpose, so that the tests
    /// of the rule can be seen to fail.
    case readAgainAfterSync

    var service: QueueWorker.Service {
        switch self {
        case .readOnce: { (rounds) throws(QueueError) in try rounds.serve() }
        case .readAgainAfterSync: { (rounds) throws(QueueError) in try rounds.serveReadingTheHorizonAgain() }
        }
    }
}

extension QueueRounds {
    fileprivate mutating func serveReadingTheHorizonAgain() throws(QueueError) {
        var hasMore = true
        while hasMore, !isOver {
            try take()
            var count = work()
            if count > 0 {
                try take()
                count = unansweredCount
            }
            if isOver { return }
            hasMore = try finish(count)
        }
    }
}
