#if Remote
    import CodexCore
    import Foundation
    import Testing

    @testable import CodexRemote

    /// Answers that a service does not give, or gives rarely.
    @Suite("Unusual answers")
    struct ForeignAnswerTests {
        private static let item = #"{"pk":{"S":"a"},"sk":{"S":"b"}}"#

        @Test(
            "A number of examined items that no page has causes no trap",
            arguments: ["9223372036854775807", "-9223372036854775808", "1e3", "0"])
        func scannedCounts(count: String) async throws {
            let members = #""Items":[\#(Self.item)],"Count":1,"ScannedCount":\#(count)"#
            let scene = try Scene([
                FakeTransport.answer(#"{\#(members),"LastEvaluatedKey":\#(Self.item)}"#),
                FakeTransport.answer("{\(members)}"),
            ])
            let page = try await scene.table.items(scanning: RemoteScan())
            #expect(page.items.count == 2 && page.examinedCount >= 2)
        }

        @Test("Pages that stand still are refused")
        func standing() async throws {
            let scene = try Scene([
                FakeTransport.answer(
                    #"{"Items":[],"Count":0,"LastEvaluatedKey":\#(Self.item)}"#)
            ])
            let error = await Scene.error {
                _ = try await scene.table.items(scanning: RemoteScan())
            }
            #expect(error?.code == .invalidResponse)
            #expect(scene.transport.requests.count == 2)
        }

        @Test(
            "An answer without the items and their number is no empty result",
            arguments: [
                "{}", #"{"Items":[]}"#, #"{"Count":0}"#, #"{"Items":{},"Count":0}"#,
                #"{"Items":[],"Count":1}"#, #"{"Items":[],"Count":"0"}"#, "[]",
            ])
        func incompletePages(body: String) async throws {
            let query = TableQuery(table: "tasks", partition: ["a"])
            let scene = try Scene([FakeTransport.answer(body)])
            let queried = await Scene.error { _ = try await scene.table.items(matching: query) }
            #expect(queried?.code == .invalidResponse)
            let scanned = await Scene.error {
                _ = try await scene.table.items(scanning: RemoteScan())
            }
            #expect(scanned?.code == .invalidResponse)
        }

        @Test("An answer that does not tell what of a batch was processed is refused")
        func incompleteBatches() async throws {
            for body in ["{}", #"{"Responses":{}}"#, #"{"UnprocessedKeys":{}}"#] {
                let scene = try Scene([FakeTransport.answer(body)])
                let error = await Scene.error { _ = try await scene.table.batchGet([Scene.key]) }
                #expect(error?.code == .invalidResponse)
            }
            for body in ["{}", #"{"UnprocessedItems":[]}"#] {
                let scene = try Scene([FakeTransport.answer(body)])
                let error = await Scene.error {
                    try await scene.table.batchWrite([.put(Scene.item)])
                }
                #expect(error?.code == .invalidResponse)
            }
        }

        @Test(
            "An answer with another item than the one that was asked for is refused",
            arguments: [
                #"{"pk":{"S":"a"},"sk":{"S":"c"}}"#, #"{"pk":{"S":"c"},"sk":{"S":"b"}}"#,
                #"{"pk":{"N":"1"},"sk":{"S":"b"}}"#, #"{"pk":{"S":"a"}}"#, "{}",
            ])
        func otherItems(item: String) async throws {
            let single = try Scene([FakeTransport.answer(#"{"Item":\#(item)}"#)])
            let found = await Scene.error { _ = try await single.table.get(Scene.key) }
            #expect(found?.code == .invalidResponse)
            let responses = #"[{"Item":\#(Self.item)},{"Item":\#(item)}]"#
            let list = try Scene([FakeTransport.answer(#"{"Responses":\#(responses)}"#)])
            let keys = [Scene.key, PrimaryKey("a", "d")]
            let listed = await Scene.error { _ = try await list.table.transactionalGet(keys) }
            #expect(listed?.code == .invalidResponse)
        }

        @Test("Items in another order than their keys are not given to the wrong ones")
        func swappedItems() async throws {
            let other = #"{"pk":{"S":"a"},"sk":{"S":"d"}}"#
            let scene = try Scene([
                FakeTransport.answer(
                    #"{"Responses":[{"Item":\#(Self.item)},{},{"Item":\#(other)}]}"#)
            ])
            let (first, absent, last) = (Scene.key, PrimaryKey("x", "y"), PrimaryKey("a", "d"))
            let items = try await scene.table.transactionalGet([first, absent, last])
            #expect(items == [["pk": "a", "sk": "b"], nil, ["pk": "a", "sk": "d"]])
            let swapped = await Scene.error {
                _ = try await scene.table.transactionalGet([last, absent, first])
            }
            #expect(swapped?.code == .invalidResponse)
        }

        @Test("Keys that a projection leaves out are not compared, and the others are")
        func projectedItems() async throws {
            let cases = [
                (#"{"n":{"N":"1"}}"#, true), (#"{"sk":{"S":"b"}}"#, true),
                (#"{"sk":{"S":"c"}}"#, false), ("{}", true),
            ]
            let projection = try Projection([DocumentPath("n"), DocumentPath("sk")])
            for (item, isTaken) in cases {
                let scene = try Scene([FakeTransport.answer(#"{"Item":\#(item)}"#)])
                let error = await Scene.error {
                    _ = try await scene.table.get(Scene.key, projection: projection)
                }
                #expect(error?.code == (isTaken ? nil : .invalidResponse))
            }
        }

        @Test(
            "A query's answer with an item that has not the key of the query is refused",
            arguments: [
                (#"{"pk":{"S":"a"},"sk":{"S":"b"}}"#, .equal("b"), true),
                (#"{"pk":{"S":"c"},"sk":{"S":"b"}}"#, .equal("b"), false),
                (#"{"pk":{"S":"a"},"sk":{"S":"c"}}"#, .equal("b"), false),
                (#"{"pk":{"S":"a"},"sk":{"S":"c"}}"#, .any, true),
                (#"{"pk":{"S":"c"},"sk":{"S":"c"}}"#, .any, false), ("{}", .any, false),
                (#"{"pk":{"S":"a"}}"#, .equal("b"), false),
            ] as [(String, SortCondition, Bool)])
        func otherKeys(item: String, sort: SortCondition, isTaken: Bool) async throws {
            let scene = try Scene([FakeTransport.answer(#"{"Items":[\#(item)],"Count":1}"#)])
            let error = await Scene.error {
                _ = try await scene.table.items(
                    matching: TableQuery(table: "tasks", partition: ["a"], sort: sort))
            }
            #expect(error?.code == (isTaken ? nil : .invalidResponse))
        }

        @Test("A projection of a query may leave its key out, and numbers compare by value")
        func projectedKeys() async throws {
            let definition = TableDefinition(
                "tasks", partitionKey: KeyAttribute("pk", .number), sortKey: KeyAttribute("sk"))
            let projection = try Projection([DocumentPath("pk"), DocumentPath("n")])
            for (item, isTaken) in [
                ("{}", true), (#"{"pk":{"N":"1.0"}}"#, true), (#"{"pk":{"N":"10E-1"}}"#, true),
                (#"{"pk":{"N":"2"}}"#, false),
            ] {
                let scene = try Scene([FakeTransport.answer(#"{"Items":[\#(item)],"Count":1}"#)])
                let error = await Scene.error {
                    _ = try await RemoteTable(definition, scene.client).items(
                        matching: TableQuery(
                            table: "tasks", partition: [1], projection: projection))
                }
                #expect(error?.code == (isTaken ? nil : .invalidResponse))
            }
        }

        @Test(
            "A write's answer with another item is refused",
            arguments: [
                (#"{"pk":{"S":"a"},"sk":{"S":"b"},"n":{"N":"2"}}"#, true),
                // The attributes that were changed have no key.
                (#"{"n":{"N":"2"}}"#, true), ("{}", true),
                (#"{"pk":{"S":"a"},"sk":{"S":"c"}}"#, false),
                (#"{"pk":{"N":"1"},"sk":{"S":"b"}}"#, false),
            ])
        func otherAttributes(item: String, isTaken: Bool) async throws {
            let answer = FakeTransport.answer(#"{"Attributes":\#(item)}"#)
            let calls: [@Sendable (RemoteTable) async throws -> Item?] = [
                { try await $0.put(Scene.item, returning: .allOld) },
                { try await $0.delete(Scene.key, returning: .allOld) },
                { table in
                    try await table.update(
                        Scene.key, Update([.add("n", 1)]), returning: .allNew)
                },
            ]
            for call in calls {
                let scene = try Scene([answer])
                let error = await Scene.error { _ = try await call(scene.table) }
                #expect(error?.code == (isTaken ? nil : .invalidResponse))
            }
        }

        @Test("A stream's answer without shards or records is no end of them")
        func incompleteStreams() async throws {
            let scene = try Scene([
                FakeTransport.answer(#"{"StreamDescription":{}}"#), FakeTransport.answer(),
            ])
            let stream = RemoteStream(scene.table, arn: "arn", view: .keysOnly)
            let shards = await Scene.error { _ = try await stream.shards(after: nil) }
            #expect(shards?.code == .invalidResponse)
            let changes = await Scene.error { _ = try await stream.changes("i", of: "s", limit: 1) }
            #expect(changes?.code == .invalidResponse)
        }

        @Test(
            "A refusal without the name of an error is of another server, and is not repeated",
            arguments: ["<html>Denied</html>", "", "{}", #"{"message":"SECRET"}"#],
            [400, 403, 407, 413])
        func foreignRefusals(body: String, status: Int) async throws {
            let scene = try Scene([FakeTransport.answer(body, status: status)])
            let read = await Scene.error { _ = try await scene.table.get(Scene.key) }
            #expect(read?.code == .invalidResponse)
            #expect((read?.cause as? RemoteFailure)?.kind == .foreignAnswer)
            #expect(scene.transport.requests.count == 1)
            // What gave the answer may have let the request pass.
            let write = await Scene.error { _ = try await scene.table.put(Scene.item) }
            #expect(write?.code == .outcomeUnknown)
            #expect(scene.transport.requests.count == 2)
            #expect(!"\(String(describing: read))".contains("SECRET"))
        }

        @Test("The identifier of a request is one, and not any text of the service")
        func requestIDs() async throws {
            let long = String(repeating: "x", count: 100)
            let texts = [
                ("A1-b2", true), (long, true), (long + "x", false), ("", false), ("é", false),
                ("a user's text", false),
            ]
            for (text, isKept) in texts {
                let scene = try Scene([
                    FakeTransport.refusal("ValidationException", ["x-amzn-requestid": text])
                ])
                let error = await Scene.error { _ = try await scene.table.get(Scene.key) }
                let failure = try #require(error?.cause as? RemoteFailure)
                #expect(failure.requestID == (isKept ? text : nil))
            }
        }

        @Test("A table that was just created may be unknown for a moment")
        func creation() async throws {
            let keys =
                #"[{"AttributeName":"pk","KeyType":"HASH"},"#
                + #"{"AttributeName":"sk","KeyType":"RANGE"}]"#
            let attributes =
                #"[{"AttributeName":"pk","AttributeType":"S"},"#
                + #"{"AttributeName":"sk","AttributeType":"S"}]"#
            let scene = try Scene([
                FakeTransport.answer(), FakeTransport.refusal("ResourceNotFoundException"),
                FakeTransport.answer(
                    #"{"Table":{"TableName":"tasks","TableStatus":"ACTIVE","#
                        + #""KeySchema":\#(keys),"AttributeDefinitions":\#(attributes)}}"#),
            ])
            try await scene.table.create(
                accepting: Set(RemoteTableDesign.Omission.Reason.allCases))
            #expect(
                scene.transport.operations == ["CreateTable", "DescribeTable", "DescribeTable"])
        }
    }

    /// A person, who is found by an address.
    private struct Person: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "person", table: "people", keys: ["pk": "PERSON#{id}", "mail": "MAIL#{address}"],
            fields: [.required("id", .string), .required("address", .string)])
        var id: String
        var address: String

        /// The item of a person in DynamoDB's JSON.
        static func json(_ id: String, _ address: String) -> String {
            #"{"pk":{"S":"PERSON#\#(id)"},"mail":{"S":"MAIL#\#(address)"},"#
                + #""id":{"S":"\#(id)"},"address":{"S":"\#(address)"}}"#
        }
    }

    /// Lookups in an index that is older than the table.
    @Suite("Lookups in stale indexes")
    struct IndexLookupTests {
        private static let schema = Schema(
            tables: [
                TableDefinition(
                    "people", partitionKey: KeyAttribute("pk"),
                    indexes: [IndexDefinition("byMail", partitionKey: [KeyAttribute("mail")])])
            ], entities: [Person.definition])

        @Test("An item that has another key by now is not the one that was looked for")
        func movedAddress() async throws {
            let old = Person.json("a", "x")
            let new = Person.json("b", "x")
            let scene = try Scene([
                FakeTransport.answer(
                    #"{"Items":[\#(old)],"Count":1,"LastEvaluatedKey":\#(old)}"#),
                FakeTransport.answer(#"{"Item":\#(Person.json("a", "y"))}"#),
                FakeTransport.answer(#"{"Items":[\#(new)],"Count":1}"#),
                FakeTransport.answer(#"{"Item":\#(new)}"#),
            ])
            let people = try RemoteEntities(
                RemoteTable(try Self.schema.table("people"), scene.client), schema: Self.schema)
            let lookup = Lookup<Person>(.index("byMail", partition: ["MAIL#x"], sort: []))
            #expect(try await people.get(lookup) == Person(id: "b", address: "x"))
            #expect(scene.transport.operations == ["Query", "GetItem", "Query", "GetItem"])
        }
    }
#endif
