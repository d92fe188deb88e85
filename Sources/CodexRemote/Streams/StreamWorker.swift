#if Remote
    internal import CodexCore
    internal import Synchronization

    // How several workers share the shards of a stream:
    //
    // 1. A worker lists the shards of the stream, and creates the row of each new one.
    // 2. It surveys the rows of the shards that are not done. A lease is free if it has no owner.
    //    It has expired if its row has not changed for the time of a lease, by this worker's own
    //    clock. Clocks of workers are never compared.
    // 3. It takes free leases of shards whose parents are done, up to its share. If none is free,
    //    it asks a worker that has at least two more.
    // 4. A reader (ShardReader.swift) of each lease reads, handles and moves the checkpoint.
    // 5. It renews its leases until they end, are lost, or are asked for.
    //
    // StreamWorker+Survey.swift has the steps 1 to 3, and StreamWorker+Running.swift the loops.

    /// One of the workers of a consumer.
    final class StreamWorker: Sendable {
        /// A row as it was when it changed last.
        struct Observation: Sendable {
            let fence: Int
            let beat: Int
            /// When this worker saw it first.
            let since: Duration
        }

        struct State: Sendable {
            /// The shards of the stream that the service lists, by their identifiers.
            var shards: [String: StreamShard] = [:]
            var listedAt: Duration?
            /// Whether a shard ended since the last listing.
            var hasNews = false
            /// The shards that ended, and whose children are not known.
            var endedShards: Set<String> = []
            /// The shards whose changes are all done.
            var finished: Set<String> = []
            /// The done shards that the service does not list any more, with the time of the first
            /// listing without them.
            var gone: [String: Duration] = [:]
            /// Shards whose parents are not listed and not done, at the first look.
            var suspects: Set<String> = []
            var held: [String: HeldLease] = [:]
            var observations: [String: Observation] = [:]
        }

        let id: String
        let stream: RemoteStream
        let leases: LeaseTable
        let registration: ConsumerRegistration
        let handler: ChangeHandler
        let options: RemoteConsumerOptions
        let schema: Schema?
        let state = Mutex(State())
        /// The shards that are read or handled at once.
        let pages: RequestLimit

        /// Creates a worker; nothing is sent.
        init(
            _ stream: RemoteStream, _ leases: LeaseTable, _ registration: ConsumerRegistration,
            _ handler: ChangeHandler, _ options: RemoteConsumerOptions, _ schema: Schema? = nil
        ) {
            id = leases.table.client.parts.token()
            self.stream = stream
            self.leases = leases
            self.registration = registration
            self.handler = handler
            self.options = options
            self.schema = schema
            pages = RequestLimit(options.pageCountMax, waitingCountMax: .max)
        }

        var clock: any RemoteClock { leases.clock }

        /// The leases that the worker has.
        var held: [HeldLease] { state.withLock { Array($0.held.values) } }

        /// Whether the next survey should come soon.
        var needsSurvey: Bool { state.withLock { $0.hasNews } }

        /// Notes that a reader came to its end.
        func ended(_ lease: HeldLease, _ turn: ShardReader.Turn) {
            let shardID = lease.shard.id
            state.withLock { state in
                if state.held[shardID] === lease { state.held[shardID] = nil }
                guard turn == .finished else { return }
                state.finished.insert(shardID)
                state.endedShards.insert(shardID)
                state.hasNews = true
            }
        }
    }
#endif
