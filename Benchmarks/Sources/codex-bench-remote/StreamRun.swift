#if Remote
    import CodexCore
    import CodexRemote
    import Synchronization

    /// A consumer that follows 1,000 writes a second over a stream of 100 shards.
    ///
    /// Writers and consumer are in this process, so one clock tells the lag of each change: the
    /// time from the start of its write to its delivery. The time of the write itself, which is a
    /// lag of the service, is in it.
    struct StreamRun: Sendable {
        let program: String
        let seconds: Int

        private static let shardCount = 100
        /// A fault of the service: it divides the stream.
        private static let split = #"{"fault":"splitStream","shards":100}"#
        private static let rate = 1000
        private static let writerCount = 20
        private static let keyCount = 5000
        /// The writes before those that count, so that each shard has an open reader.
        private static let earlyCount = 2000
        /// The longest time without all changes after the last write.
        private static let waitMax: Duration = .seconds(20)

        private var count: Int { seconds * Self.rate }

        /// The lags of the changes, and the shards that they came from.
        private final class Deliveries: Sendable {
            private struct State {
                /// In seconds, by the numbers of the writes.
                var lags: [Double?]
                var deliveredCount = 0
                var repeatedCount = 0
                var shards: Set<String> = []
            }

            private let state: Mutex<State>
            /// The beginning of the times of writes.
            private let start = ContinuousClock.now

            init(count: Int) {
                state = Mutex(State(lags: Array(repeating: nil, count: count)))
            }

            /// The microseconds since the beginning.
            var now: Int { Int((ContinuousClock.now - start) / .microseconds(1)) }
            var deliveredCount: Int { state.withLock { $0.deliveredCount } }
            var repeatedCount: Int { state.withLock { $0.repeatedCount } }
            var shardCount: Int { state.withLock { $0.shards.count } }

            /// The lags from a write on.
            func lags(from first: Int) -> [Double] {
                state.withLock { $0.lags[first...].compactMap { $0 } }
            }

            /// Notes a change; those of other writes are passed over.
            func note(_ change: RemoteChange) {
                guard let number = change.newImage?["number"]?.number?.int64,
                    let begun = change.newImage?["begun"]?.number?.int64
                else { return }
                let lag = Double(now - Int(begun)) / 1e6
                state.withLock { state in
                    state.shards.insert(change.shardID)
                    guard state.lags.indices.contains(Int(number)) else { return }
                    guard state.lags[Int(number)] == nil else {
                        state.repeatedCount += 1
                        return
                    }
                    state.lags[Int(number)] = lag
                    state.deliveredCount += 1
                }
            }
        }

        /// The figures of the part.
        ///
        /// - Throws: The errors of the service, and ``BenchFailure``.
        func figures() async throws -> [Figure] {
            let server = try Server(program, rule: Self.split)
            defer { server.end() }
            // The writers have connections of their own, as other processes would.
            let (writing, reading) = (
                try makeClient(server.endpoint), try makeClient(server.endpoint)
            )
            let notes = try await RemoteTable.made(.plain("notes"), writing, hasStream: true)
            let checkpoints = try await RemoteTable.made(.plain("checkpoints"), reading)
            let stream = try await RemoteTable(notes.definition, reading).stream()
            let consumer = try RemoteConsumer("lag", of: stream, in: checkpoints)
            try await consumer.register()
            let deliveries = Deliveries(count: Self.earlyCount + count)
            let serverID = server.id
            let figures = try await withThrowingTaskGroup(
                of: [Figure]?.self
            ) { group -> [Figure] in
                defer { group.cancelAll() }
                group.addTask {
                    try await consumer.deliver { deliveries.note($0) }
                    return nil
                }
                group.addTask { try await measure(notes, deliveries, serverID) }
                while let figures = try await group.next() {
                    if let figures { return figures }
                }
                throw BenchFailure("The consumer ended.")
            }
            await writing.close()
            await reading.close()
            return figures
        }

        // MARK: Measuring

        private func measure(
            _ notes: RemoteTable, _ deliveries: Deliveries, _ serverID: Int32
        ) async throws -> [Figure] {
            try await write(0..<Self.earlyCount, to: notes, deliveries)
            try await wait(for: Self.earlyCount, deliveries)
            guard deliveries.shardCount == Self.shardCount else {
                throw BenchFailure("The stream has \(deliveries.shardCount) shards with changes.")
            }
            let total = Self.earlyCount + count
            let watch = Stopwatch(serverID: serverID)
            try await write(Self.earlyCount..<total, to: notes, deliveries)
            let rate = Double(count) / watch.seconds
            let processors = watch.processors("the stream")
            try await wait(for: total, deliveries)
            let lags = deliveries.lags(from: Self.earlyCount)
            let figures = [
                Figure(
                    "writes, over \(Self.shardCount) shards", rate, "writes/s",
                    goal: .atLeast(Double(Self.rate) * 0.99)),
                Figure("lag of the consumer, median", lags.median, "s"),
                Figure("lag of the consumer, p99", lags.quantile(0.99), "s"),
                Figure("lag of the consumer, longest", lags.quantile(1), "s", goal: .atMost(1)),
                Figure("changes that came again", Double(deliveries.repeatedCount), "changes"),
            ]
            return figures + processors
        }

        /// Waits until so many writes were delivered.
        ///
        /// - Throws: ``BenchFailure`` if they are not in time.
        private func wait(for count: Int, _ deliveries: Deliveries) async throws {
            let end = ContinuousClock.now + Self.waitMax
            while deliveries.deliveredCount < count {
                guard ContinuousClock.now < end else {
                    throw BenchFailure(
                        "\(deliveries.deliveredCount) of \(count) changes came in time.")
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }

        /// Writes items at the rate; a write that is late begins at once.
        private func write(
            _ numbers: Range<Int>, to notes: RemoteTable, _ deliveries: Deliveries
        ) async throws {
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for first in 0..<Self.writerCount {
                    group.addTask {
                        let own = stride(from: first, to: numbers.count, by: Self.writerCount)
                        for place in own {
                            let due = start + Duration.seconds(1) * place / Self.rate
                            try await Task.sleep(until: due, clock: .continuous)
                            let number = numbers.lowerBound + place
                            try await notes.put(Self.item(number, begun: deliveries.now))
                        }
                    }
                }
                try await group.waitForAll()
            }
        }

        /// An item of about 300 bytes.
        private static func item(_ number: Int, begun: Int) -> Item {
            [
                "pk": .string("note\(number % keyCount)"), "sk": "note",
                "number": .number(Number(number)), "begun": .number(Number(begun)),
                "body": .string(String(repeating: "lorem ipsum ", count: 20)),
            ]
        }
    }
#endif
