/// A directory of a simulated disk: the names that are safe, and the changes since, in their order.
struct DirectoryHistory: Sendable {
    /// One call's changes of its names.
    struct Change: Sendable {
        /// The same in both directories of a rename.
        let number: Int
        /// The names, and which object each has then.
        let names: [(name: String, object: Int?)]
        /// The other directory of a rename.
        let partner: Int?
    }

    /// The names as processes see them.
    private(set) var names: [String: Int]
    private(set) var safeNames: [String: Int]
    private(set) var changes: [Change] = []

    init(_ names: [String: Int] = [:]) { (self.names, safeNames) = (names, names) }

    mutating func append(_ change: Change) {
        Self.apply(change, &names)
        changes.append(change)
    }

    private static func apply(_ change: Change, _ names: inout [String: Int]) {
        for (name, object) in change.names { names[name] = object }
    }

    /// Makes the first changes safe, and returns them.
    mutating func flush(_ count: Int) -> [Change] {
        let flushed = Array(changes.prefix(count))
        for change in flushed { Self.apply(change, &safeNames) }
        changes.removeFirst(flushed.count)
        return flushed
    }

    /// How many of the changes there are up to the one with a number; 0 without it.
    func count(through number: Int) -> Int {
        changes.firstIndex { $0.number == number }.map { $0 + 1 } ?? 0
    }

    /// The names with the first changes.
    func names(with count: Int) -> [String: Int] {
        var names = safeNames
        for change in changes.prefix(count) { Self.apply(change, &names) }
        return names
    }
}
