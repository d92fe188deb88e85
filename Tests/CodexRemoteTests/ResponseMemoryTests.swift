#if Remote
    import CodexCore
    import Foundation
    import Testing

    @testable import CodexRemote

    /// The memory that all answers of a client take together.
    @Suite("Memory of answers")
    struct ResponseMemoryTests {
        /// A table whose waiting ends by the clock of the system.
        private static func table(
            _ transport: FakeTransport, memory: Int
        ) throws -> RemoteTable {
            var options = RemoteOptions()
            options.region = "eu-central-1"
            options.credentials = StaticCredentials(accessKeyID: "KEY", secretAccessKey: "SECRET")
            options.transport = transport
            options.responseMemoryMax = memory
            return RemoteTable(Scene.definition, try RemoteClient(options))
        }

        @Test("An answer is read when there is room for its tree")
        func trees() async throws {
            let transport = FakeTransport([FakeTransport.answer()])
            let table = try Self.table(transport, memory: 100)
            let trees = table.client.trees
            try await trees.acquire(60, within: nil, SystemRemoteClock())
            // Two bytes of JSON take 64.
            let task = Task { try await table.get(Scene.key) }
            while trees.waitingCount < 1 { await Task.yield() }
            #expect(transport.requests.count == 1)
            trees.release(60)
            #expect(try await task.value == nil)
            try await trees.acquire(100, within: nil, SystemRemoteClock())
        }

        @Test("A write that waits for room, and is cancelled, has an unknown outcome")
        func cancelledWrite() async throws {
            let table = try Self.table(FakeTransport([FakeTransport.answer()]), memory: 100)
            let trees = table.client.trees
            try await trees.acquire(100, within: nil, SystemRemoteClock())
            let task = Task { await Scene.error { _ = try await table.put(Scene.item) } }
            while trees.waitingCount < 1 { await Task.yield() }
            task.cancel()
            #expect(await task.value?.code == .outcomeUnknown)
        }

        @Test("The error of an answer that found no memory in its time does not deny the request")
        func lateAnswer() async throws {
            let scene = try Scene([FakeTransport.answer()]) {
                $0.responseMemoryMax = 100
                $0.retries.attemptCountMax = 1
            }
            try await scene.client.trees.acquire(100, within: nil, scene.clock)
            let error = await Scene.error { _ = try await scene.table.put(Scene.item) }
            #expect(error?.code == .outcomeUnknown)
            let cause = try #require((error?.cause as? RemoteFailure)?.cause as? CodexError)
            #expect(cause.message.contains("RemoteOptions.responseMemoryMax"))
            #expect(!cause.message.contains("nothing was sent"))
        }

        @Test("A transport receives a body when there is room for it, and it is given back")
        func bodies() async throws {
            let gate = Gate()
            let receive: FakeTransport.Step = { request in
                try await request.room?.reserve(80, within: .seconds(60))
                await gate.wait()
                return TransportResponse(status: 200, body: Array("{}".utf8))
            }
            let table = try Self.table(FakeTransport([receive]), memory: 100)
            let tasks = (0..<3).map { _ in Task { try await table.get(Scene.key) } }
            let bodies = table.client.bodies
            while bodies.waitingCount < 2 { await Task.yield() }
            gate.open()
            for task in tasks { #expect(try await task.value == nil) }
            try await bodies.acquire(100, within: nil, SystemRemoteClock())
        }

        @Test("Answers larger than all of the memory are read one after the other")
        func largeAnswers() async throws {
            let item = #"{"pk":{"S":"a"},"sk":{"S":"b"},"n":{"N":"1"}}"#
            let transport = FakeTransport([FakeTransport.answer(#"{"Item":\#(item)}"#)])
            let table = try Self.table(transport, memory: 1)
            try await withThrowingTaskGroup(of: Item?.self) { group in
                for _ in 0..<64 { group.addTask { try await table.get(Scene.key) } }
                for try await found in group { #expect(found == Scene.item) }
            }
            #expect(table.client.trees.waitingCount == 0)
        }

        @Test("The memory of a tree is that of its text, also if it is compressed")
        func weights() throws {
            let reader = AnswerReader(byteCountMax: 5000)
            let coding = [(name: "content-encoding", value: "gzip")]
            for count in [0, 1, 4, 5] {
                let body = [UInt8](repeating: 0x20, count: count)
                let plain = TransportResponse(status: 200, body: body)
                #expect(reader.treeByteCountMax(of: plain) == 32 * count)
                let packed = TransportResponse(status: 200, headers: coding, body: body)
                #expect(reader.treeByteCountMax(of: packed) == 32 * min(5000, 1032 * count))
            }
        }
    }
#endif
