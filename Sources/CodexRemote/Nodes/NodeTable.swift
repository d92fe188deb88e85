#if Remote
    internal import CodexCore

    /// The nodes that a client knows, whether they answer, and whose turn it is.
    struct NodeTable: Sendable {
        /// What came of a request to a node.
        enum Outcome: Sendable, Hashable {
            /// It answered, also with an error.
            case answered
            /// There was no connection.
            case unreached
            /// The connection broke, or the time was over.
            case unanswered
        }

        /// The nodes that a service lists.
        struct List: Sendable, Hashable {
            /// All nodes of the data center.
            var all: [ServiceEndpoint]
            /// Those of the rack; without a rack, all.
            var near: Set<ServiceEndpoint>

            /// A list in which all nodes are near.
            init(_ all: [ServiceEndpoint]) { (self.all, near) = (all, Set(all)) }
        }

        private struct Node: Sendable {
            let endpoint: ServiceEndpoint
            /// The hash of the address.
            let hash: UInt64
            var isNear = true
            /// The number of requests without an answer since the last answer.
            var missingCount = 0
            var isDown = false
            /// The time since which it is down, or at which it was tried last.
            var checkedAt = Duration.zero

            init(_ endpoint: ServiceEndpoint) {
                self.endpoint = endpoint
                hash = NodeTable.hash(Array(endpoint.url.utf8))
            }
        }

        /// The most nodes: those behind them are left out.
        static let countMax = 1000
        /// The number of requests without an answer, one after the other, after which a node counts
        /// as down.
        ///
        /// A single one may be slow, or on a connection that the node was closing.
        static let missingCountMax = 3

        /// The nodes in the order of their addresses.
        private var nodes: [Node] = []
        /// The number of choices in turn.
        private var turn: UInt = 0

        /// The addresses in the order of the turns.
        var endpoints: [ServiceEndpoint] { nodes.map(\.endpoint) }

        /// Whether a node is not known to be down.
        var hasLiveNode: Bool { nodes.contains { !$0.isDown } }

        /// Takes a new list.
        ///
        /// What is known of nodes that stay is kept.
        mutating func replace(with list: List) {
            let known = Dictionary(nodes.map { ($0.endpoint, $0) }) { first, _ in first }
            let endpoints = Set(list.all).sorted { ByteOrder.compare($0.url, $1.url) < 0 }
            nodes = endpoints.prefix(Self.countMax).map { endpoint in
                var node = known[endpoint] ?? Node(endpoint)
                node.isNear = list.near.contains(endpoint)
                return node
            }
        }

        // MARK: Choices

        /// Chooses a node that is not down; if all are down, one of them.
        ///
        /// The node of a key may be in any rack, since all clients must choose the same one.
        /// Otherwise a near node is chosen, if there is one.
        ///
        /// - Parameters:
        ///   - key: The hash of the key whose requests go to one node; `nil` is the next in turn.
        ///   - tried: The nodes that are left out.
        /// - Returns: The node; `nil` if all are left out.
        mutating func next(
            for key: UInt64? = nil, without tried: Set<ServiceEndpoint> = []
        ) -> ServiceEndpoint? {
            let untried = nodes.filter { !tried.contains($0.endpoint) }
            let live = untried.filter { !$0.isDown }
            let candidates = live.isEmpty ? untried : live
            if let key {
                return candidates.max { Self.score($0.hash, key) < Self.score($1.hash, key) }?
                    .endpoint
            }
            let near = candidates.filter(\.isNear)
            let taken = near.isEmpty ? candidates : near
            guard !taken.isEmpty else { return nil }
            turn &+= 1
            return taken[Int(turn % UInt(taken.count))].endpoint
        }

        /// The rank of a node for a key: the highest one wins (Thaler and Ravishankar's rendezvous
        /// hashing).
        ///
        /// If a node leaves, only its keys get another node.
        private static func score(_ node: UInt64, _ key: UInt64) -> UInt64 {
            // The last steps of MurmurHash3 with 64 bits.
            var mixed = node ^ key
            mixed = (mixed ^ (mixed >> 33)) &* 0xFF51_AFD7_ED55_8CCD
            mixed = (mixed ^ (mixed >> 33)) &* 0xC4CE_B9FE_1A85_EC53
            return mixed ^ (mixed >> 33)
        }

        /// A hash that is the same in each process.
        static func hash(_ bytes: [UInt8]) -> UInt64 {
            SHA256.digest(bytes).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        }

        // MARK: Outcomes

        /// Notes what came of a request; an unknown node is ignored.
        mutating func note(
            _ outcome: Outcome, of endpoint: ServiceEndpoint, at time: Duration
        ) {
            guard let place = nodes.firstIndex(where: { $0.endpoint == endpoint }) else { return }
            switch outcome {
            case .answered:
                nodes[place].missingCount = 0
                nodes[place].isDown = false
            case .unreached: markDown(place, time)
            case .unanswered:
                nodes[place].missingCount += 1
                if nodes[place].missingCount >= Self.missingCountMax { markDown(place, time) }
            }
        }

        private mutating func markDown(_ place: Int, _ time: Duration) {
            nodes[place].isDown = true
            nodes[place].checkedAt = time
        }

        /// Chooses nodes that are down, to try them again: those that were tried longest ago.
        ///
        /// - Parameters:
        ///   - count: The most nodes.
        ///   - time: The present time.
        /// - Returns: The nodes.
        mutating func nodesToProbe(_ count: Int, at time: Duration) -> [ServiceEndpoint] {
            let down = nodes.indices.filter { nodes[$0].isDown }
                .sorted { nodes[$0].checkedAt < nodes[$1].checkedAt }.prefix(count)
            for place in down { nodes[place].checkedAt = time }
            return down.map { nodes[$0].endpoint }
        }
    }
#endif
