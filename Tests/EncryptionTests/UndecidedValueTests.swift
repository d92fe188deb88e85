#if Encryption
    import CodexCore
    import CodexStore
    import CodexTesting
    import Foundation
    import Testing

    /// Encrypted fields of a store of format 3, whose values the keys decide.
    @Suite("Undecided values")
    struct UndecidedValueTests {
        private let place: SealedStore
        private let others: FileKeyProvider
        private let marked = Blob.mark + [2, 3, 4]

        init() throws {
            place = try SealedStore()
            others = try FileKeyProvider(at: place.folder + "/others.json", mayCreate: true)
        }

        private func secret(_ id: String, _ store: Store) throws -> [UInt8]? {
            let item = try store.item(in: CodexFlow.table, key: Blob.key(id))
            guard case .binary(let bytes)? = item?["secret"] else { return nil }
            return bytes
        }

        /// A value that other keys encrypted for the item `foreign`.
        private func foreignSecret() async throws -> [UInt8] {
            var options = StoreOptions()
            options.encryptionKeys = others
            options.sealedFieldBinding = .portable
            let store = try Store(
                at: place.folder + "/others", schema: Blob.schema, options: options)
            defer { store.close() }
            try await store.put(Blob(id: "foreign", secret: Data([7])))
            return try #require(try secret("foreign", store))
        }

        /// An encrypted value that names a key of the store, which did not wrap its data key.
        private func forged(_ sealed: [UInt8]) throws -> [UInt8] {
            let header = try #require(SealedValue(.binary(sealed))).header
            var bytes = sealed
            bytes[header.count - 1] ^= 1
            return bytes
        }

        /// Stores an encrypted value, a made-up one, one of other keys, and data.
        ///
        /// - Returns: The encrypted value.
        private func fill(_ store: Store) async throws -> [UInt8] {
            let item = Blob.item("sealed", ["secret": .binary([1, 2, 3]), "title": "T"])
            try await FormatThree.put([item], sealing: true, store)
            let sealed = try #require(try secret("sealed", store))
            #expect(sealed.starts(with: Blob.mark))
            try await FormatThree.put(
                [
                    Blob.item("plain", ["secret": .binary(marked)]),
                    Blob.item("forged", ["secret": .binary(try forged(sealed))]),
                    Blob.item("foreign", ["secret": .binary(try await foreignSecret())]),
                    Blob.item("open", ["open": .binary(marked)]),
                ], store)
            try await FormatThree.markUnread(store)
            return sealed
        }

        private func expectRead(_ store: Store, _ sealed: [UInt8]) throws {
            #expect(try store.get(Blob.lookup("sealed"))?.secret == Data([1, 2, 3]))
            #expect(try store.get(Blob.lookup("sealed"))?.title == "T")
            #expect(try store.get(Blob.lookup("plain"))?.secret == Data(marked))
            #expect(throws: CodexError(.valueTampered, "")) {
                try store.get(Blob.lookup("forged"))
            }
            #expect(try secret("forged", store) == forged(sealed))
            #expect(try store.get(Blob.lookup("open"))?.open == Data(marked))
        }

        private func seals(_ store: Store) throws -> [ValueSeal?] {
            try ["sealed", "plain", "forged", "foreign"].map { try FormatThree.seal($0, store) }
        }

        @Test(
            "What the keys open is encrypted, and what lacks the form was plain and is encrypted")
        func decided() async throws {
            let (sealed, count) = try await place.open(
                schema: Blob.schema, keys: place.keys
            ) { store in
                let sealed = try await fill(store)
                // Before they are decided, reads do it.
                #expect(try seals(store) == Array(repeating: .undecided, count: 4))
                try expectRead(store, sealed)
                #expect(try store.get(Blob.lookup("foreign"))?.secret == nil)
                #expect(
                    try store.verify().differences.map(\.kind) == [
                        .unopenedValue, .tamperedValue,
                    ])
                return (sealed, try store.retainedChanges(after: .trimHorizon).count)
            }
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                try await store.waitUntilReady()
                #expect(try seals(store) == [.sealed, .sealed, .undecided, .undecided])
                #expect(try FormatThree.seal(of: "open", "open", store) == .plain)
                #expect(try FormatThree.undecided(store) == "waiting")
                #expect(try FormatThree.itemCount(store) == 2)
                try expectRead(store, sealed)
                #expect(try store.get(Blob.lookup("foreign"))?.secret == nil)
                #expect(
                    try store.verify().differences.map(\.kind) == [
                        .unopenedValue, .tamperedValue,
                    ])
                // What was encrypted is as it was, and no change; what was plain is nowhere plain.
                #expect(try secret("sealed", store) == sealed)
                #expect(try secret("plain", store) != marked)
                let changes = try store.retainedChanges(after: .trimHorizon)
                #expect(changes.count == count + 1)
                // The log has the earlier form, too.
                let first = try #require(try changes.first { try $0.key == Blob.key("sealed") })
                #expect(try first.new(as: Blob.self)?.secret == Data([1, 2, 3]))
            }
            // Whoever has the other keys decides the rest.
            try await place.open(schema: Blob.schema, keys: others) { store in
                try await store.waitUntilReady()
                // The made-up one names a key that these do not have.
                #expect(try FormatThree.undecided(store) == "waiting")
                #expect(try FormatThree.seal("forged", store) == .undecided)
                #expect(try FormatThree.seal("foreign", store) == .sealed)
                #expect(try store.get(Blob.lookup("foreign"))?.secret == Data([7]))
                #expect(try store.get(Blob.lookup("sealed"))?.secret == nil)
            }
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                try expectRead(store, sealed)
            }
        }

        @Test("Without keys they stay undecided, whatever is written beside them")
        func keyless() async throws {
            let sealed = try await place.open(schema: Blob.schema, keys: place.keys) { store in
                try await fill(store)
            }
            for _ in 0..<2 {
                try await place.open(schema: Blob.schema, keys: nil) { store in
                    try await store.waitUntilReady()
                    #expect(try FormatThree.undecided(store) == "waiting")
                    #expect(try seals(store) == Array(repeating: .undecided, count: 4))
                    #expect(try FormatThree.seal(of: "open", "open", store) == .plain)
                    #expect(try store.get(Blob.lookup("sealed"))?.secret == nil)
                    #expect(try store.get(Blob.lookup("forged"))?.secret == nil)
                    // What has not the form of an encrypted value is none.
                    #expect(try store.get(Blob.lookup("plain"))?.secret == Data(marked))
                    #expect(try store.get(Blob.lookup("open"))?.open == Data(marked))
                    for id in ["sealed", "plain", "forged", "foreign"] {
                        try await store.update(Blob.lookup(id)) { $0.count += 1 }
                        let item = try #require(
                            try store.item(in: CodexFlow.table, key: Blob.key(id)))
                        let text = Array(DynamoDBJSON.text(item).utf8)
                        try await store.put(
                            try DynamoDBJSON.item(parsing: text), in: CodexFlow.table)
                    }
                    #expect(try seals(store) == Array(repeating: .undecided, count: 4))
                    #expect(try secret("sealed", store) == sealed)
                    #expect(try store.verify().isSound)
                }
            }
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                try await store.waitUntilReady()
                #expect(try seals(store) == [.sealed, .sealed, .undecided, .undecided])
                try expectRead(store, sealed)
                #expect(try store.get(Blob.lookup("sealed"))?.count == 2)
            }
        }

        @Test("A write with the keys decides the fields of its item")
        func written() async throws {
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                let sealed = try await fill(store)
                for id in ["sealed", "plain", "foreign"] {
                    try await store.update(Blob.lookup(id)) { $0.count += 1 }
                }
                try await store.update(
                    in: CodexFlow.table, key: Blob.key("forged"),
                    Update().setting(Attribute<Int>("count"), to: 7))
                #expect(try seals(store) == [.sealed, .sealed, .undecided, .undecided])
                try expectRead(store, sealed)
            }
        }

        @Test("Where plain values are refused, none becomes an encrypted one by itself")
        func strict() async throws {
            try await place.open(schema: Blob.schema, keys: place.keys) { _ = try await fill($0) }
            try await place.open(schema: Blob.schema, keys: place.keys, strict: true) { store in
                try await store.waitUntilReady()
                #expect(try seals(store) == [.sealed, .undecided, .undecided, .undecided])
                #expect(try FormatThree.undecided(store) == "waiting")
                #expect(try store.get(Blob.lookup("sealed"))?.secret == Data([1, 2, 3]))
                for (id, code) in [
                    ("plain", CodexError.Code.valueNotSealed), ("forged", .valueTampered),
                ] {
                    #expect(throws: CodexError(code, "")) { try store.get(Blob.lookup(id)) }
                }
                #expect(
                    try store.verify().differences.map(\.kind) == [
                        .unopenedValue, .tamperedValue, .tamperedValue,
                    ])
                // Who asks for it takes the data as it is, and never the made-up value.
                #expect(try await store.reseal().failureCount == 2)
                #expect(try seals(store) == [.sealed, .sealed, .undecided, .undecided])
                #expect(try store.get(Blob.lookup("plain"))?.secret == Data(marked))
            }
        }
    }
#endif
