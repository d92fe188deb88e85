#if Encryption
    import CodexTesting
    import Foundation
    import Testing

    @testable import CodexCore
    @testable import CodexStore

    @Suite("Which stores open an encrypted value")
    struct BindingTests {
        let place: SealedStore

        init() throws { place = try SealedStore() }

        /// Runs `body` with one of several stores that have the same keys.
        @discardableResult
        private func open<R>(
            _ name: String, _ binding: SealedFieldBinding = .store,
            _ body: (Store) async throws -> R
        ) async throws -> R {
            var options = StoreOptions()
            options.encryptionKeys = place.keys
            options.sealedFieldBinding = binding
            let path = place.folder + "/" + name
            // A copy has its schema.
            let isThere = FileManager.default.fileExists(atPath: path)
            let store = try Store(
                at: path, schema: isThere ? nil : SealedStore.schema, options: options)
            defer { store.close() }
            return try await body(store)
        }

        /// The body of task a as the store has it.
        private func sealedBody(_ store: Store) throws -> AttributeMap.Element {
            let item = try store.item(in: CodexFlow.table, key: taskKey)
            return try #require(item?.element(named: "body"))
        }

        private func body(_ store: Store) throws -> String? {
            try store.get(.task("a", in: "p"))?.body
        }

        /// Makes a store with task a, and returns the task's body as it has it.
        private func makeStore(
            _ name: String, _ binding: SealedFieldBinding = .store, body text: String = "secret"
        ) async throws -> AttributeMap.Element {
            try await open(name, binding) { store in
                try await store.put(try makeTask("a", body: text))
                return try sealedBody(store)
            }
        }

        /// Puts a sealed value in the place of the body of task a, as who writes to the file could.
        private func plant(_ element: AttributeMap.Element, in store: Store) async throws {
            var item = try #require(try store.item(in: CodexFlow.table, key: taskKey))
            item.set(element)
            try await PlantedItem.put(item, store)
            #expect(try sealedBody(store).value == element.value)
        }

        private func expectTampered(_ store: Store) throws {
            #expect(throws: CodexError(.valueTampered, "")) { try body(store) }
            #expect(try store.verify().differences.map(\.kind).contains(.tamperedValue))
        }

        // MARK: Moving

        @Test("A value of another store with the same keys is refused, also in a copied item")
        func moved() async throws {
            let moved = try await makeStore("a")
            _ = try await makeStore("b", body: "other")
            try await open("b") { store in
                var item = try #require(try store.item(in: CodexFlow.table, key: taskKey))
                item["body"] = moved.value
                let copy = item.recognizingSealedValues()
                await #expect(throws: CodexError(.valueTampered, "")) {
                    try await store.put(copy, in: CodexFlow.table)
                }
                #expect(try body(store) == "other")
                try await plant(moved, in: store)
                try expectTampered(store)
            }
            // In its own it opens, wherever that is by now.
            #expect(rename(place.folder + "/a", place.folder + "/c") == 0)
            try await open("c") { store throws in #expect(try body(store) == "secret") }
        }

        @Test("A portable value opens in stores that do not refuse it")
        func portable() async throws {
            let moved = try await makeStore("a", .portable)
            #expect(SealedValue(moved.value)?.isBound == false)
            let bindings: [(String, SealedFieldBinding)] = [("b", .store), ("c", .portable)]
            for (name, binding) in bindings {
                _ = try await makeStore(name, binding, body: "other")
                try await open(name, binding) { store in
                    try await plant(moved, in: store)
                    #expect(try body(store) == "secret")
                    #expect(try store.verify().isSound)
                }
            }
            _ = try await makeStore("d", .storeOnly, body: "other")
            try await open("d", .storeOnly) { store in
                try await plant(moved, in: store)
                try expectTampered(store)
            }
        }

        @Test("reseal() binds values to the store, or releases them, as the options say")
        func resealed() async throws {
            _ = try await makeStore("a", .portable)
            try await open("a", .storeOnly) { try expectTampered($0) }
            try await open("a") { store throws in
                #expect(try await store.reseal().migratedCount == 1)
                #expect(try await store.reseal().migratedCount == 0)
            }
            try await open("a", .storeOnly) { store throws in #expect(try body(store) == "secret") }
            try await open("a", .portable) { store throws in
                #expect(try body(store) == "secret")
                #expect(try await store.reseal().migratedCount == 1)
                #expect(SealedValue(try sealedBody(store).value)?.isBound == false)
            }
        }

        @Test("What says whether a value is bound cannot be changed", arguments: [false, true])
        func versions(isPortable: Bool) async throws {
            let sealed = try await makeStore("a", isPortable ? .portable : .store)
            guard case .binary(var bytes) = sealed.value else {
                Issue.record("it is not sealed")
                return
            }
            #expect(bytes[4] == (isPortable ? 1 : 2))
            bytes[4] = isPortable ? 2 : 1
            let changed = AttributeMap.Element(name: "body", value: .binary(bytes), seal: .sealed)
            try await open("a") { store in
                try await plant(changed, in: store)
                try expectTampered(store)
                try await plant(sealed, in: store)
                #expect(try body(store) == "secret")
            }
        }

        // MARK: Copies

        @Test("Restored stores and followers open their origin's values, and have them bound alike")
        func copies() async throws {
            let (backup, archive) = (place.folder + "/backup", place.folder + "/archive")
            let records = try await open("a") { store in
                try await store.put(try makeTask("b", body: "earlier"))
                try await store.backup(to: backup)
                try await store.put(try makeTask("a", body: "secret"))
                try await store.archiveLog(to: archive)
                return try await firstRecords(of: store)
            }
            try await Store.restore(
                backup, archive: archive, at: place.folder + "/restored")
            try await Store.restore(backup, at: place.folder + "/follower", asFollower: true)
            try await open("follower") { store in
                try await store.follow(
                    AsyncStream<[UInt8]> { continuation in
                        continuation.yield(records)
                        continuation.finish()
                    })
                #expect(try body(store) == "secret")
                try await store.promote()
            }
            for name in ["restored", "follower"] {
                let moved = try await open(name, .storeOnly) { store throws in
                    #expect(try body(store) == "secret")
                    try await store.put(try makeTask("a", body: "of \(name)"))
                    #expect(try store.verify().isSound)
                    return try sealedBody(store)
                }
                try await open("a", .storeOnly) { store in
                    try await plant(moved, in: store)
                    #expect(try body(store) == "of \(name)")
                }
            }
        }

        /// The records of all commits, which are few.
        private func firstRecords(of store: Store) async throws -> [UInt8] {
            for try await chunk in store.replicationStream(after: 0) { return chunk }
            return []
        }

        @Test("A leader does not change what a follower's values are bound to")
        func hostileLeader() throws {
            var own = Manifest(schema: SealedStore.schema)
            let other = Manifest(schema: SealedStore.schema)
            #expect(own.bindingID == own.storeID && other.bindingID != own.bindingID)
            #expect(throws: CodexError(.corrupted, "")) { try own.adopt(other, at: 1) }
            var first = Manifest(schema: CodexFlow.schema)
            #expect(first.bindingID == nil)
            try first.adopt(other, at: 1)
            #expect(first.bindingID == other.bindingID)
        }

        @Test("A store is bound once its schema names encrypted fields, and its copies stay so")
        func manifests() throws {
            var manifest = Manifest(schema: CodexFlow.schema)
            #expect(manifest.bindingID == nil)
            let isChanged = try manifest.merge(SealedStore.schema)
            let id = manifest.storeID
            #expect(isChanged && manifest.bindingID == id)
            manifest.renewIdentity(leader: nil)
            #expect(manifest.storeID != id && manifest.bindingID == id)
            #expect(try Manifest(json: try manifest.json()).bindingID == id)
        }

        // MARK: Lengths

        @Test("The length of a sealed value tells nothing of what compresses well in it")
        func lengths() async throws {
            var random = SystemRandomNumberGenerator()
            let noise = String(
                decoding: (0..<8000).map { _ in UInt8.random(in: 33...126, using: &random) },
                as: UTF8.self)
            var counts: Set<Int> = []
            for text in [noise, String(repeating: "a", count: 8000)] {
                let sealed = try await makeStore("a", body: text)
                let value = try #require(SealedValue(sealed.value))
                counts.insert(value.box.count)
                try await open("a") { store throws in #expect(try body(store) == text) }
            }
            // A nonce, a tag of the text's type, the text, and a tag of authentication.
            #expect(counts == [12 + 1 + 8000 + 16])
        }

        @Test("Values that earlier releases compressed before they sealed them open")
        func compressed() async throws {
            let text = String(repeating: "compressible ", count: 500)
            _ = try await makeStore("a", body: "other")
            try await open("a") { store in
                var plain: [UInt8] = []
                ValueCodec.append(.string(text), topLevel: true, to: &plain)
                Compression.compressTail(of: &plain, from: 0)
                #expect(plain.count < text.utf8.count / 10)
                let catalog = store.core.catalog
                let number = try #require(
                    catalog.manifest.entities[CodexFlow.Task.definition.name])
                let fields = try #require(catalog.sealedFields(number))
                let item = try #require(try store.item(in: CodexFlow.table, key: taskKey))
                let sealer = try #require(store.core.options.sealer)
                let sealed = try sealer.seal(
                    plain,
                    SealedPlace(
                        store: nil, table: CodexFlow.table, attribute: "body",
                        key: try fields.key(of: item)), isPortable: true)
                try await plant(sealed.element(named: "body"), in: store)
                #expect(try body(store) == text)
                try await store.reseal()
                #expect(try body(store) == text)
                #expect(SealedValue(try sealedBody(store).value)?.isBound == true)
            }
        }
    }
#endif
