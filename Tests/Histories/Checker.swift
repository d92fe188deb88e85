/// Checks a history of operations on lists for strict serialisability, as Elle does (Kingsbury and
/// Alvaro, VLDB 2020).
///
/// It knows nothing of a store but its answers. A list that was read tells in which order its
/// values were appended. So it tells the order of the key's versions, and which operations come
/// before others. If all operations could be put into one order that respects this and the real
/// time, the graph of these dependencies has no cycle. The check takes O(*n* log *n*) for *n*
/// steps and values.
package struct Checker {
    /// How many cycles are reported for each kind of search.
    private static let cycleCountMax = 5
    /// An operation whose value was never read comes before so many others of that kind at most.
    private static let unreadCountMax = 8

    private let inference: Inference
    private var graph: DependencyGraph

    /// What the history has that no correct store does; empty if nothing was found.
    ///
    /// - Parameters:
    ///   - history: The history.
    ///   - faults: What was done to the store that explains errors; by default nothing.
    package static func findings(
        in history: History, faults: FaultWindows = FaultWindows()
    ) -> [Finding] {
        let inference = Inference(history)
        var checker = Checker(inference)
        let failures = FailureCheck(history, faults)
        return inference.findings + checker.cycles() + failures.findings()
    }

    private init(_ inference: Inference) {
        self.inference = inference
        graph = DependencyGraph(operationCount: inference.operations.count)
    }

    private mutating func cycles() -> [Finding] {
        for key in inference.keys { addDependencies(of: key) }
        addRealTime()
        graph.sort()
        guard StrongComponents(graph, .all).hasCycle else { return [] }
        var search = CycleSearch(graph, countMax: Self.cycleCountMax)
        return search.cycles().map { finding($0) }
    }

    // MARK: Dependencies

    /// The operation that appended a value, if it took effect.
    private func writer(_ key: KeyHistory, _ value: Int) -> Int? {
        guard let operation = key.appends[value]?.operation, inference.hasEffect[operation] else {
            return nil
        }
        return operation
    }

    private mutating func addDependencies(of key: KeyHistory) {
        let writers = key.order.map { writer(key, $0) }
        for (earlier, later) in zip(writers, writers.dropFirst()) {
            if let earlier, let later { graph.add(.writeWrite, earlier, later, key: key.key) }
        }
        let unread = unreadWriters(key)
        let first = unread.sorted().prefix(Self.unreadCountMax)
        let end = unread.isEmpty ? nil : graph.addNode()
        if let end {
            for writer in unread { graph.add(.link, end, writer, key: key.key) }
            if let last = writers.last ?? nil, !unread.contains(last) {
                graph.add(.writeWrite, last, end, key: key.key)
            }
        }
        for read in key.reads where key.isVersion(read.list) {
            let count = read.externalCount
            if count > 0, let writer = writers[count - 1] {
                graph.add(.writeRead, writer, read.operation, key: key.key)
            }
            if count < writers.count {
                guard let writer = writers[count] else { continue }
                graph.add(.readWrite, read.operation, writer, key: key.key)
            } else if let end {
                // An edge through the node would lead back to it.
                if unread.contains(read.operation) {
                    for writer in first {
                        graph.add(.readWrite, read.operation, writer, key: key.key)
                    }
                } else {
                    graph.add(.readWrite, read.operation, end, key: key.key)
                }
            }
        }
    }

    /// The operations that took effect with a value that no list has: they come after the last
    /// version that was read.
    private func unreadWriters(_ key: KeyHistory) -> Set<Int> {
        let known = Set(key.order)
        var writers: Set<Int> = []
        for (value, append) in key.appends
        where !known.contains(value) && inference.hasEffect[append.operation] {
            writers.insert(append.operation)
        }
        return writers
    }

    private mutating func addRealTime() {
        var beginnings: [(time: Int, operation: Int)] = []
        var ends: [(time: Int, operation: Int)] = []
        for (place, operation) in inference.operations.enumerated()
        where inference.hasEffect[place] {
            beginnings.append((operation.invoked, place))
            if operation.outcome == .ok, let end = operation.completed {
                ends.append((end, place))
            }
        }
        graph.addRealTime(beginnings: beginnings, ends: ends)
    }

    // MARK: Cycles

    private func finding(_ cycle: [DependencyGraph.Edge]) -> Finding {
        let places = cycle.map(\.from).filter { $0 < graph.operationCount }
        let isRealTime = cycle.contains { $0.kind == .realTime }
        return Finding(
            kind(cycle), isRealTime: isRealTime,
            operations: places.map { inference.operations[$0].number }, text(cycle))
    }

    private func kind(_ cycle: [DependencyGraph.Edge]) -> Finding.Kind {
        let antiDependencies = cycle.filter { $0.kind == .readWrite }
        guard let first = antiDependencies.first else {
            return cycle.contains { $0.kind == .writeRead } ? .circularFlow : .writeCycle
        }
        let others = cycle.filter { $0.kind != .link && $0.kind != .readWrite }
        let isOneKey = cycle.allSatisfy { $0.key == first.key }
        // Both read the version before, and both append to it.
        if isOneKey, others.allSatisfy({ $0.kind == .writeWrite }) { return .lostUpdate }
        return antiDependencies.count == 1 ? .readSkew : .writeSkew
    }

    private func text(_ cycle: [DependencyGraph.Edge]) -> String {
        var text = ""
        for edge in cycle where edge.from < graph.operationCount || edge.kind != .link {
            if edge.from < graph.operationCount { text += inference.name(edge.from) }
            switch edge.kind {
            case .writeWrite: text += " -[ww, key \(edge.key)]-> "
            case .writeRead: text += " -[wr, key \(edge.key)]-> "
            case .readWrite: text += " -[rw, key \(edge.key)]-> "
            default: text += " -[ended before it began]-> "
            }
        }
        return text + (cycle.first.map { inference.name($0.from) } ?? "")
    }
}
