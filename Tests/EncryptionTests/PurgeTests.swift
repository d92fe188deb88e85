#if Encryption
    import CodexCore
    import CodexTesting
    import Foundation
    import TestSupport
    import Testing

    @testable import CodexStore

    /// Fields that are encrypted once there is data: what a purge removes, and what refuses it.
    @Suite("Plain values from before encryption", .timeLimit(.minutes(30)))
    struct PurgeTests {
        private let place: SealedStore
        private let secret = PlantedSecret()

        init() throws { place = try SealedStore() }

        /// The list of a transaction that is done once.
        private func list() throws -> [WriteAction] {
            [.put(table: CodexFlow.table, try makeTask("token", body: secret.text).item())]
        }

        /// The digest of the list that follows from its values alone.
        private func tokenDigest() throws -> PlantedSecret {
            var bytes: [UInt8] = []
            for action in try list() { action.appendCanonical(to: &bytes) }
            return PlantedSecret(bytes: TokenDigest(of: bytes).stored)
        }

        /// Bytes that do not compress.
        private static func noise(_ count: Int) -> [UInt8] {
            var random = SplitMix(seed: 21)
            return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        }

        /// A body that is long enough to be compressed, and one that is not.
        private func body(_ number: Int) -> String {
            secret.text + String(repeating: "x", count: number * 300)
        }

        /// Fills a store without encryption: small and large values, in chunks, compressed, changed
        /// and deleted ones, a token, and a spare that was a segment.
        private func plant() async throws {
            try await place.open(schema: CodexFlow.schema, keys: nil) { store in
                for number in 0..<20 {
                    try await store.put(try makeTask("t\(number)", body: body(number)))
                }
                var large = try makeTask("large", body: "none")
                let bytes = Self.noise(40_000) + Array(secret.text.utf8) + Self.noise(20_000)
                large.metadata = ["k": .binary(bytes)]
                try await store.put(large)
                try await store.put(try makeTask("changed", body: secret.text))
                try await store.update(.task("changed", in: "p")) { $0.body = "other" }
                try await store.put(try makeTask("deleted", body: secret.text))
                try await store.delete(.task("deleted", in: "p"))
                #expect(try await store.perform(try list(), idempotencyToken: "once"))
            }
            let spare = String(repeating: secret.text + "\n", count: 20_000)
            try Data(spare.utf8).write(to: URL(fileURLWithPath: place.path + "/log/spare"))
        }

        private func expectTasks(_ store: Store) async throws {
            for number in 0..<20 {
                let task = try store.get(.task(try .init("t\(number)"), in: "p"))
                #expect(task?.body == body(number))
            }
            #expect(try store.get(.task("large", in: "p"))?.metadata?["k"] != nil)
            #expect(try store.get(.task("changed", in: "p"))?.body == "other")
            #expect(try store.verify().isSound)
        }

        // MARK: What goes

        @Test("They are in data, log, spare and tokens before a purge, and nowhere after it")
        func purged() async throws {
            try await plant()
            let digest = try tokenDigest()
            let before = try secret.findings(in: place.path)
            for file in ["data.mdb: ", "log/0000000000000001.segment: ", "log/spare: "] {
                #expect(before.contains { $0.hasPrefix("store/" + file) }, "\(file): \(before)")
            }
            #expect(before.contains { $0.hasSuffix("compressed") })
            #expect(try !digest.findings(in: place.path).isEmpty)
            try await place.open { store in
                // Encryption alone leaves what was there.
                #expect(try await store.reseal().migratedCount >= 22)
                #expect(try !secret.findings(in: place.path).isEmpty)
                let report = try await store.purgePlaintext()
                #expect(report.segmentCount >= 1 && report.readers == [])
                #expect(report.remnants == PlaintextRemnant.allCases)
                #expect(try store.stats().trimmedSequence == report.trimmedSequence)
                #expect(try secret.findings(in: place.path) == [])
                #expect(try digest.findings(in: place.path) == [])
                try await expectTasks(store)
            }
            #expect(try secret.findings(in: place.path) == [])
            try await place.open(keys: place.keys, strict: true) { store in
                try await expectTasks(store)
                // The token is still known, by a digest with a key.
                #expect(try await store.perform(try list(), idempotencyToken: "once") == false)
                try await store.put(try makeTask("new", body: body(3)))
                try await store.purgePlaintext()
                try await expectTasks(store)
            }
            #expect(try secret.findings(in: place.path) == [])
            #expect(try digest.findings(in: place.path) == [])
        }

        @Test("One call does all of it, values that are still plain included")
        func atOnce() async throws {
            try await plant()
            try await place.open { store in
                let report = try await store.purgePlaintext(batchCount: 3)
                #expect(report.resealing.migratedCount >= 22)
                #expect(report.resealing.failureCount == 0)
                #expect(try secret.findings(in: place.path) == [])
                try await expectTasks(store)
            }
            #expect(try secret.findings(in: place.path) == [])
        }

        @Test("What follows from the store afterwards has none of them either")
        func copies() async throws {
            try await plant()
            let folder = place.folder
            try await place.open { store in
                try await store.purgePlaintext()
                try await store.put(try makeTask("new", body: body(1)))
                try await store.backup(to: folder + "/backup")
                try await store.archiveLog(to: folder + "/archive")
            }
            try await Store.restore(
                folder + "/backup", archive: folder + "/archive", at: folder + "/restored")
            #expect(
                try secret.findings(
                    in: folder + "/backup", folder + "/archive", folder + "/restored") == [])
        }

        @Test("A follower is purged by itself, once it has what its leader sealed")
        func follower() async throws {
            try await plant()
            let path = place.folder + "/follower"
            try await place.open { leader in
                try await leader.backup(to: place.folder + "/backup")
                try await Store.restore(place.folder + "/backup", at: path, asFollower: true)
                #expect(try !secret.findings(in: path).isEmpty)
                var options = StoreOptions()
                options.encryptionKeys = place.keys
                let follower = try Store(at: path, options: options)
                defer { follower.close() }
                await #expect(throws: CodexError(.valueNotSealed, "")) {
                    try await follower.purgePlaintext()
                }
                try await leader.reseal()
                try await Self.catchUp(follower, leader)
                try await leader.purgePlaintext()
                #expect(try await follower.purgePlaintext().resealing.examinedCount == 0)
                #expect(try secret.findings(in: path) == [])
                // Both go on.
                try await leader.put(try makeTask("new", body: body(2)))
                try await Self.catchUp(follower, leader)
                #expect(try follower.get(.task("new", in: "p"))?.body == body(2))
                try await expectTasks(follower)
            }
            #expect(try secret.findings(in: path, place.path) == [])
        }

        /// Lets a follower follow until it has all.
        private static func catchUp(_ follower: Store, _ leader: Store) async throws {
            let start = try #require(try follower.followerState()).sequence
            let end = try leader.stats().sequence
            let following = _Concurrency.Task {
                try await follower.follow(leader.replicationStream(after: start))
            }
            while true {
                let (position, id) = try follower.core.appliedState()
                if position.sequence >= end { break }
                try await follower.core.commits.wait(after: id)
            }
            following.cancel()
            _ = await following.result
        }

        // MARK: Who reads the history

        @Test("Consumers that have read all go on, the others and the observer are told")
        func consumers() async throws {
            let events = Locked<[StoreEvent]>([])
            var options = StoreOptions()
            options.encryptionKeys = place.keys
            options.observer = { event in events.withLock { $0.append(event) } }
            let store = try Store(at: place.path, schema: SealedStore.schema, options: options)
            defer { store.close() }
            for name in ["early", "late"] {
                try await store.addConsumer(name, after: .trimHorizon)
            }
            for id in ["a", "b"] { try await store.put(try makeTask(id, body: "text")) }
            let last = try #require(try store.retainedChanges(after: .trimHorizon).last)
            try await store.write { try $0.checkpoint("early", at: last) }
            let report = try await store.purgePlaintext()
            #expect(report.readers == ["late"])
            let trimmed = try store.consumers().filter(\.isTrimmed).map(\.name)
            #expect(trimmed == ["late"])
            try await store.put(try makeTask("c", body: "text"))
            let next = try await Self.next(of: "early", store)
            #expect(try next?.key == PrimaryKey("PROJECT#p", "TASK#c"))
            await #expect(throws: CodexError(.changesTrimmed, "")) {
                _ = try await Self.next(of: "late", store)
            }
            store.close()
            let shed = StoreEvent.historyShed(through: report.trimmedSequence, readers: ["late"])
            #expect(events.withLock { $0.contains(shed) })
        }

        /// The first change that a consumer has not read.
        private static func next(
            of consumer: String, _ store: Store
        ) async throws -> ChangeRecord? {
            var changes = try store.changes(for: consumer).makeAsyncIterator()
            return try await changes.next()
        }

        // MARK: What refuses it

        @Test("It is refused while a change is parked whose entity has nothing encrypted")
        func parkedPlain() async throws {
            let schema = CodexFlow.schema.adding(Note.self)
            try await place.open(schema: schema, keys: place.keys) { store in
                try await store.addConsumer("c", after: .trimHorizon)
                try await store.put(try makeTask("a", body: "open"))
                let change = try #require(try store.retainedChanges(after: .trimHorizon).first)
                let text = secret.text
                // As an earlier release parked it.
                try await store.write { transaction in
                    let error = CodexError(.invalidItem, text)
                    let parked = DeadLetter(
                        change: change, error: error, attemptCount: 1, hidesValues: false)
                    try transaction.context.deadLetters.add(parked, of: "c", countMax: .max)
                }
                await #expect(throws: CodexError(.valueNotSealed, "")) {
                    try await store.purgePlaintext()
                }
                try await store.discardDeadLetter(change.sequenceNumber, of: "c")
                try await store.purgePlaintext()
                #expect(try secret.findings(in: place.path) == [])
            }
        }

        @Test("It is refused without keys, with a snapshot, with dead letters; the history stays")
        func refused() async throws {
            try await plant()
            // The schema asks for encryption from now on.
            try await place.open(keys: nil) { store in
                let trimmed = try store.stats().trimmedSequence
                await #expect(throws: CodexError(.valueNotSealed, "")) {
                    try await store.purgePlaintext()
                }
                #expect(try store.stats().trimmedSequence == trimmed)
            }
            try await place.open { store in
                let trimmed = try store.stats().trimmedSequence
                let context = try store.core.acquireReadContext()
                await #expect(throws: CodexError(.inUse, "")) { try await store.purgePlaintext() }
                store.core.releaseReadContext(context)
                try await store.addConsumer("c", after: .trimHorizon)
                let change = try #require(try store.retainedChanges(after: .trimHorizon).first)
                try await store.write { transaction in
                    let parked = DeadLetter(
                        change: change, error: CancellationError(), attemptCount: 1,
                        hidesValues: true)
                    try transaction.context.deadLetters.add(parked, of: "c", countMax: .max)
                }
                await #expect(throws: CodexError(.valueNotSealed, "")) {
                    try await store.purgePlaintext()
                }
                #expect(try store.stats().trimmedSequence == trimmed)
                try await store.discardDeadLetter(change.sequenceNumber, of: "c")
                try await store.purgePlaintext()
                #expect(try secret.findings(in: place.path) == [])
            }
            try await place.open(keys: nil) { store in
                // All is sealed: no keys are needed.
                try await store.purgePlaintext()
            }
            var options = StoreOptions()
            options.isReadOnly = true
            let store = try Store(at: place.path, options: options)
            defer { store.close() }
            await #expect(throws: CodexError(.readOnly, "")) { try await store.purgePlaintext() }
        }
    }
#endif
