internal import CodexStore
internal import Synchronization

/// The positions of recent iterators, so that a page continues without a search in the log.
final class StreamCursors: Sendable {
    private static let countMax = 256
    private let cursors = Mutex<[(iterator: String, cursor: ChangeCursor)]>([])

    func put(_ iterator: String, _ cursor: ChangeCursor) {
        cursors.withLock { cursors in
            cursors.append((iterator, cursor))
            if cursors.count > Self.countMax { cursors.removeFirst() }
        }
    }

    func cursor(of iterator: String) -> ChangeCursor? {
        cursors.withLock { cursors in cursors.last { $0.iterator == iterator }?.cursor }
    }
}
