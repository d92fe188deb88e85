#if Encryption
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import Foundation
    import Testing

    /// Data that begins as an encrypted value does.
    @Suite("Values that look encrypted")
    struct MarkedValueTests {
        let place: SealedStore

        init() throws { place = try SealedStore() }

        /// Bytes from the mark alone to all of another item's encrypted value.
        private func lookalikes(_ store: Store) async throws -> [[UInt8]] {
            try await store.put(Blob(id: "other", secret: Data([1, 2, 3])))
            let sealed = try storedSecret("other", store)
            return [
                Blob.mark, Blob.mark + [0], Blob.mark + [2, 3, 4],
                Blob.mark + [UInt8](repeating: 0, count: 3000),
                [0x9E, 0x43, 0x44, 0x58, 2, 7], sealed, Array(sealed.dropLast(8)),
            ]
        }

        /// What stands in the store for the encrypted field.
        private func storedSecret(_ id: String, _ store: Store) throws -> [UInt8] {
            let item = try store.item(in: CodexFlow.table, key: Blob.key(id))
            guard case .binary(let bytes)? = item?["secret"] else {
                throw CodexError(.notFound, "There is no binary.")
            }
            return bytes
        }

        private func expectSealed(_ id: String, _ bytes: [UInt8], _ store: Store) throws {
            let stored = try storedSecret(id, store)
            #expect(stored != bytes && stored.starts(with: Blob.mark.dropLast()))
            // Nor is it within what is stored.
            if bytes.count > 8 { #expect(Data(stored).range(of: Data(bytes)) == nil) }
            #expect(try store.get(Blob.lookup(id))?.secret == Data(bytes))
        }

        @Test("In an encrypted field they are encrypted as all others, by typed and by raw writes")
        func sealed() async throws {
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                for (number, bytes) in try await lookalikes(store).enumerated() {
                    let (typed, raw) = ("t\(number)", "r\(number)")
                    try await store.put(Blob(id: typed, secret: Data(bytes)))
                    try await store.put(
                        Blob.item(raw, ["secret": .binary(bytes)]), in: CodexFlow.table)
                    for id in [typed, raw] {
                        try expectSealed(id, bytes, store)
                        try await store.update(Blob.lookup(id)) { $0.count += 1 }
                        try expectSealed(id, bytes, store)
                    }
                    let action = WriteAction.put(
                        table: CodexFlow.table,
                        Blob.item("a\(number)", ["secret": .binary(bytes)]))
                    try await store.perform([action])
                    try expectSealed("a\(number)", bytes, store)
                }
                #expect(try await store.reseal().migratedCount == 0)
                #expect(try store.verify().isSound)
            }
            // Values that are not encrypted would be refused.
            try await place.open(schema: Blob.schema, keys: place.keys, strict: true) { store in
                for (number, bytes) in try await lookalikes(store).enumerated() where number < 5 {
                    #expect(try store.get(Blob.lookup("t\(number)"))?.secret == Data(bytes))
                }
                #expect(try store.verify().isSound)
            }
            // And without keys nothing is written.
            try await place.open(schema: Blob.schema, keys: nil) { store throws in
                await #expect(throws: CodexError(.keyUnavailable, "")) {
                    try await store.put(Blob(id: "new", secret: Data(Blob.mark + [2, 3, 4])))
                }
                await #expect(throws: CodexError(.keyUnavailable, "")) {
                    try await store.put(
                        Blob.item("new", ["secret": .binary(Blob.mark + [2, 3, 4])]),
                        in: CodexFlow.table)
                }
                #expect(try store.verify().isSound)
            }
        }

        @Test("In a field that is not encrypted they are what they are, with keys and without")
        func open() async throws {
            let all = try await place.open(schema: Blob.schema, keys: place.keys) { store in
                let all = try await lookalikes(store)
                for (number, bytes) in all.enumerated() {
                    try await store.put(Blob(id: "\(number)", open: Data(bytes)))
                }
                return all
            }
            for keys in [place.keys, nil] as [FileKeyProvider?] {
                try await place.open(schema: Blob.schema, keys: keys) { store in
                    for (number, bytes) in all.enumerated() {
                        let item = try store.item(in: CodexFlow.table, key: Blob.key("\(number)"))
                        #expect(item?["open"] == .binary(bytes))
                        #expect(try store.get(Blob.lookup("\(number)"))?.open == Data(bytes))
                        try await store.update(Blob.lookup("\(number)")) { $0.count += 1 }
                        #expect(try store.get(Blob.lookup("\(number)"))?.open == Data(bytes))
                    }
                    #expect(try store.verify().isSound)
                }
            }
        }

        @Test("An item that goes through JSON and back keeps its encrypted values")
        func writtenBack() async throws {
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                try await store.put(Blob(id: "1", secret: Data([1, 2, 3]), title: "T"))
            }
            for (count, keys) in [(1, place.keys), (2, nil)] as [(Int, FileKeyProvider?)] {
                try await place.open(schema: Blob.schema, keys: keys) { store in
                    let before = try #require(
                        try store.item(in: CodexFlow.table, key: Blob.key("1")))
                    var item = try DynamoDBJSON.item(parsing: Array(DynamoDBJSON.text(before).utf8))
                    item["count"] = .number(Number(count))
                    try await store.put(item, in: CodexFlow.table)
                    let after = try store.item(in: CodexFlow.table, key: Blob.key("1"))
                    #expect(after?["secret"] == before["secret"])
                }
            }
            try await place.open(schema: Blob.schema, keys: place.keys, strict: true) {
                store throws in
                let expected = Blob(id: "1", secret: Data([1, 2, 3]), title: "T", count: 2)
                #expect(try store.get(Blob.lookup("1")) == expected)
                #expect(try store.verify().isSound)
            }
        }

        @Test("What an export carries opens in another store, and what does not is refused")
        func imported() async throws {
            var options = StoreOptions()
            options.encryptionKeys = place.keys
            options.sealedFieldBinding = .portable
            let source = try Store(
                at: place.folder + "/source", schema: Blob.schema, options: options)
            defer { source.close() }
            let marked = Data(Blob.mark + [2, 3, 4])
            let blob = Blob(id: "1", secret: Data([1, 2, 3]), title: "T", open: marked)
            try await source.put(blob)
            let stored = try #require(try source.item(in: CodexFlow.table, key: Blob.key("1")))
            let item = try DynamoDBJSON.item(parsing: Array(DynamoDBJSON.text(stored).utf8))

            let target = try Store(
                at: place.folder + "/target", schema: Blob.schema, options: options)
            try await target.put(item.recognizingSealedValues(), in: CodexFlow.table)
            #expect(try target.get(Blob.lookup("1")) == blob)
            #expect(try target.item(in: CodexFlow.table, key: Blob.key("1")) == stored)
            // Not under another key, and not in another field.
            for moved in [
                Blob.item("2", ["secret": item["secret"] ?? .null]),
                Blob.item("1", ["secret": item["title"] ?? .null]),
            ] {
                await #expect(throws: CodexError(.valueTampered, "")) {
                    try await target.put(moved.recognizingSealedValues(), in: CodexFlow.table)
                }
            }
            // What has not the form of an encrypted value is plain, and is encrypted.
            let plain = Blob.item("3", ["secret": .binary(Array(marked))])
            try await target.put(plain.recognizingSealedValues(), in: CodexFlow.table)
            try expectSealed("3", Array(marked), target)
            #expect(try target.verify().isSound)
            target.close()

            // Without keys they are taken as they are, and checked by whoever has them.
            options.encryptionKeys = nil
            let keyless = try Store(at: place.folder + "/target", options: options)
            let forged = Blob.item("4", ["secret": item["secret"] ?? .null])
            try await keyless.put(forged.recognizingSealedValues(), in: CodexFlow.table)
            await #expect(throws: CodexError(.keyUnavailable, "")) {
                try await keyless.put(plain.recognizingSealedValues(), in: CodexFlow.table)
            }
            keyless.close()
            options.encryptionKeys = place.keys
            let again = try Store(at: place.folder + "/target", options: options)
            defer { again.close() }
            #expect(throws: CodexError(.valueTampered, "")) { try again.get(Blob.lookup("4")) }
            #expect(try again.verify().differences.map(\.kind) == [.tamperedValue])
        }

        @Test("A plain value in an encrypted field is told of by who looks, with keys and without")
        func verified() async throws {
            let plain = CodexFlow.schema.adding(PlainBlob.self)
            try await place.open(schema: plain, keys: nil) { store in
                try await store.put(PlainBlob(id: "1", secret: Data(Blob.mark + [2, 3, 4])))
                try await store.put(PlainBlob(id: "2", secret: Data([1])))
                try await store.put(PlainBlob(id: "3", secret: nil))
                #expect(try store.verify().isSound)
            }
            for keys in [nil, place.keys] as [FileKeyProvider?] {
                try await place.open(schema: Blob.schema, keys: keys) { store in
                    let kinds = try store.verify().differences.map(\.kind)
                    #expect(kinds == [.plainValue, .plainValue])
                    #expect(
                        try store.get(Blob.lookup("1"))?.secret == Data(Blob.mark + [2, 3, 4]))
                }
            }
            try await place.open(schema: Blob.schema, keys: place.keys, strict: true) { store in
                let kinds = try store.verify().differences.map(\.kind)
                #expect(kinds == [.tamperedValue, .tamperedValue])
                #expect(try await store.reseal().migratedCount == 2)
                #expect(try store.verify().isSound)
                try expectSealed("1", Blob.mark + [2, 3, 4], store)
            }
        }

        // MARK: DynamoDB's protocol

        private func ask(
            _ operation: String, _ members: String, _ store: Store
        ) async throws -> String {
            let response = await DynamoDBService(store).response(
                target: "DynamoDB_20120810." + operation,
                body: Array("{\"TableName\":\"\(CodexFlow.table)\",\(members)}".utf8))
            let text = String(decoding: response.body, as: UTF8.self)
            #expect(response.status == 200, "\(operation): \(text)")
            return text
        }

        private func key(_ id: String) -> String {
            #""Key":{"PK":{"S":"BLOB#\#(id)"},"SK":{"S":"BLOB"}}"#
        }

        @Test("By DynamoDB's protocol they are data, and stored ones are written back as they are")
        func protocolRequests() async throws {
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                let marked = Blob.mark + [2, 3, 4]
                let item = Blob.item(
                    "1", ["secret": .binary(marked), "open": .binary(marked)])
                _ = try await ask("PutItem", "\"Item\":\(DynamoDBJSON.text(item))", store)
                try expectSealed("1", marked, store)
                #expect(try store.get(Blob.lookup("1"))?.open == Data(marked))
                // Read, changed elsewhere, and put back as a whole.
                let sealed = try storedSecret("1", store)
                let answer = try await ask("GetItem", key("1"), store)
                #expect(answer.contains(Data(sealed).base64EncodedString()))
                var read = try DynamoDBJSON.item(parsing: Array(answer.utf8))
                read["count"] = 7
                _ = try await ask("PutItem", "\"Item\":\(DynamoDBJSON.text(read))", store)
                #expect(try storedSecret("1", store) == sealed)
                // An update that sets a field to what it is.
                for update in ["if_not_exists(secret, :x)", "secret"] {
                    let values =
                        update == "secret"
                        ? "" : #","ExpressionAttributeValues":{":x":{"B":"AAAA"}}"#
                    _ = try await ask(
                        "UpdateItem",
                        key("1") + #","UpdateExpression":"SET secret = \#(update)""# + values,
                        store)
                    #expect(try storedSecret("1", store) == sealed)
                }
                let blob = try store.get(Blob.lookup("1"))
                #expect(blob?.secret == Data(marked) && blob?.count == 7)
                // Its encrypted value in another field is data there.
                _ = try await ask(
                    "UpdateItem",
                    key("1") + ##","UpdateExpression":"SET #o = secret""##
                        + ##","ExpressionAttributeNames":{"#o":"open"}"##, store)
                #expect(try store.get(Blob.lookup("1"))?.open == Data(sealed))
                #expect(try store.verify().isSound)
            }
        }
    }

    /// The same items before anything of them was to be encrypted.
    private struct PlainBlob: Codable, Entity {
        static let definition = EntityDefinition(
            "blob", table: CodexFlow.table, keys: ["PK": "BLOB#{id}", "SK": "BLOB"])
        var id: String
        var secret: Data?
        var count = 0
    }
#endif
