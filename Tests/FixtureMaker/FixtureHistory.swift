import CodexCore
import CodexStore
import Foundation

/// The life of the store of the present format.
///
/// It is made, backed up and archived. Another process goes on, and is killed before a checkpoint.
/// The directory is copied; then the store is recovered, archived once more, and closed.
struct FixtureHistory {
    let directory: String
    private var path: String { directory + "/store" }
    private var contentsPath: String { directory + "/contents.jsonl" }

    func run() async throws {
        guard !FileManager.default.fileExists(atPath: directory) else {
            throw FixtureError("There is something at \(directory). Name another place.")
        }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let backedUp = try await begin()
        try runKilledProcess()
        try FileManager.default.copyItem(atPath: path, toPath: directory + "/unclosed")
        try await end(after: backedUp)
        try? FileManager.default.removeItem(atPath: directory + "/keys.json.lock")
    }

    // MARK: The first process

    /// Makes the store, a backup and an archive.
    ///
    /// - Returns: The backup's commit.
    private func begin() async throws -> UInt64 {
        let store = try Store(
            at: path, schema: FixtureSchema.schema, options: try options(after: 0))
        defer { store.close() }
        for item in try FixtureValues.items() { try await store.put(item, in: "t") }
        for item in try FixtureValues.numbered() { try await store.put(item, in: "n") }
        for item in FixtureSchema.expiringItems() { try await store.put(item, in: "e") }
        for item in FixtureSchema.removedItems() { try await store.put(item, in: "gone") }
        try await putWorkspace(store)
        for request in FixtureValues.requests(0..<3) {
            try await store.perform(request.actions, idempotencyToken: request.token)
        }
        try await store.addConsumer("idle", filter: ChangeFilter(tables: ["t"]))
        let report = try await store.backup(to: directory + "/backup")
        try await store.archiveLog(to: directory + "/archive")
        return report.sequence
    }

    private func putWorkspace(_ store: Store) async throws {
        for user in FixtureWorkspace.users() { try await store.put(user) }
        try await store.put(FixtureWorkspace.project())
        try await store.put(
            CodexFlow.Member(
                projectID: "fixtures", userID: "bo", role: .member,
                createdAt: FixtureValues.start))
        for session in FixtureWorkspace.sessions() { try await store.put(session) }
        for number in 0..<6 {
            try await store.put(
                try FixtureWorkspace.task(number, body: FixtureSchema.body(number)))
        }
    }

    /// Recovers the store, brings the archive up to date, and writes down what there is.
    private func end(after backedUp: UInt64) async throws {
        // Opening waits some seconds for the builder, which this keeps from its work.
        let lock = try BuilderLock(store: path)
        defer { lock.release() }
        let store = try Store(at: path, options: try options(after: 20))
        defer { store.close() }
        guard let recovery = store.recovery, recovery.commitCount > 0 else {
            throw FixtureError("The killed process left nothing to redo.")
        }
        var lines = try lines(of: store)
        let before = try String(contentsOfFile: contentsPath, encoding: .utf8)
        guard FixtureContents.text(lines) == before else {
            throw FixtureError("The recovered store differs from what the killed process had.")
        }
        try await store.archiveLog(to: directory + "/archive")
        let stream = try await records(of: store, after: backedUp)
        try Data(stream).write(to: URL(fileURLWithPath: directory + "/stream"))
        let last = try store.stats().sequence
        lines.append(
            FixtureContents.line(
                "commits",
                [
                    "backup": .number(Number(backedUp)), "last": .number(Number(last)),
                    "redone": .number(Number(recovery.commitCount)),
                ]))
        try write(lines)
    }

    /// The records after a commit, as followers get them.
    private func records(of store: Store, after sequence: UInt64) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await chunk in store.replicationStream(after: sequence) {
            bytes += chunk
            // One of less than a mebibyte has the last commit.
            if chunk.count < 1 << 20 { break }
        }
        return bytes
    }

    // MARK: The second process

    private func runKilledProcess() throws {
        let process = Process()
        process.executableURL = URL(
            fileURLWithPath: Bundle.main.executablePath ?? CommandLine.arguments[0])
        process.arguments = [directory, "killed"]
        try process.run()
        process.waitUntilExit()
        guard process.terminationReason == .uncaughtSignal else {
            throw FixtureError("The second process ended by itself.")
        }
    }

    /// Changes things of each kind, writes down what there is, and dies.
    func goOnUntilKilled() async throws {
        var options = try options(after: 20)
        // Nothing after the index's build is in a checkpoint.
        options.checkpoints = CheckpointPolicy(interval: .seconds(3600), changeCount: 1_000_000)
        let store = try Store(at: path, options: options)
        try await store.addIndex(FixtureSchema.lateIndex, to: "t")
        try await store.changeLayout(ofIndex: "byGroup", in: "t", to: .copies)
        try await store.waitUntilReady()
        try await changeItems(store)
        for request in FixtureValues.requests(3..<6) {
            try await store.perform(request.actions, idempotencyToken: request.token)
        }
        try await parkChanges(store)
        _ = try BuilderLock(store: path)
        try await store.changeLayout(ofIndex: "byGroup", in: "e", to: .copies)
        try await store.removeTable(FixtureSchema.removedTable.name)
        try await store.removeIndex(FixtureValues.removedIndex, from: "n")
        for item in try FixtureValues.small(24..<30) { try await store.put(item, in: "t") }
        try write(try lines(of: store))
        Self.die()
    }

    private func changeItems(_ store: Store) async throws {
        try await store.put(FixtureValues.included(seed: 21), in: "t")
        for number in [3, 8, 13] {
            try await store.delete(
                in: "t", key: PrimaryKey(.string("p\(number % 4)"), .string("s\(number)")))
        }
        for number in [4, 5] {
            try await store.update(
                in: "t", key: PrimaryKey(.string("p\(number % 4)"), .string("s\(number)")),
                Update().setting(Attribute<Int>("w"), to: 40 + number))
        }
        let key = PrimaryKey("long", .string(String(repeating: "k", count: 505) + "x"))
        try await store.delete(in: "t", key: key)
        try await store.put(
            try FixtureWorkspace.task(1, body: FixtureSchema.body(101)))
    }

    /// A consumer that parks some of the changes that it gets.
    private func parkChanges(_ store: Store) async throws {
        let items = FixtureSchema.consumedItems()
        try await store.addConsumer(
            "totals", filter: ChangeFilter(tables: ["t"], partitionKeyPrefix: "consumed"))
        for item in items { try await store.put(item, in: "t") }
        let consuming = _Concurrency.Task {
            try await store.consume(
                "totals", onFailure: ConsumerFailurePolicy(attemptCount: 1, keepsDeadLetters: true)
            ) { transaction, changes in
                let key = PrimaryKey(.number(1_000_000), .binary([1]))
                var sum = try transaction.item(in: "n", key: key)?["sum"]?.number?.int64 ?? 0
                for change in changes {
                    guard let item = try change.newImage, item["bad"] == nil else {
                        // Its text is kept also where fields are encrypted.
                        throw CodexError(.invalidArgument, "refused")
                    }
                    sum += item["v"]?.number?.int64 ?? 0
                }
                try transaction.put(
                    ["n": 1_000_000, "b": .binary([1]), "sum": .number(Number(sum))], in: "n")
            }
        }
        let deadLetterCount = items.count(where: { $0["bad"] != nil })
        let end = ContinuousClock.now + .seconds(60)
        while try store.deadLetters(of: "totals").count < deadLetterCount {
            guard ContinuousClock.now < end else { throw FixtureError("Nothing is parked.") }
            try await _Concurrency.Task.sleep(for: .milliseconds(5))
        }
        consuming.cancel()
        _ = await consuming.result
    }

    private static func die() -> Never {
        kill(getpid(), SIGKILL)
        while true { pause() }
    }

    // MARK: Both

    /// Options with a clock that stands.
    private func options(after seconds: TimeInterval) throws -> StoreOptions {
        let now = FixtureValues.start.addingTimeInterval(seconds)
        var options = StoreOptions()
        options.now = { now }
        options.sweepInterval = nil
        try addKeys(to: &options)
        return options
    }

    private func addKeys(to options: inout StoreOptions) throws {
        #if Encryption
            options.encryptionKeys = try FileKeyProvider(
                at: directory + "/keys.json", mayCreate: true)
        #else
            throw FixtureError("Fields are encrypted: build with --traits Encryption.")
        #endif
    }

    private func lines(of store: Store) throws -> [String] {
        var lines = try FixtureContents.lines(of: store)
        for status in try store.consumers() {
            lines.append(
                FixtureContents.line(
                    "consumer",
                    [
                        "name": .string(status.name), "at": .string("\(status.sequenceNumber)"),
                        "parked": .number(Number(status.deadLetterCount)),
                    ]))
        }
        for index in try store.buildStatus() {
            guard let layout = index.nextLayout ?? index.layout else { continue }
            lines.append(
                FixtureContents.line(
                    "layout",
                    [
                        "table": .string(index.table), "index": .string(index.name),
                        "layout": .string(layout.rawValue),
                    ]))
        }
        lines += FixtureContents.lines(FixtureValues.requests(0..<6))
        for (table, key) in FixtureSchema.expired() {
            lines.append(
                FixtureContents.line("expired", ["table": .string(table), "key": .map(key)]))
        }
        for number in 0..<6 {
            let body = FixtureSchema.body(number == 1 ? 101 : number)
            lines.append(
                FixtureContents.line(
                    "sealed",
                    [
                        "project": "fixtures", "task": .string("t\(number)"),
                        "body": .string(body),
                    ]))
        }
        return lines
    }

    private func write(_ lines: [String]) throws {
        try Data(FixtureContents.text(lines).utf8).write(to: URL(fileURLWithPath: contentsPath))
    }
}
