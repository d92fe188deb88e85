#if Remote
    import CodexCore
    import Foundation
    import Testing

    @testable import CodexRemote

    /// Batches of which a service leaves parts unprocessed.
    @Suite("Unprocessed elements of batches")
    struct BatchTests {
        private static let table = TableDefinition("t", partitionKey: KeyAttribute("pk"))

        private func key(_ number: Int) -> PrimaryKey { PrimaryKey(.string("k\(number)")) }

        private func item(_ number: Int) -> Item {
            ["pk": .string("k\(number)"), "n": .number(Number(number))]
        }

        /// A service that processes at most so many elements of a request, the last ones first.
        private static func service(processing count: Int) -> FakeTransport.Step {
            { request in
                let tables = try JSONNode.parse(request.body)["RequestItems"]
                var unprocessed: [String] = []
                var found: [String] = []
                let isRead = tables?["t"]?["Keys"] != nil
                let nodes = (isRead ? tables?["t"]?["Keys"] : tables?["t"])?.elements ?? []
                for (place, node) in nodes.enumerated() {
                    let key = isRead ? node : node["PutRequest"]?["Item"] ?? node
                    let name = key["pk"]?["S"]?.text ?? ""
                    if place < nodes.count - count {
                        let text = #"{"pk":{"S":"\#(name)"}}"#
                        unprocessed.append(isRead ? text : #"{"PutRequest":{"Item":\#(text)}}"#)
                    } else {
                        found.insert(#"{"pk":{"S":"\#(name)"}}"#, at: 0)
                    }
                }
                let rest = unprocessed.joined(separator: ",")
                let results = found.joined(separator: ",")
                let keys = rest.isEmpty ? "" : #""t":{"Keys":[\#(rest)]}"#
                let items = rest.isEmpty ? "" : #""t":[\#(rest)]"#
                let body =
                    isRead
                    ? #"{"Responses":{"t":[\#(results)]},"UnprocessedKeys":{\#(keys)}}"#
                    : #"{"UnprocessedItems":{\#(items)}}"#
                return TransportResponse(status: 200, body: Array(body.utf8))
            }
        }

        private func table(_ scene: Scene) -> RemoteTable { RemoteTable(Self.table, scene.client) }

        @Test("All keys are read, in their order, however few a request processes")
        func reads() async throws {
            for (count, processed) in [(1, 1), (99, 7), (100, 50), (101, 100), (205, 40)] {
                let scene = try Scene([Self.service(processing: processed)])
                let found = try await table(scene).batchGet((0..<count).map { key($0) })
                let expected = (0..<count).map { item($0)["pk"] }
                #expect(found.map { $0?["pk"] } == expected)
                let sizes = try scene.transport.bodies().map {
                    $0["RequestItems"]?["t"]?["Keys"]?.elements.count ?? 0
                }
                #expect(sizes.max() ?? 0 <= 100 && sizes.count >= count / processed)
            }
        }

        @Test("All items are written, each once, at most 25 at a time")
        func writes() async throws {
            for (count, processed) in [(1, 1), (24, 5), (25, 25), (26, 25), (60, 10)] {
                let scene = try Scene([Self.service(processing: processed)])
                try await table(scene).batchWrite((0..<count).map { .put(item($0)) })
                let sizes = try scene.transport.bodies().map {
                    $0["RequestItems"]?["t"]?.elements.count ?? 0
                }
                #expect(sizes.max() ?? 0 <= 25)
                // Each request processes its size or the bound; together they process all.
                #expect(sizes.map { min($0, processed) }.reduce(0, +) == count)
            }
        }

        @Test("Pauses follow what is left, and a service that processes nothing ends the batch")
        func nothing() async throws {
            let scene = try Scene([Self.service(processing: 0)])
            let error = await Scene.error {
                try await table(scene).batchWrite([.put(item(0)), .put(item(1))])
            }
            #expect(error?.code == .throttled)
            #expect((error?.cause as? RemoteFailure)?.unprocessed == [0, 1])
            #expect(scene.clock.sleeps == milliseconds(50, 100, 200, 400))
        }

        @Test(
            "An answer that leaves other elements unprocessed is refused: none counts as done",
            arguments: [
                #"{"PutRequest":{"Item":{"pk":{"S":"other"}}}}"#, #"{"OtherRequest":{}}"#,
                #"{"PutRequest":{"Item":{"pk":{"S":"k25"}}}}"#, #"{"PutRequest":{"Item":{}}}"#,
            ])
        func otherElements(element: String) async throws {
            let scene = try Scene([
                FakeTransport.answer(#"{"UnprocessedItems":{"t":[\#(element)]}}"#)
            ])
            let error = await Scene.error {
                try await table(scene).batchWrite((0..<26).map { .put(item($0)) })
            }
            #expect(error?.code == .invalidResponse)
            #expect(scene.transport.requests.count == 1)
        }

        @Test("An answer that leaves other keys unprocessed is refused: no item counts as absent")
        func otherKeys() async throws {
            let keys = #"{"t":{"Keys":[{"pk":{"S":"other"}}]}}"#
            let scene = try Scene([
                FakeTransport.answer(#"{"Responses":{},"UnprocessedKeys":\#(keys)}"#)
            ])
            let error = await Scene.error { _ = try await table(scene).batchGet([key(0)]) }
            #expect(error?.code == .invalidResponse)
        }

        @Test(
            "An answer with an item that was not asked for is refused: no other one is absent",
            arguments: [#"{"pk":{"S":"other"}}"#, #"{"pk":{"N":"1"}}"#, "{}"])
        func otherItem(item: String) async throws {
            let items = #"{"t":[\#(item)]}"#
            let scene = try Scene([
                FakeTransport.answer(#"{"Responses":\#(items),"UnprocessedKeys":{}}"#)
            ])
            let error = await Scene.error { _ = try await table(scene).batchGet([key(0)]) }
            #expect(error?.code == .invalidResponse)
        }

        @Test("A batch that is cancelled between two requests ends with the code of it")
        func cancelled() async throws {
            // Answers, with one of two elements unprocessed, once the task is cancelled.
            let step: FakeTransport.Step = { request in
                while !Task.isCancelled { await Task.yield() }
                return try await Self.service(processing: 1)(request)
            }
            let scene = try Scene([step])
            let writes: [BatchWrite] = [.put(item(0)), .put(item(1))]
            let table = self.table(scene)
            let task = Task { await Scene.error { try await table.batchWrite(writes) } }
            while scene.transport.requests.isEmpty { await Task.yield() }
            task.cancel()
            #expect(await task.value?.code == .cancelled)
            #expect(scene.transport.requests.count == 1)
        }

        @Test("An element that is named twice is sent once more")
        func namedTwice() async throws {
            let element = #"{"PutRequest":{"Item":{"pk":{"S":"k0"}}}}"#
            let scene = try Scene([
                FakeTransport.answer(#"{"UnprocessedItems":{"t":[\#(element),\#(element)]}}"#),
                FakeTransport.answer(#"{"UnprocessedItems":{}}"#),
            ])
            try await table(scene).batchWrite([.put(item(0)), .put(item(1))])
            let sizes = try scene.transport.bodies().map {
                $0["RequestItems"]?["t"]?.elements.count ?? 0
            }
            #expect(sizes == [2, 1])
        }

        @Test("A service without a limit may leave elements unprocessed, too")
        func withoutLimit() async throws {
            let scene = try Scene([Self.service(processing: 2)]) {
                $0.capabilities.batchWriteCountMax = .max
            }
            try await table(scene).batchWrite((0..<5).map { .put(item($0)) })
            #expect(scene.transport.requests.count == 3)
        }

        @Test("A batch names each item once")
        func duplicates() async throws {
            let scene = try Scene([FakeTransport.answer()])
            let error = await Scene.error {
                try await table(scene).batchWrite([.put(item(0)), .delete(key(0))])
            }
            #expect(error?.code == .duplicateTarget)
            #expect(scene.transport.requests.isEmpty)
        }
    }
#endif
