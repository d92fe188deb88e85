#if Remote
    internal import CodexCore

    extension RemoteClient {
        /// Asks the service for its nodes now (``RemoteOptions/nodes``).
        ///
        /// The first request does so by itself. A program that calls it when it starts learns at
        /// once whether a node answers.
        ///
        /// - Returns: The addresses of the data center's nodes, in the order of their turns.
        /// - Throws: ``CodexError/Code/unavailable`` if no node answers, or if the data center has
        ///   none that works; ``CodexError/Code/invalidResponse`` if the service has no list of
        ///   nodes; ``CodexError/Code/invalidArgument`` if the client has one endpoint alone;
        ///   ``CodexError/Code/cancelled``.
        @discardableResult
        public func refreshNodes() async throws -> [String] {
            guard let nodes else {
                throw CodexError(
                    .invalidArgument, "The client has one endpoint. Set RemoteOptions.nodes.")
            }
            do {
                try await nodes.refresh()
            } catch let failure as RemoteFailure {
                throw CodexError(
                    .unavailable,
                    "No node answers GET /localnodes. Look at the seeds, the network and the "
                        + "cause.",
                    cause: failure)
            } catch let error as CancellationError {
                throw CodexError.cancelled(error)
            }
            try nodes.requireNode()
            return nodes.addresses
        }

        /// The hash of the partition key by which a write chooses its node.
        ///
        /// - Parameters:
        ///   - partition: The value of the partition key.
        ///   - readsItem: Whether the service reads the item before it writes.
        /// - Returns: The hash; `nil` if the write goes to the next node in turn.
        func affinity(of partition: AttributeValue?, readsItem: Bool) -> UInt64? {
            guard let nodes, let partition, readsItem || nodes.balancing.affinity == .writes else {
                return nil
            }
            return NodeTable.hash(RequestWriter.body { $0.value("key", partition) })
        }
    }
#endif
