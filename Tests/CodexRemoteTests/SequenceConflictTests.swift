#if Remote
    import CodexCore
    import Testing

    @testable import CodexRemote
    @testable import CodexWorkspace

    /// Numbers of tasks while a transaction of another program has the sequence.
    @Suite("Conflicts at a sequence")
    struct SequenceConflictTests {
        /// A service whose sequence is behind the highest number, and cannot be raised.
        private static let service: FakeTransport.Step = { request in
            let taken = #"{"Attributes":{"last":{"N":"3"}}}"#
            let body = try JSONNode.parse(request.body)
            guard let update = body["UpdateExpression"]?.text else {
                // The highest number, or the task with the number that was taken.
                let number = body["ScanIndexForward"] == nil ? 3 : 9
                let items = #"[{"projectId":{"S":"p"},"number":{"N":"\#(number)"}}]"#
                return try await FakeTransport.answer(#"{"Items":\#(items),"Count":1}"#)(request)
            }
            let step =
                update.hasPrefix("SET")
                ? FakeTransport.refusal("TransactionConflictException")
                : FakeTransport.answer(taken)
            return try await step(request)
        }

        @Test("A sequence that others write leaves the number to the command's transaction")
        func conflict() async throws {
            let scene = try Scene([Self.service])
            let schema = CodexFlow.schema
            let table = RemoteTable(try schema.table(CodexFlow.table), scene.client)
            let fetch = TableFetch(
                table: table, entities: try EntityItems(schema, table.capabilities),
                hasMarkers: true, shardCount: 1)
            let number = try await fetch.takeTaskNumber(of: "p")
            #expect(number == nil)
            #expect(scene.transport.operations.contains("UpdateItem"))
        }
    }
#endif
