#if Encryption
    import CodexCore
    import CodexStore
    import CodexTesting
    import Foundation
    import Synchronization
    import Testing

    /// Encrypted values of a store of format 3 that were changed, cut or moved: they are no data.
    @Suite("Damaged values of format 3")
    struct DamagedValueTests {
        private let place: SealedStore

        init() throws { place = try SealedStore() }

        // MARK: Damaged values

        private enum Damage {
            /// A changed bit in the byte at a position.
            case bit(Int)
            /// Nothing from a position on.
            case cut(Int)
            /// A byte more.
            case lengthened

            func applied(to sealed: [UInt8]) -> [UInt8] {
                var bytes = sealed
                switch self {
                case .bit(let position): bytes[position] ^= 1 << (position % 8)
                case .cut(let position): bytes.removeSubrange(position...)
                case .lengthened: bytes.append(0)
                }
                return bytes
            }

            /// Damage of each byte of nonce, ciphertext and tag.
            static func all(of sealed: [UInt8]) throws -> [Damage] {
                let start = try #require(SealedValue(.binary(sealed))).header.count
                return (start..<sealed.count).flatMap { [Damage.bit($0), .cut($0)] }
                    + [.lengthened]
            }
        }

        private func secret(_ id: String, _ store: Store) throws -> [UInt8] {
            let item = try store.item(in: CodexFlow.table, key: Blob.key(id))
            guard case .binary(let bytes)? = item?["secret"] else {
                throw CodexError(.notFound, "There is no binary.")
            }
            return bytes
        }

        /// Stores an encrypted value as format 3 did.
        ///
        /// - Returns: Its bytes.
        @discardableResult
        private func seal(_ id: String, _ store: Store) async throws -> [UInt8] {
            let item = Blob.item(id, ["secret": .binary([1, 2, 3])])
            try await FormatThree.put([item], sealing: true, store)
            return try secret(id, store)
        }

        private func put(_ secrets: [String: [UInt8]], _ store: Store) async throws {
            let items = secrets.map { Blob.item($0.key, ["secret": .binary($0.value)]) }
            try await FormatThree.put(items, store)
        }

        /// Stores an encrypted value, a moved one, and one for each damage.
        ///
        /// - Returns: All but the first, by item.
        private func plant(_ store: Store) async throws -> [String: [UInt8]] {
            let whole = try await seal("whole", store)
            var planted = ["moved": whole]
            for (number, damage) in try Damage.all(of: whole).enumerated() {
                let id = "damaged\(number)"
                planted[id] = damage.applied(to: try await seal(id, store))
            }
            try await put(planted, store)
            try await FormatThree.markUnread(store)
            return planted
        }

        private func plant() async throws -> [String: [UInt8]] {
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                let planted = try await plant(store)
                // Reads decide, too.
                try expectDamaged(planted, store)
                return planted
            }
        }

        private func expectDamaged(_ planted: [String: [UInt8]], _ store: Store) throws {
            for (id, bytes) in planted {
                #expect(throws: CodexError(.valueTampered, ""), "\(id)") {
                    try store.get(Blob.lookup(id))
                }
                #expect(try FormatThree.seal(id, store) == .undecided, "\(id)")
                #expect(try secret(id, store) == bytes, "\(id)")
            }
            let kinds = try store.verify().differences.map(\.kind)
            #expect(kinds == Array(repeating: .tamperedValue, count: planted.count))
        }

        // MARK: Upgrades

        /// How many values the observer was told of, by event.
        private final class DamageCounts: Sendable {
            private let counts = Mutex<[Int]>([])

            var all: [Int] { counts.withLock { $0 } }

            func add(_ event: StoreEvent) {
                guard case .valuesDamaged(table: CodexFlow.table, count: let count) = event else {
                    return
                }
                counts.withLock { $0.append(count) }
            }
        }

        private func options(_ counts: DamageCounts, strict: Bool = false) -> StoreOptions {
            var options = StoreOptions()
            options.encryptionKeys = place.keys
            options.requiresSealedFields = strict
            options.sweepInterval = nil
            options.observer = { counts.add($0) }
            return options
        }

        /// Runs `body` with the store once its values are decided.
        ///
        /// - Returns: How many damaged values the observer was told of, by event.
        private func upgrade(
            strict: Bool = false, _ body: (Store) async throws -> Void
        ) async throws -> [Int] {
            let counts = DamageCounts()
            let store = try Store(at: place.path, options: options(counts, strict: strict))
            defer { store.close() }
            try await store.waitUntilReady()
            try await body(store)
            // The observer gets what happened before.
            store.close()
            return counts.all
        }

        @Test("Changed, cut and moved ones stay as they are and are told of; others are decided")
        func damaged() async throws {
            let planted = try await plant()
            for _ in 0..<2 {
                let counts = try await upgrade { store throws in
                    #expect(try FormatThree.undecided(store) == "waiting")
                    #expect(try FormatThree.seal("whole", store) == .sealed)
                    #expect(try store.get(Blob.lookup("whole"))?.secret == Data([1, 2, 3]))
                    try expectDamaged(planted, store)
                }
                #expect(counts == [planted.count])
            }
        }

        @Test("reseal() and a purge refuse them", arguments: [false, true])
        func resealed(strict: Bool) async throws {
            let planted = try await plant()
            _ = try await upgrade(strict: strict) { store throws in
                let report = try await store.reseal()
                #expect(report.migratedCount == 1)
                #expect(report.failureCount == planted.count)
                #expect(report.failures.allSatisfy { $0.error.code == .valueTampered })
                await #expect(throws: CodexError(.valueTampered, "")) {
                    try await store.purgePlaintext()
                }
                try expectDamaged(planted, store)
            }
        }

        @Test("Without keys they are absent, and none is judged")
        func keyless() async throws {
            let planted = try await plant()
            try await place.open(schema: Blob.schema, keys: nil) { store in
                try await store.waitUntilReady()
                for (id, bytes) in planted {
                    #expect(try store.get(Blob.lookup(id))?.secret == nil, "\(id)")
                    #expect(try secret(id, store) == bytes, "\(id)")
                }
                #expect(try store.verify().isSound)
            }
            let counts = try await upgrade { try expectDamaged(planted, $0) }
            #expect(counts == [planted.count])
        }

        @Test("Of an item, the other values are decided")
        func partly() async throws {
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                let sealed = AttributeValue.binary(try await seal("item", store))
                let item = Blob.item("item", ["secret": sealed, "title": sealed])
                try await FormatThree.put([item], store)
                try await FormatThree.markUnread(store)
            }
            let counts = try await upgrade { store throws in
                // It was written again, with tags for both.
                #expect(try FormatThree.itemCount(store) == 0)
                #expect(try FormatThree.seal("item", store) == .sealed)
                #expect(try FormatThree.seal(of: "title", "item", store) == .undecided)
                let kinds = try store.verify().differences.map(\.kind)
                #expect(kinds == [.tamperedValue])
                #expect(throws: CodexError(.valueTampered, "")) {
                    try store.get(Blob.lookup("item"))
                }
            }
            #expect(counts == [1])
        }

        @Test(
            "A changed name of its key is that of a missing key; a changed wrapped key is damage")
        func header() async throws {
            let (named, wrapped) = try await place.open(
                schema: Blob.schema, keys: place.keys
            ) { store in
                let sealed = try await seal("named", store)
                // The first byte of the name.
                let named = Damage.bit(6).applied(to: sealed)
                let last = try #require(SealedValue(.binary(sealed))).header.count - 1
                let wrapped = Damage.bit(last).applied(to: try await seal("wrapped", store))
                try await put(["named": named, "wrapped": wrapped], store)
                try await FormatThree.markUnread(store)
                return (named, wrapped)
            }
            let counts = try await upgrade { store throws in
                #expect(try FormatThree.seal("named", store) == .undecided)
                #expect(try secret("named", store) == named)
                #expect(try store.get(Blob.lookup("named"))?.secret == nil)
                #expect(
                    try store.verify().differences.map(\.kind) == [
                        .unopenedValue, .tamperedValue,
                    ])
                #expect(try FormatThree.seal("wrapped", store) == .undecided)
                #expect(try secret("wrapped", store) == wrapped)
                #expect(throws: CodexError(.valueTampered, "")) {
                    try store.get(Blob.lookup("wrapped"))
                }
            }
            #expect(counts == [1])
        }

        @Test("Cut within its wrapped key it lacks the form, and is data; behind that it is damage")
        func cutHeader() async throws {
            let byteCount = try await place.open(schema: Blob.schema, keys: place.keys) { store in
                let sealed = try await seal("whole", store)
                let count = try #require(SealedValue(.binary(sealed))).header.count
                let cuts = (-1...1).map { ("cut\($0)", Array(sealed.prefix(count + $0))) }
                try await put(Dictionary(uniqueKeysWithValues: cuts), store)
                try await FormatThree.markUnread(store)
                return count
            }
            let counts = try await upgrade { store throws in
                #expect(try store.get(Blob.lookup("cut-1"))?.secret?.count == byteCount - 1)
                #expect(try FormatThree.seal("cut-1", store) == .sealed)
                for id in ["cut0", "cut1"] {
                    #expect(try FormatThree.seal(id, store) == .undecided)
                }
            }
            #expect(counts == [2])
        }

        private func expectSecret(_ id: String, _ bytes: [UInt8], _ store: Store) throws {
            #expect(try store.get(Blob.lookup(id))?.secret == Data(bytes))
        }

        @Test("Writes of other fields keep them; they can be replaced and removed")
        func replaced() async throws {
            let planted = try await plant()
            let counts = try await upgrade { store throws in
                try await writeBeside("moved", store)
                try expectDamaged(planted, store)
                for (number, id) in planted.keys.enumerated() {
                    if number.isMultiple(of: 2) {
                        try await store.put(Blob(id: id, secret: Data([4])))
                        try expectSecret(id, [4], store)
                    } else {
                        try await store.delete(Blob.lookup(id))
                    }
                }
                #expect(try store.verify().isSound)
            }
            #expect(counts == [planted.count])
            let rest = try await upgrade { store throws in
                try #require(try FormatThree.undecided(store) == nil)
            }
            #expect(rest == [])
        }

        /// Writes an item in other fields than the damaged one.
        private func writeBeside(_ id: String, _ store: Store) async throws {
            let key = Blob.key(id)
            try await store.update(
                in: CodexFlow.table, key: key, Update().setting(Attribute<Int>("count"), to: 7))
            let item = try #require(try store.item(in: CodexFlow.table, key: key))
            try await store.put(item, in: CodexFlow.table)
            let text = Array(DynamoDBJSON.text(item).utf8)
            try await store.put(try DynamoDBJSON.item(parsing: text), in: CodexFlow.table)
            // This one would read the whole item.
            await #expect(throws: CodexError(.valueTampered, "")) {
                try await store.update(Blob.lookup(id)) { $0.count += 1 }
            }
        }

        @Test("Who reads the changes gets an error, and no data")
        func changes() async throws {
            _ = try await plant()
            _ = try await upgrade { store throws in
                let key = Blob.key("moved")
                let changes = try store.retainedChanges(after: .trimHorizon)
                let change = try #require(try changes.first { try $0.key == key })
                #expect(throws: CodexError(.valueTampered, "")) { try change.new(as: Blob.self) }
            }
        }

        // MARK: Upgrades that are cut short

        /// Fails the commits after the first.
        private final class CommitCount: Sendable {
            private let count = Mutex(0)

            func check() throws {
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                if number > 1 { throw CodexError(.corrupted, "It failed, as the test asked.") }
            }
        }

        @Test("An upgrade that was cut short counts those from before, too")
        func interrupted() async throws {
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                let sealed = try await seal("b", store)
                let ids = (0..<1500).map { "c\($0)" }
                let items = ids.map { Blob.item($0, ["secret": .binary([1, 2, 3])]) }
                try await FormatThree.put(items, sealing: true, store)
                // Before all others, and behind them.
                try await put(["a": sealed, "d": sealed], store)
                try await FormatThree.markUnread(store)
            }
            let (commits, counts) = (CommitCount(), DamageCounts())
            var options = options(counts)
            options.parts.beforeCommit = { try commits.check() }
            let halted = try Store(at: place.path, options: options)
            #expect(try FormatThree.undecided(halted) == "unread")
            #expect(try FormatThree.hasProgress(halted))
            halted.close()
            #expect(counts.all == [])

            let all = try await upgrade { store throws in
                #expect(try FormatThree.itemCount(store) == 2)
                try expectSecret("c1499", [1, 2, 3], store)
            }
            #expect(all == [2])
        }
    }
#endif
