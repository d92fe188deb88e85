#if Remote
    internal import CodexCore

    /// How a client spreads its requests over the nodes of a service that has no single address:
    /// ScyllaDB's Alternator.
    ///
    /// The client asks one node for the others (`GET /localnodes`), and asks again from time to
    /// time. Reads, batches and plain writes go to the nodes of the rack in turn. The writes of
    /// ``affinity`` go to one node for each partition key. That node follows from the key and from
    /// the addresses of the data center's nodes. So all clients choose the same one. A node that
    /// joins or leaves moves its own keys alone.
    ///
    /// A node that is not reached is passed over until it answers again. The request goes to the
    /// next node at once.
    ///
    /// ```swift
    /// var nodes = NodeBalancing(seeds: ["http://10.0.0.1:8000", "http://10.0.0.2:8000"])
    /// nodes.dataCenter = "dc1"
    /// nodes.rack = "rack1"
    /// let client = try RemoteClient(RemoteOptions(alternator: nodes))
    /// ```
    ///
    /// The list has addresses without scheme and port. The client takes those of the node that it
    /// asked. A certificate for `https` must name the addresses of the nodes.
    public struct NodeBalancing: Sendable, Hashable {
        /// The writes of one partition key that go to one node.
        ///
        /// Alternator performs them as lightweight transactions. These are slow if several nodes
        /// coordinate them for one partition at the same time.
        public enum Affinity: String, Sendable, Hashable, CaseIterable {
            /// Those that read the item first: updates, and writes that have a condition or return
            /// the item.
            ///
            /// It fits the write isolation `only_rmw_uses_lwt`.
            case conditionalWrites
            /// All writes of single items.
            ///
            /// It fits the write isolation `always_use_lwt`.
            case writes
        }

        /// The addresses of some nodes, such as `http://10.0.0.1:8000`: the first to be asked.
        public var seeds: [String]
        /// The data center whose nodes are used; `nil` is that of the node that is asked.
        ///
        /// Nodes of other data centers are never used. Set it if the seeds are in several.
        public var dataCenter: String?
        /// The rack whose nodes get the requests that any node may get; `nil` is all racks.
        ///
        /// If no node of it answers, the other nodes of the data center get them. The writes of
        /// ``affinity`` go to all racks, since clients in all racks must choose the same node.
        public var rack: String?
        /// The writes of one partition key that go to one node.
        public var affinity = Affinity.conditionalWrites
        /// The time after which the next request makes the client ask for the nodes again.
        ///
        /// Nodes that did not answer are tried again at that time, too.
        public var refreshInterval: Duration = .seconds(10)

        /// Names some nodes.
        ///
        /// - Parameters:
        ///   - seeds: Their addresses, 1 to 100.
        ///   - dataCenter: The data center; `nil` is that of the node that is asked.
        ///   - rack: The rack; `nil` is all.
        public init(seeds: [String], dataCenter: String? = nil, rack: String? = nil) {
            (self.seeds, self.dataCenter, self.rack) = (seeds, dataCenter, rack)
        }

        /// The most seeds: each of them may be asked, one after the other.
        static let seedCountMax = 100
        /// The most bytes of the name of a rack or data center.
        static let nameByteCountMax = 255
        /// The shortest time between two requests for the nodes.
        static let refreshIntervalMin: Duration = .seconds(1)

        /// Checks the values, but for the form of the addresses.
        ///
        /// - Throws: ``CodexError/Code/invalidArgument``.
        func validate() throws(CodexError) {
            guard (1...Self.seedCountMax).contains(seeds.count) else {
                throw CodexError(
                    .invalidArgument,
                    "NodeBalancing.seeds has 1 to \(Self.seedCountMax) addresses of nodes.")
            }
            for name in [dataCenter, rack].compactMap({ $0 }) {
                guard (1...Self.nameByteCountMax).contains(name.utf8.count) else {
                    throw CodexError(
                        .invalidArgument,
                        "The name of a rack or data center has 1 to \(Self.nameByteCountMax) bytes."
                    )
                }
            }
            guard refreshInterval >= Self.refreshIntervalMin else {
                throw CodexError(
                    .invalidArgument, "NodeBalancing.refreshInterval is at least a second.")
            }
        }
    }
#endif
