#if Remote
    /// A request of DynamoDB's API.
    struct RemoteRequest: Sendable {
        /// The operation, such as `GetItem`.
        let operation: String
        /// The JSON.
        let body: [UInt8]
        let repetition: Repetition
        /// Whether the operation is one of DynamoDB Streams.
        var isOfStreams = false
        /// The hash of the key whose requests go to one node; `nil` is the next node in turn.
        var affinity: UInt64?
    }
#endif
