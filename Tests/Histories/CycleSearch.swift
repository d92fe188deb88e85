/// Looks for the shortest cycle in each part of a graph that has one, the most telling kinds first.
struct CycleSearch {
    /// A kind of cycle: along an edge of one kind, and back along others.
    private struct Kind {
        var anchor: DependencyKinds
        var back: DependencyKinds

        var all: DependencyKinds { anchor.union(back) }
    }

    private static let kinds: [Kind] = [
        Kind(anchor: .writeWrite, back: [.writeWrite, .link]),
        Kind(anchor: .writeRead, back: [.writeWrite, .writeRead, .link]),
        Kind(anchor: .readWrite, back: [.writeWrite, .writeRead, .link]),
        Kind(anchor: .readWrite, back: [.writeWrite, .writeRead, .readWrite, .link]),
        Kind(anchor: .writeWrite, back: [.writeWrite, .realTime, .link]),
        Kind(anchor: .writeRead, back: [.writeWrite, .writeRead, .realTime, .link]),
        Kind(anchor: .readWrite, back: [.writeWrite, .writeRead, .realTime, .link]),
        Kind(anchor: .readWrite, back: .all),
    ]
    /// From so many edges on that were looked at for one kind of cycle, no further path is begun.
    private static let stepCountMax = 2_000_000

    private let graph: DependencyGraph
    private let countMax: Int
    /// The round in which a node was reached, and the edge by which.
    private var rounds: [Int]
    private var arrivals: [Int]
    private var round = 0
    private var stepCount = 0

    init(_ graph: DependencyGraph, countMax: Int) {
        self.graph = graph
        self.countMax = countMax
        rounds = [Int](repeating: 0, count: graph.nodeCount)
        arrivals = [Int](repeating: -1, count: graph.nodeCount)
    }

    /// Cycles, no two of which share an operation.
    mutating func cycles() -> [[DependencyGraph.Edge]] {
        var cycles: [[DependencyGraph.Edge]] = []
        var used: Set<Int> = []
        for kind in Self.kinds {
            for cycle in self.cycles(kind) {
                let nodes = cycle.map(\.from).filter { $0 < graph.operationCount }
                guard used.isDisjoint(with: nodes) else { continue }
                used.formUnion(nodes)
                cycles.append(cycle)
            }
        }
        return cycles
    }

    /// The shortest cycle of a kind that is found in each component.
    private mutating func cycles(_ kind: Kind) -> [[DependencyGraph.Edge]] {
        let components = StrongComponents(graph, kind.all)
        guard components.hasCycle else { return [] }
        var found: [Int: [DependencyGraph.Edge]] = [:]
        stepCount = 0
        for edge in graph.edges where kind.anchor == edge.kind && components.isInside(edge) {
            guard stepCount < Self.stepCountMax else { break }
            let component = components.component[edge.from]
            guard found[component] != nil || found.count < countMax else { continue }
            let best = found[component].map { length($0) } ?? .max
            let back = path(from: edge.to, to: edge.from, kind.back, components, below: best - 1)
            if let back { found[component] = [edge] + back }
        }
        return found.sorted { $0.key < $1.key }.map { fromOperation($0.value) }
    }

    /// How many operations a cycle has.
    private func length(_ cycle: [DependencyGraph.Edge]) -> Int {
        cycle.count { $0.from < graph.operationCount }
    }

    /// The cycle, beginning at an operation.
    private func fromOperation(_ cycle: [DependencyGraph.Edge]) -> [DependencyGraph.Edge] {
        guard let first = cycle.firstIndex(where: { $0.from < graph.operationCount }) else {
            return cycle
        }
        return Array(cycle[first...] + cycle[..<first])
    }

    /// A shortest path within a component.
    ///
    /// - Returns: `nil` if there is none with fewer operations than `limit` before its end.
    private mutating func path(
        from start: Int, to end: Int, _ kinds: DependencyKinds, _ components: StrongComponents,
        below limit: Int
    ) -> [DependencyGraph.Edge]? {
        round += 1
        rounds[start] = round
        arrivals[start] = -1
        let component = components.component[start]
        // Nodes that are no operations make a path no longer.
        var current = [start]
        var later: [Int] = []
        var distance = 0
        while distance < limit {
            while let node = current.popLast() {
                if node == end { return edges(to: end) }
                for place in graph.starts[node]..<graph.starts[node + 1] {
                    stepCount += 1
                    let edge = graph.edges[place]
                    guard kinds.contains(edge.kind), rounds[edge.to] != round,
                        components.component[edge.to] == component
                    else { continue }
                    rounds[edge.to] = round
                    arrivals[edge.to] = place
                    if edge.to < graph.operationCount {
                        later.append(edge.to)
                    } else {
                        current.append(edge.to)
                    }
                }
            }
            guard !later.isEmpty else { return nil }
            swap(&current, &later)
            distance += 1
        }
        return nil
    }

    private func edges(to end: Int) -> [DependencyGraph.Edge] {
        var edges: [DependencyGraph.Edge] = []
        var node = end
        while arrivals[node] >= 0 {
            let edge = graph.edges[arrivals[node]]
            edges.append(edge)
            node = edge.from
        }
        return edges.reversed()
    }
}
