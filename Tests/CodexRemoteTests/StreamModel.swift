#if Remote
    import CodexCore
    import Foundation
    import Synchronization
    import TestSupport

    @testable import CodexRemote

    /// A model of a stream's service: shards that split, end, are trimmed, and repeat records.
    ///
    /// Items are numbers. Each write of an item is one record, whose image has how often the item
    /// was written.
    final class StreamModel: Sendable {
        struct Record: Sendable {
            let number: Int
            let item: Int
            let count: Int
            /// The second of the write, since 1970.
            let time: Int
        }

        private struct Shard {
            let id: String
            let parent: String?
            let start: Int
            /// The items that are written to it while it is open.
            var items: [Int]
            var records: [Record] = []
            var isClosed = false
            /// How many records were removed from its beginning.
            var trimmedCount = 0
        }

        private struct State {
            var shards: [Shard] = []
            var lastNumber = 1000
            var counts: [Int: Int] = [:]
            var random: SplitMix
            /// Whether the number of a record that was removed is refused, also if nothing after it
            /// was removed: "a sequence number older than the trim point".
            var refusesRemovedNumbers = false
            /// Whether each iterator is too old at once.
            var expiresIterators = false
            /// The operations that were asked for.
            var operations: [String] = []
        }

        static let arn = "arn:aws:dynamodb:us-east-1:0:table/t/stream/1"
        static let definition = TableDefinition("t", partitionKey: KeyAttribute("id"))
        private static let iteratorSeconds = 15.0 * 60

        private let state: Mutex<State>
        private let clock: FakeClock
        /// The most records of a page.
        private let pageCount: Int
        /// How many of 100 pages are empty, although there are records.
        private let emptyPercent: Int

        init(
            shardCount: Int, itemCount: Int, seed: UInt64, clock: FakeClock, pageCount: Int = 7,
            emptyPercent: Int = 10
        ) {
            var state = State(random: SplitMix(seed: seed))
            for number in 0..<shardCount {
                let items = (0..<itemCount).filter { $0 % shardCount == number }
                state.shards.append(
                    Shard(id: Self.name(number), parent: nil, start: 1000, items: items))
            }
            self.state = Mutex(state)
            self.clock = clock
            self.pageCount = pageCount
            self.emptyPercent = emptyPercent
        }

        private static func name(_ number: Int) -> String { "shard-\(1000 + number)" }

        /// The operations that were asked for.
        var operations: [String] { state.withLock { $0.operations } }
        /// The shards that are listed.
        var shardIDs: [String] { state.withLock { $0.shards.map(\.id) } }
        /// How often each item was written.
        var counts: [Int: Int] { state.withLock { $0.counts } }

        /// The numbers of the records of a shard.
        func numbers(of shardID: String) -> [Int] {
            state.withLock { state in
                state.shards.filter { $0.id == shardID }.flatMap { $0.records.map(\.number) }
            }
        }

        // MARK: Events

        /// Writes an item.
        func write(_ item: Int) {
            state.withLock { state in
                state.lastNumber += 1 + state.random.below(5)
                state.counts[item, default: 0] += 1
                let record = Record(
                    number: state.lastNumber, item: item, count: state.counts[item] ?? 0,
                    time: Int(clock.now.timeIntervalSince1970))
                let place = state.shards.firstIndex { !$0.isClosed && $0.items.contains(item) }
                if let place { state.shards[place].records.append(record) }
            }
        }

        /// Appends a record again that a shard, or its parent, already has.
        func repeatRecord() {
            state.withLock { state in
                let open = state.shards.indices.filter { !state.shards[$0].isClosed }
                guard !open.isEmpty else { return }
                let place = state.random.pick(open)
                let parent = state.shards[place].parent
                let sources = state.shards.filter {
                    $0.id == state.shards[place].id || $0.id == parent
                }
                let records = sources.flatMap(\.records)
                guard !records.isEmpty else { return }
                let record = state.random.pick(records)
                state.shards[place].records.append(record)
            }
        }

        /// Ends a shard; two others have its items from now on.
        ///
        /// - Returns: The shard that ended; `nil` if none is open.
        @discardableResult
        func split() -> String? {
            state.withLock { state -> String? in
                let open = state.shards.indices.filter { !state.shards[$0].isClosed }
                guard !open.isEmpty else { return nil }
                let place = state.random.pick(open)
                state.shards[place].isClosed = true
                let items = state.shards[place].items
                let half = items.count / 2
                for part in [Array(items[..<half]), Array(items[half...])] {
                    let number = state.shards.count
                    state.lastNumber += 1
                    state.shards.append(
                        Shard(
                            id: Self.name(number), parent: state.shards[place].id,
                            start: state.lastNumber, items: part))
                }
                return state.shards[place].id
            }
        }

        /// Removes the first records of a shard.
        func trim(_ shardID: String, count: Int) {
            state.withLock { state in
                guard let place = state.shards.firstIndex(where: { $0.id == shardID }) else {
                    return
                }
                state.shards[place].trimmedCount = min(count, state.shards[place].records.count)
            }
        }

        /// Refuses numbers of records that were removed, as DynamoDB may.
        func refuseRemovedNumbers() { state.withLock { $0.refusesRemovedNumbers = true } }

        /// Gives iterators that are too old at once, or does so no more.
        func expireIterators(_ expires: Bool) { state.withLock { $0.expiresIterators = expires } }

        /// Removes a shard.
        func drop(_ shardID: String) {
            state.withLock { $0.shards.removeAll { $0.id == shardID } }
        }

        // MARK: Requests

        /// Answers a request.
        ///
        /// - Parameters:
        ///   - operation: The name of the operation.
        ///   - body: The JSON of the request.
        /// - Returns: The answer.
        func response(_ operation: String, _ body: [UInt8]) throws -> TransportResponse {
            let request = try JSONNode.parse(body)
            return state.withLock { state -> TransportResponse in
                state.operations.append(operation)
                switch operation {
                case "DescribeStream": return describe(request, state)
                case "GetShardIterator": return iterator(request, state)
                default: return records(request, &state)
                }
            }
        }

        private static func answer(_ json: String, status: Int = 200) -> TransportResponse {
            TransportResponse(status: status, body: Array(json.utf8))
        }

        private static func refusal(_ type: String) -> TransportResponse {
            answer("{\"__type\":\"x#\(type)\",\"message\":\"no\"}", status: 400)
        }

        /// Pages of three shards, so that listings take several requests.
        private func describe(_ request: JSONNode, _ state: State) -> TransportResponse {
            let start = request["ExclusiveStartShardId"]?.text
            let place = start.flatMap { id in state.shards.firstIndex { $0.id == id } }
            let page = state.shards.dropFirst(place.map { $0 + 1 } ?? 0).prefix(3)
            let shards = page.map { shard in
                let parent = shard.parent.map { ",\"ParentShardId\":\"\($0)\"" } ?? ""
                return "{\"ShardId\":\"\(shard.id)\"\(parent),\"SequenceNumberRange\":"
                    + "{\"StartingSequenceNumber\":\"\(shard.start)\"}}"
            }
            let isLast = page.last?.id == state.shards.last?.id
            let next =
                isLast ? "" : ",\"LastEvaluatedShardId\":\"\(page.last?.id ?? "")\""
            return Self.answer(
                "{\"StreamDescription\":{\"Shards\":[\(shards.joined(separator: ","))]\(next)}}")
        }

        private func iterator(_ request: JSONNode, _ state: State) -> TransportResponse {
            guard let shard = state.shards.first(where: { $0.id == request["ShardId"]?.text })
            else { return Self.refusal("ResourceNotFoundException") }
            let number = request["SequenceNumber"]?.text.flatMap { Int($0) } ?? 0
            let place: Int
            switch request["ShardIteratorType"]?.text {
            case "AT_SEQUENCE_NUMBER":
                place = shard.records.firstIndex { $0.number >= number } ?? shard.records.count
            case "AFTER_SEQUENCE_NUMBER":
                // Repetitions have lower numbers than the record before them.
                place = shard.records.firstIndex { $0.number == number }.map { $0 + 1 } ?? 0
            default: place = shard.trimmedCount
            }
            let isRemoved =
                state.refusesRemovedNumbers && request["SequenceNumber"] != nil
                && place <= shard.trimmedCount && shard.trimmedCount > 0
            guard place >= shard.trimmedCount, !isRemoved else {
                return Self.refusal("TrimmedDataAccessException")
            }
            return Self.answer("{\"ShardIterator\":\"\(text(shard.id, place))\"}")
        }

        private func text(_ shardID: String, _ place: Int) -> String {
            "\(shardID)|\(place)|\(Int(clock.now.timeIntervalSince1970))"
        }

        private func records(_ request: JSONNode, _ state: inout State) -> TransportResponse {
            let parts = (request["ShardIterator"]?.text ?? "").split(separator: "|")
            guard parts.count == 3, let place = Int(parts[1]), let instant = Double(parts[2]),
                let shard = state.shards.first(where: { $0.id == parts[0] })
            else { return Self.refusal("ResourceNotFoundException") }
            let age = clock.now.timeIntervalSince1970 - instant
            guard age <= Self.iteratorSeconds, !state.expiresIterators else {
                return Self.refusal("ExpiredIteratorException")
            }
            guard place >= shard.trimmedCount else {
                return Self.refusal("TrimmedDataAccessException")
            }
            // An empty page is not the end.
            let limit = state.random.chance(emptyPercent) ? 0 : pageCount
            let page = shard.records.dropFirst(place).prefix(limit)
            let end = place + page.count
            let isOver = shard.isClosed && end == shard.records.count
            let next =
                isOver ? "" : ",\"NextShardIterator\":\"\(text(shard.id, end))\""
            let records = page.map { json($0) }.joined(separator: ",")
            return Self.answer("{\"Records\":[\(records)]\(next)}")
        }

        private func json(_ record: Record) -> String {
            let image = "{\"id\":{\"S\":\"\(record.item)\"},\"n\":{\"N\":\"\(record.count)\"}}"
            let old = record.count > 1 ? ",\"OldImage\":\(image)" : ""
            let kind = record.count > 1 ? "MODIFY" : "INSERT"
            return "{\"eventName\":\"\(kind)\",\"dynamodb\":{"
                + "\"ApproximateCreationDateTime\":\(record.time),"
                + "\"Keys\":{\"id\":{\"S\":\"\(record.item)\"}},\"NewImage\":\(image)\(old),"
                + "\"SequenceNumber\":\"\(record.number)\"}}"
        }
    }

    /// Sends requests of streams to a model, and others to a service in this process.
    struct StreamTransport: HTTPTransport {
        let model: StreamModel
        let service: ServiceTransport

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            let target = request.headers.first { $0.name == "x-amz-target" }?.value ?? ""
            guard target.hasPrefix("DynamoDBStreams_20120810.") else {
                return try await service.send(request)
            }
            return try model.response(
                String(target.split(separator: ".").last ?? ""), request.body)
        }

        func close() async {}
    }

    /// The network of one process, which ends with one of its requests.
    final class MortalTransport: HTTPTransport {
        private struct State {
            /// How many requests are left before the last one; `nil` is any number.
            var left: Int?
            /// Whether the last request arrives.
            var arrives = false
            var isDead = false
        }

        private enum Fate {
            case passes, arrives, vanishes, isDead
        }

        private let inner: any HTTPTransport
        private let state = Mutex(State())

        init(_ inner: any HTTPTransport) { self.inner = inner }

        /// Whether the process has ended.
        var isDead: Bool { state.withLock { $0.isDead } }

        /// Ends the process with a later request.
        ///
        /// - Parameters:
        ///   - count: The number of requests before it.
        ///   - arrives: Whether the last one arrives at the service.
        func kill(after count: Int, arrives: Bool) {
            state.withLock { state in
                state.left = count
                state.arrives = arrives
            }
        }

        private func fate() -> Fate {
            state.withLock { state -> Fate in
                if state.isDead { return .isDead }
                guard let left = state.left else { return .passes }
                state.left = left - 1
                if left > 0 { return .passes }
                state.isDead = true
                return state.arrives ? .arrives : .vanishes
            }
        }

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            switch fate() {
            case .passes: return try await inner.send(request)
            case .arrives:
                _ = try await inner.send(request)
                throw TransportFailure(.interrupted)
            case .vanishes: throw TransportFailure(.interrupted)
            case .isDead: throw TransportFailure(.notSent)
            }
        }

        func close() async {}
    }
#endif
