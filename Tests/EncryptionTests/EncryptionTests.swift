#if Encryption
    import Codex
    import CodexCore
    import CodexStore
    import CodexTesting
    import Foundation
    import Testing

    @Suite("Encrypted fields")
    struct EncryptionTests {
        let place: SealedStore

        init() throws { place = try SealedStore() }

        private func isSealed(_ value: AttributeValue?) -> Bool {
            if case .binary(let bytes)? = value { return bytes.starts(with: [0x9E, 0x43]) }
            return false
        }

        @Test("A typed filter on an encrypted value is refused, also if only the store seals it")
        func filter() async throws {
            try await place.open { store in
                try await store.put(Note(id: "1", text: "x"))
                try await store.put(try makeTask("a", body: "x"))
                var note = Query<Note>(["notebook": "n"])
                // The type of the task does not know that its body is encrypted.
                var task = Query<CodexFlow.Task>(["projectId": "p"])
                note.request.filter = .attributeExists("text")
                task.request.filter = .attributeExists("body")
                #expect(try store.all(note).count == 1)
                #expect(try store.all(task).count == 1)
                note.request.filter = .compare(.path("text"), .equal, .value("x"))
                task.request.filter = .compare(.path("body"), .equal, .value("x"))
                let refusal = CodexError(.invalidExpression, "")
                #expect(throws: refusal) { try store.all(note) }
                #expect(throws: refusal) { try store.all(task) }
                await #expect(throws: refusal) { try await store.deleteAll(note) }
                await #expect(throws: refusal) { try await store.deleteAll(task) }
            }
        }

        @Test("Typed reads and writes see plain values, the files never do")
        func roundTrip() async throws {
            let marker = "the-secret-of-\(UUID().uuidString)"
            try await place.open { store in
                var task = try makeTask("a", body: marker)
                task.metadata = ["k": .string(marker), "n": 7]
                try await store.insert(task)
                #expect(try store.get(.task("a", in: "p")) == task)
                // By an index that holds whole items, and by one that holds keys.
                #expect(try store.all(.tasks(assignedTo: "ada")) == [task])
                try await store.update(.task("a", in: "p")) { $0.body = marker + marker }
                #expect(try store.get(.task("a", in: "p"))?.body == marker + marker)
                let stored = try #require(
                    try store.read { try $0.stored(.task("a", in: "p")) })
                var copy = stored
                copy.value.title = "New"
                try await store.write { [copy] in _ = try $0.replace(copy) }
                let note = Note(id: "1", text: marker, secret: [marker, "x"])
                try await store.put(note)
                #expect(
                    try store.read {
                        try $0.get(Lookup<Note>(partition: "NOTEBOOK#n", sort: "NOTE#1"))
                    } == note)
                let item = try #require(try store.item(in: CodexFlow.table, key: taskKey))
                #expect(isSealed(item["body"]) && isSealed(item["metadata"]))
                #expect(item["title"] == "New")
                let entry = try store.items(
                    matching: TableQuery(
                        table: CodexFlow.table, index: "GSI1", partition: ["ASSIGNEE#ada"]))
                #expect(isSealed(entry.items.first?["body"]))
                let changes = try store.retainedChanges(after: .trimHorizon)
                #expect(try changes[0].new(as: CodexFlow.Task.self) == task)
                #expect(isSealed(try changes[0].newImage?["body"]))
                #expect(try changes[1].old(as: CodexFlow.Task.self)?.body == marker)
                let cache = try StoreCache(store)
                #expect(try cache.get(.task("a", in: "p"))?.body == marker + marker)
                #expect(try store.verify().isSound)
            }
            // What the log says is redone.
            let contents = try place.contents()
            #expect(contents.contains { $0.range(of: Data("Title a".utf8)) != nil })
            for file in contents { #expect(file.range(of: Data(marker.utf8)) == nil) }
            try await place.open { store in
                let read = try store.get(.task("a", in: "p"))
                #expect(read?.body == marker + marker)
            }
        }

        @Test("Services, their history and their events work with encrypted fields")
        func services() async throws {
            let marker = "the-secret-of-\(UUID().uuidString)"
            try await place.open { store in
                let workspace = CodexFlow.Workspace(store)
                try await workspace.createUser(email: "a@example.com", name: "A", id: "ada")
                try await workspace.createProject(key: "PP", name: "P", id: "p", owner: "ada")
                try await workspace.createTask(in: "p", by: "ada", id: "a") {
                    ($0.title, $0.body) = ("T", "before")
                }
                let start = try store.read { try $0.sequenceNumber }
                try await workspace.changeTask("a", in: "p", by: "ada") { $0.body = marker }
                let entry = try #require(try store.all(.activity(of: "a", in: "p")).last)
                #expect(
                    entry.changes == [.init(field: "body", from: "before", to: .string(marker))])
                let events = try store.retainedChanges(after: .sequenceNumber(start)).flatMap {
                    try $0.events
                }
                #expect(events.map(\.kind) == [.taskUpdated])
                #expect(events[0].detail["fields"] == ["body"])
            }
            for file in try place.contents() { #expect(file.range(of: Data(marker.utf8)) == nil) }
        }

        @Test("Without the key the rest reads, and is changed without a loss")
        func withoutKey() async throws {
            let (task, note) = (try makeTask("a", body: "secret"), Note(id: "1", text: "secret"))
            try await place.open { store in
                try await store.put(task)
                try await store.put(note)
            }
            // The program need not know that they are encrypted.
            for schema in [SealedStore.schema, CodexFlow.schema.adding(Note.self), nil] {
                try await place.open(schema: schema, keys: nil) { store in
                    let read = try #require(try store.get(.task("a", in: "p")))
                    #expect(read.title == task.title || read.title == "New")
                    #expect(read.body == nil)
                    try await store.update(.task("a", in: "p")) { $0.title = "New" }
                    let before = try store.item(in: CodexFlow.table, key: taskKey)
                    for body in [
                        { try await store.update(.task("a", in: "p")) { $0.body = "open" } },
                        {
                            try await store.put(
                                ["PK": "PROJECT#p", "SK": "TASK#z", "body": "open"],
                                in: CodexFlow.table)
                        },
                    ] as [() async throws -> Void] {
                        await #expect(throws: CodexError(.keyUnavailable, "")) {
                            try await body()
                        }
                    }
                    #expect(try store.item(in: CodexFlow.table, key: taskKey) == before)
                    // What a type cannot do without.
                    let lookup = Lookup<Note>(partition: "NOTEBOOK#n", sort: "NOTE#1")
                    #expect(throws: CodexError(.keyUnavailable, "")) {
                        try store.read { try $0.get(lookup) }
                    }
                    let item = try store.item(
                        in: CodexFlow.table, key: PrimaryKey("NOTEBOOK#n", "NOTE#1"))
                    #expect(item?["id"] == "1" && isSealed(item?["text"]))
                }
            }
            // Nor with other keys.
            let others = try FileKeyProvider(at: place.folder + "/others.json", mayCreate: true)
            try await place.open(keys: others) { store in
                #expect(try store.get(.task("a", in: "p"))?.body == nil)
                try await store.update(.task("a", in: "p")) { $0.priority = .high }
            }
            try await place.open { store in
                let read = try #require(try store.get(.task("a", in: "p")))
                #expect(read.body == "secret" && read.title == "New" && read.priority == .high)
                // With the key, what is set to nothing goes.
                try await store.update(.task("a", in: "p")) { $0.body = nil }
                #expect(try store.item(in: CodexFlow.table, key: taskKey)?["body"] == nil)
            }
        }

        @Test("Each changed byte is noticed, and each value that was moved")
        func tampered() async throws {
            try await place.open { store in
                try await store.put(try makeTask("a", body: "secret"))
                try await store.put(try makeTask("b", body: "other"))
                let item = try #require(try store.item(in: CodexFlow.table, key: taskKey))
                guard case .binary(let sealed)? = item["body"] else {
                    Issue.record("it is not sealed")
                    return
                }
                for place in sealed.indices {
                    var bytes = sealed
                    bytes[place] ^= 1 << (place % 8)
                    try await PlantedItem.put(item.forging(bytes, as: "body"), store)
                    do {
                        // In the name of its key: that there is none of the name.
                        #expect(try store.get(.task("a", in: "p"))?.body == nil, "\(place)")
                        #expect((6..<22).contains(place), "\(place)")
                    } catch let error as CodexError {
                        #expect(error.code == .valueTampered, "\(place): \(error)")
                    }
                }
                for count in stride(from: 0, to: sealed.count, by: 3) {
                    let changed = item.forging(Array(sealed.prefix(count)), as: "body")
                    try await PlantedItem.put(changed, store)
                    #expect(throws: CodexError(.valueTampered, "")) {
                        try store.get(.task("a", in: "p"))
                    }
                }
                let other = try #require(
                    try store.item(
                        in: CodexFlow.table, key: PrimaryKey("PROJECT#p", "TASK#b")))
                try await PlantedItem.put(other.forging(sealed, as: "body"), store)
                #expect(throws: CodexError(.valueTampered, "")) {
                    try store.get(.task("b", in: "p"))
                }
                let moved = item.forging(sealed, as: "metadata")
                try await PlantedItem.put(moved, store)
                #expect(throws: CodexError(.valueTampered, "")) {
                    try store.get(.task("a", in: "p"))
                }
                let found = try store.verify().differences.filter { $0.kind == .tamperedValue }
                #expect(found.count == 2)
                // As it was, it opens.
                try await store.put(item, in: CodexFlow.table)
                #expect(try store.get(.task("a", in: "p"))?.body == "secret")
                let error = #expect(throws: CodexError.self) { try store.get(.task("b", in: "p")) }
                #expect(error?.description.contains("secret") == false)
            }
        }

        @Test(
            "Keys are rotated: old values open, are brought under the new key, and the old key goes"
        )
        func rotation() async throws {
            let old = try place.keys.currentKeyID
            try await place.open { store in
                for number in 0..<25 {
                    try await store.put(try makeTask("t\(number)", body: "secret \(number)"))
                }
                let new = try place.keys.rotate()
                #expect(try place.keys.keyIDs == [old, new])
                #expect(try store.get(.task("t3", in: "p"))?.body == "secret 3")
                // What is written from now on is under the new key.
                try await store.update(.task("t3", in: "p")) { $0.title = "T" }
                let report = try await store.reseal(batchCount: 10)
                #expect(report.examinedCount == 25 && report.migratedCount == 24)
                #expect(report.failureCount == 0)
                #expect(try await store.reseal().migratedCount == 0)
                try place.keys.remove(keyID: old)
                #expect(try place.keys.keyIDs == [new])
            }
            try await place.open { store in
                for number in 0..<25 {
                    let task = try store.get(.task(try .init("t\(number)"), in: "p"))
                    #expect(task?.body == "secret \(number)")
                }
                // Without the reseal the values are lost with the key, and reported.
                let lost = try place.keys.currentKeyID
                try place.keys.rotate()
                try place.keys.remove(keyID: lost)
            }
            try await place.open { store in
                #expect(try store.get(.task("t3", in: "p"))?.body == nil)
                let report = try await store.reseal()
                #expect(report.failureCount == 25 && report.migratedCount == 0)
                #expect(report.failures.first?.error.code == .keyUnavailable)
            }
        }

        @Test("Without the key nothing is moved where it could not be opened; all can be removed")
        func moved() async throws {
            try await place.open { store in
                try await store.put(try makeTask("a", body: "secret"))
                try await store.put(Note(id: "1", text: "secret"))
            }
            try await place.open(keys: nil) { store in
                let before = try store.item(in: CodexFlow.table, key: taskKey)
                await #expect(throws: CodexError(.keyUnavailable, "")) {
                    try await store.update(.task("a", in: "p")) { $0.projectID = "q" }
                }
                #expect(try store.item(in: CodexFlow.table, key: taskKey) == before)
                let lookup = Lookup<Note>(partition: "NOTEBOOK#n", sort: "NOTE#1")
                #expect(try await store.delete(lookup))
                #expect(try await !store.delete(lookup))
            }
            try await place.open { store in
                try await store.update(.task("a", in: "p")) { $0.projectID = "q" }
                #expect(try store.get(.task("a", in: "q"))?.body == "secret")
            }
        }

        @Test(
            "A value whose key is not there is told of by who looks, and refused by who asks for it"
        )
        func unopened() async throws {
            try await place.open { try await $0.put(try makeTask("a", body: "secret")) }
            let others = try FileKeyProvider(at: place.folder + "/others.json", mayCreate: true)
            try await place.open(keys: others) { store in
                let found = try store.verify().differences.map(\.kind)
                #expect(found == [.unopenedValue])
            }
            try await place.open(keys: others, strict: true) { store in
                #expect(throws: CodexError(.keyUnavailable, "")) {
                    try store.get(.task("a", in: "p"))
                }
                let found = try store.verify().differences.map(\.kind)
                #expect(found == [.unopenedValue])
            }
            try await place.open(keys: nil) { store in
                let isSound = try store.verify().isSound
                #expect(isSound)
            }
        }

        @Test("Analytics and events are the same for encrypted history, resealed in between")
        func analytics() async throws {
            let schema = SealedStore.schema
                .sealing(["facts", "changes"], of: CodexFlow.Activity.self)
                .sealing(["flow", "metrics"], of: CodexFlow.Analytics.self)
                .sealing(["hours"], of: CodexFlow.WorkLog.self)
                .sealing(["name"], of: CodexFlow.Project.self)
            let day = CalendarDay(Date())
            try await place.open(schema: schema, keys: place.keys) { store in
                let workspace = CodexFlow.Workspace(store)
                try await workspace.createUser(email: "a@example.com", name: "A", id: "ada")
                try await workspace.createProject(key: "PP", name: "P", id: "p", owner: "ada")
                for id in ["a", "b"] as [CodexFlow.Task.ID] {
                    try await workspace.createTask(in: "p", by: "ada", id: id) {
                        ($0.title, $0.estimate, $0.status) = ("T", 3, .inProgress)
                    }
                }
                try await workspace.addDependency(of: "a", on: "b", in: "p", by: "ada")
                try await workspace.removeDependency(of: "a", on: "b", in: "p", by: "ada")
                try await workspace.logWork(2, on: "a", in: "p", by: "ada")
                try await workspace.completeTask("a", in: "p", by: "ada")
                try place.keys.rotate()
                let report = try await store.reseal()
                #expect(report.migratedCount > 5 && report.failureCount == 0)
                let consumer = _Concurrency.Task { try await store.runAnalytics() }
                var figures: CodexFlow.Analytics?
                for try await found in store.observe(.analytics(of: "p", on: day)) {
                    figures = found
                    if found?.flow?.points == 3, found?.teamStats.first?.hoursLogged == 2 { break }
                }
                consumer.cancel()
                _ = await consumer.result
                #expect(figures?.flow?.created == 2 && figures?.metrics.tasksCompleted == 1)
                try await store.rebuildAnalytics()
                #expect(try store.get(.analytics(of: "p", on: day)) == figures)
                let kinds = try store.retainedChanges(after: .trimHorizon).flatMap {
                    try $0.events
                }.map(\.kind)
                #expect(kinds.contains(.taskUnblocked) && kinds.contains(.taskCompleted))
            }
            // Who cannot read what happened does not say that nothing did.
            try await place.open(keys: nil) { store in
                let changes = try store.retainedChanges(after: .trimHorizon)
                #expect(throws: CodexError(.keyUnavailable, "")) {
                    for change in changes { _ = try change.events }
                }
            }
        }

        @Test("What is written again as it was is no change")
        func unchanged() async throws {
            try await place.open { store in
                let task = try makeTask("a", body: "secret")
                try await store.put(task)
                let item = try store.item(in: CodexFlow.table, key: taskKey)
                let count = try store.retainedChanges(after: .trimHorizon).count
                try await store.put(task)
                try await store.update(.task("a", in: "p")) { $0.body = "secret" }
                #expect(try store.item(in: CodexFlow.table, key: taskKey) == item)
                #expect(try store.retainedChanges(after: .trimHorizon).count == count)
                // Equal values are not equal when they are stored.
                try await store.put(try makeTask("b", body: "secret"))
                let other = try store.item(
                    in: CodexFlow.table, key: PrimaryKey("PROJECT#p", "TASK#b"))
                #expect(other?["body"] != item?["body"])
            }
        }

        @Test("A store that had plain values takes encryption, and then nothing else")
        func added() async throws {
            try await place.open(schema: CodexFlow.schema, keys: nil) { store in
                for number in 0..<7 {
                    try await store.put(try makeTask("t\(number)", body: "plain \(number)"))
                }
            }
            try await place.open { store in
                #expect(try store.get(.task("t1", in: "p"))?.body == "plain 1")
                try await store.update(.task("t1", in: "p")) { $0.title = "T" }
                let report = try await store.reseal()
                #expect(report.migratedCount == 6 && report.failureCount == 0)
                #expect(try store.get(.task("t2", in: "p"))?.body == "plain 2")
                #expect(try store.verify().isSound)
            }
            try await place.open(keys: place.keys, strict: true) { store in
                let read = try store.get(.task("t2", in: "p"))
                #expect(read?.body == "plain 2")
            }
            // Who writes past the store is noticed by those who ask for it.
            try await place.open(schema: CodexFlow.schema, keys: nil) { store in
                await #expect(throws: CodexError(.keyUnavailable, "")) {
                    try await store.put(try makeTask("t1", body: "plain"))
                }
            }
            let plain = try SealedStore()
            try await plain.open(schema: CodexFlow.schema, keys: nil) { store in
                try await store.put(try makeTask("a", body: "plain"))
            }
            try await plain.open(keys: plain.keys, strict: true) { store in
                #expect(throws: CodexError(.valueNotSealed, "")) {
                    try store.get(.task("a", in: "p"))
                }
                #expect(try store.verify().differences.map(\.kind) == [.tamperedValue])
                try await store.reseal()
                #expect(try store.get(.task("a", in: "p"))?.body == "plain")
            }
        }

        @Test(
            "What stands in keys, indexes and counters is not encrypted",
            arguments: ["status", "estimate", "labels", "GSI1PK", "PK", "taskId", "expiresAt"])
        func readable(name: String) throws {
            let schema = CodexFlow.schema.sealing([name], of: CodexFlow.Task.self)
            #expect(throws: CodexError(.invalidSchema, "")) { try schema.validate() }
            #expect(throws: CodexError(.invalidSchema, "")) {
                _ = try Store(at: place.path, schema: schema)
            }
        }

        @Test("Nor is what is encrypted put into an index later")
        func indexes() async throws {
            try await place.open { store in
                await #expect(throws: CodexError(.invalidSchema, "")) {
                    try await store.addIndex(
                        IndexDefinition("byText", partitionKey: [KeyAttribute("text")]),
                        to: CodexFlow.table)
                }
                // For other entities it may be.
                try await store.addIndex(
                    IndexDefinition(
                        "byText", partitionKey: [KeyAttribute("text")],
                        entities: [CodexFlow.Comment.definition.name]), to: CodexFlow.table)
            }
        }

        @Test("A value of the first format opens")
        func format() async throws {
            let keys = """
                {"format": 1, "current": "00000000000000a1", "keys": [{"id": "00000000000000a1",
                "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "createdAt": "2026-11-25T00:00:00Z"}]}
                """
            let path = place.folder + "/fixed.json"
            try Data(keys.utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            let fixed = try FileKeyProvider(at: path)
            try await place.open(keys: fixed) { store in
                var item = try makeTask("a", body: nil).item()
                let sealed = try #require(Data(base64Encoded: Self.sealed))
                item["body"] = .binary(Array(sealed))
                try await store.put(item.recognizingSealedValues(), in: CodexFlow.table)
                #expect(try store.get(.task("a", in: "p"))?.body == "of the first format")
            }
        }

        /// Made by the release that brought encryption.
        static let sealed =
            "nkNEWAEQMDAwMDAwMDAwMDAwMDBhMQA8pK9coTbH4f1ZwfHdzUET6Nh8pqA5I47rObWkKLGXdWQa4hVc"
            + "BvefIegDkbYtXXiDlZNuUc3ZnyjrQ2yobjiWHXtxjsqR2umZYzQ9MSwQOM3dWg76ogvtgMIrg/Y2LEK3"
            + "uA7sRYrtbmbBfLSB"

        @Test("A backup and an archive have nothing plain, and open again under the same keys")
        func backups() async throws {
            let sealed = try SealedStore()
            let text = "the acquisition of Initech"
            let (backup, archive) = (sealed.folder + "/backup", sealed.folder + "/archive")
            try await sealed.open { store in
                try await store.put(Note(id: "1", text: text))
                try await store.backup(to: backup)
                try await store.put(Note(id: "2", text: text))
                try await store.archiveLog(to: archive)
            }
            try await Store.restore(backup, archive: archive, at: sealed.folder + "/restored")
            for folder in [backup, archive, sealed.folder + "/restored"] {
                for file in try FileManager.default.subpathsOfDirectory(atPath: folder) {
                    let data = FileManager.default.contents(atPath: folder + "/" + file)
                    #expect(data?.range(of: Data(text.utf8)) == nil)
                }
            }
            var options = StoreOptions()
            options.encryptionKeys = sealed.keys
            let restored = try Store(at: sealed.folder + "/restored", options: options)
            defer { restored.close() }
            for id in ["1", "2"] {
                let lookup = Lookup<Note>(
                    partition: "NOTEBOOK#n", sort: .string("NOTE#\(id)"))
                #expect(try restored.get(lookup)?.text == text)
            }
        }
    }
#endif
