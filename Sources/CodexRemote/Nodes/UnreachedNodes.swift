#if Remote
    /// No node of a service was reached: the cause of a ``RemoteFailure`` of a client with
    /// ``RemoteOptions/nodes``.
    ///
    /// Nothing was sent, so nothing was applied.
    public struct UnreachedNodes: Error, Sendable {
        /// The number of nodes that were tried.
        public let count: Int
        /// The error of the transport for the last of them; `nil` if the time was over before.
        public let cause: (any Error)?
    }

    extension UnreachedNodes: CustomStringConvertible {
        /// The number of nodes, and the cause.
        public var description: String {
            let text = "none of \(count) nodes was reached"
            return cause.map { "\(text): \($0)" } ?? text
        }
    }
#endif
