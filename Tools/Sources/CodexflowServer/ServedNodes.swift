#if Server
    import Foundation

    /// The nodes of a model of ScyllaDB's Alternator, as each of them lists them.
    package struct ServedNodes: Sendable {
        /// A node: an address of this server, and the place that it is said to be in.
        package struct Node: Hashable, Sendable {
            /// The address that the server listens on.
            package let address: String
            package let dataCenter: String
            package let rack: String

            /// Describes a node; the names are Alternator's usual ones.
            package init(
                _ address: String, dataCenter: String = "datacenter1", rack: String = "rack1"
            ) {
                (self.address, self.dataCenter, self.rack) = (address, dataCenter, rack)
            }

            /// Reads an address, perhaps with a data center and a rack after commas; `nil` for
            /// other text.
            package init?(parsing text: String) {
                let parts = text.split(separator: ",", omittingEmptySubsequences: false)
                    .map { String($0) }
                guard (1...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }),
                    let host = HostName(parts[0])
                else { return nil }
                var node = Node(host.text)
                if parts.count > 1 { node = Node(host.text, dataCenter: parts[1]) }
                if parts.count > 2 { node = Node(host.text, dataCenter: parts[1], rack: parts[2]) }
                self = node
            }
        }

        /// All nodes, in the order in which they are listed.
        package let all: [Node]
        /// The node that answers.
        package private(set) var own: Node

        /// Describes the nodes, of which the first one answers.
        ///
        /// - Parameters:
        ///   - first: The node that answers.
        ///   - others: The other nodes.
        package init(_ first: Node, others: [Node] = []) {
            (all, own) = ([first] + others, first)
        }

        /// The same nodes, of which another one answers.
        func answering(as node: Node) -> ServedNodes {
            var nodes = self
            nodes.own = node
            return nodes
        }

        /// The nodes of a rack and a data center, as JSON.
        ///
        /// Without a data center, they are of that of the node that answers. A place without nodes,
        /// or one that does not exist, has an empty list: "Service discovery" among ScyllaDB's
        /// "Alternator-specific APIs".
        package func list(_ query: NodeQuery) -> String {
            let found = all.filter { node in
                node.dataCenter == query.dataCenter ?? own.dataCenter
                    && node.rack == query.rack ?? node.rack
            }
            return "[\(found.map { "\"\($0.address)\"" }.joined(separator: ","))]"
        }
    }

    /// What `GET /localnodes` asks for.
    package struct NodeQuery: Hashable, Sendable {
        package private(set) var dataCenter: String?
        package private(set) var rack: String?

        private static let path = "/localnodes"

        /// Reads the target of a request; `nil` if it has another path.
        package init?(target: String) {
            let sides = target.split(
                separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.first.map({ String($0) }) == Self.path else { return nil }
            guard sides.count > 1 else { return }
            for part in sides[1].split(separator: "&") {
                let pair = part.split(separator: "=", maxSplits: 1).map { String($0) }
                guard pair.count == 2 else { continue }
                switch pair[0] {
                case "dc": dataCenter = pair[1].removingPercentEncoding
                case "rack": rack = pair[1].removingPercentEncoding
                default: continue
                }
            }
        }
    }
#endif
