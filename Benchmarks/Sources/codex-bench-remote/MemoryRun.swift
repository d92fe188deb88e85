#if Remote
    import CodexCore
    import CodexRemote

    /// The memory of a client with 64 requests in flight, whose answers have a megabyte each.
    ///
    /// The client has a limit of 32 MiB for answers that are received, and again for those that are
    /// read. Without it, the 64 answers alone take twice as much.
    struct MemoryRun: Sendable {
        let program: String
        let isQuick: Bool

        private static let memoryMax = 32 << 20
        private static let inFlightCount = 64
        private static let partition: AttributeValue = "all"
        /// A page of DynamoDB has at most a megabyte.
        private static let itemCount = 3
        private static let textByteCount = 340_000

        private var requestCount: Int { isQuick ? 128 : 512 }

        /// What the requests in flight add to the memory of this process.
        ///
        /// It is measured before all else: the peak of a process does not become lower.
        ///
        /// - Returns: The figure; none on a system that does not tell the memory.
        /// - Throws: The errors of the service.
        func figures() async throws -> [Figure] {
            let server = try Server(program)
            defer { server.end() }
            let client = try makeClient(server.endpoint) {
                $0.responseMemoryMax = Self.memoryMax
            }
            let table = try await RemoteTable.made(.plain("answers"), client)
            let text = AttributeValue.string(String(repeating: "x", count: Self.textByteCount))
            for number in 0..<Self.itemCount {
                try await table.put([
                    "pk": Self.partition, "sk": .string("\(number)"), "text": text,
                ])
            }
            // What one request at a time takes does not count.
            for _ in 0..<8 { try await Self.read(table) }
            let before = Usage.peakMiB
            try await perform(requestCount, concurrently: Self.inFlightCount) { _ in
                try await Self.read(table)
            }
            let after = Usage.peakMiB
            await client.close()
            guard let before, let after else { return [] }
            return [
                Figure(
                    "memory of \(Self.inFlightCount) requests in flight, answers of 1 MB",
                    after - before, "MiB", goal: .atMost(2 * Double(Self.memoryMax >> 20)))
            ]
        }

        private static func read(_ table: RemoteTable) async throws {
            let query = TableQuery(table: table.definition.name, partition: [partition])
            let page = try await table.items(matching: query, consistency: .consistent)
            guard page.items.count == itemCount else {
                throw BenchFailure("The answer has \(page.items.count) items.")
            }
        }
    }

    /// Calls a function with each number from 0 on, several at once.
    ///
    /// - Parameters:
    ///   - count: The number of calls.
    ///   - width: The number of calls at once.
    ///   - operation: Gets a number.
    /// - Throws: The first error of a call.
    func perform(
        _ count: Int, concurrently width: Int,
        _ operation: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for first in 0..<width {
                group.addTask {
                    for number in stride(from: first, to: count, by: width) {
                        try await operation(number)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
#endif
