import Synchronization

/// How many values there are.
final class LiveCount: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add(_ number: Int) { count.withLock { $0 += number } }
}

/// A value that is counted as long as it lives.
final class CountedValue: Sendable {
    private let count: LiveCount

    init(_ count: LiveCount) {
        self.count = count
        count.add(1)
    }

    deinit { count.add(-1) }
}
