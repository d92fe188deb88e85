#if Remote
    internal import CodexCore

    /// Changes that a service removed before a consumer read them.
    ///
    /// DynamoDB keeps changes for 24 hours.
    public struct StreamGap: Sendable, Hashable {
        /// The shard with the missing changes.
        public let shardID: String
        /// The last change of the shard that is done; `nil` if none is.
        public let after: StreamSequenceNumber?
        /// Whether the whole shard is gone; otherwise its changes up to the oldest one that is
        /// kept.
        public let isWholeShard: Bool
    }

    /// What a consumer does about a gap in the changes.
    public enum StreamGapPolicy: Sendable {
        /// It ends with `changesTrimmed`, each time that it is started.
        case stop
        /// It calls a function, and reads on with the oldest change that is kept.
        ///
        /// The function may be called again for the same gap, if the process ends or the call
        /// throws. An error that it throws ends the consumer.
        case proceed(@Sendable (StreamGap) async throws -> Void)
    }

    extension RemoteConsumerOptions {
        /// Reports a gap.
        ///
        /// - Throws: ``CodexError/Code/changesTrimmed`` if the consumer stops at gaps; the errors
        ///   of the function that gets it.
        func report(_ gap: StreamGap) async throws {
            switch gaps {
            case .stop:
                throw CodexError(
                    .changesTrimmed,
                    "The service has removed changes that the consumer did not read. Derive its "
                        + "effects from the items, or set RemoteConsumerOptions.gaps to proceed.")
            case .proceed(let report):
                do {
                    try await report(gap)
                } catch {
                    throw RetryDeadline.thrown(for: error)
                }
            }
        }
    }
#endif
