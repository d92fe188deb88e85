/// Why one operation comes before another; as a mask, which reasons count.
struct DependencyKinds: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    /// The later one wrote the next version.
    static let writeWrite = DependencyKinds(rawValue: 1)
    /// The later one read what the earlier one wrote.
    static let writeRead = DependencyKinds(rawValue: 2)
    /// The later one wrote the version after the one that the earlier one read.
    static let readWrite = DependencyKinds(rawValue: 4)
    /// The later one began after the earlier one had ended.
    static let realTime = DependencyKinds(rawValue: 8)
    /// The way on from a node that is no operation.
    static let link = DependencyKinds(rawValue: 16)

    static let all: DependencyKinds = [.writeWrite, .writeRead, .readWrite, .realTime, .link]
}

/// Operations, and what must come before what.
///
/// Nodes from ``operationCount`` on are no operations. Many edges to many nodes go through one of
/// them, so that there are O(*n*) edges.
struct DependencyGraph {
    struct Edge {
        var from: Int
        var to: Int
        var kind: DependencyKinds
        /// The key; -1 for one of real time.
        var key = -1
    }

    let operationCount: Int
    private(set) var nodeCount: Int
    /// The edges, by their beginning once ``sort()`` was called.
    private(set) var edges: [Edge] = []
    /// Where the edges of a node begin; one more is at the end.
    private(set) var starts: [Int] = []

    init(operationCount: Int) {
        self.operationCount = operationCount
        nodeCount = operationCount
    }

    mutating func addNode() -> Int {
        nodeCount += 1
        return nodeCount - 1
    }

    /// Adds an edge between two different nodes.
    mutating func add(_ kind: DependencyKinds, _ from: Int, _ to: Int, key: Int = -1) {
        guard from != to else { return }
        edges.append(Edge(from: from, to: to, kind: kind, key: key))
    }

    /// Puts the edges of each node together, in O(*n*).
    mutating func sort() {
        var starts = [Int](repeating: 0, count: nodeCount + 1)
        for edge in edges { starts[edge.from + 1] += 1 }
        for node in 0..<nodeCount { starts[node + 1] += starts[node] }
        var places = starts
        var sorted = edges
        for edge in edges {
            sorted[places[edge.from]] = edge
            places[edge.from] += 1
        }
        (edges, self.starts) = (sorted, starts)
    }

    /// Adds an edge from each operation that ended to each that began later, through a chain of
    /// moments: two edges and half a node for an operation.
    ///
    /// - Parameters:
    ///   - beginnings: The operations and when they began.
    ///   - ends: The operations that were answered, and when.
    mutating func addRealTime(
        beginnings: [(time: Int, operation: Int)], ends: [(time: Int, operation: Int)]
    ) {
        let beginnings = beginnings.sorted { $0.time < $1.time }
        let ends = ends.sorted { $0.time < $1.time }
        var next = 0
        var moment: Int?
        for beginning in beginnings {
            let first = next
            while next < ends.count, ends[next].time < beginning.time { next += 1 }
            if next > first {
                let later = addNode()
                if let moment { add(.link, moment, later) }
                for end in ends[first..<next] { add(.realTime, end.operation, later) }
                moment = later
            }
            if let moment { add(.link, moment, beginning.operation) }
        }
    }
}

/// The strongly connected components of a graph (Tarjan's algorithm, without recursion).
struct StrongComponents {
    /// The component of each node.
    private(set) var component: [Int]
    /// How many nodes each component has.
    private(set) var sizes: [Int] = []

    /// Finds them by the edges of some kinds, in O(*n*).
    init(_ graph: DependencyGraph, _ kinds: DependencyKinds) {
        let count = graph.nodeCount
        component = [Int](repeating: -1, count: count)
        var index = [Int](repeating: -1, count: count)
        var low = [Int](repeating: 0, count: count)
        var next = Array(graph.starts.dropLast())
        var isOpen = [Bool](repeating: false, count: count)
        var open: [Int] = []
        var path: [Int] = []
        var visited = 0
        for root in 0..<count where index[root] < 0 {
            var entered: Int? = root
            while true {
                if let node = entered {
                    (index[node], low[node]) = (visited, visited)
                    visited += 1
                    isOpen[node] = true
                    open.append(node)
                    path.append(node)
                    entered = nil
                }
                guard let node = path.last else { break }
                while next[node] < graph.starts[node + 1] {
                    let edge = graph.edges[next[node]]
                    next[node] += 1
                    guard kinds.contains(edge.kind) else { continue }
                    if index[edge.to] < 0 {
                        entered = edge.to
                        break
                    }
                    if isOpen[edge.to] { low[node] = min(low[node], index[edge.to]) }
                }
                if entered != nil { continue }
                path.removeLast()
                if let parent = path.last { low[parent] = min(low[parent], low[node]) }
                guard low[node] == index[node] else { continue }
                var size = 0
                while let member = open.popLast() {
                    isOpen[member] = false
                    component[member] = sizes.count
                    size += 1
                    if member == node { break }
                }
                sizes.append(size)
            }
        }
    }

    /// Whether there is a cycle.
    var hasCycle: Bool { sizes.contains { $0 > 1 } }

    /// Whether a cycle goes along an edge.
    func isInside(_ edge: DependencyGraph.Edge) -> Bool {
        component[edge.from] == component[edge.to] && sizes[component[edge.from]] > 1
    }
}
